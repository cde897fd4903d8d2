"""What Spark starts for its Python workers: pyspark's daemon, with all that counting needs loaded before it forks.

``python -m opengenome_assets.spark.worker`` on every machine that has executors. A worker that imported for itself
would take a second and a half of a core for it, each of them anew; and pyspark collects garbage after every task,
which walks over what was imported unless it is frozen.
"""

import gc
import os
from importlib import import_module

# A worker counts in one thread, and threads of a library would not be there after a fork.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What runs a task, what a task runs, and what pyarrow imports with the first array that it makes.
_MODULES = (
    "pyspark.worker",
    "opengenome_assets.spark.stages",
    "pandas",
)


def load_kernel() -> None:
    """Import what a task needs and compile, or read from the cache, the kernel by counting one record."""
    for module in _MODULES:
        import_module(module)

    import numpy as np

    from opengenome_assets.codons.kernels import count_six_frames

    count_six_frames(np.frombuffer(b"ACGT", np.uint8), np.array([0]), np.array([4]))


def main() -> None:
    """Load, then serve Spark until it closes the daemon's standard input."""
    from pyspark.daemon import manager

    load_kernel()
    gc.collect()
    gc.freeze()
    manager()


if __name__ == "__main__":
    main()
