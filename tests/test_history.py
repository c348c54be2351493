import numpy as np
import pandas as pd
import pytest

from keepfit.evidence import add_losses, collect
from keepfit.history import Ruler, draw_reference, measure_history, measure_window
from tests.toys import toy_settings

PERFORMANCE = ["loss", "calibration", "surprise", "loss_distribution", "errors"]
DATA = ["prediction", "feature x", "feature c", "multivariate"]


def ruler(**policy) -> Ruler:
    settings = toy_settings(**{"drift.window": 20, **{f"drift.{key}": value for key, value in policy.items()}})
    return Ruler(settings, features=("x", "c"), threshold=0.5)


def measure(reference: pd.DataFrame, window: pd.DataFrame, ruler: Ruler, **options) -> dict:
    return measure_window(draw_reference(reference, ruler), window, ruler, **options)


def evidence(rows: int, *, seed: int = 0, fold: str = "fold 2", first: str = "2020-01-01") -> pd.DataFrame:
    """Rows a day apart whose probabilities are right."""
    draw = np.random.default_rng(seed)
    scores = draw.uniform(0.1, 0.9, rows)
    features = pd.DataFrame({"x": draw.normal(size=rows), "c": pd.Categorical(draw.choice([*"abd"], rows))})
    labels = (draw.uniform(size=rows) < scores).astype(float)
    times = pd.Series(pd.date_range(first, periods=rows, freq="D"))
    scored = collect(features, times=times, labels=labels, scores=scores, time="time").assign(fold=fold)
    return add_losses(scored, ruler().settings.objective, threshold=0.5)


@pytest.fixture(scope="module")
def history() -> pd.DataFrame:
    return measure_history(evidence(70), ruler())


def test_each_whole_window_of_the_reference_is_a_row_and_the_oldest_rows_are_left_over(history):
    assert history["first"].dt.dayofyear.tolist() == [11, 31, 51]
    assert history["last"].dt.dayofyear.tolist() == [30, 50, 70]
    assert history[["rows", "labelled"]].to_numpy().tolist() == [[20, 20]] * 3
    assert [*history] == ["first", "last", "rows", "labelled", *PERFORMANCE, *DATA]
    assert history.notna().all(axis=None)


def test_a_window_is_measured_against_all_the_others_and_not_against_itself(history):
    losses = evidence(70).loss.to_numpy()
    others = np.concatenate([losses[:30], losses[50:]])
    assert history["loss"][1] == pytest.approx(losses[30:50].mean() - others.mean())


def test_the_rows_of_the_first_fold_are_left_out(history):
    first = evidence(50, seed=9, fold="fold 1", first="2019-06-01").assign(loss=99.0, x=99.0)
    with_first = pd.concat([first, evidence(70)], ignore_index=True)
    pd.testing.assert_frame_equal(measure_history(with_first, ruler()), history)


def test_a_window_of_time_with_too_few_rows_is_left_out():
    reference = evidence(60)
    thinned = reference.drop(index=range(25, 40)).reset_index(drop=True)
    seen = measure_history(thinned, ruler(window="20D", min_rows=10))
    assert seen["rows"].tolist() == [20, 20]
    assert seen["last"].dt.dayofyear.tolist() == [20, 60]


def test_a_single_window_has_no_others_to_be_measured_against():
    assert measure_history(evidence(20), ruler()).empty


def test_a_reference_shorter_than_a_window_has_no_history():
    assert measure_history(evidence(19), ruler()).empty


def test_with_too_few_labels_only_the_data_is_measured():
    window = evidence(20, seed=1)
    for known, measured in [(9, False), (10, True), (20, True)]:
        labelled = window.assign(label=window.label.where(window.index < known))
        found = measure(evidence(100), labelled, ruler())
        assert found["labelled"] == known
        assert (set(PERFORMANCE) <= set(found)) == measured
        assert set(DATA) <= set(found)


def test_rows_without_a_label_do_not_touch_the_performance_of_the_others():
    window, reference = evidence(20, seed=1), evidence(100)
    unknown = evidence(15, seed=2).assign(label=np.nan, loss=np.nan)
    mixed = pd.concat([window, unknown], ignore_index=True)
    padded = pd.concat([reference, unknown], ignore_index=True)
    alone, beside = measure(reference, window, ruler()), measure(padded, mixed, ruler())
    assert [beside[name] for name in PERFORMANCE] == pytest.approx([alone[name] for name in PERFORMANCE])


def test_labels_do_not_touch_what_is_measured_of_the_data():
    window = evidence(20, seed=1)
    seen, blind = (measure(evidence(100), each, ruler()) for each in (window, window.assign(label=np.nan, loss=np.nan)))
    assert [blind[name] for name in DATA] == [seen[name] for name in DATA]


def test_a_feature_that_is_all_missing_is_not_known_and_the_others_are():
    found = measure(evidence(100), evidence(20, seed=1).assign(x=np.nan), ruler())
    assert np.isnan(found["feature x"])
    assert [name for name, value in found.items() if value != value] == ["feature x"]


def test_exact_values_of_shifts():
    reference = evidence(40).assign(x=np.arange(40.0), score=0.5, c=pd.Categorical(["a", "b"] * 20))
    window = evidence(20).assign(x=np.arange(20.0) + 30, score=0.6, c=pd.Categorical(["a"] * 20))
    found = measure(reference, window, ruler())
    assert {name: found[name] for name in DATA[:3]} == {"prediction": 1, "feature x": 0.75, "feature c": 0.5}


def test_a_moved_feature_stands_out_and_so_do_the_rows_as_a_whole():
    window = evidence(50, seed=1)
    calm, moved = (measure(evidence(300), window.assign(x=window.x + by), ruler(max_rows=3000)) for by in (0, 3))
    assert moved["feature x"] > 0.8 > 0.3 > calm["feature x"]
    assert moved["multivariate"] > 0.8 > 0.3 > calm["multivariate"]
    others = [*PERFORMANCE, "prediction", "feature c"]
    assert [moved[name] for name in others] == [calm[name] for name in others]


def test_the_slow_classifier_may_be_left_out_and_changes_nothing_else():
    window = evidence(20, seed=1)
    with_it, without = (measure(evidence(100), window, ruler(), separate=each) for each in (True, False))
    assert with_it == without | {"multivariate": with_it["multivariate"]}


def test_a_long_reference_is_sampled_and_the_sample_is_the_seeds():
    reference, window = evidence(400), evidence(20, seed=1)
    sampled, again = (measure(reference, window, ruler(max_rows=100)) for _ in range(2))
    whole = measure(reference, window, ruler(max_rows=400))
    assert sampled == again
    assert sampled["loss"] != whole["loss"] == pytest.approx(window.loss.mean() - reference.loss.mean())
