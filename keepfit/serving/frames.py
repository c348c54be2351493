"""Frames: checked rows as the typed frame that keepfit.columns.parse makes of them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from keepfit.dataset import Column
from keepfit.serving.values import Typed

if TYPE_CHECKING:
    import pandas as pd

NOT_A_TIME = -(2**63)


def make_frame(values: list[list[Typed]], columns: Mapping[str, Column]) -> "pd.DataFrame":
    """Return typed rows as a frame."""
    import pandas as pd

    kept = zip(*values, strict=True)
    return pd.DataFrame({name: _column(list(each), columns[name]) for name, each in zip(columns, kept, strict=True)})


def _column(values: list[Typed], column: Column) -> "pd.Series":
    import numpy as np
    import pandas as pd

    if column.type == "category":
        return pd.Series(values, dtype="object").astype("category")
    if column.type == "datetime":
        whole = np.array([NOT_A_TIME if each is None else each for each in values], dtype="int64")
        return pd.Series(whole.view("datetime64[ns]"))
    return pd.Series(np.array(values, dtype=float))
