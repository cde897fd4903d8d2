"""What has to hold of the final table, found out by other ways than the table was made."""

import math
import random
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from opengenome_assets.batching.manifest import Manifest
from opengenome_assets.checking import Outcome
from opengenome_assets.codons.alphabet import CODON_OF_WINDOW
from opengenome_assets.codons.kernel import FRAMES, STRANDS
from opengenome_assets.counting.count_files import unfinished_batches
from opengenome_assets.counting.row_groups import count_records
from opengenome_assets.datasets.demo import planted_counts
from opengenome_assets.errors import OpengenomeError
from opengenome_assets.storage.object_store import file_system
from opengenome_assets.storage.stamps import first_line
from opengenome_assets.storage.warehouse import (
    FREQUENCIES_PARQUET,
    DatasetFolder,
    counts_path,
    sequences_path,
)
from opengenome_assets.tabulating.parameters import TableParameters

TOTAL_EQUALS_BATCHES = "total_equals_batches"
FREQUENCIES_SUM_TO_ONE = "frequencies_sum_to_one"
BATCHES_COMPLETE = "batches_complete"
RECOUNT_AGREES = "recount_agrees"
MATCHES_PLANTED = "matches_planted"

SUM_TOLERANCE = 1e-9
RECOUNTED_RECORDS = 300
# Slow counting takes about a second for this many bases.
RECOUNTED_BASES = 2_000_000


def read_table(folder: DatasetFolder) -> tuple[pa.Table, TableParameters]:
    """The final table, and the parameters that it was made with."""
    from opengenome_assets.tabulating.table_file import parameters_of

    with folder.open(FREQUENCIES_PARQUET) as file:
        table = pq.read_table(file)
    return table, parameters_of(table)


def check_total(folder: DatasetFolder, manifest: Manifest) -> Outcome:
    """Compare the table's total with the batches' counts, added up by Arrow's dataset scanner."""
    table, parameters = read_table(folder)
    paths = [folder.location(counts_path(batch)) for batch in manifest.plan.keys]
    expected = _sum_batches(paths, parameters)
    total = sum(row["count"] for row in table.select(["group", "count"]).to_pylist() if row["group"] == "all")
    hidden = parameters.min_count > 0
    passed = total <= expected if hidden else total == expected
    return Outcome(
        passed,
        f"{total:,} codons in the table, {expected:,} in {len(paths):,} batch files",
        {"table_codons": total, "batch_codons": expected, "difference": total - expected},
    )


def _sum_batches(paths: list[str], parameters: TableParameters) -> int:
    keep = (ds.field("strand") == parameters.strand) & (ds.field("frame") == parameters.frame)
    if "://" in paths[0]:
        filesystem, _ = file_system(paths[0])
        paths = [file_system(path)[1] for path in paths]
    else:
        filesystem = None
    scanned = ds.dataset(paths, format="parquet", filesystem=filesystem).to_table(
        columns=["codon", "genetic_code", "count"], filter=keep
    )
    total = 0
    for row in scanned.to_pylist():
        plain = set(row["codon"]) <= set("ACGT")
        if parameters.skip_n and not plain:
            continue
        if parameters.skip_stops and plain and _is_stop(row["codon"], row["genetic_code"], parameters):
            continue
        total += row["count"]
    return total


def _is_stop(codon: str, code: int | None, parameters: TableParameters) -> bool:
    from Bio.Data.CodonTable import unambiguous_dna_by_id

    table = unambiguous_dna_by_id[code or parameters.code.id]
    # A codon that is a stop and an amino acid at once is kept.
    return codon in table.stop_codons and codon not in table.forward_table


def check_sums(folder: DatasetFolder) -> Outcome:
    """Frequencies of each group sum to 1, unless rows are hidden or the group is empty."""
    table, parameters = read_table(folder)
    sums: dict[str, list[float]] = {}
    for row in table.to_pylist():
        sums.setdefault(row["group"], []).append(row["frequency"] or 0.0)
    empty = [group for group, parts in sums.items() if not any(parts)]
    worst = max(
        (abs(math.fsum(parts) - 1) for group, parts in sums.items() if group not in empty), default=0.0
    )
    figures: dict[str, int | float | str] = {
        "largest_deviation": worst,
        "groups": len(sums),
        "empty_groups": len(empty),
    }
    if parameters.min_count > 0:
        over = max((math.fsum(parts) for parts in sums.values()), default=0.0)
        return Outcome(
            over <= 1 + SUM_TOLERANCE, f"min_count hides rows; the rest sums to {over:.9f}", figures
        )
    return Outcome(
        worst <= SUM_TOLERANCE and len(empty) < max(len(sums), 1),
        f"frequencies sum to 1 within {worst:.1e} (allowed {SUM_TOLERANCE:.0e})",
        figures,
    )


