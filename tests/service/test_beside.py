import threading
from collections import Counter
from dataclasses import dataclass, field

import pytest

from keepfit.errors import TooFewRows
from keepfit.serving.beside import Beside, Question, Role
from keepfit.serving.canary import Canary
from keepfit.serving.options import ServiceOptions
from keepfit.serving.problems import Refusal
from keepfit.serving.shadow import Shadow


@dataclass
class Caller:
    """Asks a hundred times, and keeps what was said, by whom and where."""

    beside: Beside
    broken: dict[str, type[Exception]] = field(default_factory=dict)
    log: list[tuple[str, Role, str]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def reply(self, model: str, role: Role) -> str:
        if error := self.broken.get(model):
            raise error(422, "no") if error is Refusal else error("no")
        self.log.append((model, role, threading.current_thread().name))
        return model

    def keep(self, model: str) -> None:
        self.kept.append(model)

    def ask(self, times: int = 100) -> list[str]:
        said = []
        for number in range(times):
            answered, afterwards = self.beside.answer(
                "one", self.reply, self.keep, Question(f"request-{number}", "key", 10)
            )
            said.append(answered)
            if afterwards:
                afterwards()
        self.beside.shadow.close(seconds=5)
        return said

    def logged(self, model: str, role: Role) -> int:
        return sum((model, role) == each[:2] for each in self.log)


def make_caller(*, canary: float = 0.0, share: float = 0.0, **broken: type[Exception]) -> Caller:
    beside: Beside = Beside(Canary(ServiceOptions(canary=canary), None), Shadow(), share=share)
    beside.install("two", "2" * 64)
    return Caller(beside, broken)


def test_without_a_challenger_the_champion_answers_and_nothing_follows():
    caller = make_caller(canary=1.0, share=1.0)
    caller.beside.install(None, "")
    assert set(caller.ask()) == {"one"}
    assert len(caller.log) == 100


def test_in_the_shadow_the_caller_hears_the_champion_and_both_are_logged():
    caller = make_caller(share=1.0)
    assert set(caller.ask()) == {"one"}
    assert caller.logged("one", "champion") == caller.logged("two", "challenger") == 100
    assert caller.kept == ["two"] * 100
    assert {thread for model, _, thread in caller.log if model == "two"} == {"keepfit-shadow"}


def test_a_share_of_the_requests_is_shadowed():
    caller = make_caller(share=0.3)
    caller.ask()
    assert 10 < caller.logged("two", "challenger") < 55


def test_the_shadow_has_its_share_of_what_the_canary_leaves():
    caller = make_caller(canary=0.2, share=0.2)
    caller.ask(1000)
    caller.beside.shadow.close(seconds=5)
    roles = Counter(role for _, role, _ in caller.log)
    assert 150 < roles["canary"] < 250
    assert 0.15 < roles["challenger"] / (1000 - roles["canary"]) < 0.25


def test_a_canary_answers_its_share_and_the_champion_is_logged_for_those_as_well():
    caller = make_caller(canary=0.3, share=1.0)
    said = caller.ask()
    answered = said.count("two")
    assert 10 < answered < 55
    assert caller.logged("two", "canary") == answered
    assert caller.logged("two", "challenger") == 100 - answered
    assert caller.logged("one", "champion") == 100


@pytest.mark.parametrize("how", [ValueError, TooFewRows, Refusal, ZeroDivisionError])
def test_where_the_canary_errs_the_caller_hears_the_champion_until_it_falls_back(how: type[Exception]):
    caller = make_caller(canary=1.0, two=how)
    assert set(caller.ask()) == {"one"}
    assert caller.beside.canary.off is not None
    assert caller.beside.canary.off.reason == "errors"


@pytest.mark.parametrize("how", [TooFewRows, Refusal])
def test_a_request_that_both_refuse_is_no_error_of_the_canary(how: type[Exception]):
    caller = make_caller(canary=1.0, one=how, two=how)
    for _ in range(50):
        with pytest.raises(how):
            caller.ask(1)
    assert caller.beside.canary.off is None


def test_a_champion_that_errs_is_told_and_lets_the_canary_err_as_much():
    caller = make_caller(canary=1.0, one=ValueError, two=ValueError)
    for _ in range(50):
        with pytest.raises(ValueError, match="no"):
            caller.ask(1)
    assert caller.beside.canary.off is None


def test_what_fails_in_the_shadow_is_counted_and_not_heard():
    caller = make_caller(share=1.0, two=ValueError)
    assert set(caller.ask()) == {"one"}
    assert caller.beside.shadow.failed == 100
    assert caller.beside.canary.off is None


def told(beside: Beside) -> dict[tuple[str, ...], float]:
    return {
        (family.name, *sample.labels.values()): sample.value
        for family in beside.families()
        for sample in family.samples
    }


def test_the_metrics_say_what_became_of_shadow_and_canary():
    caller = make_caller(canary=1.0, share=1.0, two=ValueError)
    before = told(caller.beside)
    assert before["keepfit_canary", "on"] == 1
    assert before["keepfit_canary_fallbacks", "errors"] == before["keepfit_shadow_requests", "dropped"] == 0
    caller.ask()
    after = told(caller.beside)
    assert (after["keepfit_canary", "on"], after["keepfit_canary", "off"]) == (0, 1)
    assert after["keepfit_canary_fallbacks", "errors"] == 1
    assert after["keepfit_shadow_requests", "failed"] == 95
