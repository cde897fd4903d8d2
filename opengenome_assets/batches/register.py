"""Registers an input: finds it, reads it once, and writes the manifest with the plan of its batches."""

import hashlib
import io
import json
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from opengenome_assets.batches.census import classes_of
from opengenome_assets.batches.manifest import (
    Manifest,
    PlanSettings,
    current_versions,
    find_manifest,
    read_file_list,
    removal_command,
    write_manifest,
)
from opengenome_assets.batches.plan import (
    BatchPlan,
    bases_between,
    draw_rows,
    effective_records,
    plan_batches,
)
from opengenome_assets.batches.record_lengths import RecordLengths
from opengenome_assets.batches.scan import Scan, scan_files
from opengenome_assets.batches.workers import Threads, Workers
from opengenome_assets.datasets.catalogue import Dataset
from opengenome_assets.datasets.obtain_input import ObtainedInput, obtain_input, was_fetched
from opengenome_assets.errors import EmptyPlanError, InputFormatError, OpengenomeError, PlanConflictError
from opengenome_assets.files.formats import BATCH_FILE, INPUT_FILE_LIST, MANIFEST_FILE
from opengenome_assets.files.warehouse import MANIFEST
from opengenome_assets.inputs.columns import SEQUENCE
from opengenome_assets.inputs.find import InputFile, find_files, hash_file, refuse_doubt
from opengenome_assets.inputs.records import column_of
from opengenome_assets.metadata.make import make_for_dataset
from opengenome_assets.metadata.metadata_table import (
    keep_metadata,
    kept_metadata,
    metadata_path,
    read_metadata,
)
from opengenome_assets.metadata.record_classes import asked_classes
from opengenome_assets.settings import AUTO, DEFAULT_BATCH_SIZE
from opengenome_assets.units import number_of

# With more, a message with all of them would be hard to read.
MOST_NAMED_INPUTS = 3

FILE_LIST = pa.schema(
    [
        ("uri", pa.string()),
        ("name", pa.string()),
        ("format", pa.string()),
        ("size", pa.int64()),
        ("tag", pa.string()),
        ("sha256", pa.string()),
        ("rows", pa.int64()),
        ("bases", pa.int64()),
        # Where reading can begin: a row of the file, and its place (inputs.records.cuts).
        ("starts", pa.list_(pa.struct([("row", pa.int64()), ("place", pa.int64())]))),
    ]
)


@dataclass(frozen=True)
class Registration:
    """Result of registering: the manifest, and whether it is new."""

    manifest: Manifest
    is_new: bool


def register(dataset: Dataset, log: Callable[[str], None], workers: Workers | None = None) -> Registration:
    """Register the input of a data set, unless it is already registered.

    Memory does not depend on the number of records, except 8 bytes for each record of a sample.

    Args:
        dataset: the data set.
        log: called with lines of progress.
        workers: who reads the input; threads of this process by default.

    Raises:
        OpengenomeError: the input cannot be found or read, or another input or plan is registered under this name.
    """
    dataset.folder.remove_leftovers()
    manifest = find_manifest(dataset.folder)
    if manifest is not None:
        _refuse_other_settings(dataset, manifest)
        if (not dataset.locations and dataset.entry is None) or _is_fetched_and_unchanged(dataset, manifest):
            return Registration(manifest, is_new=False)
    origin = obtain_input(dataset, log, manifest.source if manifest else None)
    files = _find_all(origin.locations, log)
    if manifest is not None:
        return _confirm(dataset, manifest, origin, files)
    return _register_new(dataset, origin, files, log, workers or Threads())


def _is_fetched_and_unchanged(dataset: Dataset, manifest: Manifest) -> bool:
    """Whether the input was fetched and is unchanged since registration. Then no network is needed."""
    if not was_fetched(dataset.entry, manifest.source):
        return False
    registered = read_file_list(dataset.folder, manifest)
    try:
        found = [file for row in registered for file in find_files(row["uri"])]
    except OpengenomeError:
        return False
    return [(row["uri"], row["size"], row["tag"]) for row in registered] == [
        (file.uri, file.size, file.tag) for file in found
    ]


