"""What has to hold of a batch's counts: every codon of every frame is there."""

import pyarrow.compute as pc

from opengenome_assets.batching.manifest import Manifest
from opengenome_assets.checking import Outcome
from opengenome_assets.codons.alphabet import FRAMES, STRANDS
from opengenome_assets.counting.count_files import read_counts
from opengenome_assets.errors import BatchFileError
from opengenome_assets.schemas import SEQUENCES
from opengenome_assets.storage.batch_files import read_whole_batch
from opengenome_assets.storage.warehouse import DatasetFolder, sequences_path
from opengenome_assets.units import number_of

TOTAL_CODON_COUNT = "total_codon_count"


def check_counts(folder: DatasetFolder, manifest: Manifest, batch: str) -> Outcome:
    """Compare each frame's codons with what the records' lengths allow.

    A record of L bases holds max(0, ⌊(L − f) / 3⌋) codons in frame f of either strand; the lengths are read
    back from the batch of sequences.
    """
    try:
        lengths = _lengths(folder, manifest, batch)
        counts = read_counts(folder, manifest, batch)
    except BatchFileError as error:
        return Outcome(passed=False, description=str(error))
    expected = {frame: sum(max(0, (length - frame) // 3) for length in lengths) for frame in FRAMES}
    figures: dict[str, int | float | str] = {}
    wrong = []
    for strand in STRANDS:
        for frame in FRAMES:
            here = counts.filter((pc.field("strand") == strand) & (pc.field("frame") == frame))
            counted = pc.sum(here["count"]).as_py() or 0
            figures[f"counted {strand}{frame}"] = counted
            if counted != expected[frame]:
                wrong.append(f"frame {strand}{frame}: {counted:,} counted, {expected[frame]:,} expected")
    others = counts.filter(~(pc.field("strand").isin(list(STRANDS)) & pc.field("frame").isin(list(FRAMES))))
    if others.num_rows:
        wrong.append(f"{number_of(others.num_rows, 'row')} of no frame at all")
    figures |= {f"expected {frame}": count for frame, count in expected.items()}
    figures["difference"] = sum(
        abs(int(figures[f"counted {s}{f}"]) - expected[f]) for s in STRANDS for f in FRAMES
    )
    total = sum(expected.values()) * len(STRANDS)
    return Outcome(
        not wrong,
        "; ".join(wrong)
        or f"{number_of(total, 'codon')} in six frames, as expected of {number_of(len(lengths), 'record')}",
        figures,
    )


def _lengths(folder: DatasetFolder, manifest: Manifest, batch: str) -> list[int]:
    location = folder.location(sequences_path(batch))
    table = read_whole_batch(location, manifest.stamp(batch), SEQUENCES, "sequences", ["length"])
    lengths: list[int] = table["length"].to_pylist()
    return lengths
