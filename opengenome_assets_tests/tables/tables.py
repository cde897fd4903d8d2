"""Count tables for the tests: made by hand, or from the real genomes."""

import gzip
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from Bio import SeqIO

from opengenome_assets.schemas import CODON_COUNTS
from opengenome_assets.tables.frequencies import read_table_header, read_table_parts

GENOMES = Path(__file__).parents[3] / "shared" / "genomes"
needs_genomes = pytest.mark.skipif(not GENOMES.is_dir(), reason="the folder ../shared/genomes is absent")


def counts_table(codons, *, group="all", genetic_code=None, strand="+", frame=0):
    """A table of counts from a mapping of codon to count."""
    rows = [
        {
            "group": group,
            "genetic_code": genetic_code,
            "strand": strand,
            "frame": frame,
            "codon": codon,
            "count": count,
        }
        for codon, count in codons.items()
    ]
    return pa.Table.from_pylist(rows, schema=CODON_COUNTS)


def read_table_file(folder):
    """The whole table in a folder, with its provenance."""
    return pa.concat_tables([read_table_header(folder), *read_table_parts(folder)])


def rows_by_codon(table, group="all"):
    return {row["codon"]: row for row in table.to_pylist() if row["group"] == group}


def oracle_counts(strand="+", frame=0):
    """Codon counts of all real genomes, by counters that are not this project's."""
    name = f"oracle_frame{frame}.tsv" if strand == "+" else f"oracle_rc_frame{frame}.tsv"
    lines = (GENOMES / name).read_text().splitlines()[1:]
    return {codon: int(count) for codon, count in (line.split("\t") for line in lines)}


def all_oracle_counts():
    return pa.concat_tables(
        counts_table(oracle_counts(strand, frame), strand=strand, frame=frame)
        for strand in "+-"
        for frame in range(3)
    )


def genome_records(name):
    """The upper-case sequences of one of the real files, read by Biopython."""
    path = GENOMES / name
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        return [record.seq.upper() for record in SeqIO.parse(lines, "fasta")]


def naive_counts(records, frame=0):
    """Codons of one forward frame, a slice at a time."""
    counts = Counter()
    for record in records:
        letters = str(record)[frame:]
        counts.update(letters[i : i + 3] for i in range(0, len(letters) - 2, 3))
    return counts
