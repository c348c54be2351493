"""Metrics: what was counted, of all processes of a service, in Prometheus' own format."""

import os
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from keepfit.serving.app import App
from keepfit.serving.exposition import Board, Family, Sample, add_up, write_text
from keepfit.serving.metrics import AMOUNTS, PROBABILITIES, SECONDS, Histogram, Metrics
from tests.service.asking import ask

ROW = {"time": "2020-05-05T00:00:00", "x": 1.5, "c": "b"}
NO_PROCESS = 2**22 + 1


def told(text: bytes) -> dict[str, float]:
    """Each series by its name and its labels in order."""
    found = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def counter(value: float, **labels: str) -> Family:
    return Family("things", "counter", "Things.", [Sample("_total", labels, value)])


def gauge(value: float, across: str = "sum") -> Family:
    return Family("waiting", "gauge", "Waiting.", [Sample("", {}, value)], across)  # type: ignore[arg-type]


def test_requests_rows_scores_and_latencies_are_counted(app: App):
    for body in (ROW, [ROW] * 3, {}, b"{"):
        ask(app, "/predict", body)
    ask(app, "/nowhere")
    found = told(ask(app, "/metrics").body)
    assert found["keepfit_requests_total{path=/predict,status=200}"] == 2
    assert found["keepfit_requests_total{path=/predict,status=422}"] == 1
    assert found["keepfit_requests_total{path=/predict,status=400}"] == 1
    assert found["keepfit_requests_total{path=other,status=404}"] == 1
    assert found["keepfit_rows_total{role=champion}"] == 4
    assert found["keepfit_request_seconds_count{path=/predict}"] == 4
    assert found["keepfit_request_seconds_bucket{le=+Inf,path=/predict}"] == 4
    assert found["keepfit_score_count{role=champion}"] == 4


def test_the_model_that_answers_is_told(app: App):
    series = [name for name in told(ask(app, "/metrics").body) if name.startswith("keepfit_model_info")]
    (name,) = series
    for part in (app.served.digest, app.served.passport.version, "dataset=toy", "role=champion", "compiled=true"):
        assert part in name


def test_paths_that_anybody_makes_up_are_one_label(app: App):
    for number in range(20):
        ask(app, f"/{number}")
        ask(app, f"/predictions/{number}")
    paths = {path for path, _ in app.metrics.requests}
    assert paths == {"other", "/predictions/{id}"}


def test_a_histogram_counts_what_is_at_most_each_bound():
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 3.0):
        histogram.observe(value)
    values = {(each.suffix, each.labels.get("le")): each.value for each in histogram.samples({})}
    assert values == {
        ("_bucket", "1.0"): 2,
        ("_bucket", "2.0"): 3,
        ("_bucket", "+Inf"): 4,
        ("_count", None): 4,
        ("_sum", None): 6.0,
    }


@pytest.mark.parametrize("bounds", [SECONDS, PROBABILITIES, AMOUNTS])
def test_bounds_rise(bounds: tuple[float, ...]):
    assert list(bounds) == sorted(set(bounds))


def test_scores_of_amounts_have_other_buckets_than_probabilities():
    metrics = Metrics()
    metrics.expect("regression")
    metrics.count_row("champion", -250.0)
    assert metrics.scores["champion"].bounds == AMOUNTS
    metrics.expect("binary")
    assert metrics.scores == {}


def test_counters_of_several_processes_add_up_and_labels_stay_apart():
    merged = add_up([[counter(2, a="x")], [counter(3, a="x")], [counter(4, a="y")]])
    assert [(each.labels, each.value) for each in merged[0].samples] == [({"a": "x"}, 5), ({"a": "y"}, 4)]


def test_gauges_add_up_or_the_largest_is_taken():
    assert add_up([[gauge(2)], [gauge(3)]])[0].samples[0].value == 5
    assert add_up([[gauge(2, "max")], [gauge(3, "max")]])[0].samples[0].value == 3


def test_what_is_added_up_is_not_changed():
    mine = [counter(2)]
    add_up([mine, [counter(3)]])
    assert mine[0].samples[0].value == 2


def test_a_process_that_is_gone_keeps_its_counts_and_loses_its_gauges(tmp_path: Path):
    Board(tmp_path, process=NO_PROCESS).leave([counter(5), gauge(7)])
    mine = Board(tmp_path)
    mine.leave([counter(1), gauge(2)])
    merged = {each.name: each.samples[0].value for each in mine.gather([counter(1), gauge(2)])}
    assert merged == {"things": 6, "waiting": 2}
    assert {file.stem for file in tmp_path.glob("*.json")} == {str(NO_PROCESS), str(os.getpid())}


def test_labels_are_written_so_that_they_are_read_again():
    odd = 'a"b\\c\nd'
    text = write_text([counter(1, name=odd)])
    (family,) = text_string_to_metric_families(text.decode())
    assert family.samples[0].labels == {"name": odd}
