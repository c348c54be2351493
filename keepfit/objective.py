"""The objective: the business question, the cost of being wrong, and what must not happen."""

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import Discriminator, Field, Tag, model_validator

from keepfit.section import Section

Loss = Literal["log_loss", "brier", "absolute_error", "squared_error", "cost"]
Metric = Literal[Loss, "roc_auc", "average_precision", "accuracy", "macro_f1", "r2"]


def by_keys(**branches: type[Section]) -> Discriminator:
    """Return what takes a value for the branch of a union with which it shares the most keys."""

    def choose(value: Any) -> str | None:
        given = value if isinstance(value, dict) else dict(value) if isinstance(value, Section) else {}
        shared = {tag: len(branch.model_fields.keys() & given.keys()) for tag, branch in branches.items()}
        best = max(branches, key=shared.__getitem__)
        return best if shared[best] else None

    allowed = ", or ".join(", ".join(branch.model_fields) for branch in branches.values())
    return Discriminator(choose, custom_error_type="no_branch", custom_error_message=f"allowed keys: {allowed}")


def read_location(root: type[Section], loc: tuple[int | str, ...]) -> tuple[str, list[str]]:
    """Return an error's location as the dotted key that one writes, and the keys allowed beside its last."""
    keys: list[str] = []
    allowed: list[str] = []
    place: Any = root
    for part in loc:
        allowed = list(_fields(place))
        place, written = _step(place, part)
        keys += [str(part)] if written and part != "[key]" else []
    return ".".join(keys), allowed


def _step(place: Any, part: int | str) -> tuple[Any, bool]:
    # The type to which a part of a location leads, and whether one writes that part: tags of unions are not written.
    if get_origin(place) is Annotated:
        place = get_args(place)[0]
    if get_origin(place) in (Union, UnionType):
        members = [each for each in get_args(place) if each is not NoneType]
        if len(members) == 1:
            return _step(members[0], part)
        return next((each for each in members if part in _tags(each)), None), False
    if fields := _fields(place):
        return fields.get(str(part)), True
    # What a mapping or a tuple holds is the type before the dots of `tuple[T, ...]` or the last of all.
    held = [each for each in get_args(place) if each is not ...]
    return (held[-1] if held else None), True


def _fields(place: Any) -> dict[str, Any]:
    if get_origin(place) is Annotated:
        place = get_args(place)[0]
    if not (isinstance(place, type) and issubclass(place, Section)):
        return {}
    return {field.alias or name: field.annotation for name, field in place.model_fields.items()}


def _tags(member: Any) -> tuple[Any, ...]:
    if get_origin(member) is Annotated:
        return tuple(each.tag for each in get_args(member) if isinstance(each, Tag))
    return get_args(_fields(member).get("kind"))


class DecisionCost(Section):
    """The cost of each outcome of a yes-or-no decision."""

    true_positive: float = 0
    false_positive: float
    true_negative: float = 0
    false_negative: float

    @model_validator(mode="after")
    def _mistakes_cost_more(self) -> "DecisionCost":
        if self.false_positive <= self.true_negative or self.false_negative <= self.true_positive:
            raise ValueError("a mistake must cost more than the right decision")
        return self

    @property
    def threshold(self) -> float:
        """The probability above which a yes is cheaper, where probabilities are right."""
        of_yes = self.false_positive - self.true_negative
        return of_yes / (of_yes + self.false_negative - self.true_positive)


class ErrorCost(Section):
    """The cost of a prediction that is one unit too high or too low."""

    over: float = Field(gt=0)
    under: float = Field(gt=0)

    @property
    def threshold(self) -> float:
        """None is needed: an amount is no decision."""
        return 0.0


Price = Annotated[float, Field(gt=0)]


class ClassCost(Section):
    """What it costs to take a row of each class for another: one number, or one for each class it is taken for."""

    mistakes: dict[str, Price | dict[str, Price]]

    @model_validator(mode="after")
    def _every_mistake_has_a_price(self) -> "ClassCost":
        for true, price in self.mistakes.items():
            others = self.mistakes.keys() - {true}
            if isinstance(price, dict) and price.keys() != others:
                raise ValueError(
                    f"mistakes.{true}: allowed: one number, or one for each of {', '.join(sorted(others))}"
                )
        return self

    @property
    def matrix(self) -> tuple[tuple[float, ...], ...]:
        """The cost of each mistake, true classes down, chosen ones across; the right choice costs nothing."""
        return tuple(
            tuple(
                0.0 if chosen == true else price[chosen] if isinstance(price, dict) else price
                for chosen in self.mistakes
            )
            for true, price in self.mistakes.items()
        )

    @property
    def threshold(self) -> float:
        """None is needed: the class with the least expected cost is chosen."""
        return 0.0


Cost = Annotated[
    Annotated[DecisionCost, Tag("decision")]
    | Annotated[ErrorCost, Tag("error")]
    | Annotated[ClassCost, Tag("classes")],
    by_keys(decision=DecisionCost, error=ErrorCost, classes=ClassCost),
]


class Limit(Section):
    """The range in which a metric must lie."""

    min: float = float("-inf")
    max: float = float("inf")


class Slice(Section):
    """Rows that are judged on their own, by the values of a feature or by its edges."""

    column: str
    edges: tuple[float, ...] = ()
    tolerance: float = Field(ge=0)


class Objective(Section):
    """The business question, what decides, and what must not happen."""

    question: str
    metric: Loss
    limits: dict[Metric, Limit]
    cost: Cost
    unit: str
    slices: tuple[Slice, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that each have a score of their own; none where one score a row says it all."""
        return tuple(self.cost.mistakes) if isinstance(self.cost, ClassCost) else ()
