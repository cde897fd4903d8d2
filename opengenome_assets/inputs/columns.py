"""Finds the column with the sequences, in Parquet files and JSON lines."""

from collections.abc import Sequence

from opengenome_assets.errors import InputFormatError

# This name always wins, because files that this project writes have it.
SEQUENCE = "sequence"
# Compared in lower case.
_USUAL = (SEQUENCE, "seq", "text", "dna", "rna", "dna_sequence", "nucleotide_sequence", "nucleotides")
_SHOWN = 20


def sequence_column(location: str, names: Sequence[str], asked: str | None) -> str:
    """The name of the column with the sequences.

    Args:
        location: begin of the error messages.
        names: all columns of the file.
        asked: the name that the user gave; None to choose ``sequence``, or the only column with a usual name.

    Raises:
        InputFormatError: there is no such column, or more than one.
    """
    shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    has = f"(columns: {shown or 'none'})"
    if asked is not None or SEQUENCE in names:
        wanted = asked or SEQUENCE
        if wanted not in names:
            msg = f"{location} has no column '{wanted}' {has}. Set OPENGENOME_COLUMN to the column with the sequences."
            raise InputFormatError(msg)
        return wanted
    found = [name for name in names if name.lower() in _USUAL]
    if len(found) == 1:
        return found[0]
    if found:
        several = " and ".join(f"'{name}'" for name in found)
        msg = (
            f"{location} has several columns that may contain the sequences: {several}. Set OPENGENOME_COLUMN to "
            "one of them."
        )
        raise InputFormatError(msg)
    msg = f"{location} has no column '{SEQUENCE}' {has}. Set OPENGENOME_COLUMN to the column with the sequences."
    raise InputFormatError(msg)
