"""Checks of the final table. They share no code with the computation of the table."""

import math
from collections import Counter
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.dataset as ds

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.checks import Outcome
from opengenome_assets.counts.count_files import unfinished_batches
from opengenome_assets.datasets.demo import planted_counts
from opengenome_assets.files.remote import store
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import fingerprint_of, parameters_of, read_table_file
from opengenome_assets.tables.groups import ALL
from opengenome_assets.units import number_of

SUM_TOLERANCE = 1e-9


def read_table(folder: DatasetFolder) -> tuple[pa.Table, TableParameters]:
    """The final table and its parameters."""
    table = read_table_file(folder)
    return table, parameters_of(table)


def check_total(files: BatchFiles) -> Outcome:
    """Compare the table's counts, per codon and in total, with the sums of the batches' counts by Arrow's scanner."""
    table, parameters = read_table(files.table)
    # The table leaves out codons below min_count.
    expected = {
        codon: count
        for codon, count in _batch_codons(files, parameters).items()
        if count >= parameters.min_count
    }
    rows = table.select(["group", "codon", "count"]).to_pylist()
    found = {row["codon"]: row["count"] for row in rows if row["group"] == ALL}
    differing = sorted(c for c in found.keys() | expected.keys() if found.get(c, 0) != expected.get(c, 0))
    total, of_batches = sum(found.values()), sum(expected.values())
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


def _batch_codons(files: BatchFiles, parameters: TableParameters) -> Counter[str]:
    """Counts of the codons that the parameters include, over all batches and groups. Ignores min_count."""
    paths = [files.counts(batch).location for batch in files.batches]
    filesystem = None
    if not files.folder.is_local:
        root = files.folder.root
        with store(root) as (filesystem, inner):
            paths = [inner + path.removeprefix(root) for path in paths]
    strands = ["+", "-"] if parameters.strand == "both" else [parameters.strand]
    keep = ds.field("strand").isin(strands) & (ds.field("frame") == parameters.frame)
    scanned = ds.dataset(paths, format="parquet", filesystem=filesystem).to_table(
        columns=["codon", "genetic_code", "count"], filter=keep
    )
    by_codon: Counter[str] = Counter()
    for row in scanned.to_pylist():
        plain = set(row["codon"]) <= set("ACGT")
        if parameters.skip_n and not plain:
            continue
        if parameters.skip_stops and plain and _is_stop(row["codon"], row["genetic_code"], parameters):
            continue
        by_codon[row["codon"]] += row["count"]
    return by_codon


def _is_stop(codon: str, code: int | None, parameters: TableParameters) -> bool:
    from Bio.Data.CodonTable import unambiguous_dna_by_id

    table = unambiguous_dna_by_id[code or parameters.code.id]
    # A codon that is both a stop and an amino acid is kept.
    return codon in table.stop_codons and codon not in table.forward_table


def check_sums(files: BatchFiles) -> Outcome:
    """Check that the frequencies of each group sum to 1, or to the included share if min_count leaves out rows.

    Groups without any codons have no frequencies, and are counted separately.
    """
    table, parameters = read_table(files.table)
    sums: dict[str, float] = {}
    empty: set[str] = set()
    for group in dict.fromkeys(table["group"].to_pylist()):
        rows = [row for row in table.to_pylist() if row["group"] == group]
        if all(row["count"] == 0 and row["frequency"] is None for row in rows):
            empty.add(group)
        else:
            sums[group] = math.fsum(row["frequency"] or 0.0 for row in rows)
    expected = 1.0
    if parameters.min_count > 0:
        # Only for all groups together: the sums over the batches are not separated by group.
        by_codon = _batch_codons(files, parameters)
        shown = sum(count for count in by_codon.values() if count >= parameters.min_count)
        expected = shown / max(by_codon.total(), 1)
        sums = {group: total for group, total in sums.items() if group == ALL}
    worst = max((abs(total - expected) for total in sums.values()), default=0.0)
    return Outcome(
        worst <= SUM_TOLERANCE and bool(sums or empty),
        f"frequencies sum to {expected:.9g} within {worst:.1e} (allowed {SUM_TOLERANCE:.0e})",
        {"largest_deviation": worst, "groups": len(sums) + len(empty), "empty_groups": len(empty)},
    )


def check_complete(files: BatchFiles) -> Outcome:
    """Check that all batches of the manifest exist, and that batches and table belong to the current plan."""
    unfinished = unfinished_batches(files)
    table, _ = read_table(files.table)
    same_plan = fingerprint_of(table) == files.manifest.fingerprint
    planned = len(files.batches)
    figures: dict[str, int | float | str] = {
        "planned_batches": planned,
        "finished_batches": planned - len(unfinished),
        "missing": ", ".join(list(unfinished)[:10]),
        "table_is_of_this_plan": str(same_plan),
    }
    description = f"finished for this plan: {planned - len(unfinished):,} of {number_of(planned, 'batch')}"
    return Outcome(planned > 0 and not unfinished and same_plan, description, figures)


def check_planted(folder: DatasetFolder) -> Outcome:
    """Compare the demo's table with the codon counts that the demo was generated with."""
    table, parameters = read_table(folder)
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
    found = dict(_pairs(table.select(["codon", "count"]).to_pylist()))
    differing = [codon for codon in planted.keys() | found.keys() if planted.get(codon) != found.get(codon)]
    return Outcome(
        not differing,
        f"{number_of(len(planted), 'codon')} with known counts, {len(differing)} with a different count in the table",
        {
            "planted_codons": sum(planted.values()),
            "table_codons": sum(found.values()),
            "differing": ", ".join(sorted(differing)[:10]),
        },
    )


def _pairs(rows: Iterable[dict[str, object]]) -> Iterable[tuple[str, int]]:
    for row in rows:
        yield str(row["codon"]), int(str(row["count"]))
