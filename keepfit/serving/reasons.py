"""Reasons: what each feature contributes to a score: the difference to the score with its typical value."""

from typing import TYPE_CHECKING, Any

from keepfit.serving.answers import Reason

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from keepfit.serving.served import Served


def explain(served: "Served", features: "pd.DataFrame", decided: int | None, count: int) -> list[Reason]:
    """Return the `count` largest contributions to the score of one row of features.

    Each feature by itself is set to what is typical of the reference, and the model is asked again: what they do
    together is in none of them. `decided` is the number of the class whose probability is explained.
    """
    import pandas as pd

    from keepfit.scores import predict_scores

    passport = served.passport
    typical = served.typical
    names = list(passport.features)
    rows = pd.concat([features] * (len(names) + 1), ignore_index=True)
    for number, name in enumerate(names, 1):
        rows[name] = _with(rows[name], number, typical[name])
    scores = predict_scores(served.bundle.model, rows[names], passport.task, classes=len(passport.classes))
    told: np.ndarray = scores if decided is None else scores[:, decided]
    found = [
        Reason(name, _plain(features[name].iloc[0]), float(told[0] - told[number]))
        for number, name in enumerate(names, 1)
    ]
    return sorted(found, key=lambda each: -abs(each.contribution))[:count]


def _with(values: "pd.Series", number: int, value: float | str | None) -> "pd.Series":
    import pandas as pd

    if isinstance(values.dtype, pd.CategoricalDtype):
        texts = values.astype("object")
        texts.iloc[number] = value
        return texts.astype("category")
    changed = values.copy()
    changed.iloc[number] = float("nan") if value is None else value
    return changed


def _plain(value: Any) -> float | str | None:
    import pandas as pd

    if pd.isna(value):
        return None
    return value if isinstance(value, str) else float(value)
