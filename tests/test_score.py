"""One feature code: raw rows get the scores that the fitted pipeline gives on the feature table, bit for bit."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from features import sp500 as market
from keepfit.bundle import Bundle
from keepfit.errors import MissingColumn, TooFewRows, UnorderedRows
from keepfit.features import LABEL
from keepfit.score import score_rows
from keepfit.scores import predict_scores
from keepfit.settings import Settings
from keepfit.validate import validate
from tests.bundles import train_bundle
from tests.toys import BOOSTED, REGRESSION, toy_amounts, toy_rows, toy_settings, toy_table

SP500 = Path(__file__).resolve().parent.parent / "conf" / "dataset" / "sp500.yaml"


@dataclass(frozen=True)
class UseCase:
    """Raw rows, the feature table that the graph makes of them, and a model of it."""

    raw: pd.DataFrame
    table: pd.DataFrame
    bundle: Bundle

    @property
    def expected(self) -> np.ndarray:
        """What the fitted pipeline gives on the feature table."""
        passport = self.bundle.passport
        return predict_scores(self.bundle.model, self.table[list(passport.features)], passport.task)

    def request(self, rows: slice = slice(None)) -> pd.DataFrame:
        """Raw rows after their way through JSON, without the label, which no request has."""
        names = list(self.bundle.passport.request.columns)
        return pd.DataFrame(
            json.loads(json.dumps(self.raw[names][rows].to_dict("records"), default=str)), columns=names
        )


def use_case(raw: pd.DataFrame, settings: Settings, folder: Path) -> UseCase:
    valid = validate(raw, settings.dataset).valid
    table = toy_table(valid, settings)
    return UseCase(raw, table, train_bundle(folder, table, settings, valid=valid))


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> UseCase:
    return use_case(toy_rows(), toy_settings(), tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def boosted(tmp_path_factory) -> UseCase:
    return use_case(toy_rows(), toy_settings(model=BOOSTED), tmp_path_factory.mktemp("boosted"))


@pytest.fixture(scope="module")
def amounts(tmp_path_factory) -> UseCase:
    return use_case(toy_amounts(), toy_settings(**REGRESSION), tmp_path_factory.mktemp("amounts"))


@pytest.fixture(scope="module")
def sp500(tmp_path_factory) -> UseCase:
    settings = toy_settings(dataset=yaml.safe_load(SP500.read_text()), model=BOOSTED, **{"train.holdout": 250})
    return use_case(market.load().reset_index()[:1500], settings, tmp_path_factory.mktemp("sp500"))


@pytest.fixture(params=["toy", "boosted", "amounts", "sp500"])
def each(request) -> UseCase:
    return request.getfixturevalue(request.param)


def test_raw_rows_get_the_scores_of_the_feature_table(each: UseCase):
    history = each.bundle.passport.request.look_back
    scored = score_rows(each.bundle, each.request())
    np.testing.assert_array_equal(scored.score, each.expected[history:])
    assert scored.score.nunique() > 100


def test_the_newest_rows_alone_get_the_same_scores(each: UseCase):
    history = each.bundle.passport.request.look_back
    scored = score_rows(each.bundle, each.request(slice(-(history + 25), None)))
    np.testing.assert_array_equal(scored.score, each.expected[-25:])


def test_one_row_with_just_its_history_gets_the_same_score(each: UseCase):
    history = each.bundle.passport.request.look_back
    scored = score_rows(each.bundle, each.request(slice(-(history + 1), None)))
    assert list(scored.score) == [each.expected[-1]]


def test_the_training_table_is_where_the_model_was_fitted(sp500: UseCase):
    # Else equal scores would only say that both sides are equally wrong.
    assert sp500.bundle.passport.request.look_back == 63
    assert len(sp500.bundle.passport.features) == 14
    assert sp500.table[LABEL].nunique() == 2


def test_too_few_rows_of_history_are_a_named_error(sp500: UseCase):
    with pytest.raises(TooFewRows, match="63 rows; at least 64 are needed: 63 of history and one to score"):
        score_rows(sp500.bundle, sp500.request(slice(63)))


def test_no_row_at_all_is_a_named_error(toy: UseCase):
    with pytest.raises(TooFewRows, match="0 rows; at least 1 are needed"):
        score_rows(toy.bundle, toy.request(slice(0)))


@pytest.mark.parametrize("name", ["toy", "boosted"])
def test_a_category_never_seen_is_scored(name: str, request):
    case = request.getfixturevalue(name)
    rows = case.request(slice(3)).assign(c=["b", "never seen", None])
    scored = score_rows(case.bundle, rows)
    assert np.isfinite(scored.score).all()
    assert scored.score[0] == score_rows(case.bundle, rows[:1]).score[0]


def test_a_missing_number_is_scored(each: UseCase):
    rows = each.request(slice(-200, None))
    number = "x" if "x" in rows else "Volume"
    rows.loc[rows.index[-1], number] = None
    assert np.isfinite(score_rows(each.bundle, rows).score.iloc[-1])


def test_a_missing_column_is_named(toy: UseCase, sp500: UseCase):
    with pytest.raises(MissingColumn, match="missing column c; there are: time, x"):
        score_rows(toy.bundle, toy.request().drop(columns="c"))
    with pytest.raises(MissingColumn, match="missing columns High, Low"):
        score_rows(sp500.bundle, sp500.request().drop(columns=["Low", "High"]))


def test_the_answer_is_in_the_order_of_the_request(toy: UseCase):
    straight = score_rows(toy.bundle, toy.request())
    shuffled = toy.request().sample(frac=1, random_state=3)
    scored = score_rows(toy.bundle, shuffled)
    assert list(scored.index) == list(shuffled.index)
    np.testing.assert_array_equal(scored.score, straight.score[shuffled.index])


def test_the_answer_keeps_the_index_of_the_rows_that_are_not_history(sp500: UseCase):
    rows = sp500.request(slice(70)).set_index(pd.Index(range(100, 170)))
    assert list(score_rows(sp500.bundle, rows).index) == list(range(163, 170))


def test_columns_that_no_feature_reads_change_nothing(toy: UseCase):
    rows = toy.request()
    extra = rows.assign(y=1, note="x")[["note", "y", "c", "x", "time"]]
    pd.testing.assert_frame_equal(score_rows(toy.bundle, extra), score_rows(toy.bundle, rows), check_exact=True)


def test_a_score_of_the_threshold_or_more_is_a_yes(toy: UseCase):
    median = float(np.sort(toy.expected)[150])
    bundle = replace(toy.bundle, passport=toy.bundle.passport.model_copy(update={"threshold": median}))
    scored = score_rows(bundle, toy.request())
    assert scored.decision.sum() == 150
    assert scored.decision[scored.score == median].all()


def test_an_amount_is_no_decision(amounts: UseCase):
    assert list(score_rows(amounts.bundle, amounts.request())) == ["score"]


def test_rows_that_look_back_on_each_other_are_refused_out_of_time_order(sp500: UseCase):
    request = sp500.request(slice(0, 80))
    with pytest.raises(UnorderedRows, match="Date"):
        score_rows(sp500.bundle, request.iloc[::-1])
