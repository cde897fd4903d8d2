"""Recounts data of the batches: some records with plain strings, and a whole batch with another kernel."""

import random
from collections import Counter

import numpy as np
import pyarrow as pa

from opengenome_assets.batches.batch_files import BatchFileKind, BatchFiles
from opengenome_assets.checks import Outcome
from opengenome_assets.codons.alphabet import (
    CODE_OF_BYTE,
    FRAMES,
    MASKED_CODE_OF_BYTE,
    STRANDS,
)
from opengenome_assets.codons.kernels import AMBIGUOUS, count_by_record
from opengenome_assets.counts.count_files import codons_of_frame
from opengenome_assets.counts.count_row_groups import count_records
from opengenome_assets.inputs.letters import letters_and_offsets
from opengenome_assets.schemas import SEQUENCES
from opengenome_assets.settings import TableParameters
from opengenome_assets.units import number_of

RECOUNTED_RECORDS = 300
# Slow counting takes about a second for this many bases.
RECOUNTED_BASES = 2_000_000
_DRAWN_BATCHES = 10
_COMPLEMENT = str.maketrans("ACGTURYSWKMBDHVN", "TGCAAYRSWMKVHDBN")


def check_recount(files: BatchFiles, seed: int) -> Outcome:
    """Compare a separate, slow counter with the production counter on records drawn at random.

    Batches whose sequences were removed on purpose are left out.

    Args:
        files: files of the data set.
        seed: seed of the draw. The outcome contains it, so that the draw can be repeated.

    Raises:
        BatchFileError: a batch of sequences is missing or does not belong to the plan.
    """
    batches = _with_sequences(files)
    if not batches:
        return _not_compared(files)
    records = _draw(files, batches, random.Random(seed))  # noqa: S311 (a sample, not a secret)
    masked = files.manifest.settings.soft_mask == "skip"
    slow: Counter[tuple[str, int, str]] = Counter()
    for letters in records["sequence"].to_pylist():
        slow.update(count_slowly(letters, masked=masked))
    fast: Counter[tuple[str, int, str]] = Counter()
    for row in count_records(records, files.manifest.settings.soft_mask).table().to_pylist():
        fast[row["strand"], row["frame"], row["codon"]] += row["count"]
    differing = [key for key in slow.keys() | fast.keys() if slow[key] != fast[key]]
    bases = sum(records["length"].to_pylist())
    return Outcome(
        not differing,
        f"{number_of(records.num_rows, 'record')} with {number_of(bases, 'base')} counted again: "
        f"{number_of(len(differing), 'differing count')}",
        {
            "records": records.num_rows,
            "bases": bases,
            "codons_in_six_frames": slow.total(),
            "differing_counts": len(differing),
            "seed": seed,
        },
    )


def _with_sequences(files: BatchFiles) -> list[str]:
    """The batches whose sequences were not removed on purpose."""
    if not files.folder.names(BatchFileKind.LENGTHS.value):
        return files.batches
    return [batch for batch in files.batches if not files.sequences(batch).is_pruned]


def _not_compared(files: BatchFiles) -> Outcome:
    return Outcome(
        passed=True,
        description=(
            "not compared: the sequences of all batches were removed by opengenome prune. To compare, materialize "
            f"{files.manifest.dataset}/sequences for some batches, then the table."
        ),
    )


def _draw(files: BatchFiles, among: list[str], chance: random.Random) -> pa.Table:
    """Draw some hundred records: from a few batches, some records of one row group each."""
    batches = chance.sample(among, min(len(among), _DRAWN_BATCHES))
    columns = ["length", "sequence", "group", "genetic_code"]
    tables: list[pa.Table] = []
    bases = 0
    for batch in batches:
        sequences = files.sequences(batch)
        with sequences.open() as file:
            groups = file.metadata.num_row_groups
        # A batch whose rows were all rejected has no row group.
        chosen = [chance.randrange(groups)] if groups else []
        for group in sequences.read(columns, chosen):
            wanted = -(-RECOUNTED_RECORDS // len(batches))
            for row in chance.sample(range(group.num_rows), min(wanted, group.num_rows)):
                record = group.slice(row, 1)
                length = record["length"][0].as_py()
                if bases + length <= RECOUNTED_BASES or not tables:
                    tables.append(record)
                    bases += length
    return pa.concat_tables(tables) if tables else SEQUENCES.empty_table().select(columns)


def count_slowly(letters: str, *, masked: bool = False) -> Counter[tuple[str, int, str]]:
    """Count one record's codons in six frames with string operations only."""
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


def check_batch_recount(files: BatchFiles, parameters: TableParameters, seed: int) -> Outcome:
    """Count a whole batch, drawn at random, with another kernel, and compare the result with its file of counts.

    Batches whose sequences were removed on purpose are left out.

    Uses the frame and strand of the table. All ambiguous codons are compared as one number.

    Raises:
        BatchFileError: the sequences or counts of the batch are missing or do not belong to the plan.
    """
    batches = _with_sequences(files)
    if not batches:
        return _not_compared(files)
    batch = random.Random(seed).choice(batches)  # noqa: S311 (a sample, not a secret)
    codes = MASKED_CODE_OF_BYTE if files.manifest.settings.soft_mask == "skip" else CODE_OF_BYTE
    again = np.zeros(AMBIGUOUS + 1, dtype=np.int64)
    for group in files.sequences(batch).read(["sequence"]):
        for records in group.combine_chunks().to_batches():
            letters, offsets = letters_and_offsets(records)
            again += count_by_record(letters, offsets, parameters.frame, parameters.strand, codes).sum(axis=0)
    kept = codons_of_frame(files.counts(batch).read(), parameters.strand, parameters.frame)
    differing = [name for name, count in zip(kept, again.tolist(), strict=True) if kept[name] != count]
    return Outcome(
        not differing,
        f"{batch}: {number_of(int(again.sum()), 'codon')} counted again by another kernel: "
        f"{number_of(len(differing), 'differing count')}",
        {
            "batch": batch,
            "codons": int(again.sum()),
            "batch_codons": sum(kept.values()),
            "differing": ", ".join(differing[:10]),
            "seed": seed,
        },
    )
