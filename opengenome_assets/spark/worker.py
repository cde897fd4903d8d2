"""The daemon of Spark's Python workers: pyspark's daemon, with the counting code loaded before it forks.

Every machine with executors runs ``python -m opengenome_assets.spark.worker``. Without it, each worker would spend
about 1.5 s of a core on imports. pyspark also collects garbage after every task; freezing excludes the imported
modules from that.
"""

import gc
import os
from importlib import import_module

# A worker counts in one thread, and threads of a library do not survive a fork.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Modules that run a task, the code of a task, and what pyarrow imports with its first array.
_MODULES = (
    "pyspark.worker",
    "opengenome_assets.spark.stages",
    "pandas",
)


def load_kernel() -> None:
    """Import the modules of a task. Count one record, which compiles the kernels or reads them from the cache."""
    for module in _MODULES:
        import_module(module)

    import numpy as np

    from opengenome_assets.codons.kernels import count_by_class
    from opengenome_assets.codons.six_frames import SixFrames

    letters, offsets = np.frombuffer(b"ACGT", np.uint8), np.array([0, 4])
    SixFrames().count(letters, offsets[:-1], offsets[1:])
    count_by_class(letters, offsets, np.array([0]))


def main() -> None:
    """Load the modules, then serve Spark until it closes the daemon's standard input."""
    from pyspark.daemon import manager

    load_kernel()
    gc.collect()
    gc.freeze()
    manager()


if __name__ == "__main__":
    main()
