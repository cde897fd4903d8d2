"""The formats by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa

from opengenome_assets.tables import export_formats as formats


@dataclass(frozen=True)
class Export:
    """A format: what it is called, how it is written, and how its files end.

    Attributes:
        write: the table (schema ``CODON_FREQUENCIES``) and a group's name or None in, text out.
        suffix: end of the file's name, with its dot.
        summary: one line for a list of formats.
    """

    write: Callable[[pa.Table, str | None], str]
    suffix: str
    summary: str


EXPORTS: Mapping[str, Export] = MappingProxyType(
    {
        "tsv": Export(formats.tsv, ".tsv", "the table itself, tab-separated"),
        "cut": Export(formats.emboss_cut, ".cut", "EMBOSS: cusp, codcmp, cai and others"),
        "spsum": Export(formats.cutg_spsum, ".spsum", "CUTG: counts of every group"),
        "python_codon_tables": Export(
            formats.python_codon_tables_csv, ".codon_table.csv", "python_codon_tables and DnaChisel"
        ),
        "opengenome": Export(formats.opengenome_csv, ".opengenome.csv", "codon,count,freq,aa"),
    }
)
