from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from keepfit import detectors, significance
from keepfit.detectors import SciPy
from keepfit.errors import DetectorError
from keepfit.evidence import add_losses
from keepfit.history import Ruler, draw_reference
from tests.toys import toy_regression, toy_settings

RULER = Ruler(toy_settings(), features=("x", "c"), threshold=0.5)
PERFORMANCE = {"loss", "calibration", "surprise", "loss_distribution", "errors"}
DATA = {"prediction", "feature x", "feature c", "multivariate"}


def evidence(rows: int, *, seed: int) -> pd.DataFrame:
    """Rows whose probabilities are right."""
    draw = np.random.default_rng(seed)
    scores = draw.uniform(0.1, 0.9, rows)
    frame = pd.DataFrame(
        {
            "x": draw.normal(size=rows),
            "c": pd.Categorical(draw.choice([*"abd"], rows)),
            "label": (draw.uniform(size=rows) < scores).astype(float),
            "score": scores,
        }
    )
    return with_losses(frame)


def with_losses(rows: pd.DataFrame, ruler: Ruler = RULER) -> pd.DataFrame:
    return add_losses(rows, ruler.settings.objective, threshold=ruler.threshold)


REFERENCE, WINDOW = evidence(400, seed=1), evidence(60, seed=2)


def p_values(window: pd.DataFrame, *, reference: pd.DataFrame = REFERENCE, ruler: Ruler = RULER) -> dict[str, float]:
    tests = significance.compute_p_values(draw_reference(reference, ruler), window, ruler, SciPy())
    return {name: test.p_value for name, test in tests.items()}


def low(window: pd.DataFrame) -> set[str]:
    return {name for name, value in p_values(window).items() if value < 0.001}


def test_every_check_has_its_test_and_a_calm_window_no_low_p_value():
    found = p_values(WINDOW)
    assert set(found) == PERFORMANCE | DATA
    assert all(0.001 < value <= 1 for value in found.values())


def test_a_moved_feature_is_told_as_the_data_and_not_as_performance():
    assert low(WINDOW.assign(x=WINDOW.x + 2)) == {"feature x", "multivariate"}


def test_other_categories_are_told_as_their_feature():
    assert "feature c" in low(WINDOW.assign(c=pd.Categorical(["a"] * 60)))
    assert "feature c" in low(WINDOW.assign(c=pd.Categorical(["stranger"] * 60)))


def test_outcomes_turned_round_are_told_as_performance_and_not_as_the_data():
    assert low(with_losses(WINDOW.assign(label=1 - WINDOW.label))) >= PERFORMANCE - {"calibration"}
    assert not low(with_losses(WINDOW.assign(label=1 - WINDOW.label))) & DATA


def test_outcomes_to_one_side_are_told_as_calibration():
    assert "calibration" in low(with_losses(WINDOW.assign(label=1.0)))
    assert "calibration" in low(with_losses(WINDOW.assign(label=0.0)))


def test_a_model_that_does_better_is_no_rise_of_the_loss_or_of_the_errors():
    found = p_values(with_losses(WINDOW.assign(label=(WINDOW.score >= 0.5).astype(float))))
    assert found["loss"] > 0.99
    assert found["errors"] > 0.99
    # Right more often than it says: that is a surprise all the same.
    assert found["surprise"] < 0.001


@pytest.mark.filterwarnings("ignore:Precision loss")
def test_calibration_is_a_two_sided_test_of_its_standard_deviations():
    window = with_losses(WINDOW.assign(score=0.5, label=[1.0, 1.0, 1.0, 0.0] * 15))
    test = significance.compute_p_values(draw_reference(REFERENCE, RULER), window, RULER, SciPy())["calibration"]
    # 15 above 30 of 60, at a deviation of sqrt(60 / 4).
    assert test.statistic == pytest.approx(15 / np.sqrt(15))
    assert test.p_value == pytest.approx(2 * norm.sf(15 / np.sqrt(15)))


def test_too_few_labels_test_the_data_alone_and_no_label_at_all_does_too():
    for known, tested in [(0, DATA), (9, DATA), (10, DATA | PERFORMANCE)]:
        assert set(p_values(with_losses(WINDOW.assign(label=WINDOW.label.where(WINDOW.index < known))))) == tested