def find_input(dataset: Dataset, log: Callable[[str], None]) -> list[InputFile]:
    """The files of a data set's input, in order; of a registered one by name alone, the registered files.

    Raises:
        OpengenomeError: there is no input, or it cannot be found or fetched.
    """
    manifest = find_manifest(dataset.folder)
    if manifest is not None and not dataset.locations and dataset.entry is None:
        files = _find_all([row["uri"] for row in read_file_list(dataset.folder, manifest)], log)
        return [replace(file, column=manifest.settings.column) for file in files]
    files = _find_all(obtain_input(dataset, log).locations, log)
    return _as_new_input(files, dataset.asked.column, log)


def _find_all(locations: Iterable[str], log: Callable[[str], None]) -> list[InputFile]:
    found = {file.uri: file for location in locations for file in find_files(location, log)}
    return [found[uri] for uri in sorted(found)]


def _as_new_input(files: list[InputFile], asked: str | None, log: Callable[[str], None]) -> list[InputFile]:
    """The files, each with the name of the column with the sequences: the one that the first file has.

    Rejects files of two formats. Until here each location was looked at alone.
    """
    refuse_doubt(files)
    column = column_of(replace(files[0], column=asked))
    if column is None and asked is not None:
        msg = f"{files[0].uri} has no columns, but OPENGENOME_COLUMN is {asked}. Unset it."
        raise InputFormatError(msg)
    if column in (None, SEQUENCE):
        return files
    if asked is None:
        log(f"reading  the sequences from the column '{column}' (OPENGENOME_COLUMN chooses another one)")
    return [replace(file, column=column) for file in files]


def _register_new(
    dataset: Dataset,
    origin: ObtainedInput,
    files: list[InputFile],
    log: Callable[[str], None],
    workers: Workers,
) -> Registration:
    dataset.folder.check_writable()
    asked = dataset.asked
    files = _as_new_input(files, asked.column, log)
    if asked.metadata == AUTO:
        made = make_for_dataset(dataset.folder, files, taxdump=asked.taxdump, group=asked.group, log=log)
        asked = replace(asked, metadata=made)
    metadata = asked_classes(asked).table
    settings = PlanSettings(
        batch_size=dataset.asked.batch_size or DEFAULT_BATCH_SIZE,
        sample=dataset.asked.sample,
        on_invalid=dataset.asked.on_invalid or "fail",
        soft_mask=dataset.asked.soft_mask or "count",
        metadata=metadata.sha256 if metadata else None,
        group=dataset.asked.group,
        ignore_version=dataset.asked.ignore_version or False,
        column=files[0].column,
    )
    kept = RecordLengths(dataset.folder)
    with ExitStack() as undo:
        undo.callback(kept.remove)
        if metadata is not None:
            # Every worker reads the copy.
            keep_metadata(dataset.folder, metadata)
            undo.callback(_remove_unused_metadata, dataset, metadata.sha256)
        scan = scan_files(
            files, settings.on_invalid, classes_of(dataset.folder, settings), kept, workers, log
        )
        if scan.masked:
            log(f"masking  {number_of(scan.masked, 'byte')} that are no nucleotide letters, each as N")
        manifest, file_list = _plan(dataset, origin, settings, scan, kept)
        if metadata is not None:
            missed, examples = metadata.unmatched(scan.census.met)
            manifest = replace(manifest, unmatched_ids=missed)
            if missed:
                log(
                    f"{number_of(missed, 'id')} of {asked.metadata} without a record in the input: "
                    f"{', '.join(examples)} …"
                )
        write_manifest(dataset.folder, manifest, file_list)
    return Registration(manifest, is_new=True)


def _remove_unused_metadata(dataset: Dataset, sha256: str) -> None:
    """Remove the copy of a metadata table if the input could not be registered."""
    if not dataset.folder.exists(MANIFEST):
        dataset.folder.remove(metadata_path(sha256))


