"""Model files: estimators as skops, in one canonical form, under an allow-list. No pickle.

skops names members after object addresses and stamps the time, so the same estimator gives other bytes
each time. Here addresses are renumbered in order of appearance, and dates and order are fixed.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from keepfit.errors import UntrustedType
from keepfit.files import replacing

# Types outside skops' own list that a model file may hold. Add yours here, after reading its code.
TRUSTED = (
    "collections.OrderedDict",
    # Its state is the text of the model, which LightGBM's own reader parses.
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)
EPOCH = (1980, 1, 1, 0, 0, 0)


def dump(estimator: Any) -> bytes:
    """Return the estimator as canonical skops bytes: equal estimators give equal bytes."""
    import skops.io

    return canonicalise(skops.io.dumps(estimator))


def canonicalise(content: bytes) -> bytes:
    """Return a skops file with addresses renumbered, and the order and dates of its members fixed."""
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        members = {name: source.read(name) for name in source.namelist()}
    numbers: dict[int, int] = {}
    schema = _renumber(json.loads(members.pop("schema.json")), numbers)
    renamed = {_rename(name, numbers): data for name, data in members.items()}
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(renamed):
            target.writestr(zipfile.ZipInfo(name, EPOCH), renamed[name], zipfile.ZIP_DEFLATED)
        target.writestr(zipfile.ZipInfo("schema.json", EPOCH), json.dumps(schema), zipfile.ZIP_DEFLATED)
    return output.getvalue()


def write_model(path: Path, estimator: Any) -> None:
    """Write an estimator; raise UntrustedType where it could not be loaded again."""
    content = dump(estimator)
    refuse_untrusted(content)
    with replacing(path) as partial:
        partial.write_bytes(content)


def read_model(path: Path) -> Any:
    """Load an estimator; raise UntrustedType before anything of the file is run."""
    import skops.io

    content = path.read_bytes()
    refuse_untrusted(content)
    return skops.io.loads(content, trusted=list(TRUSTED))


def refuse_untrusted(content: bytes) -> None:
    """Raise UntrustedType where the file holds a type that is in no allow-list."""
    import skops.io

    if found := sorted(set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED)):
        raise UntrustedType(
            f"model file holds {', '.join(found)}; allowed: scikit-learn's own types and those in "
            "TRUSTED of keepfit/modelfile.py"
        )


def _renumber(node: Any, numbers: dict[int, int]) -> Any:
    if isinstance(node, list):
        return [_renumber(each, numbers) for each in node]
    if not isinstance(node, dict):
        return node
    result = dict(node)
    if "__id__" in node:
        result["__id__"] = numbers.setdefault(node["__id__"], len(numbers))
    for key, value in node.items():
        if key == "file":
            result[key] = _rename(value, numbers)
        elif key != "__id__":
            result[key] = _renumber(value, numbers)
    return result


def _rename(name: str, numbers: dict[int, int]) -> str:
    stem, dot, suffix = name.partition(".")
    return f"{numbers.setdefault(int(stem), len(numbers))}{dot}{suffix}" if stem.isdigit() else name
