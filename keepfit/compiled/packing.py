"""Packing: the compiled scorer of a champion as files, where it gives the scores of scikit-learn."""

from pathlib import Path
from typing import TYPE_CHECKING

from keepfit.compiled.compiler import compile_bundle
from keepfit.compiled.parity import DRAWN, measure_parity
from keepfit.compiled.plan import PLAN, TREES, write_plan
from keepfit.compiled.prepare import NotCompilable
from keepfit.compiled.scorer import CompiledScorer, FrameScorer
from keepfit.compiled.trees import write_forest
from keepfit.files import hash_file
from keepfit.servable import Parity

if TYPE_CHECKING:
    from keepfit.bundle import Bundle
    from keepfit.rows import Rows


def pack_scorer(bundle: "Bundle", valid: "Rows", folder: Path, *, drawn: int = DRAWN) -> tuple[Parity, dict[str, str]]:
    """Write the plan and its trees into the folder, and return the parity and the SHA-256 of each file.

    Nothing is written where the compiled scorer may not serve; the parity says why.
    """
    try:
        plan, forest = compile_bundle(bundle)
    except NotCompilable as error:
        return Parity(compiled=False, why=f"not compiled: {error}", rows=0), {}
    parity = measure_parity(CompiledScorer(plan, forest, FrameScorer(bundle, "")), bundle, valid, drawn=drawn)
    if not parity.compiled:
        return parity, {}
    write_plan(folder, plan)
    if forest is not None:
        write_forest(folder / TREES, forest)
    return parity, {name: hash_file(folder / name) for name in (PLAN, TREES) if (folder / name).exists()}