def _plan(
    dataset: Dataset, origin: ObtainedInput, settings: PlanSettings, scan: Scan, kept: RecordLengths
) -> tuple[Manifest, bytes]:
    """The manifest of a scanned input, and the list of its files."""
    drawn = None if settings.sample is None else draw_rows(scan.rows, settings.sample)

    def planned_lengths() -> Iterator[NDArray[np.uint32]]:
        return (lengths for lengths, _ in _planned(kept.read(scan.parts), drawn))

    plan = plan_batches(planned_lengths(), scan.rows if drawn is None else drawn.size, settings.batch_size)
    _refuse_other_count(dataset, plan)
    listed = [each.as_row() for each in scan.files]
    content = _file_list(listed)
    manifest = Manifest(
        dataset=dataset.key,
        fingerprint=fingerprint(listed, settings, plan),
        settings=settings,
        boundaries=plan.boundaries,
        batch_bases=bases_between(planned_lengths(), plan.boundaries),
        input_rows=scan.rows,
        input_bases=sum(each.bases for each in scan.files),
        # Rejected records are part of the plan, but are not counted.
        effective_records=effective_records(
            np.where(rejected, np.uint32(0), lengths)
            for lengths, rejected in _planned(kept.read(scan.parts), drawn)
        ),
        longest=scan.longest,
        longest_id=scan.longest_id,
        files=len(scan.files),
        file_list=hashlib.sha256(content).hexdigest(),
        rejected=scan.rejected,
        masked=scan.masked,
        unmatched_ids=0,
        source=origin.source,
        versions=current_versions(),
        unassigned=scan.census.unassigned,
        without_code=scan.census.without_code,
        table=dataset.table_parameters(None),
    )
    return manifest, content


_Piece: TypeAlias = tuple[NDArray[np.uint32], NDArray[np.bool_]]


def _planned(pieces: Iterable[_Piece], drawn: NDArray[np.int64] | None) -> Iterator[_Piece]:
    """Lengths of the planned rows, and which of them are rejected: those of a sample, or all."""
    row = 0
    for lengths, rejected in pieces:
        if drawn is None:
            yield lengths, rejected
            continue
        first, end = np.searchsorted(drawn, [row, row + lengths.size])
        here = drawn[first:end] - row
        yield lengths[here], rejected[here]
        row += lengths.size


def _file_list(files: list[dict[str, object]]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(files, schema=INPUT_FILE_LIST.stated(FILE_LIST)), buffer)
    return buffer.getvalue()


