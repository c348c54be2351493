import subprocess
import sys

LOOK = """
import keepfit.stage
import numpy as np
from threadpoolctl import threadpool_info
features = np.core._multiarray_umath.__cpu_features__
print([name for name, on in features.items() if on and name.startswith("AVX512")])
print([each["architecture"] for each in threadpool_info() if each["internal_api"] == "openblas"])
print({each["num_threads"] for each in threadpool_info()})
"""


def test_a_stage_computes_as_a_processor_without_avx_512_would_and_on_one_thread():
    done = subprocess.run([sys.executable, "-W", "error", "-c", LOOK], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['Haswell']", "{1}"]
