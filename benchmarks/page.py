"""What a study found, and the page that shows all of a size's studies: ``results/{size}.md``.

The page is made from ``results/{size}.json``. A single study replaces only its own section.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.facts import machine_facts
from benchmarks.measure import Spread

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Target:
    """What was aimed at, and what was found.

    Attributes:
        what: is compared.
        aim: the bound.
        found: the figure.
        at_least: whether the bound is a lower one.
        unit: of both; nothing for a ratio.
        digits: shown behind the point.
    """

    what: str
    aim: float
    found: float
    at_least: bool
    unit: str = ""
    digits: int = 2

    @property
    def is_met(self) -> bool:
        return self.found >= self.aim if self.at_least else self.found <= self.aim

    def row(self) -> list[str]:
        """The cells of the table of targets."""
        sign = "≥" if self.at_least else "≤"
        unit = f" {self.unit}" if self.unit else "×"
        met = "met" if self.is_met else "**not met**"
        return [
            self.what,
            f"{sign} {self.aim:,.{self.digits}f}{unit}",
            f"{self.found:,.{self.digits}f}{unit}",
            met,
        ]


@dataclass(frozen=True)
class Table:
    """A table of text; columns after the first are set to the right where they hold figures."""

    columns: list[str]
    rows: list[list[str]]
    text_columns: int = 1


@dataclass
class Section:
    """What one study found.

    Attributes:
        title: its heading.
        intro: what was done, in a sentence or two.
        tables: with the figures.
        notes: below the tables.
        targets: of the project that the study answers.
        bars: contender → [median, low, high] in Mbp/s, for the picture.
    """

    title: str
    intro: str
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    bars: dict[str, tuple[float, float, float]] = field(default_factory=dict)


def spread_text(spread: Spread, digits: int = 2) -> str:
    """Median, with minimum and maximum where they differ."""
    if spread.low == spread.high:
        return f"{spread.median:,.{digits}f}"
    return f"{spread.median:,.{digits}f} [{spread.low:,.{digits}f}–{spread.high:,.{digits}f}]"


def save(size: str, study: str, section: Section, folder: Path = RESULTS) -> dict[str, Section]:
    """Store a study's section, write the page again, and return all sections of the size."""
    folder.mkdir(parents=True, exist_ok=True)
    store = folder / f"{size}.json"
    kept = json.loads(store.read_text(encoding="utf-8")) if store.exists() else {}
    kept[study] = asdict(section)
    store.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sections = {name: _section(fields) for name, fields in kept.items()}
    (folder / f"{size}.md").write_text(render(size, sections), encoding="utf-8")
    return sections


def render(size: str, sections: dict[str, Section]) -> str:
    """The page of a size."""
    parts = [f"# Benchmark, size `{size}`", f"Made by `make bench SIZE={size}`. {_HOW}"]
    if "peers" in sections:
        parts.append(f"![bases counted per second, by contender]({size}.svg)")
    targets = [target for section in sections.values() for target in section.targets]
    if targets:
        rows = [target.row() for target in targets]
        parts += ["## Targets", _markdown(Table(["what", "target", "found", ""], rows))]
    for section in sections.values():
        parts += [f"## {section.title}", section.intro]
        parts += [_markdown(table) for table in section.tables]
        if section.notes:
            parts.append("\n".join(f"- {note}" for note in section.notes))
    facts = [[name, value] for name, value in machine_facts().items()]
    parts += ["## Machine", _markdown(Table(["what", "found"], facts, text_columns=2))]
    return "\n\n".join(parts) + "\n"


_HOW = (
    "Contenders run in turn, several rounds; figures are medians, with minimum and maximum. CPU time and memory are the "
    "whole process tree's; memory is the largest sum of PSS seen, in which a page that processes share counts once."
)


def _markdown(table: Table) -> str:
    marks = ["---"] * table.text_columns + ["---:"] * (len(table.columns) - table.text_columns)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [table.columns, marks, *table.rows])


def _section(fields: dict[str, object]) -> Section:
    section = Section(**fields)
    section.tables = [Table(**each) for each in section.tables]
    section.targets = [Target(**each) for each in section.targets]
    return section
