"""The kernels run where numba finds no folder for what it has compiled."""

import subprocess
import sys

# As for a user without a home and without rights in the package's folder.
SCRIPT = """
from numba.core.caching import CacheImpl
CacheImpl._locator_classes = []
import numpy as np
from opengenome_assets.codons.kernels import count_six_frames
print(count_six_frames(np.frombuffer(b"ACGT" * 3, np.uint8), np.array([0]), np.array([12])).sum(axis=2).tolist())
"""


def test_kernels_need_no_folder_for_their_cache() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    # Whole codons of 12 bases, from bases 0, 1 and 2 on.
    assert done.stdout == "[[4, 3, 3], [4, 3, 3]]\n"
