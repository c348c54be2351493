"""The dataset: a named, time-ordered table and everything declared about it."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from keepfit.section import Section, Task, is_none
from keepfit.spans import Span

# Days, hours, seconds, milliseconds, microseconds or nanoseconds since 1970, as pandas calls them.
EPOCHS = ("D", "h", "s", "ms", "us", "ns")
MOST_CLASSES = 50
# The columns that a row in quarantine has beside its own.
ROW_HASH, REASONS = "row_hash", "reasons"
# The types of columns that may say whose row it is.
ENTITIES = ("int", "bool", "category")


class Source(Section):
    """What every source declares: the file whose change means new data, and a column that numbers its rows.

    A table without a time has `row_number`, and takes the order of its rows for the order of time.
    """

    watch: str
    row_number: str | None = None


class PythonSource(Source):
    """A callable that returns a frame, as `package.module:function`."""

    kind: Literal["python"]
    callable: str = Field(pattern=r"^[\w.]+:[\w.]+$")


class FileSource(Source):
    """An fsspec path or glob of CSV, Parquet or JSON-lines files."""

    kind: Literal["file"]
    path: str
    format: Literal["csv", "parquet", "jsonl"] | None = None


class SqlSource(Source):
    """A query on the SQLAlchemy URL that an environment variable holds."""

    kind: Literal["sql"]
    url_variable: str
    query: str


class Column(Section):
    """What a column may hold."""

    type: Literal["int", "float", "bool", "category", "datetime"]
    nullable: bool = False
    min: float | None = None
    max: float | None = None
    allowed: tuple[str, ...] | None = None
    unique: bool = False
    # How a time is written, where it is not ISO 8601: `D`, `h`, `s`, `ms`, `us`, `ns`, `mixed`, or a form of strptime.
    format: str | None = None
    # Personal: the prediction log leaves the column out, or keeps a keyed hash of its values.
    pii: Literal["drop", "hash"] | None = Field(default=None, exclude_if=is_none)

    @model_validator(mode="after")
    def _rules_fit_the_type(self) -> "Column":
        if self.type not in ("int", "float") and (self.min is not None or self.max is not None):
            raise ValueError("min and max are for columns of type int or float")
        if self.type != "category" and self.allowed is not None:
            raise ValueError("allowed is for columns of type category")
        if self.type != "datetime" and self.format is not None:
            raise ValueError("format is for columns of type datetime")
        if self.format is not None and "%" not in self.format and self.format not in (*EPOCHS, "mixed"):
            raise ValueError(f"format: allowed: {', '.join(EPOCHS)}, mixed, or a form of strptime such as %d.%m.%Y")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min must not be above max")
        return self


class FeatureSet(Section):
    """Where the features come from: functions of features/MODULE.py, and columns used as they are."""

    module: str = Field(pattern=r"^\w+$")
    columns: tuple[str, ...] = ()


class Splits(Section):
    """The holdout, how far apart rows must be to be independent, and how much is new at a time."""

    holdout: Span
    block: Span
    batch: Span


class Dataset(Section):
    """A named, time-ordered table of labelled rows."""

    name: str = Field(pattern=r"^\w+$")
    task: Task
    source: Annotated[PythonSource | FileSource | SqlSource, Field(discriminator="kind")]
    until: date | datetime | None
    may_go_backwards: bool
    time: str
    ordered: bool
    # The column that says whose row it is: rows look back, and labels ahead, within their own entity.
    entity: str | None = Field(default=None, exclude_if=is_none)
    freshness: Span | None
    keys: tuple[str, ...]
    columns: dict[str, Column]
    features: FeatureSet
    label: str
    # The names of the label's classes; of two, the second is the yes.
    classes: tuple[str, ...] = ()
    horizon: Span
    splits: Splits

    @field_validator("until", mode="before")
    @classmethod
    def _midnight_is_a_moment(cls, value: object) -> object:
        # Pydantic takes 2020-01-01T00:00:00 for a date, which would let in the whole of that day.
        if not isinstance(value, str):
            return value
        kind = datetime if len(value) > len("2020-01-01") else date
        return kind.fromisoformat(value)

    @field_validator("freshness")
    @classmethod
    def _freshness_is_a_length_of_time(cls, value: Span | None) -> Span | None:
        if isinstance(value, int):
            raise ValueError("a length of time, such as 7D; rows have no age")
        return value

    @field_validator("columns")
    @classmethod
    def _quarantine_has_room(cls, value: dict[str, Column]) -> dict[str, Column]:
        for name in value.keys() & {ROW_HASH, REASONS}:
            raise ValueError(
                f"{name!r}: the quarantine has a column of that name; allowed: another one, in the table too"
            )
        return value

    @model_validator(mode="after")
    def _names_are_columns(self) -> "Dataset":
        for name in (self.time, *self.keys, *self.features.columns):
            if name not in self.columns:
                raise ValueError(f"{name!r} is not one of columns: {', '.join(self.columns)}")
        if self.columns[self.time].type != "datetime" or self.columns[self.time].nullable:
            raise ValueError(f"time column {self.time!r} must be of type datetime and not nullable")
        if self.columns[self.time].pii:
            raise ValueError(f"time column {self.time!r} is marked pii; without it the log has no order")
        return self

    @model_validator(mode="after")
    def _entity_tells_rows_of_one_from_those_of_another(self) -> "Dataset":
        if self.entity is None:
            return self
        fitting = [name for name, each in self.columns.items() if each.type in ENTITIES and not each.nullable]
        if self.entity not in fitting:
            raise ValueError(
                f"entity: {self.entity!r}; allowed: a column of type {', '.join(ENTITIES)} that is not nullable: "
                f"{', '.join(fitting) or 'there is none'}"
            )
        if not self.has_time:
            raise ValueError(f"entity: {self.entity!r}; allowed: none, where no column is a time")
        return self

    @model_validator(mode="after")
    def _classes_fit_the_task(self) -> "Dataset":
        allowed = {"binary": (0, 2), "multiclass": range(3, MOST_CLASSES + 1), "regression": (0,)}[self.task]
        if len(self.classes) not in allowed:
            raise ValueError(
                f"classes: {len(self.classes)} names; task {self.task} takes {' or '.join(map(str, allowed))}"
                if self.task != "multiclass"
                else f"classes: {len(self.classes)} names; task multiclass takes 3 to {MOST_CLASSES}"
            )
        if len(set(self.classes)) < len(self.classes):
            raise ValueError(f"classes: {', '.join(self.classes)}; allowed: names that differ")
        return self

    @property
    def has_time(self) -> bool:
        """Whether the table has a time of its own, and not the order of its rows alone."""
        return self.time != self.source.row_number

    @property
    def categories(self) -> frozenset[str]:
        """The columns whose values are texts, as they are written."""
        return frozenset(name for name, column in self.columns.items() if column.type == "category")

    @property
    def score_classes(self) -> tuple[str, ...]:
        """The classes that each have a score of their own: none where one score a row says it all."""
        return self.classes if self.task == "multiclass" else ()
