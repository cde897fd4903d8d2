"""Tables of codons in parts that hold whole groups, so that memory does not grow with the number of groups."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from opengenome_assets.errors import InputFormatError, SettingError

_NAMES_SHOWN = 20


def whole_groups(parts: Iterable[pa.Table], location: str) -> Iterator[pa.Table]:
    """Cut the parts of a table so that each holds whole groups, with the rows of a group beside each other.

    Groups of a part are in the order in which they first occur in it. Holds a part, and the names of all groups.

    Args:
        parts: tables with the columns ``group`` and ``codon``.
        location: of the table, for messages.

    Raises:
        InputFormatError: a group occurs in parts that are not neighbours, or has a codon twice.
    """
    seen: set[str] = set()
    held: pa.Table | None = None
    for number, part in enumerate(parts):
        # The last group of a part may go on in the next one.
        ordered = _beside_each_other(part if held is None else pa.concat_tables([held, part]))
        starts = starts_of_groups(ordered)
        names = ordered["group"].take(pa.array(starts, pa.int64())).to_pylist()
        if again := seen.intersection(names):
            raise InputFormatError(
                f"{location}: group '{min(again)}' is in row group {number + 1} and, after other groups, in earlier "
                "ones. Sort the table by group."
            )
        if held is not None:
            _refuse_codon_twice(ordered.slice(0, starts[1] if len(starts) > 1 else None), location)
        last = starts[-1] if starts else 0
        seen.update(names[:-1])
        held = ordered.slice(last)
        if last:
            yield ordered.slice(0, last)
    if held is not None:
        yield held


def starts_of_groups(table: pa.Table) -> list[int]:
    """The first row of each group of a table whose rows of a group are beside each other."""
    starts: list[int] = np.flatnonzero(np.diff(_numbers(table), prepend=-1)).tolist()
    return starts


def groups_of(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """The groups of a table whose rows of a group are beside each other, and the rows of each."""
    starts = starts_of_groups(table)
    names = table["group"].take(pa.array(starts, pa.int64())).to_pylist()
    for name, start, end in zip(names, starts, [*starts, table.num_rows][1:], strict=True):
        yield name, table.slice(start, end - start)


def find_group(parts: Iterable[pa.Table], group: str) -> pa.Table:
    """The rows of one group of a table in parts that hold whole groups.

    Raises:
        SettingError: the table has no such group.
    """
    names: list[str] = []
    for part in parts:
        rows = part.filter(pc.field("group") == group)
        if rows.num_rows:
            return rows
        if len(names) <= _NAMES_SHOWN:
            names += pc.unique(part["group"]).to_pylist()
    shown = ", ".join(names[:_NAMES_SHOWN]) + (", …" if len(names) > _NAMES_SHOWN else "")
    raise SettingError(f"The table has no group {group!r}. It has: {shown or 'no rows at all'}.")


def _numbers(table: pa.Table) -> NDArray[np.int32]:
    """int32, shape (rows,): the number of each row's group, in the order in which the groups first occur."""
    numbers: NDArray[np.int32] = table["group"].combine_chunks().dictionary_encode().indices.to_numpy()
    return numbers


def _beside_each_other(table: pa.Table) -> pa.Table:
    numbers = _numbers(table)
    if np.all(numbers[:-1] <= numbers[1:]):
        return table
    return table.take(np.argsort(numbers, kind="stable"))


def _refuse_codon_twice(rows: pa.Table, location: str) -> None:
    """A group that two parts share was checked in each of them alone."""
    counted = pc.value_counts(rows["codon"].combine_chunks())
    twice = counted.field("values").filter(pc.greater(counted.field("counts"), 1))
    if len(twice):
        name = rows["group"][0]
        raise InputFormatError(
            f"{location}: codon {twice[0]} of group '{name}' has two rows. Keep one of them."
        )
