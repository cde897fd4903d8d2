"""Checks of a batch, whose files are read back."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.planned_rows import rows_of_batch
from opengenome_assets.batches.prune import hashes_of
from opengenome_assets.batches.rejected import read_rejected
from opengenome_assets.batches.workers import Workers
from opengenome_assets.checks import Outcome
from opengenome_assets.codons.alphabet import CODONS, FRAMES, NUCLEOTIDE_LETTERS, STRANDS
from opengenome_assets.counts.count_files import AMBIGUOUS, codons_of_frame
from opengenome_assets.errors import BatchFileError
from opengenome_assets.metadata.metadata_table import UNASSIGNED
from opengenome_assets.tables.by_sequence import PARAMETERS
from opengenome_assets.units import number_of

ROWS_AS_PLANNED = "rows_as_planned"
ONLY_NUCLEOTIDE_LETTERS = "only_nucleotide_letters"
UNIQUE_IDS = "unique_ids"
ROWS_ASSIGNED = "rows_assigned"

_LETTERS = (NUCLEOTIDE_LETTERS + NUCLEOTIDE_LETTERS.lower()).encode()
_EXAMPLES = 5
# Of batches that one work item checks.
_BASES_AT_ONCE = 128_000_000
_BATCHES_AT_ONCE = 100

Found = TypeVar("Found")
_COLUMNS = ["row", "seq_id", "length", "sequence", "group"]


def check_batches(
    check: Callable[[BatchFiles, str], Found], files: BatchFiles, batches: Sequence[str], workers: Workers
) -> Iterator[tuple[str, Found]]:
    """Check batches. Yields each with what was found, in any order.

    Args:
        check: one of the functions of this module: (files, batch) → what was found.
        files: files of the data set.
        batches: keys.
        workers: who reads the files.
    """
    yield from workers.run("checking", partial(_check_some, check, files), _together(files, batches))


def _together(files: BatchFiles, batches: Sequence[str]) -> Iterator[list[str]]:
    """Batches in groups: small ones share a work item."""
    some: list[str] = []
    for batch in batches:
        some.append(batch)
        if sum(map(files.manifest.bases_of, some)) >= _BASES_AT_ONCE or len(some) >= _BATCHES_AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _check_some(
    check: Callable[[BatchFiles, str], Found],
    files: BatchFiles,
    batches: list[str],
    stopping: threading.Event,
) -> Iterator[tuple[str, Found]]:
    for batch in batches:
        if stopping.is_set():
            return
        yield batch, check(files, batch)


def check_sequences(files: BatchFiles, batch: str) -> dict[str, Outcome]:
    """Run all checks of a batch of sequences. Reads its file once, one row group at a time.

    Args:
        files: files of the data set.
        batch: key of the batch.

    Returns:
        check name → outcome.
    """
    reading = _Reading(_known_hashes(files, batch))
    try:
        for table in files.sequences(batch).read(_COLUMNS):
            reading.take(table)
        rejected = read_rejected(files, batch)
    except BatchFileError as error:
        broken = Outcome(passed=False, description=str(error))
        return dict.fromkeys((ROWS_AS_PLANNED, ONLY_NUCLEOTIDE_LETTERS, UNIQUE_IDS, ROWS_ASSIGNED), broken)
    return {
        ROWS_AS_PLANNED: _rows(
            reading, rejected, rows_of_batch(files.manifest, batch), files.manifest.bases_of(batch)
        ),
        ONLY_NUCLEOTIDE_LETTERS: _letters(reading),
        UNIQUE_IDS: _ids(reading),
        ROWS_ASSIGNED: _groups(reading),
    }


def _known_hashes(files: BatchFiles, batch: str) -> dict[int, str]:
    """Row → hash of the sequence, of a batch whose sequences were counted and removed before; else nothing."""
    try:
        kept = files.lengths(batch).read_whole(["row", "sha256"])
    except BatchFileError:
        # Without a readable file there is nothing to compare with.
        return {}
    return dict(zip(kept["row"].to_pylist(), kept["sha256"].to_pylist(), strict=True))


@dataclass
class _Reading:
    """Figures that are collected while a batch file is read. The hashes are those of an earlier file of the batch."""

    hashes: dict[int, str]
    bases: int = 0
    disagreeing: int = 0
    changed: int = 0
    rows: list[NDArray[np.int64]] = field(default_factory=list)
    foreign: Counter[int] = field(default_factory=Counter)
    ids: Counter[str] = field(default_factory=Counter)
    groups: Counter[str] = field(default_factory=Counter)

    def take(self, table: pa.Table) -> None:
        lengths = table["length"].to_numpy()
        self.rows.append(table["row"].to_numpy())
        self.bases += int(lengths.sum())
        self.ids.update(table["seq_id"].to_pylist())
        self.groups.update(table["group"].to_pylist())
        found = pc.binary_length(table["sequence"]).to_numpy()
        self.disagreeing += int(np.count_nonzero(found != lengths))
        if self.hashes:
            found_hashes = zip(table["row"].to_pylist(), hashes_of(table["sequence"]), strict=True)
            self.changed += sum(self.hashes.get(row) != found_hash for row, found_hash in found_hashes)
        for chunk in table["sequence"].chunks:
            self.foreign.update(_without_letters(chunk))


def _rows(reading: _Reading, rejected: pa.Table, planned: NDArray[np.int64], planned_bases: int) -> Outcome:
    kept = np.concatenate([np.zeros(0, dtype=np.int64), *reading.rows])
    aside = rejected["row"].to_numpy()
    bases = reading.bases + int(np.sum(rejected["length"].to_numpy()))
    rising = bool((np.diff(kept) > 0).all())
    changed = (
        f"{number_of(reading.changed, 'sequence')} with other letters than were counted before: the input has changed; "
        if reading.changed
        else ""
    )
    same_rows = bool(np.array_equal(np.sort(np.concatenate([kept, aside])), planned))
    return Outcome(
        same_rows and rising and bases == planned_bases and not reading.disagreeing and not reading.changed,
        changed + f"{number_of(kept.size, 'row')} and {aside.size:,} rejected, {number_of(bases, 'base')}; "
        f"planned: {number_of(planned.size, 'row')} with {number_of(planned_bases, 'base')}",
        {
            "rows": int(kept.size),
            "rejected_rows": int(aside.size),
            "planned_rows": int(planned.size),
            "bases": bases,
            "planned_bases": planned_bases,
            "rows_whose_length_disagrees": reading.disagreeing,
            "rows_with_other_letters": reading.changed,
            "row_numbers_as_planned": str(same_rows and rising),
        },
    )


def _letters(reading: _Reading) -> Outcome:
    foreign = reading.foreign
    names = [chr(byte) if 32 < byte < 127 else f"byte {byte:#04x}" for byte in sorted(foreign)]
    return Outcome(
        not foreign,
        f"letters that are not nucleotides: {foreign.total():,} of {reading.bases:,}",
        {"foreign_letters": foreign.total(), "which": ", ".join(names[:_EXAMPLES])},
    )


def _ids(reading: _Reading) -> Outcome:
    repeated = {seq_id: times for seq_id, times in reading.ids.items() if times > 1}
    return Outcome(
        not repeated,
        f"{number_of(len(repeated), 'id')} in more than one row of this batch",
        {
            "repeated_ids": len(repeated),
            "rows_with_a_repeated_id": sum(repeated.values()),
            "examples": ", ".join(list(map(str, repeated))[:_EXAMPLES]),
        },
    )


def _groups(reading: _Reading) -> Outcome:
    unassigned = reading.groups[UNASSIGNED]
    return Outcome(
        not unassigned,
        f"rows without a group: {unassigned:,} of {reading.groups.total():,}",
        {"unassigned_rows": unassigned, "groups": len(reading.groups)},
    )


def _without_letters(sequences: pa.LargeStringArray) -> bytes:
    """The rest after the allowed letters are deleted. Shares no code with the check in the counting kernel."""
    offsets = np.frombuffer(sequences.buffers()[1], dtype=np.int64)
    letters = sequences.buffers()[2]
    if letters is None:
        return b""
    used = memoryview(letters)[offsets[sequences.offset] : offsets[sequences.offset + len(sequences)]]
    return bytes(used).translate(None, _LETTERS)


TOTAL_CODON_COUNT = "total_codon_count"


def check_counts(files: BatchFiles, batch: str) -> Outcome:
    """Compare the number of codons in each frame with the number that follows from the lengths of the records.

    A record of L bases has max(0, ⌊(L − f) / 3⌋) codons in frame f of either strand. The lengths are read back from
    the batch of sequences, or from the file that is kept if the sequences were removed.
    """
    sequences = files.sequences(batch)
    rows, expected = 0, dict.fromkeys(FRAMES, 0)
    counted: Counter[tuple[str, int]] = Counter()
    rows_of: Counter[tuple[str, int]] = Counter()
    try:
        for records in (files.lengths(batch) if sequences.is_pruned else sequences).read(["length"]):
            lengths = records["length"].to_numpy()
            rows += lengths.size
            for frame in FRAMES:
                expected[frame] += int(np.maximum(0, (lengths - frame) // 3).sum())
        for table in files.counts(batch).read(["strand", "frame", "count"]):
            of_frames = table.group_by(["strand", "frame"], use_threads=False)
            for row in of_frames.aggregate([("count", "sum"), ([], "count_all")]).to_pylist():
                counted[row["strand"], row["frame"]] += row["count_sum"]
                rows_of[row["strand"], row["frame"]] += row["count_all"]
    except BatchFileError as error:
        return Outcome(passed=False, description=str(error))
    figures: dict[str, int | float | str] = {}
    wrong = []
    for strand in STRANDS:
        for frame in FRAMES:
            found = counted[strand, frame]
            figures[f"counted {strand}{frame}"] = found
            if found != expected[frame]:
                wrong.append(f"frame {strand}{frame}: {found:,} counted, {expected[frame]:,} expected")
    if others := sum(
        n for (strand, frame), n in rows_of.items() if strand not in STRANDS or frame not in FRAMES
    ):
        wrong.append(f"{number_of(others, 'row')} of an unknown strand or frame")
    figures |= {f"expected {frame}": count for frame, count in expected.items()}
    figures["difference"] = sum(
        abs(int(figures[f"counted {s}{f}"]) - expected[f]) for s in STRANDS for f in FRAMES
    )
    total = sum(expected.values()) * len(STRANDS)
    return Outcome(
        not wrong,
        "; ".join(wrong)
        or f"{number_of(total, 'codon')} in six frames, as expected of {number_of(rows, 'record')}",
        figures,
    )


def check_by_sequence(files: BatchFiles, batch: str) -> Outcome:
    """Compare the codon counts, summed over all sequences, with the batch's counts from another kernel."""
    tables = files.by_sequence(batch)
    sums = dict.fromkeys((*CODONS, "skipped_codons"), 0)
    rows = 0
    try:
        with tables.open() as file:
            parameters = json.loads(file.schema_arrow.metadata[PARAMETERS])
        for table in tables.read(list(sums)):
            rows += table.num_rows
            for name in sums:
                sums[name] += pc.sum(table[name]).as_py() or 0
        expected = codons_of_frame(files.counts(batch).read(), parameters["strand"], parameters["frame"])
    except BatchFileError as error:
        return Outcome(passed=False, description=str(error))
    sums[AMBIGUOUS] = sums.pop("skipped_codons")
    differing = [name for name in sums if sums[name] != expected[name]]
    return Outcome(
        not differing,
        f"{number_of(sum(sums.values()), 'codon')} of {number_of(rows, 'sequence')}, "
        f"{sum(expected.values()):,} in the batch's counts",
        {
            "sequences": rows,
            "codons": sum(sums.values()),
            "batch_codons": sum(expected.values()),
            "differing": ", ".join(differing[:10]),
        },
    )
