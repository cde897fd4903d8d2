"""``opengenome compare``: two tables side by side, and whether a sample's chance explains what differs."""

import json

import click
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from opengenome_assets.cli.options import SettingsCommand, warehouse_of, warehouse_option
from opengenome_assets.errors import BatchFileError
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.compare import ComparedTable, Comparison, compare
from opengenome_assets.tables.frequencies import effective_records_of, parameters_of
from opengenome_assets.tables.groups import ALL
from opengenome_assets.tables.load import load_table
from opengenome_assets.tables.text import rows_of_group

DISAGREE = 1
NO_VERDICT = 3


@click.command("compare", cls=SettingsCommand)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--group", metavar="NAME", default=ALL, show_default=True, help="Group to compare.")
@warehouse_option
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_context
def compare_command(context: click.Context, first: str, second: str, group: str, form: str) -> None:
    """Compare two codon tables, as a sample with the whole.

    A and B are data sets of the warehouse (NAME, or NAME@sample-N), or paths: a codon_frequencies table
    (.parquet, .tsv, .csv), a folder with one, or a table with the columns codon,count,freq,aa.

    They agree if no codon's frequencies lie farther apart than chance lets two samples of one collection lie. The
    bound follows from the number of records, weighed by length, that each table says it is made of: the fewer,
    the wider. Only group "all" of a Parquet table says so; anything else is compared without a verdict.

    Exit codes: 0 they agree; 1 they do not; 2 they cannot be compared; 3 compared, without a verdict.
    """
    place = warehouse_of(context)
    tables = [_compared(name, load_table(name, place), group) for name in (first, second)]
    comparison = compare(*tables)
    if form == "json":
        click.echo(json.dumps(_as_json(tables, comparison, group), ensure_ascii=False))
    else:
        _print(tables, comparison, group)
    if comparison.agrees is None:
        context.exit(NO_VERDICT)
    context.exit(0 if comparison.agrees else DISAGREE)


def _compared(name: str, table: pa.Table, group: str) -> ComparedTable:
    counts = {codon: row["count"] for codon, row in rows_of_group(table, group).items()}
    # What a table says of its records holds for all of them together.
    records = effective_records_of(table) if group == ALL else None
    return ComparedTable(name, counts, records, _parameters(table))


def _parameters(table: pa.Table) -> TableParameters | None:
    try:
        return parameters_of(table)
    except BatchFileError:
        return None


def _print(tables: list[ComparedTable], comparison: Comparison, group: str) -> None:
    shown = Table(title=f"group {group}", show_header=True)
    shown.add_column("")
    shown.add_column("A", justify="right")
    shown.add_column("B", justify="right")
    shown.add_row("codons", *(f"{table.total:,}" for table in tables))
    shown.add_row("effective records", *(_or_unknown(table.effective_records, ",.1f") for table in tables))
    shown.add_section()
    correlation = "undefined" if comparison.correlation is None else f"{comparison.correlation:.6f}"
    shown.add_row("ratio of totals", f"{comparison.ratio:.6g}", "")
    shown.add_row("largest difference", f"{comparison.largest_difference:.3g}", comparison.codon)
    shown.add_row("correlation", correlation, "")
    shown.add_row("Jensen-Shannon divergence", f"{comparison.divergence:.3g}", "bits")
    console = Console(highlight=False, markup=False)
    for letter, table in zip("AB", tables, strict=True):
        said = "" if table.parameters else " (does not say its frame, strand and skipped codons)"
        console.print(f"{letter}: {table.name}{said}", soft_wrap=True)
    console.print(shown)
    console.print(_verdict(tables, comparison, group), soft_wrap=True)


def _verdict(tables: list[ComparedTable], comparison: Comparison, group: str) -> str:
    bound = comparison.bound
    if bound is None:
        if group != ALL:
            return f"bound: not known, the tables do not say how many records group {group} is of"
        silent = [
            letter for letter, table in zip("AB", tables, strict=True) if table.effective_records is None
        ]
        return f"bound: not known, {' and '.join(silent)} does not say how many records it is of"
    word = "they agree" if bound.is_kept else "they do not agree"
    extreme = "comes nearest to its bound" if bound.is_kept else "goes farthest beyond its bound"
    said = f"{word}: {bound.codon} {extreme}, {bound.difference:.3g} where {bound.allowed:.3g} is allowed"
    if not (bound.is_kept and bound.is_wide):
        return said
    return f"{said}\nThis says little: so few records allow more than the codon's frequency, {bound.frequency:.3g}."


def _as_json(tables: list[ComparedTable], comparison: Comparison, group: str) -> dict[str, object]:
    sides = {
        letter: {"name": table.name, "codons": table.total, "effective_records": table.effective_records}
        for letter, table in zip("ab", tables, strict=True)
    }
    bound = comparison.bound
    return {
        **sides,
        "group": group,
        "ratio_of_totals": comparison.ratio,
        "largest_difference": {"codon": comparison.codon, "frequency": comparison.largest_difference},
        "correlation": comparison.correlation,
        "jensen_shannon_bits": comparison.divergence,
        "bound": bound and {"codon": bound.codon, "difference": bound.difference, "allowed": bound.allowed},
        "agree": comparison.agrees,
    }


def _or_unknown(value: float | None, form: str) -> str:
    return "not known" if value is None else format(value, form)
