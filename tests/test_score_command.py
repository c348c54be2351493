"""`keepfit score`: files of any size get the scores of the pipeline."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from keepfit.compiled.parity import as_values
from keepfit.compiled.scorer import load_scorer
from keepfit.score import score_rows
from keepfit.scoring.chunks import Chunk
from keepfit.scoring.rules import judge
from keepfit.scoring.tables import set_aside
from keepfit.validate import validate
from tests.champions import draw_rows, packed, settings_of
from tests.scored import FLIGHTS, SP500, ask, read, refuse, write

pytestmark = pytest.mark.usefixtures("small_chunks")


@pytest.mark.parametrize("case", [FLIGHTS, SP500, ("flights", "random_forest", "multiclass")], ids=str)
@pytest.mark.parametrize("kinds", [(".csv", ".parquet"), (".parquet", ".csv")], ids=str)
def test_a_file_has_the_scores_of_the_pipeline_and_of_single_rows_bit_for_bit(case, kinds, tmp_path: Path):
    bundle, servable, rows = packed(*case)
    source = write(rows, tmp_path / f"rows{kinds[0]}")
    out = tmp_path / f"scores{kinds[1]}"
    ask(source, out, champion=bundle)
    found, expected = read(out), score_rows(bundle, rows)
    assert list(found.row) == list(expected.index)
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])
    assert set(found.version) == {bundle.passport.version}
    assert set(found.digest) == {bundle.digest}
    assert set(found.source) == {str(source)}
    if not bundle.passport.request.look_back:
        scorer = load_scorer(bundle, servable)
        singles = [scorer.score_row(values) for values in as_values(rows[list(bundle.passport.request.columns)])]
        np.testing.assert_array_equal(found.score, np.array(singles).reshape(len(rows), -1).max(axis=1))


def test_a_look_back_reaches_over_chunks_and_files(tmp_path: Path):
    bundle, _, rows = packed(*SP500)
    write(rows[:150], tmp_path / "a.csv")
    write(rows[150:], tmp_path / "b.parquet")
    told = ask(f"{tmp_path}/[ab].*", tmp_path / "out.csv", champion=bundle)
    found, expected = read(tmp_path / "out.csv"), score_rows(bundle, rows)
    np.testing.assert_array_equal(found.score, expected.score)
    assert list(found.row) == [*range(63, 150), *range(len(rows) - 150)]
    assert "63 rows were history only" in told


BAD = {"hour": 25, "distance": np.nan, "temp": 500.0, "origin": None}


def test_bad_rows_are_set_aside_with_the_reasons_of_the_pipeline(tmp_path: Path):
    bundle, _, rows = packed(*FLIGHTS)
    bad = rows.astype({"origin": object, "scheduled": object})
    for place, (name, value) in enumerate(BAD.items()):
        bad.loc[100 * place + 7, name] = value
    bad.loc[7, "minute"] = 99
    bad.loc[600, "scheduled"] = "soon"
    told = ask(write(bad, tmp_path / "rows.csv"), tmp_path / "out.csv", champion=bundle)
    aside = read(tmp_path / "out.quarantine.csv")
    assert "5 rows set aside" in told
    assert list(aside.row) == [7, 107, 207, 307, 600]
    assert aside.reasons[0] == "hour: above 23; minute: above 59"
    assert list(aside.reasons[1:]) == [
        "distance: missing",
        "temp: above 120",
        "origin: missing",
        "scheduled: not a value of type datetime",
    ]
    assert aside.hour[0] == 25
    kept = read(tmp_path / "out.csv")
    good = score_rows(bundle, rows).drop(index=list(aside.row))
    np.testing.assert_array_equal(kept.score, good.score)


def test_the_rules_are_those_of_the_validate_stage():
    bundle, _, _ = packed(*FLIGHTS)
    request = bundle.passport.request
    rows = draw_rows(settings_of("flights", "naive")).astype(object)
    generator = np.random.default_rng(5)
    spoil = [None, "x", 1e9, -1e9, 3.5, np.inf, "7"]
    for name in rows.columns.difference(["carrier", "dest", "origin", "scheduled"]):
        for place, value in zip(generator.integers(len(rows), size=len(spoil)), spoil, strict=True):
            rows.loc[place, name] = value
    rows.loc[[11, 12], "scheduled"] = ["soon", None]
    dataset = settings_of("flights", "naive").dataset
    # A category that is new is scored, and no row is a repeated one to itself.
    columns = {name: column.model_copy(update={"allowed": None}) for name, column in request.columns.items()}
    expected = validate(rows, dataset.model_copy(update={"columns": columns, "keys": ()})).quarantine
    found = judge(rows, request).reasons
    assert len(found) > 30
    assert sorted("; ".join(sorted(each.split("; "))) for each in found) == sorted(expected.reasons)


def test_a_feature_that_is_infinite_costs_its_own_row_alone(tmp_path: Path, monkeypatch):
    bundle, _, rows = packed(*FLIGHTS)
    import features.flights as module

    def gust(wind_gust, wind_speed):
        return np.log(wind_speed.where(wind_speed.index != 3, 0.0))

    monkeypatch.setattr(module.gust, "feature", module.gust.feature.__class__(gust, ("wind_gust", "wind_speed")))
    calm = rows.assign(wind_speed=rows.wind_speed.fillna(3).clip(lower=1))
    ask(write(calm[:50], tmp_path / "rows.csv"), tmp_path / "out.csv", champion=bundle)
    assert list(read(tmp_path / "out.quarantine.csv").row) == [3]
    assert len(read(tmp_path / "out.csv")) == 49


def test_an_earlier_quarantine_does_not_stay_where_nothing_is_set_aside(tmp_path: Path):
    bundle, _, rows = packed(*FLIGHTS)
    (tmp_path / "out.quarantine.csv").write_text("old")
    ask(write(rows, tmp_path / "rows.csv"), tmp_path / "out.csv", champion=bundle)
    assert not (tmp_path / "out.quarantine.csv").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "rows.csv"]


@pytest.mark.parametrize("name", ["row", "score", "score:yes"])
def test_a_column_that_the_output_has_by_itself_is_not_kept_in_its_place(name: str, tmp_path: Path):
    bundle, _, rows = packed(*FLIGHTS)
    source = write(rows.assign(**{name: "theirs"}), tmp_path / "in.csv")
    said = refuse("--keep", name, source, tmp_path / "out.csv", champion=bundle)
    assert f"--keep {name}: the output has" in said


def test_rows_that_are_set_aside_keep_their_own_columns_beside_their_place():
    rows = pd.DataFrame({"row": ["theirs"], "x": [1.5]}, index=[7])
    table = set_aside(Chunk(Path("in.csv"), 100, rows), pd.Series("x: above 1", index=[7])).to_pylist()
    assert table == [{"source": "in.csv", "keepfit_row": 107, "reasons": "x: above 1", "row": "theirs", "x": "1.5"}]


def test_columns_of_the_input_can_be_kept(tmp_path: Path):
    bundle, _, rows = packed(*FLIGHTS)
    named = rows.assign(note=[f"n{place}" for place in range(len(rows))])
    ask("--keep", "note", "--keep", "carrier", write(named, tmp_path / "r.csv"), tmp_path / "o.csv", champion=bundle)
    found = read(tmp_path / "o.csv")
    assert list(found.note) == list(named.note)
    assert list(found.carrier) == list(named.carrier)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("nowhere.csv", "out.csv"), "nowhere.csv: no such file"),
        (("none*.csv", "out.csv"), "none*.csv: no such file"),
        (("rows.csv", "out.txt"), "format '.txt'; allowed: .csv, .parquet"),
        (("rows.csv", "rows.csv"), "is one of the inputs"),
        (("rows.csv",), "two names are needed"),
    ],
)
def test_a_wrong_name_is_one_line(names, told, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bundle, _, rows = packed(*FLIGHTS)
    write(rows[:3], tmp_path / "rows.csv")
    assert told in refuse(*names, champion=bundle)


def test_a_file_whose_name_could_be_a_pattern_is_read_where_it_is_there(tmp_path: Path):
    bundle, _, rows = packed(*FLIGHTS)
    write(rows[:3], tmp_path / "rows1.csv")
    source = write(rows[:5], tmp_path / "rows[1].csv")
    assert "5 rows scored" in ask(source, tmp_path / "out.csv", champion=bundle)
    source.unlink()
    assert "3 rows scored" in ask(source, tmp_path / "out.csv", champion=bundle)


@pytest.mark.parametrize("kind", [".csv", ".parquet"])
def test_a_missing_column_is_named(kind, tmp_path: Path):
    bundle, _, rows = packed(*FLIGHTS)
    source = write(rows.drop(columns=["temp"]), tmp_path / f"rows{kind}")
    assert "temp" in refuse(source, tmp_path / "out.csv", champion=bundle)


@pytest.mark.parametrize("kind", [".csv", ".parquet"])
def test_a_file_without_a_row_gives_no_file(kind, tmp_path: Path):
    bundle, _, rows = packed(*FLIGHTS)
    told = ask(write(rows[:0], tmp_path / f"rows{kind}"), tmp_path / "out.csv", champion=bundle)
    assert "0 rows scored" in told


def test_reading_many_row_groups_holds_no_more_than_one(tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from keepfit.scoring.chunks import read_chunks

    bundle, _, rows = packed(*FLIGHTS)
    many = pa.Table.from_pandas(pd.concat([rows] * 200, ignore_index=True), preserve_index=False)
    pq.write_table(many, tmp_path / "rows.parquet", row_group_size=5000)
    held = [
        pa.total_allocated_bytes()
        for _ in read_chunks(tmp_path / "rows.parquet", bundle.passport.request, (), size=5000, skip=0)
    ]
    assert len(held) == 28
    assert max(held[-5:]) - max(held[:5]) < 1_000_000
