"""Counts by class of records (group and genetic code) in a compact form that is added up and sent between processes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from opengenome_assets.codons.alphabet import CODON_OF_WINDOW, FRAMES, STRANDS, WINDOWS
from opengenome_assets.codons.kernels import PLACES
from opengenome_assets.schemas import CODON_COUNTS

_CODONS = pa.array(sorted(CODON_OF_WINDOW))
# int64, shape (4096,): position of a window's codon from A to Z.
_RANK_OF_WINDOW = np.argsort(np.argsort(CODON_OF_WINDOW))
# One row.
_MESSAGE = pa.schema(
    {
        "groups": pa.list_(pa.string()),
        "codes": pa.list_(pa.int32()),
        "steps": pa.list_(pa.int64()),
        "counts": pa.list_(pa.int64()),
    }
)


@dataclass(frozen=True)
class ClassCounts:
    """Counts that are not 0. Memory: 16 bytes each.

    Attributes:
        groups: string: the group of each class.
        codes: int32: the genetic code of each class; null for none.
        keys: int64, shape (n,), increasing: ``class * PLACES + place``, where ``place`` is the position in an array of
            shape (2, 3, 4096) by strand, frame and window.
        counts: int64, shape (n,).
    """

    groups: pa.Array
    codes: pa.Array
    keys: NDArray[np.int64]
    counts: NDArray[np.int64]

    def has_window(self, windows: NDArray[np.bool_]) -> bool:
        """Whether any of some windows was counted; bool, shape (4096,)."""
        return bool(windows[self.keys % WINDOWS].any())

    def table(self) -> pa.Table:
        """Schema ``CODON_COUNTS``, ordered by its columns, null last; one row per count."""
        order = pc.sort_indices(
            pa.table({"group": self.groups, "code": self.codes}),
            sort_keys=[("group", "ascending"), ("code", "ascending")],
        )
        rank = np.argsort(order.to_numpy())
        windows, rest = self.keys % WINDOWS, self.keys // WINDOWS
        keys = rank[rest // 6] * PLACES + rest % 6 * WINDOWS + _RANK_OF_WINDOW[windows]
        sort = np.argsort(keys)
        keys = keys[sort]
        of_class = order.take(pa.array(keys // PLACES))
        columns = {
            "group": self.groups.take(of_class),
            "genetic_code": self.codes.take(of_class),
            "strand": pa.array(STRANDS).take(pa.array(keys // (WINDOWS * len(FRAMES)) % len(STRANDS))),
            "frame": pa.array((keys // WINDOWS % len(FRAMES)).astype(np.int32)),
            "codon": _CODONS.take(pa.array(keys % WINDOWS)),
            "count": pa.array(self.counts[sort]),
        }
        return pa.table(columns, schema=CODON_COUNTS)

    def to_bytes(self) -> bytes:
        """A compressed message in Arrow's format; about 2 bytes per count."""
        # Steps from key to key are small numbers, which compress well.
        arrays = [self.groups, self.codes, pa.array(np.diff(self.keys, prepend=0)), pa.array(self.counts)]
        columns = [pa.ListArray.from_arrays([0, len(array)], array) for array in arrays]
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, _MESSAGE, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
            writer.write_batch(pa.record_batch(columns, schema=_MESSAGE))
        return bytes(sink.getvalue())


def from_bytes(message: bytes) -> ClassCounts:
    """Read what ``ClassCounts.to_bytes`` wrote."""
    batch = pa.ipc.open_stream(message).read_next_batch()
    groups, codes, steps, counts = (column.flatten() for column in batch.columns)
    return ClassCounts(groups, codes, np.cumsum(steps.to_numpy()), counts.to_numpy())


_NO_COUNTS = ClassCounts(
    pa.array([], pa.string()), pa.array([], pa.int32()), np.zeros(0, np.int64), np.zeros(0, np.int64)
)


def add_up(parts: Sequence[ClassCounts]) -> ClassCounts:
    """Sum counts. Classes of equal group and code become one."""
    parts = [_NO_COUNTS, *parts]
    groups = pa.concat_arrays([part.groups for part in parts])
    codes = pa.concat_arrays([part.codes for part in parts])
    numbers, rows = number_classes(groups, codes)
    firsts = np.cumsum([0, *(len(part.groups) for part in parts)])[:-1]
    keys = np.concatenate(
        [
            numbers[first + part.keys // PLACES] * PLACES + part.keys % PLACES
            for first, part in zip(firsts, parts, strict=True)
        ]
    )
    counts = np.concatenate([part.counts for part in parts])
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    of_class = pa.array(rows)
    return ClassCounts(
        groups.take(of_class), codes.take(of_class), keys[starts], np.add.reduceat(counts, starts)
    )


def number_classes(groups: pa.Array, codes: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the classes of records, from 0.

    Returns:
        int64, shape (records,): the class of each record; int64, shape (classes,): a record of each class.
    """
    names = groups.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
    # NCBI ids start at 1, so 0 means no code.
    numbers = pc.fill_null(codes, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    _, rows, classes = np.unique(names << 32 | numbers, return_index=True, return_inverse=True)
    return classes.astype(np.int64), rows.astype(np.int64)
