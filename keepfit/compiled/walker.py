"""Walker: the walks of trees over rows as machine code, which is made when it is first used.

LLVM's own text instead of numba's: the same code in 0.1 s and half the memory, of which a worker has little
(docs/DECISIONS.md has the figures).
"""

import ctypes
from functools import cache
from typing import Any

from keepfit.compiled.walks import CODE, LANES


@cache
def native() -> tuple[Any, Any]:
    """Return `walk_row(forest, row, sums)` and `walk_rows(forest, rows, blocks, sums)`, which add each tree to `sums`.

    The second lets other threads of Python run; `rows` are blocks of (columns, LANES), `sums` LANES rows a block.
    """
    engine = _engine()
    row = ctypes.PYFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    rows = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
    return row(engine.get_function_address("walk_row")), rows(engine.get_function_address("walk_rows"))


@cache
def _engine() -> Any:
    # Kept for as long as the process lives: the functions are in its memory.
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    module = binding.parse_assembly(CODE.replace("LANES", str(LANES)))
    module.verify()
    builder = binding.PassManagerBuilder()
    builder.opt_level = 3
    passes = binding.ModulePassManager()
    builder.inlining_threshold = 1000
    builder.populate(passes)
    passes.run(module)
    # Code for any processor of the kind: with the gathers of the newer ones the loops are slower.
    machine = binding.Target.from_default_triple().create_target_machine(opt=3)
    engine = binding.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine
