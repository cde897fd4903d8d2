"""The report: all figures and tables, and one page that contains them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.report import codon_figures, figure_data, summary_figures
from opengenome_assets.report.drawing import Picture
from opengenome_assets.tables.groups import ALL
from opengenome_assets.tables.text import BASES, printed_lines, rows_of_group
from opengenome_assets.units import format_bases, number_of

# Beyond these the page would be slow to open; the tables in the warehouse hold everything.
GROUPS_SHOWN = 500
GROUPS_DRAWN = 12
_BATCHES_LISTED = 500


class Check(NamedTuple):
    """The result of one asset check."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class ReportInputs:
    """Tables and texts. All tables have ``all`` first, then the groups that are shown, the largest first.

    Attributes:
        title: the page's heading, such as the data set's name.
        frequencies: schema ``CODON_FREQUENCIES``.
        readings: schema ``CODON_READINGS``, of the same groups.
        expectations: schema ``CODON_EXPECTATIONS``, for the marks of what the bases alone would give.
        measures: schema ``CODON_MEASURES``.
        six_frames: schema ``SIX_FRAMES``.
        spread: schema ``SEQUENCE_SPREAD``; None without per-sequence tables.
        batches: columns ``key`` (string), ``rows``, ``bases`` (int64) and ``seconds`` (float64, of
            the tasks that counted the batch, or null where it is not known), in the batches' order.
        group_count: groups of the table, shown or not, without ``all``.
        checks: results in the order of the page; it has no such section without any.
        codons_without_code: codons that the default code reads because their record has none, while others have one.
        records_without_code: records of the whole input without a code, while others have one; None if not known.
        parameters: how the table was made, by name.
        provenance: what it was made from and by what, by name.
    """

    title: str
    frequencies: pa.Table
    readings: pa.Table
    expectations: pa.Table
    measures: pa.Table
    six_frames: pa.Table
    spread: pa.Table | None
    batches: pa.Table
    group_count: int
    checks: Sequence[Check]
    codons_without_code: int
    records_without_code: int | None
    parameters: Mapping[str, str]
    provenance: Mapping[str, str]


def build_report(inputs: ReportInputs) -> dict[str, bytes]:
    """Make the page and its pictures.

    Returns:
        File name → content: ``index.html``, which holds every picture and asks for no other file, and each
        picture as SVG. The same inputs and versions of the libraries give the same bytes.
    """
    rows = rows_of_group(inputs.frequencies, ALL)
    pictures = _pictures(inputs, rows, _of_group(inputs.readings, ALL))
    groups = group_pictures(inputs)
    drawn = [*pictures.values(), *(each for pair in groups.values() for each in pair)]
    page = render_page(inputs, pictures, groups)
    return {"index.html": page.encode()} | {f"{each.name}.svg": each.svg.encode() for each in drawn}


def render_page(
    inputs: ReportInputs, pictures: Mapping[str, Picture], groups: Mapping[str, tuple[Picture, Picture]]
) -> str:
    """The page as HTML.

    Args:
        inputs: what its tables and texts are made from.
        pictures: by name; a figure whose picture is not among them is left out.
        groups: group → its heat map and its RSCU.
    """
    from jinja2 import Environment, StrictUndefined

    rows = rows_of_group(inputs.frequencies, ALL)
    readings = _of_group(inputs.readings, ALL)
    measures = inputs.measures.to_pylist()
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "whole": _whole,
        "fixed": _fixed,
        "number_of": number_of,
        "of_bases": format_bases,
    }
    template = environment.from_string(
        files("opengenome_assets.report").joinpath("report.html.j2").read_text(encoding="utf-8")
    )
    return template.render(
        inputs=inputs,
        bases=BASES,
        rows=rows,
        lines=printed_lines(rows),
        total=sum(row["count"] for row in rows.values()),
        ambiguous=sum(row["count"] for codon, row in rows.items() if codon not in CODONS),
        hidden=_hidden(rows, readings),
        differing=figure_data.read_differently(readings),
        pooled_codes=figure_data.pooled_codes(readings),
        amino_acid_names=figure_data.amino_acid_names(),
        amino_acids=figure_data.amino_acid_bars(readings),
        undrawn_groups=len(measures) - 1 - len(summary_figures.drawn_groups(measures)),
        pictures=pictures,
        groups=groups,
        measures=measures,
        groups_left_out=inputs.group_count - (len(measures) - 1),
        no_value=figure_data.without_value(inputs.spread.to_pylist()) if inputs.spread is not None else {},
        frames=_of_group(inputs.six_frames, ALL),
        frame_name=figure_data.frame_name,
        batches=inputs.batches.slice(0, _BATCHES_LISTED).to_pylist(),
        batch_totals={name: pc.sum(inputs.batches[name]).as_py() for name in ("rows", "bases")},
    )


def _pictures(
    inputs: ReportInputs, rows: Mapping[str, Mapping[str, Any]], readings: figure_data.Readings
) -> dict[str, Picture]:
    """Figures by name, in the order of the page. Figures without data are left out."""
    expected = _expected(inputs.expectations)
    drawn = []
    if figure_data.unambiguous(rows):
        drawn += [
            codon_figures.all_codons(rows, expected),
            codon_figures.heat_map(rows),
            codon_figures.codon_wheel(rows),
            codon_figures.top_and_bottom(rows),
        ]
    if figure_data.amino_acid_bars(readings):
        drawn.append(summary_figures.amino_acid_usage(readings))
    if figure_data.rscu_stacks(readings):
        drawn.append(summary_figures.rscu_by_amino_acid(readings))
    if figure_data.stop_stacks(readings):
        drawn.append(summary_figures.stop_codons(readings, expected))
    measures = inputs.measures.to_pylist()
    if measures[0]["gc"] is not None:
        drawn.append(summary_figures.gc_by_position(measures))
    if summary_figures.drawn_groups(measures):
        drawn.append(summary_figures.groups_by_enc(measures))
    if inputs.spread is not None:
        drawn.append(summary_figures.spread_of_sequences(inputs.spread.to_pylist()))
    frames = _of_group(inputs.six_frames, ALL)
    if any(frame["codons"] for frame in frames):
        drawn.append(summary_figures.six_frames(frames))
    drawn.append(summary_figures.batches(inputs.batches))
    return {each.name: each for each in drawn}


def group_pictures(inputs: ReportInputs, most: int = GROUPS_DRAWN) -> dict[str, tuple[Picture, Picture]]:
    """Heat map and RSCU of the first ``most`` groups. Files are numbered, because names of groups are not safe."""
    groups = [group for group in pc.unique(inputs.frequencies["group"]).to_pylist() if group != ALL]
    pairs = {}
    for number, group in enumerate(groups[:most], start=1):
        rows = rows_of_group(inputs.frequencies, group)
        if figure_data.unambiguous(rows):
            pairs[group] = (
                codon_figures.heat_map(
                    rows, name=f"group_{number:02}_heat_map", title=f"Heat map of {group}"
                ),
                summary_figures.rscu_by_amino_acid(
                    _of_group(inputs.readings, group),
                    name=f"group_{number:02}_rscu",
                    title=f"RSCU of {group}",
                ),
            )
    return pairs


def _expected(expectations: pa.Table) -> dict[str, float]:
    """Expected frequency by codon, of all groups together."""
    rows = _of_group(expectations, ALL)
    return {row["codon"]: row["expected"] for row in rows if row["expected"] is not None}


def _hidden(rows: Mapping[str, Mapping[str, Any]], readings: figure_data.Readings) -> dict[str, int]:
    """Codon → count of those that ``min_count`` keeps out of the table."""
    hidden: Counter[str] = Counter()
    for row in readings:
        if row["codon"] not in rows and row["count"]:
            hidden[row["codon"]] += row["count"]
    return dict(hidden)


def _of_group(table: pa.Table, group: str) -> list[dict[str, Any]]:
    return list(table.filter(pc.field("group") == group).to_pylist())


def _whole(number: int) -> str:
    return f"{number:,}"


def _fixed(number: float | None, digits: int) -> str:
    """A number with N decimals; a dash without a number."""
    return "–" if number is None else f"{number:,.{digits}f}"
