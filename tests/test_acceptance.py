"""Acceptance: a service must serve the recorded model and give its scores to the last bit."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pandas as pd
import pytest

from keepfit.acceptance import Recorded, check_service, record_scores, wait_for_rollout, wait_until_ready
from keepfit.errors import SmokeError
from keepfit.score import score_rows
from keepfit.servable import Parity
from tests.bundles import Case, train_bundle
from tests.toys import TOYS, toy_table

RECORDED = Recorded(recipe="abc", rows=[{"x": 1.0}, {"x": None}], scores=[0.1, 0.2])


class Service(ThreadingHTTPServer):
    """Answers with what it is told to; `seen` holds the bodies and the keys of the requests."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any] | int] = []
        self.seen: list[tuple[dict, str | None]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.seen.append((json.loads(body), self.headers["Authorization"]))
                told = service.answers.pop(0) if len(service.answers) > 1 else service.answers[0]
                self.send_response(told if isinstance(told, int) else 200)
                self.end_headers()
                self.wfile.write(b"trouble" if isinstance(told, int) else json.dumps(told).encode())

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


def answer(version: str = "abc", *scores: float) -> dict:
    return {"version": version, "predictions": [{"row": row, "score": score} for row, score in enumerate(scores)]}


def test_the_recorded_version_and_scores_pass(service: Service):
    service.answers = [answer("abc", 0.1, 0.2)]
    check_service(service.url, RECORDED)
    assert service.seen == [({"rows": [{"x": 1.0}, {"x": None}]}, None)]


def test_scores_that_packaging_found_to_differ_in_the_last_bit_may_do_so(service: Service):
    service.answers = [answer("abc", 0.1, 0.2 + 1e-16)]
    check_service(service.url, RECORDED.model_copy(update={"tolerance": 1e-12}))
    service.answers = [answer("abc", 0.1, 0.2 + 1e-11)]
    with pytest.raises(SmokeError, match="row 1"):
        check_service(service.url, RECORDED.model_copy(update={"tolerance": 1e-12}))


def test_an_api_key_goes_with_the_request(service: Service):
    service.answers = [answer("abc", 0.1, 0.2)]
    check_service(service.url, RECORDED, key="kf_1")
    assert service.seen[0][1] == "Bearer kf_1"


@pytest.mark.parametrize(
    ("told", "named"),
    [
        (answer("old", 0.1, 0.2), "serves old, expected abc"),
        (answer("abc", 0.1, 0.2 + 1e-16), "row 1 has the score 0.2000000000000001"),
        (answer("abc", 0.1), "1 scores, expected 2"),
        (answer("abc", 0.1, 0.2, 0.3), "3 scores, expected 2"),
        ({"version": "abc"}, "no predictions"),
        (502, "status 502: trouble"),
    ],
)
def test_anything_else_fails_and_says_what(service: Service, told: dict | int, named: str):
    service.answers = [told]
    with pytest.raises(SmokeError, match=named):
        check_service(service.url, RECORDED)


def test_a_rollout_may_take_its_time(service: Service):
    service.answers = [503, answer("old", 0.3, 0.4), answer("abc", 0.1, 0.2)]
    wait_for_rollout(service.url, RECORDED, patience=30)
    assert len(service.seen) == 3


def test_a_rollout_that_does_not_come_is_given_up_with_its_last_failure(service: Service):
    service.answers = [answer("old", 0.1, 0.2)]
    with pytest.raises(SmokeError, match="serves old"):
        wait_for_rollout(service.url, RECORDED, patience=0.1)


def test_a_service_that_is_not_there_is_not_waited_for_for_ever():
    with pytest.raises(SmokeError, match="no answer"):
        wait_until_ready("http://127.0.0.1:9", patience=0)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_the_recorded_rows_are_the_newest_labelled_ones_and_score_alike_as_json(tmp_path, task: str):
    case = Case(task)
    settings = case.settings()
    valid = TOYS[task](600)
    table = toy_table(valid, settings)
    bundle = train_bundle(tmp_path / "bundle", table, settings)
    parity = Parity(compiled=True, why="", rows=1, difference=1e-16)
    recorded = record_scores(bundle, valid, table, parity=parity)
    assert recorded.tolerance == 1e-12
    assert [row["time"] for row in recorded.rows] == [f"{time:%Y-%m-%dT00:00:00}" for time in valid.time[549:599]]
    sent = pd.DataFrame(json.loads(recorded.model_dump_json())["rows"])
    assert score_rows(bundle, sent).score.tolist() == recorded.scores
