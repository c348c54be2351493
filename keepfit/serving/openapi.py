"""OpenAPI: the document that describes the service, made from the dataset's schema and the champion's example."""

from typing import Any

from keepfit.passport import Request
from keepfit.serving.feedback import describe_outcome
from keepfit.serving.keys import SCOPES
from keepfit.serving.options import ServiceOptions
from keepfit.serving.schemas import ID, example, make_schemas, outcome_example
from keepfit.serving.served import Served

REFUSALS = {
    400: "The body is no JSON, or names a column twice.",
    401: "There is no key, or none that is good.",
    403: "The key lacks the scope.",
    404: "There is no such thing.",
    405: "The path has another method.",
    408: "The body did not come in time.",
    413: "Too many bytes or rows.",
    415: "The body is not application/json.",
    422: "Every problem, by row and column.",
    429: "More requests than the key's rate allows.",
    503: "No champion is loaded, or the database does not answer.",
}
GUARDED, WITH_BODY = (401, 403, 405, 429, 503), (400, 408, 413, 415, 422)


def document(served: Served, options: ServiceOptions) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of what is served."""
    passport = served.passport
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Keepfit: {passport.dataset}",
            "version": passport.version,
            "description": f"Predicts {passport.label} ({passport.task}). A prediction names the model that gave it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/predict": {"post": _predict(served, options)},
            "/feedback": {"post": _feedback(served, options)},
            "/predictions/{id}": {"get": _find()},
            "/model": {"get": _get("The passport of the champion.", "Passport", "predict or read", {"type": "object"})},
            "/metrics": {
                "get": _text("What was counted, for Prometheus.", "Metrics", "read", options.metrics != "key")
            },
            "/openapi.json": {"get": _get("This document.", "Document", "any", {"type": "object"})},
            "/livez": {"get": _probe("Whether the process lives.", "Lives")},
            "/readyz": {"get": _probe("Whether it can answer.", "Ready")},
        },
        "components": {
            "schemas": make_schemas(served),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": f"A key of `keepfit keys create`; scopes: {', '.join(SCOPES)}.",
                }
            },
        },
        **({} if options.insecure else {"security": [{"key": []}]}),
    }


def _predict(served: Served, options: ServiceOptions) -> dict[str, Any]:
    request = served.passport.request
    look_back = request.look_back
    rows = {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Row"},
        "minItems": look_back + 1,
        "maxItems": options.max_rows,
    }
    score = {
        "type": ["array", "null"],
        "items": {"type": "integer", "minimum": 0 if request.entity else look_back},
        "minItems": 1,
        "uniqueItems": True,
    }
    wrapped = {
        "type": "object",
        "properties": {"rows": rows, "score": {**score, "description": _tell_choice(request)}},
        "required": ["rows"],
        "additionalProperties": False,
    }
    single = [] if look_back else [{"$ref": "#/components/schemas/Row"}]
    return {
        "operationId": "predict",
        "summary": "Score raw rows.",
        "description": "One row, a list of rows, or rows and which of them to score."
        f"{_tell_history(request)} Scope: predict.",
        "parameters": _asked(served),
        "requestBody": _body({"anyOf": [*single, rows, wrapped]}, example(served)),
        "responses": _responses({"$ref": "#/components/schemas/Answer"}, (*GUARDED, *WITH_BODY)),
    }


def _tell_choice(request: Request) -> str:
    return "Numbers of the rows to score; else all" + (" that have their history." if request.entity else ".")


def _tell_history(request: Request) -> str:
    if not request.look_back:
        return ""
    rows = f"look back on {request.look_back} rows"
    if request.entity is None:
        return f" The features {rows}: bring them before the rows to score, in time order."
    return (
        f" The features of a row {rows} of the same `{request.entity}`: bring them for each row to score, anywhere "
        "before it, all rows in time order. A row without them is history alone."
    )


def _asked(served: Served) -> list[dict[str, Any]]:
    most = len(served.passport.features)
    found: list[dict[str, Any]] = []
    if served.servable:
        found.append(
            {
                "name": "explain",
                "in": "query",
                "description": "How many of the features that contributed most to tell.",
                "schema": {"type": "integer", "minimum": 1, "maximum": most},
            }
        )
    if served.servable and served.servable.residuals:
        levels = [float(level) for level in served.servable.residuals]
        found.append(
            {
                "name": "interval",
                "in": "query",
                "description": "How sure the interval is to be, as a share.",
                "schema": {"type": "number", "enum": levels},
            }
        )
    return found


def _feedback(served: Served, options: ServiceOptions) -> dict[str, Any]:
    one = {"$ref": "#/components/schemas/Outcome"}
    several = {"type": "array", "items": one, "minItems": 1, "maxItems": options.max_outcomes}
    told = {
        "type": "object",
        "properties": {"accepted": {"type": "integer"}, "logged": {"type": "boolean"}},
        "required": ["accepted", "logged"],
    }
    given = {"id": "0" * 32, "outcome": outcome_example(served)}
    return {
        "operationId": "feedback",
        "summary": "Tell what came of predictions.",
        "description": f"Late, in any order, and again without harm. Outcome: {describe_outcome(served.passport)}. "
        "Scope: feedback.",
        "requestBody": _body({"anyOf": [one, several]}, given),
        "responses": _responses(told, (*GUARDED, *WITH_BODY)),
    }


def _find() -> dict[str, Any]:
    return {
        "operationId": "find",
        "summary": "The provenance of one prediction.",
        "description": "Row, features, model and outcome of a prediction that was logged. Scope: read.",
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": ID}],
        "responses": _responses({"type": "object"}, (*GUARDED, 404, 422)),
    }


def _get(summary: str, name: str, scope: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": name.lower(),
        "summary": summary,
        "description": f"Scope: {scope}.",
        "responses": _responses(schema, GUARDED),
    }


def _text(summary: str, name: str, scope: str, is_open: bool) -> dict[str, Any]:
    told = _get(summary, name, scope, {})
    told["responses"]["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    return told | ({"security": []} if is_open else {})


def _probe(summary: str, name: str) -> dict[str, Any]:
    ok = {"description": "Yes.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    no = {"description": "No."}
    return {"operationId": name.lower(), "summary": summary, "security": [], "responses": {"200": ok, "503": no}}


def _body(schema: dict[str, Any], example: Any) -> dict[str, Any]:
    content = {"schema": schema, **({} if example is None else {"example": example})}
    return {"required": True, "content": {"application/json": content}}


def _responses(schema: dict[str, Any], refusals: tuple[int, ...]) -> dict[str, Any]:
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
    told: dict[str, Any] = {"200": {"description": "Done.", "content": {"application/json": {"schema": schema}}}}
    for status in sorted(refusals):
        told[str(status)] = {"description": REFUSALS[status], "content": problem}
    return told
