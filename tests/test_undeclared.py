"""What `keepfit init` proposes for a file takes the values that the file has: zeros, long ids and `NA` stay."""

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from keepfit.dataset import FileSource
from keepfit.ingest import cut
from keepfit.propose import propose
from keepfit.propose_splits import Bounds
from keepfit.sources import read_source
from keepfit.undeclared import read_undeclared
from keepfit.validate import validate

BOUNDS = Bounds(min_rows=100, folds=4, judged_rows=200, quota=0.01)
N = 600
FIRST = 745000000000000000


def tweets() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "when": pd.date_range("2024-01-01", periods=N, freq="h").astype(str),
            "tweet_id": [str(FIRST + n) for n in range(N)],
            "zip": draw.choice(["01009", "1009", "00501", "20001"], N),
            "account": [str(FIRST + n) for n in draw.integers(0, 9, N)],
            "country": draw.choice(["NA", "DE", "FR"], N),
            "holed": np.where(draw.uniform(size=N) < 0.1, "", draw.integers(0, 5, N).astype(str)),
            "amount": draw.normal(size=N).round(3).astype(str),
            "rate": np.where(draw.uniform(size=N) < 0.1, "NA", "1.5"),
            "y": draw.choice(["yes", "no"], N),
        }
    )


def source_of(path: Path) -> FileSource:
    return FileSource(kind="file", path=str(path), watch=str(path))


def write(rows: pd.DataFrame, path: Path) -> FileSource:
    if path.suffix == ".csv":
        rows.to_csv(path, index=False)
    else:
        ids = {"tweet_id", "account"}
        lines = [{name: int(v) if name in ids else v for name, v in row.items()} for row in rows.to_dict("records")]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return source_of(path)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_what_is_proposed_of_a_file_lets_its_rows_through_with_their_values(kind, tmp_path):
    source = write(tweets(), tmp_path / f"tweets.{kind}")
    frame = read_undeclared(source)
    found = propose(frame, name="t", source=source, target="y", time=None, task=None, bounds=BOUNDS).dataset
    types = {name: column.type for name, column in found.columns.items()}
    assert types == {**types, "tweet_id": "category", "zip": "category", "account": "category", "country": "category"}
    assert found.keys == ("tweet_id",)
    assert not found.columns["country"].nullable
    done = validate(cut(read_source(found.source, categories=found.categories), found), found)
    assert done.report["reasons"] == {}
    for name in ("tweet_id", "zip", "account", "country"):
        assert done.valid[name].tolist() == tweets()[name].tolist()


def test_numbers_and_texts_that_lose_nothing_are_read_once(tmp_path, monkeypatch):
    rows = tweets().drop(columns=["zip", "account", "country", "tweet_id"])
    source = write(rows, tmp_path / "plain.csv")
    plain = read_source(source, exact=False)
    reads = []
    monkeypatch.setattr("keepfit.undeclared.read_source", lambda *_, **options: reads.append(options) or plain)
    assert read_undeclared(source) is plain
    assert reads == [{"exact": False}]


def test_a_word_among_numbers_or_truths_is_a_missing_value_still(tmp_path):
    rows = tweets().assign(flag=["true", "NA", "false"] * (N // 3), mixed=["1", "lots", "NA"] * (N // 3))
    frame = read_undeclared(write(rows, tmp_path / "rows.csv"))
    assert frame.flag.isna().sum() == N // 3
    assert frame.rate.dtype == float
    assert frame.holed.dtype == float
    assert frame.zip.tolist() == rows.zip.tolist()


def test_files_of_other_columns_and_odd_lines_are_looked_through(tmp_path):
    (tmp_path / "a.csv").write_text('n,x\n1,2\n\n3\n"4",5\n')
    (tmp_path / "b.csv").write_text('n,"y\nz"\n007,"a\nb"\n')
    frame = read_undeclared(source_of(tmp_path / "*.csv"))
    assert frame.n.tolist() == ["1", "3", "4", "007"]


def test_a_compressed_file_is_refused_as_before(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"n\n01\n"))
    with pytest.raises(Exception, match="format unknown"):
        read_undeclared(source_of(tmp_path / "a.csv.gz"))