def test_labels_that_are_not_known_yet_change_nothing_for_those_that_are():
    known = WINDOW[:30]
    unknown = with_losses(WINDOW[30:].assign(label=np.nan))
    mixed = p_values(pd.concat([known, unknown]))
    alone = p_values(known)
    assert {name: mixed[name] for name in PERFORMANCE} == {name: alone[name] for name in PERFORMANCE}


def test_missing_values_of_a_feature_are_left_out_of_its_test():
    holes = WINDOW.assign(x=WINDOW.x.where(WINDOW.index % 3 > 0))
    without = WINDOW[WINDOW.index % 3 > 0]
    assert p_values(holes)["feature x"] == p_values(without)["feature x"]


def test_a_feature_that_is_all_missing_has_no_test_and_the_others_do():
    assert set(p_values(WINDOW.assign(x=np.nan))) == (PERFORMANCE | DATA) - {"feature x"}
    empty = REFERENCE.assign(x=np.nan)
    assert set(p_values(WINDOW, reference=empty)) == (PERFORMANCE | DATA) - {"feature x"}


def test_a_score_that_is_missing_is_an_error_and_not_no_drift():
    with pytest.raises(DetectorError, match="statistic nan and p-value nan"):
        p_values(WINDOW.assign(score=WINDOW.score.where(WINDOW.index > 0)))


@pytest.mark.filterwarnings("ignore:Precision loss")
def test_losses_that_are_all_alike_are_no_evidence_of_a_change():
    ruler = replace(RULER, settings=toy_settings(**{"objective.metric": "brier"}))
    reference, window = (with_losses(rows.assign(score=0.5), ruler) for rows in (REFERENCE, WINDOW))
    found = p_values(window, reference=reference, ruler=ruler)
    assert (found["loss"], found["surprise"]) == (1, 1)


def test_amounts_have_every_test_too():
    settings = toy_regression()
    ruler = replace(RULER, settings=settings, threshold=0.0)
    draw = np.random.default_rng(5)

    def scored(rows: pd.DataFrame, moved: float) -> pd.DataFrame:
        return with_losses(rows.assign(label=rows.score * 10 + draw.normal(size=len(rows)) + moved), ruler)

    reference = scored(REFERENCE.assign(score=REFERENCE.score * 10), 0)
    calm, moved = (scored(WINDOW.assign(score=WINDOW.score * 10), by) for by in (0, 40))
    found = p_values(calm, reference=reference, ruler=ruler)
    assert set(found) == PERFORMANCE | DATA
    assert min(found.values()) > 0.001
    worse = p_values(moved, reference=reference, ruler=ruler)
    assert {name for name, value in worse.items() if value < 0.001} == PERFORMANCE


def test_a_long_reference_is_sampled_by_the_seed():
    few = replace(RULER, settings=toy_settings(**{"drift.max_rows": 100}))
    assert p_values(WINDOW, ruler=few) == p_values(WINDOW, ruler=few)
    assert p_values(WINDOW, ruler=few)["prediction"] != p_values(WINDOW)["prediction"]


def told(**p: float) -> dict[str, detectors.Outcome]:
    return {name.replace("_", " ", 1): detectors.Outcome(0.0, value) for name, value in p.items()}


def test_p_values_of_features_are_corrected_for_their_number_and_no_other_is():
    found = significance.adjust(
        told(feature_x=0.01, feature_c=0.02, feature_d=0.9) | {"loss": detectors.Outcome(0.0, 0.001)}
    )
    assert found == pytest.approx({"feature x": 0.03, "feature c": 0.03, "feature d": 0.9})


def test_a_single_feature_needs_no_correction_and_none_has_none():
    assert significance.adjust(told(feature_x=0.04)) == {"feature x": 0.04}
    assert significance.adjust({"loss": detectors.Outcome(1.0, 0.5)}) == {}


def test_a_corrected_p_value_is_never_lower_and_keeps_their_order():
    values = dict(
        zip([f"feature_{letter}" for letter in "abcdefgh"], np.random.default_rng(1).uniform(size=8), strict=True)
    )
    found = [*significance.adjust(told(**values)).values()]
    assert (np.array(found) >= [*values.values()]).all()
    assert (np.diff(np.array(found)[np.argsort([*values.values()])]) >= 0).all()
