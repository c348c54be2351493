"""Schemas: rows, answers, outcomes and refusals as JSON Schema has them, made from the dataset's own schema."""

from typing import Any

from keepfit.dataset import EPOCHS, Column
from keepfit.serving.feedback import describe_outcome
from keepfit.serving.served import Served
from keepfit.serving.values import describe, limits

ID = {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "The prediction's id."}


def make_schemas(served: Served) -> dict[str, Any]:
    """Return the schemas that the document's operations refer to."""
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
            **an_object(id=ID, outcome=_outcome(served)),
            "additionalProperties": False,
        },
        "Refusal": {
            **an_object(error={"type": "string"}, problems=an_array({"$ref": "#/components/schemas/Problem"})),
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


def _answer() -> dict[str, Any]:
    answer = an_object(version={"type": "string"}, predictions=an_array({"$ref": "#/components/schemas/Prediction"}))
    role = {"enum": ["canary"], "description": "There where the challenger answered instead of the champion."}
    return {**answer, "properties": {**answer["properties"], "role": role}}


def _prediction(served: Served) -> dict[str, Any]:
    passport = served.passport
    number = {"type": "number"}
    told = an_object(id=ID, row={"type": "integer"}, score=number, logged={"type": "boolean"})
    properties = told["properties"]
    if passport.task != "regression":
        names = list(passport.classes)
        properties["decision"] = {"type": "string", "enum": names} if names else {"type": "boolean"}
        told["required"].append("decision")
        properties["score"] = number | {"minimum": 0, "maximum": 1}
    if passport.task == "multiclass":
        properties["scores"] = an_object(**dict.fromkeys(passport.classes, number))
        told["required"].append("scores")
    properties["interval"] = an_array(number) | {"minItems": 2, "maxItems": 2}
    properties["reasons"] = an_array(
        an_object(feature={"type": "string"}, value={"type": ["number", "string", "null"]}, contribution=number)
    )
    properties["unknown"] = an_array({"type": "string"}) | {
        "description": "Columns whose category the model never saw."
    }
    return told


def _column(column: Column) -> dict[str, Any]:
    told: dict[str, Any] = {"description": describe(column)}
    match column.type:
        case "int" | "float":
            told["type"] = "integer" if column.type == "int" else "number"
            low, high = limits(column)
            told |= {"minimum": low} if low is not None else {}
            told |= {"maximum": high} if high is not None else {}
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
            # An empty text is a missing one.
            told |= {} if column.nullable else {"minLength": 1}
    if column.nullable:
        told["type"] = [told["type"], "null"]
    return told


def _outcome(served: Served) -> dict[str, Any]:
    passport = served.passport
    told: dict[str, Any] = {"description": describe_outcome(passport)}
    if passport.task == "regression":
        return told | {"type": "number"}
    return told | ({"type": "string", "enum": list(passport.classes)} if passport.classes else {"type": "boolean"})


def outcome_example(served: Served) -> float | str | bool:
    """Return an outcome such as the task has."""
    passport = served.passport
    if passport.task == "regression":
        return 1.5
    return passport.classes[-1] if passport.classes else True


def example(served: Served) -> Any:
    """Return a body for /predict that is answered, or None."""
    if not served.servable:
        return None
    rows = [dict(row) for row in served.servable.example]
    return rows[0] if len(rows) == 1 else {"rows": rows}


def an_object(**properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that has all of these."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def an_array(items: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a list."""
    return {"type": "array", "items": items}
