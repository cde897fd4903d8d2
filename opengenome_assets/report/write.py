"""Makes the report of a data set from its counts and a table, and writes it beside the table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.manifest import Manifest
from opengenome_assets.counts.count_files import read_counts
from opengenome_assets.files.warehouse import REPORT, DatasetFolder
from opengenome_assets.report.page import GROUPS_SHOWN, Check, ReportInputs, build_report
from opengenome_assets.tables.frequencies import (
    codons_without_code_of,
    parameters_of,
    read_table_groups,
    read_table_header,
    read_table_parts,
)
from opengenome_assets.tables.groups import ALL
from opengenome_assets.tables.report_tables import report_tables
from opengenome_assets.tables.spread import spread_of_sequences
from opengenome_assets.tables.text import table_tsv

INDEX = "index.html"


def make_report(
    files: BatchFiles,
    checks: Sequence[Check],
    seconds: Mapping[str, float],
) -> dict[str, bytes]:
    """Make and write the report's files. The page is written last, so that it never misses a figure.

    Everything is computed from the counts, the final table and the per-sequence tables; no sequence is read. Only the
    largest groups are shown, so the report does not grow with the number of groups.

    Args:
        files: of the data set and its table.
        checks: results to show.
        seconds: that the tasks took that counted a batch, added up; by batch, where it is known.

    Returns:
        file name → contents, as they are in ``report/``.

    Raises:
        BatchFileError: batches or the table are missing.
    """
    header = read_table_header(files.table)
    parameters = parameters_of(header)
    without_code = files.manifest.without_code
    sizes = _sizes_of_groups(files.table)
    groups = [ALL, *sizes["group"].slice(0, GROUPS_SHOWN).to_pylist()]
    frequencies = read_table_groups(files.table, groups)
    tables = {
        name: _in_order(table, groups)
        for name, table in report_tables(read_counts(files), parameters, frozenset(groups)).items()
    }
    spread = spread_of_sequences(files.of_table(parameters.of_sequences(files.manifest.table)))
    inputs = ReportInputs(
        title=files.folder.dataset,
        frequencies=_in_order(frequencies.replace_schema_metadata(None), groups),
        **tables,
        spread=spread,
        batches=_batches(files.manifest, seconds),
        group_count=sizes.num_rows,
        checks=checks,
        codons_without_code=codons_without_code_of(header),
        records_without_code=without_code.records if without_code else None,
        parameters={name: str(value) for name, value in asdict(parameters).items()},
        provenance=_texts(files.manifest),
    )
    written = {f"{name}.tsv": table_tsv(table).encode() for name, table in tables.items()}
    if spread is not None:
        written["spread.tsv"] = table_tsv(spread).encode()
    written |= build_report(inputs)
    for name in sorted(written, key=lambda name: name == INDEX):
        files.table.write(f"{REPORT}/{name}", written[name])
    for name in files.table.names(REPORT):
        if name not in written:
            files.table.remove(f"{REPORT}/{name}")
    return written


def _sizes_of_groups(folder: DatasetFolder) -> pa.Table:
    """Columns ``group`` and ``count`` of the table's groups without ``all``, the group with the most codons first."""
    parts = read_table_parts(folder, ["group", "count"])
    sizes = _summed(pa.concat_tables([_summed(part) for part in parts]))
    return sizes.filter(pc.field("group") != ALL).sort_by([("count", "descending"), ("group", "ascending")])


def _summed(rows: pa.Table) -> pa.Table:
    summed = rows.group_by("group", use_threads=False).aggregate([("count", "sum")])
    return summed.select(["group", "count_sum"]).rename_columns(["group", "count"])


def _in_order(table: pa.Table, groups: Sequence[str]) -> pa.Table:
    places = pc.index_in(table["group"], value_set=pa.array(groups)).to_numpy()
    return table.take(pa.array(np.argsort(places, kind="stable")))


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