def check_complete(folder: DatasetFolder, manifest: Manifest) -> Outcome:
    """All batches of the manifest are there and of this plan, and the table was made from this plan."""
    from opengenome_assets.tabulating.table_file import fingerprint_of

    unfinished = unfinished_batches(folder, manifest)
    table, _ = read_table(folder)
    same_plan = fingerprint_of(table) == manifest.fingerprint
    planned = len(manifest.plan.keys)
    figures: dict[str, int | float | str] = {
        "planned_batches": planned,
        "finished_batches": planned - len(unfinished),
        "missing": ", ".join(list(unfinished)[:10]),
        "table_is_of_this_plan": str(same_plan),
    }
    description = f"{planned - len(unfinished):,} of {planned:,} batches are there and of this plan"
    return Outcome(planned > 0 and not unfinished and same_plan, description, figures)


def check_recount(folder: DatasetFolder, manifest: Manifest, seed: int) -> Outcome:
    """Count records drawn at random by a slow counter of its own, and by the one that made the batches.

    Args:
        folder: of the data set.
        manifest: of the data set.
        seed: of the draw; the outcome names it, so that it can be repeated.
    """
    try:
        records = _draw(folder, manifest, random.Random(seed))  # noqa: S311 (a sample, not a secret)
    except (OpengenomeError, pa.ArrowInvalid, OSError) as error:
        return Outcome(
            passed=False,
            description=f"the batches cannot be read again: {first_line(error)}",
            figures={"seed": seed},
        )
    slow: Counter[tuple[str, int, str]] = Counter()
    masked = manifest.settings.soft_mask == "skip"
    for letters in records["sequence"].to_pylist():
        slow.update(count_slowly(letters, masked=masked))
    fast: Counter[tuple[str, int, str]] = Counter()
    for counts in count_records(records, manifest.settings.soft_mask).values():
        for strand, frame, window in np.argwhere(counts):
            fast[STRANDS[strand], int(frame), CODON_OF_WINDOW[window]] += int(counts[strand, frame, window])
    differing = [key for key in slow.keys() | fast.keys() if slow[key] != fast[key]]
    bases = sum(records["length"].to_pylist())
    return Outcome(
        not differing,
        f"{records.num_rows:,} records with {bases:,} bases counted again: {len(differing):,} counts differ",
        {
            "records": records.num_rows,
            "bases": bases,
            "codons_in_six_frames": slow.total(),
            "differing_counts": len(differing),
            "seed": seed,
        },
    )


def _draw(folder: DatasetFolder, manifest: Manifest, chance: random.Random) -> pa.Table:
    """Some hundred records: row groups drawn until there are enough, a few records of each."""
    batches = manifest.plan.keys
    tables: list[pa.Table] = []
    bases = 0
    for batch in chance.sample(batches, min(len(batches), 10)):
        with folder.open(sequences_path(batch)) as source:
            file = pq.ParquetFile(source, pre_buffer=False)
            group = file.read_row_group(chance.randrange(file.metadata.num_row_groups), use_threads=False)
        wanted = -(-RECOUNTED_RECORDS // min(len(batches), 10))
        for row in chance.sample(range(group.num_rows), min(wanted, group.num_rows)):
            record = group.slice(row, 1)
            length = record["length"][0].as_py()
            if bases + length <= RECOUNTED_BASES or not tables:
                tables.append(record)
                bases += length
    return pa.concat_tables(tables)


_COMPLEMENT = str.maketrans("ACGTURYSWKMBDHVN", "TGCAAYRSWMKVHDBN")


def count_slowly(letters: str, *, masked: bool = False) -> Counter[tuple[str, int, str]]:
    """Count one record's codons in six frames with nothing but strings."""
    if masked:
        letters = "".join("N" if letter.islower() else letter for letter in letters)
    forward = letters.upper().replace("U", "T")
    backward = forward.translate(_COMPLEMENT)[::-1]
    return Counter(
        (strand, frame, text[at : at + 3])
        for strand, text in zip(STRANDS, (forward, backward), strict=True)
        for frame in FRAMES
        for at in range(frame, len(text) - 2, 3)
    )


def check_planted(folder: DatasetFolder) -> Outcome:
    """Compare the demo's table with the codons that were planted."""
    table, parameters = read_table(folder)
    if (parameters.strand, parameters.frame, parameters.skip_stops, parameters.min_count) != (
        "+",
        0,
        False,
        0,
    ):
        return Outcome(
            passed=True,
            description="not compared: codons are planted in frame 0 of the forward strand, none left out",
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
        f"{len(planted)} codons planted, {len(differing)} of them with another count in the table",
        {
            "planted_codons": sum(planted.values()),
            "table_codons": sum(found.values()),
            "differing": ", ".join(sorted(differing)[:10]),
        },
    )


def _pairs(rows: Iterable[dict[str, object]]) -> Iterable[tuple[str, int]]:
    for row in rows:
        yield str(row["codon"]), int(str(row["count"]))
