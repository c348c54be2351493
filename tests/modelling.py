"""Feature modules and models that tests of the model side make on the spot."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from keepfit.features import FeatureModule
from keepfit.settings import Model

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = sorted(path.stem for path in (ROOT / "conf" / "model").glob("*.yaml"))
# Those that are fitted in this process.
MODELS = [name for name in SHIPPED if not name.endswith("_dask")]


def module_of(*functions: Callable) -> FeatureModule:
    """What `load_module` makes of a file with these functions."""
    marked = {function.__name__: vars(function) for function in functions}
    return FeatureModule(
        features={name: marks["feature"] for name, marks in marked.items() if "feature" in marks},
        labels={name: marks["label"] for name, marks in marked.items() if "label" in marks},
    )


def shipped_model(name: str) -> Model:
    """The model of conf/model/NAME.yaml."""
    return Model.model_validate(yaml.safe_load((ROOT / "conf" / "model" / f"{name}.yaml").read_text()))


def mixed_features(n: int = 400, seed: int = 0) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Two numbers and a category, with values missing in each kind, and labels for both tasks."""
    draw = np.random.default_rng(seed)
    x, z, c = draw.normal(size=n), draw.normal(size=n), draw.choice(["a", "b", "d"], size=n)
    amount = 3 * x + 2.0 * (c == "b") + draw.normal(scale=0.5, size=n)
    frame = pd.DataFrame({"x": x, "z": z, "c": pd.Series(c).astype("category")})
    frame.loc[5::20, "z"], frame.loc[7::20, "c"] = np.nan, None
    return frame, {"binary": (amount > 1).astype(float), "regression": amount}
