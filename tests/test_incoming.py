import numpy as np
import pandas as pd
import pytest

from keepfit.bundle import Bundle
from keepfit.errors import BatchError
from keepfit.incoming import examine_raw, read_rows
from tests.monitored import (
    calm_rows,
    champion,
    examined,
    monitored_settings,
    newer_rows,
    numbering,
)
from tests.toys import toy_dataset, toy_settings

PAST = calm_rows()[:500]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return champion(tmp_path_factory.mktemp("champion"))


def said(raw: pd.DataFrame, bundle: Bundle, **overrides) -> dict:
    return examine_raw(raw, PAST, bundle, monitored_settings(**overrides)).report


def test_raw_rows_are_judged_as_the_graph_judges_them(bundle):
    assert said(newer_rows(), bundle) == examined(newer_rows(), bundle).report


def test_rows_as_text_from_a_file_are_judged_alike(bundle, tmp_path):
    newer_rows().to_csv(tmp_path / "rows.csv", index=False)
    assert (
        said(read_rows(tmp_path / "rows.csv", toy_dataset()), bundle)["checks"] == said(newer_rows(), bundle)["checks"]
    )


def test_not_one_row_is_too_little_data(bundle):
    assert said(newer_rows()[:0], bundle)["status"] == 5


def test_a_missing_column_is_broken_data_and_named(bundle):
    found = said(newer_rows().drop(columns="x"), bundle)
    assert (found["verdict"], found["status"]) == ("data-quality", 4)
    assert "missing column x" in found["why"]


def test_a_missing_outcome_column_only_hides_how_well_the_model_does(bundle):
    found = said(newer_rows().drop(columns="y"), bundle)
    assert (found["verdict"], found["status"]) == ("insufficient-data", 5)
    assert found["batch"]["labelled"] == 0


@pytest.mark.parametrize("values", [["many"] * 200, [None] * 200, [np.inf] * 200], ids=["text", "null", "infinite"])
def test_values_of_another_type_are_broken_data(bundle, values):
    found = said(newer_rows().assign(x=values), bundle)
    assert (found["verdict"], found["status"]) == ("data-quality", 4)
    assert "x" in found["why"]


def test_rows_that_the_champion_learned_from_are_refused(bundle):
    with pytest.raises(
        BatchError, match=r"^29 of 229 rows are not newer than 2021-05-14 00:00:00, up to which champion"
    ):
        said(calm_rows()[471:], bundle)


def test_a_bundle_of_another_dataset_is_refused(bundle):
    settings = toy_settings(**{"dataset.name": "other"})
    with pytest.raises(
        BatchError, match=r"answers \('toy', 'binary', 'y'\), params\.yaml asks \('other', 'binary', 'y'\)"
    ):
        examine_raw(newer_rows(), PAST, bundle, settings)


def test_a_bad_row_or_two_are_set_aside_and_the_others_judged(bundle):
    rows = newer_rows().astype({"x": object})
    rows.loc[5, "x"] = "oops"
    found = said(rows, bundle)
    assert found["verdict"] == "ok"
    assert found["batch"] == {**found["batch"], "rows": 199, "set_aside": 1}


def test_rows_set_aside_count_however_their_times_are_written(bundle):
    rows = newer_rows().astype({"x": object})
    rows.loc[185:194, "x"] = "oops"
    declared = {"type": "datetime", "format": "%d.%m.%Y"}
    written = rows.assign(time=rows.time.dt.strftime(declared["format"]))
    found = said(written, bundle, **{"dataset.columns.time": declared})
    assert (found["verdict"], found["status"]) == ("data-quality", 4)
    assert found == said(rows, bundle)


@pytest.mark.parametrize("row", ["counted", "given"])
def test_rows_without_a_time_are_numbered_on_from_the_training_where_they_are_not_yet(row, timeless, numbered):
    came = numbering(newer_rows())
    raw = came.drop(columns="row") if row == "counted" else came
    found = examine_raw(raw, numbering(PAST), timeless, numbered).report
    assert found == examined(came, timeless, numbered).report


def test_bad_rows_without_a_time_are_set_aside_where_they_stand(timeless, numbered):
    rows = newer_rows().drop(columns="time").astype({"x": object})
    rows.loc[185:194, "x"] = "oops"
    found = examine_raw(rows, numbering(PAST), timeless, numbered).report
    assert (found["verdict"], found["batch"]["set_aside"]) == ("data-quality", 10)


def test_a_feed_that_stopped_is_broken_data(bundle):
    late = newer_rows().time.iloc[-1] + pd.Timedelta(days=9)
    settings = monitored_settings(**{"dataset.freshness": "7D"})
    found = examine_raw(newer_rows(), PAST, bundle, settings, now=late).report
    assert found["status"] == 4
    assert "dataset.freshness" in found["why"]
