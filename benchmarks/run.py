"""Runs the benchmark: ``python -m benchmarks.run [STUDY …] --size small``."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click

from benchmarks.contenders import LIMIT
from benchmarks.genomes import Format, genomes_of
from benchmarks.measure import CommandError
from benchmarks.page import RESULTS, Section, save
from benchmarks.picture import draw
from benchmarks.studies import (
    backfill,
    batches,
    cold,
    compression,
    groups,
    growth,
    memory,
    peers,
    reading,
    records,
    scaling,
    soak,
)
from benchmarks.studies.bench import Bench

STUDIES: dict[str, Callable[[Bench], Section]] = {
    "peers": peers.study,
    "cold": cold.study,
    "growth": growth.study,
    "memory": memory.study,
    "reading": reading.study,
    "compression": compression.study,
    "batches": batches.study,
    "groups": groups.study,
    "records": records.study,
    "scaling": scaling.study,
    "backfill": backfill.study,
    "soak": soak.study,
}


@click.command()
@click.argument("studies", nargs=-1, type=click.Choice([*STUDIES, "all"]))
@click.option(
    "--size", default="small", show_default=True, help="small, 500M, 2G, full, or a number of bases."
)
@click.option(
    "--rounds", default=3, show_default=True, type=click.IntRange(1), help="How often everything is run."
)
@click.option(
    "--scratch",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where data go while it runs (the system's folder for temporary files).",
)
@click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    default=RESULTS,
    help="Where the page goes.",
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(list(reading.AIMS)),
    help="What the study of reading takes.",
)
@click.option("--genomes", help="Own genomes, which the study of compression takes beside the made-up ones.")
def main(
    studies: tuple[str, ...],
    size: str,
    rounds: int,
    scratch: Path | None,
    results: Path,
    formats: tuple[Format, ...],
    genomes: str | None,
) -> None:
    """Run studies (peers, unless some are named) and write their page and picture."""
    try:
        genomes_of(size)
    except ValueError as error:
        msg = f"--size: '{size}' is no size. Give small, 500M, 2G, full, or a number of bases."
        raise click.UsageError(msg) from error
    chosen = list(STUDIES) if "all" in studies else list(studies) or ["peers"]
    began = time.monotonic()

    def log(line: str) -> None:
        click.echo(f"{time.monotonic() - began:7.1f} s · {line}", err=True)

    with tempfile.TemporaryDirectory(prefix="bench-", dir=scratch, ignore_cleanup_errors=True) as folder:
        bench = Bench(size, rounds, Path(folder), log, genomes, formats)
        for name in chosen:
            log(name)
            try:
                section = STUDIES[name](bench)
            except CommandError as error:
                raise click.ClickException(str(error)) from error
            save(size, name, section, results)
            if section.bars:
                draw(section.bars, "this project", LIMIT, results / f"{size}.svg")
    click.echo(results / f"{size}.md")


if __name__ == "__main__":
    main()
