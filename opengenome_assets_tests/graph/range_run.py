"""Runs assets over a range of batches in this process, as the command line does."""

import dagster as dg


def run_range(
    definitions: dg.Definitions, batches: list[str], instance: dg.DagsterInstance
) -> dg.ExecuteInProcessResult:
    """Run all assets from the first batch to the last. A failure is in the result."""
    job = definitions.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        instance=instance,
        tags={
            "dagster/asset_partition_range_start": batches[0],
            "dagster/asset_partition_range_end": batches[-1],
        },
        raise_on_error=False,
    )
