"""This project stage by stage, in one process: ``python -m benchmarks.warm INPUT WAREHOUSE``.

The stages are the functions that the assets call; Dagster is left out. Counting runs twice: the second time everything
is warm. Prints one JSON object: ``bases``, ``seconds`` by stage,
and the ``counts`` of the unambiguous codons of frame 0.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.programs import CODONS
from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.manifest import Manifest
from opengenome_assets.batches.register import register
from opengenome_assets.batches.write import write_batches
from opengenome_assets.checks.batch import check_counts, check_sequences
from opengenome_assets.checks.recount import check_recount
from opengenome_assets.checks.table import check_complete, check_sums, check_total
from opengenome_assets.datasets.catalogue import Dataset, resolve_datasets
from opengenome_assets.settings import DEFAULT_SPARK_MASTER, TableParameters, read_settings
from opengenome_assets.spark.config import check_setup, spark_config
from opengenome_assets.spark.session import start_session
from opengenome_assets.spark.stages import count_batches, warm_up
from opengenome_assets.tables.frequencies import make_table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DATASET = "bench"
STAGES = {
    "register": "reads the input once, for the manifest",
    "write": "batch files of sequences",
    "check batches": "every batch file read back",
    "session": "Java and Spark started",
    "warm up": "an empty job; the workers' parent loads the kernel",
    "count, first": "six frames, the JVM not yet compiled",
    "count, warm": "six frames, session and workers warm",
    "check counts": "codons of each frame against the lengths",
    "table": "the final table",
    "check table": "totals, sums, completeness, a recount",
}


def dataset_at(location: str, warehouse: str, batch_size: str = "") -> Dataset:
    """The data set of an input in a warehouse, as the command line would resolve it."""
    settings = read_settings(
        {
            "OPENGENOME_INPUT": location,
            "OPENGENOME_DATASET": DATASET,
            "OPENGENOME_WAREHOUSE": warehouse,
            "OPENGENOME_BATCH_SIZE": batch_size,
        }
    )
    return resolve_datasets(settings)[0]


def write_all(dataset: Dataset, manifest: Manifest) -> None:
    """Write every batch file.

    Raises:
        click.ClickException: one could not be written.
    """
    _raise_first(
        done.error for done in write_batches(BatchFiles(dataset.folder, manifest), manifest.plan.keys)
    )


def count_all(spark: "SparkSession", dataset: Dataset, manifest: Manifest) -> None:
    """Count every batch.

    Raises:
        click.ClickException: one could not be counted.
    """
    _raise_first(
        done.error for done in count_batches(spark, BatchFiles(dataset.folder, manifest), manifest.plan.keys)
    )


def _raise_first(errors: Iterator[str | None]) -> None:
    for error in list(errors):
        if error is not None:
            raise click.ClickException(error)


class Clock:
    """Seconds of the stages that were timed."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Time a block."""
        began = time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - began


def _check_table(dataset: Dataset, manifest: Manifest) -> bool:
    folder = dataset.folder
    outcomes = [
        check_total(BatchFiles(folder, manifest)),
        check_sums(BatchFiles(folder, manifest)),
        check_complete(BatchFiles(folder, manifest)),
        check_recount(BatchFiles(folder, manifest), seed=1),
    ]
    return all(outcome.passed for outcome in outcomes)


@click.command()
@click.argument("location")
@click.argument("warehouse", type=click.Path(path_type=Path))
@click.option("--only-reading", is_flag=True, help="Stop when the batch files are written.")
@click.option("--batch-size", default="", help="Rows per batch.")
def main(*, location: str, warehouse: Path, only_reading: bool, batch_size: str) -> None:
    """Time the stages over an input."""
    clock = Clock()
    dataset = dataset_at(location, str(warehouse), batch_size)
    folder = dataset.folder
    with clock.time("register"):
        manifest = register(dataset, lambda _: None).manifest
    keys = manifest.plan.keys
    with clock.time("write"):
        write_all(dataset, manifest)
    if only_reading:
        click.echo(json.dumps({"bases": manifest.bases, "seconds": clock.seconds}))
        return
    good = True
    with clock.time("check batches"):
        for key in keys:
            good &= all(
                outcome.passed for outcome in check_sequences(BatchFiles(folder, manifest), key).values()
            )
    with clock.time("session"):
        check_setup(DEFAULT_SPARK_MASTER)
        spark = start_session(spark_config(DEFAULT_SPARK_MASTER))
    with clock.time("warm up"):
        warm_up(spark)
    for stage in ("count, first", "count, warm"):
        with clock.time(stage):
            count_all(spark, dataset, manifest)
    with clock.time("check counts"):
        good &= all(check_counts(BatchFiles(folder, manifest), key).passed for key in keys)
    with clock.time("table"):
        made = make_table(BatchFiles(folder, manifest), TableParameters())
    with clock.time("check table"):
        good &= _check_table(dataset, manifest)
    spark.stop()
    if not good:
        msg = "a check failed"
        raise click.ClickException(msg)
    rows = dict(zip(made.pooled["codon"].to_pylist(), made.pooled["count"].to_pylist(), strict=True))
    counts = {codon: rows[codon] for codon in CODONS}
    click.echo(json.dumps({"bases": manifest.bases, "seconds": clock.seconds, "counts": counts}))


if __name__ == "__main__":
    main()
