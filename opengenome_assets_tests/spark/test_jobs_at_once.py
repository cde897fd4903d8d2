"""The number of concurrent Spark jobs: as set, or as many as have tasks for all cores."""

import pytest

from opengenome_assets.spark.run_tasks import TASK_BASES, ItemResult, Work, _jobs_that_fill

NOTHING = ItemResult(b"", 0, 0)


@pytest.mark.parametrize(
    ("cores", "batch_bases", "is_one_task", "expected"),
    [
        # A batch of ten tasks: two jobs are enough for few cores, and many cores need more.
        (2, 10 * TASK_BASES, False, 2),
        (20, 10 * TASK_BASES, False, 4),
        # A batch that is one task, since it is small or cannot be cut: two jobs per core, up to what the driver carries.
        (4, 1_000, False, 8),
        (4, 10 * TASK_BASES, True, 8),
        (400, 1_000, False, 32),
    ],
)
def test_jobs_fill_the_cores(cores: int, batch_bases: int, expected: int, *, is_one_task: bool) -> None:
    work: Work[None] = Work("nothing", lambda _: [], lambda _: NOTHING, is_one_task=is_one_task)
    sizes = {f"batch_{number:04d}": batch_bases for number in range(4)}
    assert _jobs_that_fill(cores, sizes, len(sizes), work) == expected
