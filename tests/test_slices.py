import numpy as np
import pandas as pd
import pytest

from keepfit.errors import MissingColumn, SettingsError
from keepfit.objective import Slice
from keepfit.slices import slice_rows

FEATURES = pd.DataFrame(
    {
        "x": [-1.0, 0.0, 0.5, 1.0, 2.0, np.nan],
        "c": pd.Categorical(["b", "a", "b", None, "a", "b"], categories=["a", "b", "never"]),
    }
)


def cut(*slices: Slice) -> dict[str, list[int]]:
    """The positions of the rows of each part, by its name."""
    return {part.name: list(np.flatnonzero(part.rows)) for part in slice_rows(FEATURES, slices)}


def test_edges_cut_a_number_and_belong_to_the_part_below():
    assert cut(Slice(column="x", edges=(0, 1), tolerance=0.1)) == {
        "x (-inf, 0.0]": [0, 1],
        "x (0.0, 1.0]": [2, 3],
        "x (1.0, inf]": [4],
    }


def test_a_category_is_cut_by_its_values_without_those_that_no_row_has():
    assert cut(Slice(column="c", tolerance=0.1)) == {"c a": [1, 4], "c b": [0, 2, 5]}


def test_a_number_without_edges_is_cut_by_its_values():
    assert cut(Slice(column="x", tolerance=0.1))["x 0.5"] == [2]
    assert len(cut(Slice(column="x", tolerance=0.1))) == 5


def test_parts_that_no_row_is_in_are_left_out():
    assert cut(Slice(column="x", edges=(5, 9), tolerance=0.1)) == {"x (-inf, 5.0]": [0, 1, 2, 3, 4]}


def test_edges_may_come_in_any_order_and_twice():
    unsorted = cut(Slice(column="x", edges=(1, 0, 1), tolerance=0.1))
    assert unsorted == cut(Slice(column="x", edges=(0, 1), tolerance=0.1))


def test_each_slice_brings_its_own_tolerance():
    parts = slice_rows(FEATURES, (Slice(column="x", edges=(0,), tolerance=0.1), Slice(column="c", tolerance=0.3)))
    assert [(part.name, part.tolerance) for part in parts] == [
        ("x (-inf, 0.0]", 0.1),
        ("x (0.0, inf]", 0.1),
        ("c a", 0.3),
        ("c b", 0.3),
    ]


def test_no_slices_are_no_parts():
    assert slice_rows(FEATURES, ()) == []


def test_a_slice_of_a_column_that_is_no_feature_is_named():
    with pytest.raises(MissingColumn, match=r"^objective\.slices: 'region' is not a feature: x, c$"):
        slice_rows(FEATURES, (Slice(column="region", tolerance=0.1),))


def test_edges_on_a_category_are_named():
    with pytest.raises(SettingsError, match=r"^objective\.slices: 'c' holds categories; edges are for numbers$"):
        slice_rows(FEATURES, (Slice(column="c", edges=(1,), tolerance=0.1),))
