"""Frame scorer: raw rows to scores with pandas and scikit-learn, by the functions that training uses."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from keepfit.errors import FeatureError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from keepfit.bundle import Bundle

Raw = float | str | int | None
Score = float | list[float]


class FrameScorer:
    """Scores with pandas and scikit-learn, by the functions that training uses."""

    compiled, fallbacks = False, 0

    def __init__(self, bundle: "Bundle", why: str) -> None:
        self.bundle, self.why = bundle, why

    def score_row(self, values: Sequence[Raw]) -> Score:
        """As Scorer has it."""
        return _plain(self.score_frame(self._frame(values))[-1])

    def features_of_row(self, values: Sequence[Raw]) -> tuple[float | str | None, ...]:
        """As Scorer has it."""
        import pandas as pd

        (row,) = self.features_of(self._frame(values)).itertuples(index=False, name=None)
        return tuple(
            None if kind == "category" and pd.isna(value) else value
            for value, kind in zip(row, self._kinds, strict=True)
        )

    def score_features(self, features: Sequence[float | str | None]) -> Score:
        """As Scorer has it."""
        import pandas as pd

        named = zip(self.bundle.passport.features, features, self._kinds, strict=True)
        frame = pd.DataFrame({name: pd.Series([value], dtype=kind) for name, value, kind in named})
        return _plain(self.predict(frame)[0])

    def score_frame(self, rows: "pd.DataFrame") -> "np.ndarray":
        """As Scorer has it."""
        return self.predict(self.features_of(rows))

    def features_of(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        """As Scorer has it."""
        from keepfit.score import compute_features

        return compute_features(rows, self.bundle.passport)

    def predict(self, features: "pd.DataFrame") -> "np.ndarray":
        """Return the scores of features; raise FeatureError where the model refuses them."""
        from keepfit.scores import predict_scores

        passport = self.bundle.passport
        try:
            return predict_scores(self.bundle.model, features, passport.task, classes=len(passport.classes))
        except ValueError as error:
            raise FeatureError(f"the model refuses the features: {' '.join(str(error).split())[:200]}") from None

    def feature(self, name: str) -> Callable[[Sequence[Raw]], float | str | None]:
        """Return the function of all raw values that computes one feature with pandas."""
        from keepfit.features import load_module

        found = load_module(self.bundle.passport.request.module).features[name]

        def compute(values: Sequence[Raw]) -> float | str | None:
            value = found.compute(self._frame(values)).iloc[0]
            return value if isinstance(value, str) else float(value) if value is not None else None

        return compute

    @cached_property
    def _kinds(self) -> list[str]:
        prepare = self.bundle.model.named_steps["prepare"]
        categories = {name for step, _, names in prepare.transformers_ if step == "categories" for name in names}
        return ["category" if name in categories else "float64" for name in self.bundle.passport.features]

    def _frame(self, values: Sequence[Raw]) -> "pd.DataFrame":
        from keepfit.serving.frames import make_frame

        return make_frame([list(values)], self.bundle.passport.request.columns)


def _plain(score: Any) -> Score:
    return score.tolist()
