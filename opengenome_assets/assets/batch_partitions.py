"""The partitions of a data set: one per batch. A key that is no batch is refused in one line."""

import click
import dagster as dg

from opengenome_assets.batching.plan import BatchPlan


class BatchPartitions(dg.StaticPartitionsDefinition):
    """Static partitions that name the data set and its batches when a key is unknown."""

    def __init__(self, dataset: str, plan: BatchPlan) -> None:
        super().__init__(plan.keys)
        self._dataset = dataset

    def validate_partition_key(self, partition_key: str, context: object) -> None:
        """Accept the key of a batch.

        Raises:
            click.ClickException: the key is no batch. Dagster's command line prints it as one line; any other error
                ends in a traceback.
        """
        del context
        if self.has_partition_key(partition_key):
            return
        keys = self.get_partition_keys()
        known = f"It has {keys[0]} to {keys[-1]}" if keys else "No batches are registered yet"
        msg = (
            f"{partition_key!r} is not a batch of {self._dataset}. {known}; "
            f"'opengenome batches --dataset {self._dataset}' lists them."
        )
        raise click.ClickException(msg)
