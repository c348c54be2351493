"""A real server, `keepfit score` and the pipeline give the same rows the same scores."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from keepfit.bundle import Bundle
from keepfit.cli import app
from keepfit.score import score_rows
from keepfit.servable import as_json
from tests.champions import packed
from tests.service.traffic import Server, serving

pytestmark = pytest.mark.slow
CASES = [
    ("flights", "hist_gradient_boosting", None),
    ("sp500", "hist_gradient_boosting", None),
    ("flights", "random_forest", "multiclass"),
]
SINGLES = 40


def written(rows: pd.DataFrame, bundle: Bundle) -> list[dict[str, Any]]:
    columns = bundle.passport.request.columns
    return [
        {name: as_json(value, columns[name]) for name, value in zip(columns, row, strict=True)}
        for row in rows[list(columns)].itertuples(index=False, name=None)
    ]


def asked(server: Server, body: Any) -> list[dict[str, Any]]:
    status, answer = server.ask("POST", "/predict", body)
    assert status == 200, answer
    return json.loads(answer)["predictions"]


def scored(bundle: Bundle, rows: pd.DataFrame, folder: Path) -> pd.DataFrame:
    source, out = folder / "rows.parquet", folder / "scores.parquet"
    rows.to_parquet(source, index=False)
    result = CliRunner().invoke(app, ["score", str(source), str(out), "--champion", str(bundle.folder)])
    assert result.exit_code == 0, result.output
    return pd.read_parquet(out)


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(filter(None, case)))
def test_a_request_of_many_rows_or_of_one_and_a_file_have_the_pipelines_very_scores(case, tmp_path: Path):
    bundle, servable, rows = packed(*case)
    # As packaging found: then the bits are the same.
    assert (servable.parity.compiled, servable.parity.difference) == (True, 0.0)
    expected = score_rows(bundle, rows)
    file = scored(bundle, rows, tmp_path)
    bodies = written(rows, bundle)
    with serving(bundle.folder, workers=1) as server:
        many = asked(server, {"rows": bodies})
        ones = [] if bundle.passport.request.look_back else [asked(server, body)[0] for body in bodies[:SINGLES]]
    assert [each["row"] for each in many] == list(file.row) == list(expected.index)
    assert [each["score"] for each in many] == list(file.score) == list(expected.score)
    assert [each["score"] for each in ones] == list(expected.score[: len(ones)])
    assert [each["decision"] for each in many] == list(file.decision) == list(expected.decision)
    for name in bundle.passport.classes if bundle.passport.task == "multiclass" else ():
        assert [each["scores"][name] for each in many] == list(file[f"score:{name}"]) == list(expected[f"score:{name}"])
