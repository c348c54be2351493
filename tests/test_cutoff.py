"""Cut-off: moves forward by what was declared, and never past today."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepfit.cutoff import next_cutoff, parse_cutoff
from keepfit.errors import SettingsError

TODAY = date(2018, 6, 30)


@pytest.mark.parametrize(
    ("until", "advance", "moved"),
    [
        (date(2017, 12, 29), "91D", date(2018, 3, 30)),
        (date(2018, 6, 1), "91D", TODAY),
        (date(2018, 6, 1), "today", TODAY),
        (date(2018, 6, 1), "6h", date(2018, 6, 2)),
        (TODAY, "7D", TODAY),
        (date(2019, 1, 1), "7D", date(2019, 1, 1)),
        (date(2019, 1, 1), "today", date(2019, 1, 1)),
        (datetime(2018, 6, 1, 12), "6h", datetime(2018, 6, 1, 18)),
        (None, "today", None),
        (None, "7D", None),
    ],
)
def test_the_cutoff_moves_by_what_was_declared_and_never_past_today(until, advance, moved):
    assert next_cutoff(until, advance, today=TODAY) == moved


@given(st.dates(date(2000, 1, 1), date(2030, 1, 1)), st.sampled_from(["today", "1D", "7D", "91D", "1h"]))
def test_it_never_goes_back(until, advance):
    assert next_cutoff(until, advance, today=TODAY) >= until


def test_a_number_of_rows_is_refused():
    with pytest.raises(SettingsError, match=r"retrain\.advance"):
        next_cutoff(TODAY, 63, today=TODAY)


@pytest.mark.parametrize("text", ["tomorrow", "2018-13-01", "", "2018-02-30"])
def test_what_is_no_date_is_refused_by_name(text):
    with pytest.raises(SettingsError, match="cut-off"):
        parse_cutoff(text)
