"""OpenAPI: the document that describes the service, made from the dataset's schema and the champion's example."""

from typing import Any

from keepfit.dataset import EPOCHS, Column
from keepfit.serving.feedback import describe_outcome
from keepfit.serving.keys import SCOPES
from keepfit.serving.options import ServiceOptions
from keepfit.serving.served import Served
from keepfit.serving.values import describe

ID = {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "The prediction's id."}
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
            "schemas": _schemas(served),
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
    look_back, example = served.passport.request.look_back, _example(served)
    rows = {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Row"},
        "minItems": look_back + 1,
        "maxItems": options.max_rows,
    }
    score = {
        "type": ["array", "null"],
        "items": {"type": "integer", "minimum": look_back},
        "minItems": 1,
        "uniqueItems": True,
    }
    wrapped = {
        "type": "object",
        "properties": {"rows": rows, "score": {**score, "description": "Numbers of the rows to score; else all."}},
        "required": ["rows"],
        "additionalProperties": False,
    }
    single = [] if look_back else [{"$ref": "#/components/schemas/Row"}]
    history = (
        f" The features look back on {look_back} rows: bring them before the rows to score, in time order."
        if look_back
        else ""
    )
    return {
        "operationId": "predict",
        "summary": "Score raw rows.",
        "description": f"One row, a list of rows, or rows and which of them to score.{history} Scope: predict.",
        "parameters": _asked(served),
        "requestBody": _body({"anyOf": [*single, rows, wrapped]}, example),
        "responses": _responses({"$ref": "#/components/schemas/Answer"}, (*GUARDED, *WITH_BODY)),
    }


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
    example = {"id": "0" * 32, "outcome": _outcome_example(served)}
    return {
        "operationId": "feedback",
        "summary": "Tell what came of predictions.",
        "description": f"Late, in any order, and again without harm. Outcome: {describe_outcome(served.passport)}. "
        "Scope: feedback.",
        "requestBody": _body({"anyOf": [one, several]}, example),
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


def _answer() -> dict[str, Any]:
    answer = _object(version={"type": "string"}, predictions=_array({"$ref": "#/components/schemas/Prediction"}))
    role = {"enum": ["canary"], "description": "There where the challenger answered instead of the champion."}
    return {**answer, "properties": {**answer["properties"], "role": role}}


def _schemas(served: Served) -> dict[str, Any]:
    columns = served.passport.request.columns
    return {
        "Row": {
            "type": "object",
            "properties": {name: _column(column) for name, column in columns.items()},
            "required": list(columns),
            "additionalProperties": False,
        },
        "Answer": _answer(),
        "Prediction": _prediction(served),
        "Outcome": {
            **_object(id=ID, outcome=_outcome(served)),
            "additionalProperties": False,
        },
        "Refusal": {
            **_object(error={"type": "string"}, problems=_array({"$ref": "#/components/schemas/Problem"})),
            "description": "What is wrong; `total` where there are more problems than are shown.",
        },
        "Problem": {
            "type": "object",
            "properties": {
                "problem": {"type": "string"},
                "allowed": {"type": "string"},
                "row": {"type": "integer"},
                "column": {"type": "string"},
                "value": {},
            },
            "required": ["problem"],
        },
    }


def _prediction(served: Served) -> dict[str, Any]:
    passport = served.passport
    number = {"type": "number"}
    told = _object(id=ID, row={"type": "integer"}, score=number, logged={"type": "boolean"})
    properties = told["properties"]
    if passport.task != "regression":
        names = list(passport.classes)
        properties["decision"] = {"type": "string", "enum": names} if names else {"type": "boolean"}
        told["required"].append("decision")
        properties["score"] = number | {"minimum": 0, "maximum": 1}
    if passport.task == "multiclass":
        properties["scores"] = _object(**dict.fromkeys(passport.classes, number))
        told["required"].append("scores")
    properties["interval"] = _array(number) | {"minItems": 2, "maxItems": 2}
    properties["reasons"] = _array(
        _object(feature={"type": "string"}, value={"type": ["number", "string", "null"]}, contribution=number)
    )
    properties["unknown"] = _array({"type": "string"}) | {"description": "Columns whose category the model never saw."}
    return told


def _column(column: Column) -> dict[str, Any]:
    told: dict[str, Any] = {"description": describe(column)}
    match column.type:
        case "int" | "float":
            told["type"] = "integer" if column.type == "int" else "number"
            told |= {"minimum": column.min} if column.min is not None else {}
            told |= {"maximum": column.max} if column.max is not None else {}
        case "bool":
            told["type"] = "boolean"
        case "datetime" if column.format in EPOCHS:
            told["type"] = "number"
        case "datetime":
            told["type"] = "string"
            told |= {"format": "date-time"} if column.format is None else {}
        case _:
            told["type"] = "string"
            told |= {"examples": list(column.allowed[:5])} if column.allowed else {}
    if column.nullable:
        told["type"] = [told["type"], "null"]
    return told


def _outcome(served: Served) -> dict[str, Any]:
    passport = served.passport
    told: dict[str, Any] = {"description": describe_outcome(passport)}
    if passport.task == "regression":
        return told | {"type": "number"}
    return told | ({"type": "string", "enum": list(passport.classes)} if passport.classes else {"type": "boolean"})


def _outcome_example(served: Served) -> float | str | bool:
    passport = served.passport
    if passport.task == "regression":
        return 1.5
    return passport.classes[-1] if passport.classes else True


def _example(served: Served) -> Any:
    if not served.servable:
        return None
    rows = [dict(row) for row in served.servable.example]
    return rows[0] if len(rows) == 1 else {"rows": rows}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}
