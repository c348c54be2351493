"""Walker: the walks of trees over rows as machine code, which is made when it is first used.

LLVM's own text instead of numba's: the same code in 0.1 s and half the memory, of which a worker has little
(docs/DECISIONS.md has the figures).
"""

import ctypes
from collections.abc import Iterable
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from keepfit.compiled import masks, walks

if TYPE_CHECKING:
    import numpy as np

ROWS = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)


# Threads that score frames ask for the first time at once, and LLVM compiles for one at a time.
_COMPILING = Lock()


def address_tables(arrays: Iterable["np.ndarray"], numbers: Iterable[int]) -> Any:
    """Return what machine code takes tables by: the addresses of arrays, which must live on, and the numbers."""
    words = [*(array.ctypes.data for array in arrays), *numbers]
    return (ctypes.c_int64 * len(words))(*words)


@cache
def native() -> tuple[Any, Any]:
    """Return `walk_row(forest, row, sums)` and `walk_rows(forest, rows, blocks, sums)`, which add each tree to `sums`.

    The second lets other threads of Python run; `rows` are blocks of (columns, LANES), `sums` LANES rows a block.
    """
    # Code for any processor of the kind: with the gathers of the newer ones the loops are slower.
    engine = _compile(walks.CODE, "")
    row = ctypes.PYFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    return row(engine.get_function_address("walk_row")), ROWS(engine.get_function_address("walk_rows"))


@cache
def native_masks() -> Any:
    """Return `mask_rows(masks, rows, blocks, sums)`, to be called as `walk_rows` is."""
    from llvmlite import binding

    wide = "+avx2" if binding.get_host_cpu_features().get("avx2") else ""
    return ROWS(_compile(masks.CODE, wide).get_function_address("mask_rows"))


def _compile(code: str, features: str) -> Any:
    with _COMPILING:
        return _compile_once(code, features)


# Kept for as long as the process lives: the functions are in its memory.
@cache
def _compile_once(code: str, features: str) -> Any:
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    module = binding.parse_assembly(code)
    module.verify()
    builder = binding.PassManagerBuilder()
    builder.opt_level = 3
    builder.inlining_threshold = 1000
    passes = binding.ModulePassManager()
    builder.populate(passes)
    passes.run(module)
    machine = binding.Target.from_default_triple().create_target_machine(opt=3, features=features)
    engine = binding.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine
