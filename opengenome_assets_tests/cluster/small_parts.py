"""The command line with parts of the size of a file or batch, so that small inputs have tasks for several workers."""

from opengenome_assets.batches import planned_rows, scan
from opengenome_assets.checks import batch
from opengenome_assets.cli import main
from opengenome_assets.spark import run_tasks

if __name__ == "__main__":
    scan.PART_BYTES = 1
    planned_rows.PASS_BASES = 1
    batch._BASES_AT_ONCE = 1
    run_tasks.TASK_BASES = 1
    main()
