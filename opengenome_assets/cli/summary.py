"""The end of ``opengenome analyze codon``: what a person looks for first, or one JSON object that names all outputs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.files.warehouse import (
    BY_SEQUENCE,
    FREQUENCIES_JSON,
    FREQUENCIES_PARQUET,
    FREQUENCIES_TSV,
    REPORT,
)
from opengenome_assets.report.write import INDEX
from opengenome_assets.tables.frequencies import read_table_groups
from opengenome_assets.tables.groups import ALL
from opengenome_assets.tables.load_dataset import load_report_table
from opengenome_assets.units import number_of

if TYPE_CHECKING:
    from opengenome_assets.running.analysis import Analysis

_MOST_USED = 8
_UNKNOWN = "not defined"


def print_summary(analysis: "Analysis", output: Path | None, *, by_sequence: bool) -> None:
    """Print on stdout: measures, skipped shares, checks, the most used codons, and where the files are."""
    manifest, table = analysis.manifest, analysis.files.table
    (measures,) = load_report_table(table.root, table.warehouse, "measures").slice(0, 1).to_pylist()
    console = Console(highlight=False, markup=False)
    facts = Table.grid(padding=(0, 2))
    for name, text in _facts(analysis, measures).items():
        facts.add_row(name, text)
    console.print(
        f"{table.dataset}: {number_of(manifest.rows, 'sequence')}, {number_of(manifest.bases, 'base')}"
    )
    console.print(facts)
    console.print(_most_used(analysis))
    batches = len(manifest.plan.keys)
    console.print(
        f"{analysis.counted:,} of {number_of(batches, 'batch')} counted now, "
        f"{batches - analysis.counted:,} were finished before"
    )
    console.print(f"table: {table.location(FREQUENCIES_TSV)}", soft_wrap=True)
    console.print(f"       {table.location(FREQUENCIES_PARQUET)}", soft_wrap=True)
    if table.exists(f"{REPORT}/{INDEX}"):
        console.print(f"report: {table.location(f'{REPORT}/{INDEX}')}", soft_wrap=True)
    if output is not None:
        console.print(f"       and in {output.absolute()}", soft_wrap=True)
    if by_sequence:
        console.print(f"per sequence: {analysis.of_sequences.table.location(BY_SEQUENCE)}/", soft_wrap=True)


def _facts(analysis: "Analysis", measures: dict[str, Any]) -> dict[str, str]:
    parameters, rejected = analysis.parameters, analysis.manifest.rejected
    codons, ambiguous = measures["codons"], measures["ambiguous_codons"]
    left_out = "left out" if parameters.skip_n else "in separate rows"
    codes = measures["genetic_codes"].replace(" ", ", ")
    passed = len(analysis.checks) - len(analysis.failed)
    facts = {
        "codons": f"{codons:,} in frame {parameters.frame} of strand {parameters.strand}, genetic code {codes}",
        "ambiguous": f"{number_of(ambiguous, 'codon')}, {_percent(_share(ambiguous, codons + ambiguous))}, {left_out}",
        "GC": f"{_percent(measures['gc'])}, GC3 {_percent(measures['gc3'])}",
        "ENC": f"{_number(measures['enc_wright'])} (Wright), {_number(measures['enc_sun'])} (Sun)",
        "checks": f"{passed:,} of {len(analysis.checks):,} passed",
    }
    if rejected:
        facts["rejected"] = (
            f"{number_of(rejected, 'record')} of the input, see {analysis.files.folder.location('rejected')}/"
        )
    return facts


def _most_used(analysis: "Analysis") -> Table:
    rows = read_table_groups(analysis.files.table, [ALL]).to_pylist()
    plain = sorted((row for row in rows if row["codon"] in CODONS), key=lambda row: -row["count"])
    shown = Table(title="Most used codons", title_justify="left")
    for name in ("codon", "amino_acid", "count", "per_thousand", "fraction", "rscu"):
        shown.add_column(name, justify="left" if name in ("codon", "amino_acid") else "right")
    for row in plain[:_MOST_USED]:
        numbers = (
            "" if row[name] is None else f"{row[name]:.3f}" for name in ("per_thousand", "fraction", "rscu")
        )
        shown.add_row(row["codon"], row["amino_acid"] or "", f"{row['count']:,}", *numbers)
    return shown


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _percent(share: float | None) -> str:
    return _UNKNOWN if share is None else f"{100 * share:.2f} %"


def _number(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.1f}"


def outputs(analysis: "Analysis", output: Path | None, *, by_sequence: bool) -> dict[str, Any]:
    """All that a run made, for a program: paths with their rows, batches, and checks."""
    table = analysis.files.table
    names = (FREQUENCIES_TSV, FREQUENCIES_PARQUET, FREQUENCIES_JSON, f"{REPORT}/{INDEX}")
    with table.open(FREQUENCIES_PARQUET) as file:
        rows = pq.ParquetFile(file, pre_buffer=False).metadata.num_rows
    found: list[dict[str, Any]] = []
    for name in names:
        paths = [table.location(name)] + ([str(output.absolute() / name)] if output is not None else [])
        is_table = name in (FREQUENCIES_TSV, FREQUENCIES_PARQUET)
        found += [{"path": path, **({"rows": rows} if is_table else {})} for path in paths]
    if by_sequence:
        files = analysis.of_sequences
        for batch in files.batches:
            with files.by_sequence(batch).open() as made:
                found.append({"path": files.by_sequence(batch).location, "rows": made.metadata.num_rows})
    return {
        "dataset": analysis.manifest.dataset,
        "outputs": found,
        "batches": len(analysis.manifest.plan.keys),
        "batches_counted": analysis.counted,
        "checks": len(analysis.checks),
        "checks_passed": len(analysis.checks) - len(analysis.failed),
    }
