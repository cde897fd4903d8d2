"""Makes the report of a data set from its counts and a table, and writes it beside the table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import pyarrow as pa

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.manifest import Manifest
from opengenome_assets.counts.count_files import read_counts
from opengenome_assets.report.page import Check, ReportInputs, build_report
from opengenome_assets.tables.frequencies import codons_without_code_of, parameters_of, read_table_file
from opengenome_assets.tables.report_tables import report_tables
from opengenome_assets.tables.text import table_tsv

REPORT = "report"
INDEX = "index.html"


def make_report(
    files: BatchFiles,
    checks: Sequence[Check],
    seconds: Mapping[str, float],
) -> dict[str, bytes]:
    """Make and write the report's files. The page is written last, so that it never misses a figure.

    Everything is computed from the counts and the final table; no sequence is read.

    Args:
        files: of the data set and its table.
        checks: results to show.
        seconds: that the tasks took that counted a batch, added up; by batch, where it is known.

    Returns:
        file name → contents, as they are in ``report/``.

    Raises:
        BatchFileError: batches or the table are missing.
        EmptyPlanError: the plan has no batches.
    """
    frequencies = read_table_file(files.table)
    parameters = parameters_of(frequencies)
    without_code = files.manifest.without_code
    tables = report_tables(read_counts(files), parameters)
    inputs = ReportInputs(
        title=files.folder.dataset,
        frequencies=frequencies.replace_schema_metadata(None),
        **tables,
        batches=_batches(files.manifest, seconds),
        checks=checks,
        codons_without_code=codons_without_code_of(frequencies),
        records_without_code=without_code.records if without_code else None,
        parameters={name: str(value) for name, value in asdict(parameters).items()},
        provenance=_texts(files.manifest),
    )
    written = {f"{name}.tsv": table_tsv(table).encode() for name, table in tables.items()}
    written |= build_report(inputs)
    for name in sorted(written, key=lambda name: name == INDEX):
        files.table.write(f"{REPORT}/{name}", written[name])
    for name in files.table.names(REPORT):
        if name not in written:
            files.table.remove(f"{REPORT}/{name}")
    return written


def _batches(manifest: Manifest, seconds: Mapping[str, float]) -> pa.Table:
    keys = manifest.plan.keys
    ranges = [manifest.plan.range_of(key) for key in keys]
    return pa.table(
        {
            "key": keys,
            "rows": pa.array([end - first for first, end in ranges], pa.int64()),
            "bases": pa.array(manifest.batch_bases, pa.int64()),
            "seconds": pa.array([seconds.get(key) for key in keys], pa.float64()),
        }
    )


def _texts(manifest: Manifest) -> dict[str, str]:
    """Provenance as texts: numbers with thousands separators, JSON, or what an older manifest does not have."""
    texts = {}
    for name, value in manifest.provenance().items():
        if value is None:
            texts[name] = "not known"
        elif isinstance(value, int):
            texts[name] = f"{value:,}"
        elif isinstance(value, dict):
            texts[name] = json.dumps(value, ensure_ascii=False)
        else:
            texts[name] = str(value)
    return texts
