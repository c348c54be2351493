"""Arithmetic: import this before NumPy, and every x86-64 machine gives the same bits.

Threads change a boosted-trees model's bytes and fight over the cores: folds run side by side instead
(`train.jobs`). NumPy's logarithms and OpenBLAS's products differ in the last bit between processors with
AVX-512 and those without: both are held to what all have.
"""

import os

AVX512 = "AVX512F AVX512CD AVX512_KNL AVX512_KNM AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL"

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": AVX512,
}

os.environ.update(ENVIRONMENT)
