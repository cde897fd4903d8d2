"""Detects files in a folder that are not input: tables with a log of their files, earlier results, archives."""

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath

from opengenome_assets.errors import InputFormatError, InputNotFoundError
from opengenome_assets.files.remote import open_stored
from opengenome_assets.files.warehouse import FREQUENCIES_PARQUET, MANIFEST
from opengenome_assets.paths import printable

# Such a log lists the valid Parquet files of the folder. The others are old versions or incomplete.
_TABLE_LOGS = {
    "_delta_log": ("a Delta table", 'format("delta").load'),
    ".hoodie": ("a Hudi table", 'format("hudi").load'),
    "_spark_metadata": ("the output of a Spark stream", "parquet"),
    "metadata": ("an Iceberg table", 'format("iceberg").load'),
}
_LOG_FILE = re.compile(r"(.+)/(?:(_delta_log|\.hoodie|_spark_metadata)/.+|(metadata)/[^/]+\.metadata\.json)")
_IN_DATASET = re.compile(r"(.+)/[^/]+/[^/]+\.parquet")
_PACKED = re.compile(
    r".+\.(7z|rar|(tar|fa|fasta|fna|ffn|frn|fas|fsa)\.(z|lz4|lz|lzma|lzo|br)"
    r"|(parquet|pq)\.(gz|bgz|bz2|xz|zst|z|lz4))",
    re.IGNORECASE,
)
# A part that begins with a dot, or a folder that begins with "_"; not "." and "..".
_HIDDEN = re.compile(r"(?:^|/)(?:\.(?!\.?/)|_[^/]*/)")
# NCBI's packages have the genomes and these JSON lines.
_REPORT = re.compile(r".*report\.jsonl(\.gz)?", re.IGNORECASE)
_SHOWN = 3


def is_hidden(path: str) -> bool:
    """Whether a relative path is hidden or internal to a program: ``._x.fa``, ``_temporary/…``, ``.git/…``."""
    return _HIDDEN.search(path) is not None


def is_report(path: str) -> bool:
    """Whether a file is a report on genomes of NCBI, such as ``assembly_data_report.jsonl``."""
    return _REPORT.fullmatch(PurePosixPath(path).name) is not None


def refuse_logged_tables(root: str, paths: Iterable[str]) -> None:
    """Reject a folder with a table whose log lists its valid files.

    Args:
        root: the folder that is searched.
        paths: all paths in it, including hidden files.

    Raises:
        InputFormatError: the message says how to read the table.
    """
    for path in paths:
        found = _LOG_FILE.fullmatch(path)
        if found and not is_hidden(f"{found[1].removeprefix(root)}/x".lstrip("/")):
            _refuse_table(found[1], found[2] or found[3])


def refuse_parts_of_logged_tables(folders: set[str]) -> None:
    """Reject local folders inside such a table, whose log is in a folder above."""
    for folder in {
        str(above) for each in folders for above in (PurePosixPath(each), *PurePosixPath(each).parents)
    }:
        for log in _TABLE_LOGS:
            place = Path(folder, log)
            if place.is_dir() and (log != "metadata" or _has_iceberg(place)):
                _refuse_table(folder, log)


def _has_iceberg(place: Path) -> bool:
    return any(file.name.endswith(".metadata.json") for file in place.iterdir())


def _refuse_table(folder: str, log: str) -> None:
    name, read = _TABLE_LOGS[log]
    msg = (
        f"{folder} is {name}: its {log} folder says which of the Parquet files count. Write the current rows as plain "
        f'Parquet and give that folder, for example in Spark: spark.read.{read}("{folder}").write.parquet("NEW_FOLDER")'
    )
    raise InputFormatError(msg)


def earlier_results(root: str, paths: Iterable[str]) -> dict[str, str]:
    """Find the files of earlier results among those of a folder: path → folder of the results.

    Args:
        root: the folder that is searched. Results in a folder above it count as input.
        paths: paths of files.
    """
    is_dataset = cache(_is_dataset)
    results = {}
    for path in paths:
        found = _IN_DATASET.fullmatch(path)
        if found and len(found[1]) >= len(root.rstrip("/")) and is_dataset(found[1]):
            results[path] = found[1]
        elif PurePosixPath(path).name == FREQUENCIES_PARQUET:
            results[path] = path.rpartition("/")[0]
    return results


def _is_dataset(folder: str) -> bool:
    try:
        with open_stored(f"{folder}/{MANIFEST}") as stored:
            fields = json.load(stored)
    except (InputNotFoundError, ValueError):
        return False
    return isinstance(fields, dict) and {"fingerprint", "boundaries"} <= fields.keys()


def lines_on_left_out(results: dict[str, str], paths: Iterable[str]) -> Iterator[str]:
    """Log lines about files that look like input and are left out.

    Args:
        results: result of `earlier_results`.
        paths: paths of all files.
    """
    for folder in sorted(set(results.values())):
        count = sum(1 for place in results.values() if place == folder)
        yield f"leaving out  {count:,} {'file' if count == 1 else 'files'} of earlier results in {folder}"
    reports = [path for path in paths if is_report(path)]
    if reports:
        yield f"leaving out  {_names(reports)}: reports of NCBI have no sequences"
    packed = [path for path in paths if _PACKED.fullmatch(path)]
    if packed:
        yield (
            f"leaving out  {_names(packed)}: this kind of archive or compression is not supported; unpack the files "
            "first"
        )


def line_on_flat_files(paths: list[str]) -> str:
    """The log line about GenBank and EMBL files beside FASTA; ``paths`` are not empty."""
    return f"leaving out  {_names(paths)}: beside FASTA, flat files have the same sequences"


def _names(paths: list[str]) -> str:
    names = [printable(PurePosixPath(path).name) for path in paths[:_SHOWN]]
    return ", ".join(names) + (f", … ({len(paths):,} files)" if len(paths) > _SHOWN else "")


def refuse_other_encoding(path: str) -> None:
    """Reject a path that is not UTF-8, because tables and databases cannot store it.

    Raises:
        InputFormatError: the message has the command that renames it.
    """
    shown = printable(path)
    if shown != path:
        bad = next(
            place
            for place in (*reversed(PurePosixPath(path).parents), PurePosixPath(path))
            if printable(str(place)) != str(place)
        )
        good = printable(str(bad)).replace("\\x", "_x")
        msg = f"{shown}: its name is not UTF-8. Rename it: mv $'{printable(str(bad))}' {shlex.quote(good)}"
        raise InputFormatError(msg)
