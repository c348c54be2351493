"""Beside: the challenger beside the champion, in the shadow or as a canary; whatever happens the caller is answered."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, Literal, NamedTuple, TypeVar

from keepfit.errors import KeepfitError
from keepfit.serving.canary import REASONS, Canary
from keepfit.serving.exposition import Family, Sample
from keepfit.serving.problems import Refusal
from keepfit.serving.shadow import Shadow
from keepfit.serving.share import in_share

log = logging.getLogger("bentoml.keepfit.canary")
# champion: its answer, given or not; challenger: found out in the shadow; canary: the challenger's, given.
Role = Literal["champion", "challenger", "canary"]
Model = TypeVar("Model")
Body = TypeVar("Body")
Clock = Callable[[], float]


class Question(NamedTuple):
    """Who asks: the id of the request, of the key, and how many bytes came."""

    request: str
    key: str
    size: int


class Beside(Generic[Model, Body]):
    """Decides who answers, and what is found out afterwards."""

    def __init__(self, canary: Canary, shadow: Shadow, *, share: float, clock: Clock = time.perf_counter) -> None:
        """`share` of the requests that the champion answers are scored by the challenger too."""
        self.canary, self.shadow, self.share = canary, shadow, share
        self.challenger: Model | None = None
        self._digest = ""
        self._clock = clock

    def install(self, challenger: Model | None, digest: str) -> None:
        """Put another challenger in the place of the one that is there; None takes it away."""
        self.challenger, self._digest = challenger, digest
        self.canary.watch(digest)

    def answer(
        self, champion: Model, reply: Callable[[Model, Role], Body], keep: Callable[[Body], object], asked: Question
    ) -> tuple[Body, Callable[[], bool] | None]:
        """Return the answer, and what to do once it is sent: to have the other model's found out, and given to `keep`.

        `reply` makes a model's answer, and raises Refusal or KeepfitError where the request is at fault.
        """
        challenger = self.challenger
        if challenger is None:
            return reply(champion, "champion"), None
        if self.canary.chooses(request=asked.request, key=asked.key):
            begun = self._clock()
            try:
                answered = reply(challenger, "canary")
            except Exception as error:  # noqa: BLE001 - the champion answers instead
                took = self._clock() - begun
                # It raises where the request is at fault: then the canary is not.
                answered = self._ask_champion(champion, reply)
                log.warning("the canary failed where the champion did not: %r", error)
                self.canary.see_challenger(took, failed=True)
                return answered, None
            self.canary.see_challenger(self._clock() - begun)
            return answered, lambda: self.shadow.offer(lambda: keep(reply(champion, "champion")), size=asked.size)
        answered = self._ask_champion(champion, reply)
        if in_share(asked.request, self.share, salt=f"shadow {self._digest}"):
            return answered, lambda: self.shadow.offer(lambda: keep(reply(challenger, "challenger")), size=asked.size)
        return answered, None

    def families(self) -> Iterator[Family]:
        """Yield what the shadow dropped and the canary did, in zeros where nothing happened yet."""
        shadow, canary = self.shadow, self.canary
        counts = {"done": shadow.done, "dropped": shadow.dropped, "failed": shadow.failed}
        yield counter("keepfit_shadow_requests", "Requests for the shadow, by what became of them.", "outcome", counts)
        yield Family("keepfit_shadow_waiting", "gauge", "Requests that wait.", [Sample("", {}, shadow.waiting)])
        fallbacks: dict[str, int] = {reason: canary.fallbacks[reason] for reason in REASONS}
        yield counter("keepfit_canary_fallbacks", "Times the canary fell back, by the reason.", "reason", fallbacks)
        on = float(bool(self._digest and canary.options.canary))
        samples = [
            Sample("", {"state": "on"}, on and float(canary.off is None)),
            Sample("", {"state": "off"}, on and float(canary.off is not None)),
        ]
        yield Family("keepfit_canary", "gauge", "Whether a challenger answers, or fell back.", samples, "max")

    def _ask_champion(self, champion: Model, reply: Callable[[Model, Role], Body]) -> Body:
        begun = self._clock()
        try:
            answered = reply(champion, "champion")
        except (Refusal, KeepfitError):
            raise
        except Exception:
            self.canary.see_champion(self._clock() - begun, failed=True)
            raise
        self.canary.see_champion(self._clock() - begun)
        return answered


def counter(name: str, help_: str, label: str, counts: Mapping[str, int]) -> Family:
    """Return a family of counts, told by one label."""
    return Family(name, "counter", help_, [Sample("_total", {label: key}, count) for key, count in counts.items()])
