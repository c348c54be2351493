import numpy as np
import pandas as pd
import pytest

from keepfit.bundle import Bundle
from keepfit.dataset import Column
from keepfit.drift_summary import tell
from keepfit.errors import BatchError
from keepfit.passport import Passport
from keepfit.score import compute_features
from keepfit.served_rows import Served, compute_served, examine_served, number_outcome, read_served
from keepfit.serving.storage import store
from keepfit.serving.tables import open_log, prepare
from tests.logged import earlier, outcome, predicted
from tests.monitored import (
    calm_rows,
    champion,
    examined,
    flip,
    monitored_settings,
    moved_rows,
    newer_rows,
    numbering,
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return champion(tmp_path_factory.mktemp("champion"))


def raw(row) -> dict:
    return {"time": f"{row.time.isoformat()}Z", "x": row.x, "c": row.c}


def logged(*records) -> Served:
    engine = open_log("sqlite://")
    prepare(engine)
    with engine.begin() as connection:
        store(connection, records)
    return read_served(engine)


def served(rows: pd.DataFrame, *, known: int | None = None, delay: int = 60) -> list:
    """Records of rows in reverse order, as if the newest had been asked first, and of the outcomes of some."""
    told = list(rows.itertuples())
    answers = [predicted(f"p{row.Index}", at=1000 - number, row=raw(row)) for number, row in enumerate(told)]
    outcomes = [
        outcome(f"p{row.Index}", bool(row.y), at=1000 - number + delay)
        for number, row in enumerate(told[: len(told) if known is None else known])
        if row.y == row.y
    ]
    return [*outcomes, *answers]


def said(records, bundle: Bundle) -> dict:
    return examine_served(logged(*records), bundle, monitored_settings()).report


def worse_rows() -> pd.DataFrame:
    return flip(newer_rows(), 0.4)


@pytest.mark.parametrize("rows", [newer_rows, moved_rows, worse_rows])
def test_served_traffic_is_judged_as_the_same_rows_from_a_file_are(bundle, rows):
    found, wanted = said(served(rows()), bundle), examined(rows(), bundle).report
    assert found.pop("log")["with_outcome"] == rows().y.notna().sum()
    assert found == wanted


def test_coverage_and_delay_are_told_and_rows_without_outcome_count_as_inputs(bundle):
    found = said(served(newer_rows(), known=50, delay=7200), bundle)
    assert found["log"] == {
        "rows": 200,
        "with_outcome": 50,
        "coverage": 0.25,
        "delay": {"median": 7200.0, "p95": 7200.0},
        "left_out": {},
    }
    assert (found["batch"]["rows"], found["batch"]["labelled"]) == (200, 50)
    assert ("served rows", "200, 25.0% with their outcome, median 2.0 hours later, p95 2.0 hours later") in tell(found)


def test_what_the_challenger_said_is_left_out_and_a_canary_counts_once_with_the_outcome_of_either(bundle):
    rows = newer_rows()
    records = served(rows, known=0)
    first = raw(next(rows.itertuples()))
    same = {"request": "request of p0", "row": first}
    records += [predicted("shadow", role="challenger", **same), predicted("canary", role="canary", **same)]
    records += [outcome("canary", True)]
    found = said(records, bundle)["log"]
    assert (found["rows"], found["with_outcome"], found["left_out"]) == (200, 1, {"of the challenger": 1})


def test_the_same_row_asked_again_counts_once_with_its_outcome(bundle):
    rows = newer_rows()
    again = predicted("again", at=5000, row=raw(next(rows.itertuples())))
    found = said([*served(rows, known=0), again, outcome("again", True, at=5060)], bundle)["log"]
    assert (found["rows"], found["with_outcome"], found["left_out"]) == (200, 1, {"asked again": 1})


def test_rows_that_the_champion_learned_from_are_left_out(bundle):
    found = said(served(calm_rows()), bundle)
    assert found["log"]["rows"] == 200
    assert found["log"]["left_out"] == {"not newer than the training": 500}


def test_rows_of_a_model_that_asked_for_other_columns_are_left_out(bundle):
    found = said([*served(newer_rows()), predicted("old", row={"x": 1.0})], bundle)["log"]
    assert (found["rows"], found["left_out"]) == (200, {"with other columns": 1})


@pytest.mark.parametrize("records", [[], [predicted("old", row={"x": 1.0})], [outcome("nobody", True)]])
def test_nothing_served_is_too_little_data(bundle, records):
    found = said(records, bundle)
    assert (found["verdict"], found["status"], found["log"]["rows"]) == ("insufficient-data", 5, 0)
    assert tell(found)[-1][0] in ("served rows", "left out")


def test_a_personal_column_that_features_need_stops_the_check(bundle):
    request = bundle.passport.request
    hidden = request.model_copy(update={"columns": request.columns | {"c": Column(type="category", pii="drop")}})
    other = Bundle(bundle.folder, bundle.passport.model_copy(update={"request": hidden}), bundle.digest)
    with pytest.raises(BatchError, match=r"^c: marked pii"):
        examine_served(logged(*served(newer_rows())), other, monitored_settings())


@pytest.mark.parametrize(
    ("value", "classes", "label"),
    [
        (True, (), 1.0),
        (False, (), 0.0),
        ("late", ("on time", "late"), 1.0),
        (12.5, (), 12.5),
        ("gone", ("a", "b"), None),
    ],
)
def test_an_outcome_is_the_label_itself(bundle, value, classes, label):
    found = number_outcome(value, bundle.passport.model_copy(update={"classes": classes}))
    assert np.isnan(found) if label is None else found == label


def without_time(rows: pd.DataFrame, *, delay: int) -> list:
    """Records of rows in the order of their requests, and before them those of their outcomes, the last first."""
    told = list(rows.itertuples())
    answers = [predicted(f"p{row.Index}", at=1000 + row.Index, row={"x": row.x, "c": row.c}) for row in told]
    known = [row for row in told if row.y == row.y]
    outcomes = [outcome(f"p{row.Index}", bool(row.y), at=1000 + row.Index + delay) for row in known]
    return [*outcomes[::-1], *answers]


@pytest.mark.parametrize("rows", [newer_rows, moved_rows])
def test_of_a_table_without_a_time_the_order_of_the_requests_is_that_of_the_rows(timeless, numbered, rows):
    assert timeless.passport.request.time is None
    found = examine_served(logged(*without_time(rows(), delay=86_400)), timeless, numbered).report
    wanted = examined(numbering(rows()), timeless, numbered).report
    labelled = int(rows().y.notna().sum())
    assert found.pop("log") == {
        "rows": 200,
        "with_outcome": labelled,
        "coverage": labelled / 200,
        "delay": {"median": 86_400.0, "p95": 86_400.0},
        "left_out": {},
    }
    assert found == wanted


def test_without_a_time_a_row_that_was_asked_twice_is_two_rows(timeless, numbered):
    rows = newer_rows().assign(y=np.nan)
    again = predicted("again", at=5000, row={"x": float(rows.x[0]), "c": rows.c[0]})
    found = examine_served(logged(*without_time(rows, delay=1), again), timeless, numbered).report["log"]
    assert (found["rows"], found["with_outcome"], found["delay"]) == (201, 0, {})


@pytest.fixture
def market(bundle: Bundle) -> Passport:
    """A passport whose features look back on 63 days."""
    columns = {name: Column(type="float") for name in ("High", "Low", "Close", "Volume")}
    changes = {"time": "Date", "module": "sp500", "used_as_they_are": (), "look_back": 63}
    request = bundle.passport.request.model_copy(
        update=changes | {"columns": {"Date": Column(type="datetime"), **columns}}
    )
    return bundle.passport.model_copy(update={"request": request, "features": ("log_rv_63",), "classes": ()})


def days(count: int, *, seed: int = 0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(draw.normal(scale=0.01, size=count)))
    moments = pd.date_range(f"202{seed}-01-01", periods=count)
    return pd.DataFrame({"Date": moments, "High": close * 1.01, "Low": close * 0.99, "Close": close, "Volume": 1e6})


def ask(rows: pd.DataFrame, name: str) -> list:
    """A request that scores all rows that have their look-back."""
    told = [row | {"Date": row["Date"].isoformat()} for row in rows.to_dict("records")]
    return [
        predicted(f"{name}{number}", request=name, number=number, row=row)
        if number >= 63
        else earlier(name, number, row=row)
        for number, row in enumerate(told)
    ]


def computed(records, passport: Passport) -> tuple[list[float], dict[str, int]]:
    table, left_out = compute_served(logged(*records), passport, passport.request.columns["Date"], "Date")
    return (table["feature log_rv_63"].tolist() if len(table) else []), {k: v for k, v in left_out.items() if v}


def test_rows_look_back_on_those_of_their_own_request(market):
    one, other = days(66), days(65, seed=1)
    wanted = [*compute_features(one, market)["log_rv_63"], *compute_features(other, market)["log_rv_63"]]
    found, left_out = computed([*ask(other, "b"), *ask(one, "a")], market)
    assert found == pytest.approx(wanted, rel=1e-12)
    assert left_out == {}


def test_a_day_that_two_requests_scored_counts_once(market):
    rows = days(66)
    found, left_out = computed([*ask(rows, "a"), *ask(rows[1:].reset_index(drop=True), "b")], market)
    assert found == pytest.approx(compute_features(rows, market)["log_rv_63"].tolist(), rel=1e-12)
    assert left_out == {"asked again": 2}


def test_a_row_whose_history_was_erased_is_left_out(market):
    found, left_out = computed([each for each in ask(days(65), "a") if each.number != 0], market)
    assert (len(found), left_out) == (1, {"without their look-back": 1})
