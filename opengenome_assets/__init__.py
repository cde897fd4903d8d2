"""Codon frequencies of whole genome collections, as a Dagster asset graph on Spark."""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from opengenome_assets.graph.component import CodonFrequencies
    from opengenome_assets.settings import SoftMask
    from opengenome_assets.tables.in_process import CodonCounts

__all__ = [
    "CodonFrequencies",
    "__version__",
    "analyze",
    "batch_keys",
    "count_codons",
    "load_codon_counts",
    "load_codon_frequencies",
    "load_codon_matrix",
    "load_codon_usage_by_sequence",
    "load_report_table",
    "load_sequences",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Dagster's component, which imports Dagster: only where it is used.
    if name != "CodonFrequencies":
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from opengenome_assets.graph.component import CodonFrequencies

    return CodonFrequencies


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def count_codons(
    source: Any,
    *,
    frame: int = 0,
    strand: str = "+",
    genetic_code: int | str = 1,
    soft_mask: "SoftMask" = "count",
) -> "CodonCounts":
    """Count codons in this process, without Spark, Dagster or a warehouse.

    Args:
        source: a sequence; the path, glob or URI of FASTA, GenBank, EMBL, JSON lines or Parquet files; or a column of
            sequences: a pandas or polars series, an Arrow array, a list. A text of nucleotide letters only is a
            sequence, unless there is a file of that name; other texts are paths. Columns of bytes are read too.
        frame: bases skipped at the start of each sequence's strand, 0 to 2.
        strand: ``+`` as given, ``-`` for the reverse complement, ``both`` for their sum.
        genetic_code: NCBI number or name; it decides the table's amino acids, not the counts.
        soft_mask: ``count`` lower-case letters, or ``skip`` them as ambiguous.

    Returns:
        A mapping from each of the 64 codons to its count, with ``ambiguous``, ``records``, ``bases``, ``table``,
        ``to_dict()`` and ``to_pandas()``. The table has the columns of ``load_codon_frequencies``.

    Raises:
        SettingError: an option's value is not allowed, or a text is both a sequence and a path.
        InputFormatError: a letter is no nucleotide, a value is null, or the source is none of these.
        InputNotFoundError: there is no such file.
    """
    from opengenome_assets.settings import TableParameters
    from opengenome_assets.tables.in_process import count_in_process

    # The genetic code may be a name, which the parameters replace by its number.
    parameters = TableParameters(frame=frame, strand=strand, genetic_code=genetic_code)  # type: ignore[arg-type]
    return count_in_process(source, parameters, soft_mask)


def analyze(
    input: Any = None,  # noqa: A002 (the setting's name)
    *,
    dataset: str | None = None,
    warehouse: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> "pa.Table":
    """Count whole genomes in batches and make the table, as ``opengenome analyze codon`` does, in this process.

    Finished batches are not counted again. Progress goes to the logger ``opengenome_assets``.

    Args:
        input: path, glob or URI of FASTA or Parquet files, or a list of them; none for a data set of the catalogue or one
            that is registered.
        dataset: its name; the name of the input by default.
        warehouse: where data sets are kept; ``OPENGENOME_WAREHOUSE``, or ``./data``, unless given.
        **settings: any other setting by its name in lower case, such as ``batch_size``, ``sample``, ``metadata``,
            ``group``, ``on_invalid``, ``by_sequence``, ``frame``, ``strand``, ``genetic_code``, ``skip_n``. Variables of
            the environment count where an argument is missing.

    Returns:
        The table, as ``load_codon_frequencies`` gives it.

    Raises:
        TypeError: there is no setting of that name.
        OpengenomeError: the input, a setting, a batch or the table failed.
    """
    from opengenome_assets.running.analysis import analyze as run

    return run({"input": input, "dataset": dataset, "warehouse": warehouse, **settings})


def load_codon_frequencies(
    dataset_or_path: str | os.PathLike[str],
    *,
    warehouse: str | os.PathLike[str] | None = None,
    group: str | None = None,
) -> "pa.Table":
    """Read a codon frequency table; ``.to_pandas()`` makes a data frame of it.

    Args:
        dataset_or_path: name of a data set in the warehouse, such as ``"demo"``, or ``"mine@sample-1000"`` for a
            sample; or the path or URI of a Parquet, TSV or CSV table, of a folder that holds one, or of a table
            with the columns ``codon,count,freq,aa``. Tables that Excel, R or pandas saved again are read too.
        warehouse: where data sets are kept; ``OPENGENOME_WAREHOUSE``, or ``./data``, unless given.
        group: only the rows of this group, such as ``"all"``; without it, those of all groups.

    Returns:
        A row for each group and codon:

        - ``group`` (string): ``all`` first, which pools everything, then the metadata table's groups by name.
        - ``codon`` (string): three letters, upper case, T for U; from AAA to TTT.
        - ``amino_acid`` (string): one letter, ``*`` for a stop, ``X`` for a codon with ambiguous letters; null
          where the genetic codes of the group's records differ.
        - ``count`` (int64): codons.
        - ``frequency`` (float64): share of all codons of the group's table, from 0 to 1.
        - ``per_thousand`` (float64): codons per thousand.
        - ``fraction`` (float64): share of the amino acid's codons, from 0 to 1. Each record is read by its own
          genetic code. Null where there are no such codons, or where ``amino_acid`` is null.
        - ``rscu`` (float64): count over the count that even use of all synonyms would give. Under one genetic
          code this is fraction times the number of codons that the code has for the amino acid. Null where
          ``fraction`` is.

    Raises:
        InputNotFoundError: there is no such table.
        InputFormatError: the file is no codon frequency table.
        SettingError: the table has no such group, or the environment a setting that is not allowed.
    """
    from opengenome_assets.tables.load import load_table

    return load_table(os.fspath(dataset_or_path), _place(warehouse), group)


def load_codon_matrix(
    dataset_or_path: str | os.PathLike[str],
    *,
    warehouse: str | os.PathLike[str] | None = None,
    values: str = "count",
) -> "pa.Table":
    """Read a codon frequency table as a matrix: a row for each group, a column for each codon.

    ``.to_pandas().set_index("group")`` makes a data frame of it.

    Args:
        dataset_or_path: as for ``load_codon_frequencies``.
        warehouse: as for ``load_codon_frequencies``.
        values: column of the frequency table that fills the matrix: ``count``, ``frequency``, ``per_thousand``,
            ``fraction`` or ``rscu``.

    Returns:
        A row for each group of the table, in its order:

        - ``group`` (string): its name.
        - ``codons`` (int64): codons in the table, without ambiguous ones.
        - ``ambiguous_codons`` (int64): codons in the table with letters other than A, C, G and T. 0 in a table that was
          made with ``skip_n``, which leaves them out.
        - ``AAA`` … ``TTT`` (int64 for counts, else float64): the values, in the order A, C, G, T. Null where the
          table leaves the codon out (``skip_stops``, ``min_count``), or has no value for it.

    Raises:
        InputNotFoundError: there is no such table.
        InputFormatError: the file is no codon frequency table.
        SettingError: there are no such values, or the environment has a setting that is not allowed.
    """
    import pyarrow as pa

    from opengenome_assets.tables.load import load_groups
    from opengenome_assets.tables.matrix import codon_matrix, matrix_schema

    matrix_schema(values)
    parts = load_groups(os.fspath(dataset_or_path), _place(warehouse))
    return pa.concat_tables([codon_matrix(part, values) for part in parts])


def batch_keys(dataset: str, *, warehouse: str | os.PathLike[str] | None = None) -> list[str]:
    """The keys of a data set's batches, in order, which are the partitions of its assets.

    Args:
        dataset: name of a data set in the warehouse.
        warehouse: as for ``load_codon_frequencies``.

    Returns:
        Keys such as ``batch_0000``; an empty list before the data set is registered.
    """
    from opengenome_assets.tables.load_dataset import batch_keys as keys

    return keys(dataset, _place(warehouse))


def load_sequences(
    dataset: str,
    batch: str,
    *,
    warehouse: str | os.PathLike[str] | None = None,
    columns: "Sequence[str] | None" = None,
) -> "pa.Table":
    """Read the sequences of one batch.

    Memory: one byte per base with the column ``sequence``, so about 512 MB for a batch of 512 Mbp.

    Args:
        dataset: name of a data set in the warehouse.
        batch: its key, such as ``batch_0000``; in a partitioned asset ``context.partition_key``.
        warehouse: as for ``load_codon_frequencies``.
        columns: names of columns; all of them by default.

    Returns:
        The rows in the order of the input: ``row`` (from 0), ``seq_id``, ``description``, ``length`` (bases),
        ``sequence``, ``source``, ``group`` and ``genetic_code`` (null unless the metadata table names one).

    Raises:
        InputNotFoundError: no data set of this name is registered.
        SettingError: there is no such batch or column.
        BatchFileError: the batch is not written, or its sequences were removed.
    """
    from opengenome_assets.tables.load_dataset import load_sequences as load

    return load(dataset, batch, _place(warehouse), columns)


def load_codon_counts(
    dataset: str, *, batch: str | None = None, warehouse: str | os.PathLike[str] | None = None
) -> "pa.Table":
    """Read the counts of a data set: every frame of both strands, all batches added up, or those of one batch.

    Args:
        dataset: name of a data set in the warehouse.
        batch: key of a batch, such as ``batch_0000``; the sum over all batches by default.
        warehouse: as for ``load_codon_frequencies``.

    Returns:
        A row for each codon that was seen, ambiguous ones too, ordered by its columns:

        - ``group`` (string) and ``genetic_code`` (int32; null unless the metadata table names one) of the records.
        - ``strand`` (string): ``+`` or ``-``.
        - ``frame`` (int32): bases from the strand's start.
        - ``codon`` (string): upper case, T for U.
        - ``count`` (int64): codons, never 0.

    Raises:
        InputNotFoundError: no data set of this name is registered.
        SettingError: there is no such batch.
        BatchFileError: batches are not counted.
    """
    from opengenome_assets.tables.load_dataset import load_counts

    return load_counts(dataset, _place(warehouse), batch)


def load_codon_usage_by_sequence(
    dataset: str,
    *,
    warehouse: str | os.PathLike[str] | None = None,
    columns: "Sequence[str] | None" = None,
    **parameters: Any,
) -> "pa.Table":
    """Read a row per sequence with its 64 counts and measures, which ``by_sequence=True`` makes.

    Memory: about 650 bytes per sequence with all columns.

    Args:
        dataset: name of a data set in the warehouse.
        warehouse: as for ``load_codon_frequencies``.
        columns: names of columns; all of them by default.
        **parameters: ``frame``, ``strand``, ``genetic_code`` or ``skip_stops`` of the table, if they are not those that the
            data set was registered with.

    Returns:
        The rows in the order of the input: ``row``, ``seq_id``, ``group``, ``genetic_code``, ``length`` (bases),
        ``codons``, ``skipped_codons``, ``skipped_share`` (0 to 1), ``enc_wright``, ``enc_sun``, ``gc``, ``gc1``, ``gc2``,
        ``gc3``, ``gc3s`` (0 to 1; null where undefined), and ``AAA`` … ``TTT`` (int64).

    Raises:
        InputNotFoundError: no data set of this name is registered.
        SettingError: there is no such column, or a parameter is not allowed.
        BatchFileError: tables are missing.
    """
    from opengenome_assets.tables.load_dataset import load_by_sequence

    return load_by_sequence(dataset, _place(warehouse), columns, parameters)


def load_report_table(
    dataset_or_path: str | os.PathLike[str], name: str, *, warehouse: str | os.PathLike[str] | None = None
) -> "pa.Table":
    """Read one of the tables that the report is made of, with the 500 largest groups.

    Args:
        dataset_or_path: name of a data set in the warehouse, or the folder of a table with a report.
        name: ``measures`` (GC, GC3, effective number of codons of each group), ``readings`` (codons by what each genetic
            code reads them as), ``expectations`` (observed and expected frequencies) or ``six_frames``.
        warehouse: as for ``load_codon_frequencies``.

    Returns:
        The columns of the reference page on files and columns.

    Raises:
        SettingError: there is no table of this name.
        InputNotFoundError: there is no report.
        InputFormatError: the file was changed.
    """
    from opengenome_assets.tables.load_dataset import load_report_table as load

    return load(os.fspath(dataset_or_path), _place(warehouse), name)


def _place(warehouse: str | os.PathLike[str] | None) -> str:
    from opengenome_assets.paths import local_path
    from opengenome_assets.settings import read_settings

    return read_settings().warehouse if warehouse is None else local_path(os.fspath(warehouse))