def fingerprint(files: list[dict[str, Any]], settings: PlanSettings, plan: BatchPlan) -> str:
    """The sha256 over the input's files, the settings that change rows or counts, and the batches."""
    what = {
        "files": [[file["name"], file["sha256"], file["rows"]] for file in files],
        "settings": settings.ingredients(),
        "boundaries": plan.boundaries,
        "format": BATCH_FILE.written,
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _refuse_other_settings(dataset: Dataset, manifest: Manifest) -> None:
    registered = manifest.settings
    for variable, asked, has in (
        ("OPENGENOME_BATCH_SIZE", dataset.asked.batch_size, registered.batch_size),
        ("OPENGENOME_ON_INVALID", dataset.asked.on_invalid, registered.on_invalid),
        ("OPENGENOME_SOFT_MASK", dataset.asked.soft_mask, registered.soft_mask),
        ("OPENGENOME_COLUMN", dataset.asked.column, registered.column or SEQUENCE),
    ):
        if asked is not None and asked != has:
            raise _conflict(dataset, f"{variable}={has}; it cannot be reused with {asked}", variable)
    if dataset.asked.group not in (None, registered.group):
        made_by = f"OPENGENOME_GROUP={registered.group}" if registered.group else "OPENGENOME_GROUP unset"
        what = f"{made_by}; it cannot be reused with {dataset.asked.group}"
        raise _other_classes(dataset, manifest, what, "OPENGENOME_GROUP")
    if dataset.asked.ignore_version not in (None, registered.ignore_version):
        was, wanted = ("yes", "no") if registered.ignore_version else ("no", "yes")
        what = f"OPENGENOME_IGNORE_VERSION={was}; it cannot be reused with {wanted}"
        raise _other_classes(dataset, manifest, what, "OPENGENOME_IGNORE_VERSION")
    if dataset.asked.metadata is not None and not _is_same_metadata(dataset, registered):
        what = "another metadata table" if registered.metadata else "no metadata table"
        raise _other_classes(dataset, manifest, what, "OPENGENOME_METADATA")
    if dataset.declared is not None and dataset.declared != manifest.rows:
        raise _conflict(
            dataset,
            f"{number_of(manifest.rows, 'row')}, but {dataset.declared:,} are declared now",
            "OPENGENOME_SEQUENCES",
        )


def _is_same_metadata(dataset: Dataset, registered: PlanSettings) -> bool:
    """Whether the requested metadata table is the registered one."""
    kept = registered.metadata
    if dataset.asked.metadata is None or kept is None:
        return dataset.asked.metadata == kept
    if dataset.asked.metadata == AUTO:
        # Made once, when the data set was registered.
        return True
    asked = read_metadata(dataset.asked.metadata, registered.group, ignore_version=registered.ignore_version)
    # The hash is that of a Parquet file. Another version of Arrow writes other bytes for the same rows.
    return asked.sha256 == kept or asked.holds_the_same_as(kept_metadata(dataset.folder, kept))


def _refuse_other_count(dataset: Dataset, plan: BatchPlan) -> None:
    if plan.rows == 0:
        msg = f"{dataset.key}: the input has no records. Set another input with OPENGENOME_INPUT."
        raise EmptyPlanError(msg)
    if dataset.declared is not None and dataset.declared != plan.rows:
        msg = (
            f"{dataset.key}: {number_of(dataset.declared, 'row')} declared, but the input has {plan.rows:,}. "
            f"Set OPENGENOME_SEQUENCES={plan.rows}, unset it, or correct the input. An input that differs from the "
            "catalogue's entry needs another name (OPENGENOME_DATASET)."
        )
        raise PlanConflictError(msg)


def _confirm(
    dataset: Dataset, manifest: Manifest, origin: ObtainedInput, files: list[InputFile]
) -> Registration:
    registered = read_file_list(dataset.folder, manifest)
    if not is_same_input(registered, files):
        size = f"{number_of(manifest.files, 'file')} and {number_of(manifest.input_rows, 'record')}"
        what = f"an input of {size} with other contents"
        raise _conflict(dataset, what, "OPENGENOME_INPUT")
    places = [(row["uri"], row["tag"]) for row in registered]
    if places == [(file.uri, file.tag) for file in files]:
        return Registration(manifest, is_new=False)
    # The same contents at another location: existing batches are kept, and missing ones are read from there.
    moved = [row | {"uri": file.uri, "tag": file.tag} for row, file in zip(registered, files, strict=True)]
    content = _file_list(moved)
    digest = hashlib.sha256(content).hexdigest()
    moved_manifest = replace(manifest, file_list=digest, source=origin.source, format=MANIFEST_FILE.written)
    write_manifest(dataset.folder, moved_manifest, content)
    return Registration(moved_manifest, is_new=False)


def is_same_input(registered: list[dict[str, object]], files: list[InputFile]) -> bool:
    """Whether files are the registered ones: compares size and change marker, and hashes if the markers differ."""
    if len(registered) != len(files):
        return False
    return all(
        row["name"] == file.name
        and row["size"] == file.size
        and ((row["uri"], row["tag"]) == (file.uri, file.tag) or row["sha256"] == hash_file(file))
        for row, file in zip(registered, files, strict=True)
    )


def _other_classes(dataset: Dataset, manifest: Manifest, what: str, variable: str) -> PlanConflictError:
    """The error for other groups or codes: what to run to have both."""
    asked, settings = dataset.asked, manifest.settings
    places = dataset.locations or [row["uri"] for row in read_file_list(dataset.folder, manifest)]
    if len(places) > MOST_NAMED_INPUTS:
        places = ["PATH"]
    words = ["opengenome", "analyze", "codon", "--input", *places, "--dataset", "NAME"]
    words += ["--warehouse", asked.warehouse]
    if asked.sample:
        words += ["--sample", str(asked.sample)]
    if asked.metadata or settings.metadata:
        words += ["--metadata", asked.metadata or "TABLE"]
    if group := asked.group or settings.group:
        words += ["--group", group]
    if settings.ignore_version if asked.ignore_version is None else asked.ignore_version:
        words.append("--ignore-version")
    return PlanConflictError(
        f"'{dataset.key}' was registered with {what}. Groups and genetic codes are counted together with the "
        f"sequences, so count the input again under another name: {shlex.join(words)}. Or keep the registered value "
        f"of {variable}."
    )


def _conflict(dataset: Dataset, what: str, variable: str) -> PlanConflictError:
    return PlanConflictError(
        f"'{dataset.key}' was registered with {what}. Choose another name (OPENGENOME_DATASET=…), or keep the "
        f"registered value of {variable}, or remove the old results ({removal_command(dataset.folder)})."
    )
