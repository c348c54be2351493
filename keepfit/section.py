"""The base of every typed section of `params.yaml`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Task = Literal["binary", "multiclass", "regression"]


def is_none(value: object) -> bool:
    """Whether a field is left out of what is written: one that came later, so that hashes without it stay."""
    return value is None


class Section(BaseModel):
    """A section of `params.yaml`: read-only, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Window(Section):
    """The rows that were used: how many, and the times of the first and the last."""

    rows: int
    first: str
    last: str
