"""Checks of the final table. They share no code with the computation of the table."""

import math
from collections import Counter
from collections.abc import Iterator
from itertools import chain, groupby

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.checks import Outcome
from opengenome_assets.counts.count_files import unfinished_batches
from opengenome_assets.datasets.demo import planted_counts
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import (
    fingerprint_of,
    parameters_of,
    read_table_header,
    read_table_parts,
)
from opengenome_assets.tables.groups import ALL
from opengenome_assets.units import number_of

SUM_TOLERANCE = 1e-9
_ROWS_HELD = 1 << 16


def check_total(files: BatchFiles) -> Outcome:
    """Compare the table's counts, per codon and in total, with the sums of the batches' counts."""
    parameters = parameters_of(read_table_header(files.table))
    # The table leaves out codons below min_count.
    expected = {
        codon: count
        for codon, count in _batch_codons(files, parameters).items()
        if count >= parameters.min_count
    }
    found = _pooled_codons(files.table)
    differing = sorted(c for c in found.keys() | expected.keys() if found[c] != expected.get(c, 0))
    total, of_batches = found.total(), sum(expected.values())
    return Outcome(
        not differing,
        f"{number_of(total, 'codon')} in the table, {of_batches:,} in "
        f"{number_of(len(files.batches), 'batch file')}; "
        f"{number_of(len(differing), 'codon')} with a different count",
        {
            "table_codons": total,
            "batch_codons": of_batches,
            "difference": total - of_batches,
            "differing": ", ".join(differing[:10]),
        },
    )


def _pooled_codons(folder: DatasetFolder) -> Counter[str]:
    """Counts of the table's rows of ``all``."""
    by_codon: Counter[str] = Counter()
    for part in read_table_parts(folder, ["group", "codon", "count"]):
        for row in part.filter(pc.field("group") == ALL).to_pylist():
            by_codon[row["codon"]] += row["count"]
    return by_codon


def _batch_codons(files: BatchFiles, parameters: TableParameters) -> Counter[str]:
    """Counts of the codons that the parameters include, over all batches and groups. Ignores min_count."""
    by_codon: Counter[str] = Counter()
    for (codon, code), count in _codons_by_code(files, parameters).items():
        plain = set(codon) <= set("ACGT")
        if parameters.skip_n and not plain:
            continue
        if parameters.skip_stops and plain and _is_stop(codon, code, parameters):
            continue
        by_codon[codon] += count
    return by_codon


def _codons_by_code(files: BatchFiles, parameters: TableParameters) -> Counter[tuple[str, int | None]]:
    """Counts per codon and genetic code, over all batches and groups, in the frame and on the strands of the parameters."""
    columns = ["strand", "frame", "codon", "genetic_code", "count"]
    strands = pa.array(["+", "-"] if parameters.strand == "both" else [parameters.strand])
    sums: Counter[tuple[str, int | None]] = Counter()
    for batch in files.batches:
        with files.folder.open(files.counts(batch).path) as file:
            for part in pq.ParquetFile(file).iter_batches(_ROWS_HELD, columns=columns, use_threads=False):
                is_on_strand = pc.is_in(part["strand"], strands)
                rows = part.filter(pc.and_(is_on_strand, pc.equal(part["frame"], parameters.frame)))
                by_code = pa.Table.from_batches([rows]).group_by(["codon", "genetic_code"])
                for row in by_code.aggregate([("count", "sum")]).to_pylist():
                    sums[row["codon"], row["genetic_code"]] += row["count_sum"]
    return sums


def _is_stop(codon: str, code: int | None, parameters: TableParameters) -> bool:
    from Bio.Data.CodonTable import unambiguous_dna_by_id

    table = unambiguous_dna_by_id[code or parameters.code.id]
    # A codon that is both a stop and an amino acid is kept.
    return codon in table.stop_codons and codon not in table.forward_table


def check_sums(files: BatchFiles) -> Outcome:
    """Check that the frequencies of each group sum to 1, or to the included share if min_count leaves out rows.

    Groups without any codons have no frequencies, and are counted separately. The rows of a group must be beside each
    other.
    """
    parameters = parameters_of(read_table_header(files.table))
    expected = 1.0
    if parameters.min_count > 0:
        # Only for all groups together: the sums over the batches are not separated by group.
        by_codon = _batch_codons(files, parameters)
        shown = sum(count for count in by_codon.values() if count >= parameters.min_count)
        expected = shown / max(by_codon.total(), 1)
    worst, groups, empty = 0.0, 0, 0
    for group, total in _sums_of_frequencies(files.table):
        if total is None:
            empty += 1
        elif parameters.min_count == 0 or group == ALL:
            groups += 1
            # Unlike Python's, this maximum is NaN if a frequency is.
            worst = float(np.maximum(worst, abs(total - expected)))
    return Outcome(
        worst <= SUM_TOLERANCE and groups + empty > 0,
        f"frequencies sum to {expected:.9g} within {worst:.1e} (allowed {SUM_TOLERANCE:.0e})",
        {"largest_deviation": worst, "groups": groups + empty, "empty_groups": empty},
    )


def _sums_of_frequencies(folder: DatasetFolder) -> Iterator[tuple[str, float | None]]:
    """Each group and the sum of its frequencies; None if it has neither codons nor frequencies."""
    parts = read_table_parts(folder, ["group", "count", "frequency"])
    for group, runs in groupby(chain.from_iterable(map(_runs, parts)), key=lambda run: run[0]):
        rows = pa.concat_tables([rows for _, rows in runs])
        is_empty = pc.max(rows["count"]).as_py() == 0 and rows["frequency"].null_count == rows.num_rows
        yield group, None if is_empty else math.fsum(pc.drop_null(rows["frequency"]).to_pylist())


def _runs(part: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Neighbouring rows of the same group."""
    runs = pc.run_end_encode(part["group"].combine_chunks())
    first = 0
    for group, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        yield group, part.slice(first, end - first)
        first = end


def check_complete(files: BatchFiles) -> Outcome:
    """Check that all batches of the manifest exist, and that batches and table belong to the current plan."""
    unfinished = unfinished_batches(files)
    same_plan = fingerprint_of(read_table_header(files.table)) == files.manifest.fingerprint
    planned = len(files.batches)
    figures: dict[str, int | float | str] = {
        "planned_batches": planned,
        "finished_batches": planned - len(unfinished),
        "missing": ", ".join(list(unfinished)[:10]),
        "table_is_of_this_plan": str(same_plan),
    }
    description = f"finished for this plan: {planned - len(unfinished):,} of {number_of(planned, 'batch')}"
    return Outcome(not unfinished and same_plan, description, figures)


def check_planted(folder: DatasetFolder) -> Outcome:
    """Compare the demo's table with the codon counts that the demo was generated with."""
    parameters = parameters_of(read_table_header(folder))
    if (parameters.strand, parameters.frame, parameters.skip_stops, parameters.min_count) != (
        "+",
        0,
        False,
        0,
    ):
        return Outcome(
            passed=True,
            description="not compared: the known counts are those of forward frame 0 with all codons",
        )
    planted = {
        codon: count
        for codon, count in planted_counts().items()
        if not parameters.skip_n or set(codon) <= set("ACGT")
    }
    found = _pooled_codons(folder)
    differing = [codon for codon in planted.keys() | found.keys() if planted.get(codon) != found.get(codon)]
    return Outcome(
        not differing,
        f"{number_of(len(planted), 'codon')} with known counts, {len(differing)} with a different count in the table",
        {
            "planted_codons": sum(planted.values()),
            "table_codons": found.total(),
            "differing": ", ".join(sorted(differing)[:10]),
        },
    )
