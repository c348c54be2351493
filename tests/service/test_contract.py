"""The OpenAPI document and the service say the same, whatever is sent: schemathesis makes the requests."""

from collections import Counter
from pathlib import Path

import hypothesis
import pytest
import schemathesis
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from keepfit.package import prepare_serving
from keepfit.serving.app import App
from keepfit.serving.keys import create_key
from keepfit.serving.options import ServiceOptions
from keepfit.serving.served import load_served
from tests.bundles import Case, train_bundle
from tests.toys import TOYS

pytestmark = pytest.mark.slow
# Requests of each operation in each mode: as the document allows, and as it does not.
CASES = {"/predict": 170, "/feedback": 120, "/predictions/{id}": 90}
FEW = 10
# Of each of the three tasks: 2,100 together.
LEAST = 700
# BentoML answers these itself; tests with a real server ask them.
PROBES = ("/livez", "/readyz")
# What a JSON schema cannot say: rows that are there, times that nanoseconds can hold.
BEYOND = ("score: ", "not a time")
# The key stands in for the header that was left out, so that not each of these requests is refused for that alone.
NOT_HERE = [positive_data_acceptance, negative_data_rejection]


@pytest.fixture(scope="module", params=["binary", "regression", "multiclass"])
def app(request, tmp_path_factory) -> tuple[App, str]:
    """The service of a toy champion, and a key for all of it."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    case = Case(request.param)
    bundle = train_bundle(folder / "champion", case.table(), case.settings())
    prepare_serving(bundle, TOYS[request.param](600), bundle.folder)
    _, token = create_key(folder / "keys.json", ("predict", "feedback", "read"), rate=1e9)
    options = ServiceOptions(keys=folder / "keys.json", max_rows=20, max_outcomes=20)
    app = App(options)
    app.served = load_served(bundle.folder, options)
    return app, token


def test_no_request_gets_a_5xx_or_an_answer_that_the_document_does_not_tell(app):
    service, token = app
    key = {"Authorization": f"Bearer {token}"}
    schema = schemathesis.openapi.from_asgi("/openapi.json", service, headers=key)
    sent: Counter[int] = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path in PROBES:
            continue
        for mode in GenerationMode:
            ask(operation, mode, key, sent)
    assert sent.total() >= LEAST, sent
    assert sent[200] > LEAST / 5, sent
    assert not [status for status in sent if status >= 500], sent


def why(told: dict) -> list[str]:
    """What a refusal says of a request."""
    return [told["error"], *(problem["problem"] for problem in told["problems"])]


def ask(operation, mode: GenerationMode, key: dict[str, str], sent: Counter[int]) -> None:
    """Send what the mode makes of an operation, each answer held to the document."""

    @hypothesis.settings(
        max_examples=CASES.get(operation.path, FEW),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def answer(case) -> None:
        said = case.call(headers=key)
        case.validate_response(said, excluded_checks=NOT_HERE)
        sent[said.status_code] += 1
        if mode is GenerationMode.POSITIVE and said.status_code in (400, 415, 422):
            told = said.json()
            assert any(each in " ".join(why(told)) for each in BEYOND), told

    answer()
