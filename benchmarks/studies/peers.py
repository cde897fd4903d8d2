"""This project beside its peers and the limit."""

from functools import partial

from benchmarks.contenders import (
    COLD,
    COLD_GZIP,
    COMPSEQ,
    CONTENDERS,
    LIMIT,
    ROW_PER_CODON,
    WARM,
    Contender,
    Inputs,
    reported,
    scaled_seconds,
)
from benchmarks.measure import Measurement, Spread, in_turn
from benchmarks.page import Section, Table, Target, spread_text
from benchmarks.studies.bench import Bench
from benchmarks.warm import STAGES, dataset_at, write_all
from opengenome_assets.batches.register import register

# Slow contenders run on a tenth of the data, and on this at most.
SLICE_PARTS = 10
SLICE_BASES = 200_000_000
_COUNT = "count, warm"
_WARM_COUNT = "this project, counting warm"


def study(bench: Bench) -> Section:
    """Run all contenders that are installed, in turn."""
    slice_size = str(min(bench.bases // SLICE_PARTS, SLICE_BASES))
    whole, part = bench.inputs(bench.size), bench.inputs(slice_size)
    _write_batches(whole)
    here = [contender for contender in CONTENDERS if contender.is_installed]
    runs = {
        each.name: partial(each.run, part if each.is_slow else whole, bench.scratch / "run") for each in here
    }
    once = [each.name for each in here if not each.has_target]
    measured = in_turn(runs, bench.rounds, bench.log, once)
    factor = whole.bases / part.bases
    walls = {each.name: _wall(each, measured[each.name], factor) for each in here}
    stages = {stage: Spread.of(reported(run)["seconds"][stage] for run in measured[WARM]) for stage in STAGES}
    # The counting alone, as the project's stage is timed: without the start of Python.
    alone = Spread.of(reported(run)["seconds"] for run in measured[LIMIT])
    section = Section("Contenders", _intro(whole, part))
    section.tables = [
        Table(
            ["contender", "what it does", "bases", "wall s", "Mbp/s", "CPU s", "peak MB"],
            [_row(each, measured[each.name], walls[each.name], whole, part) for each in here],
            text_columns=2,
        ),
        Table(
            ["this project, warm", "what it does", "s", "Mbp/s"],
            [
                [stage, what, spread_text(stages[stage]), _rate(whole.bases, stages[stage])]
                for stage, what in STAGES.items()
            ],
            text_columns=2,
        ),
    ]
    section.notes = [
        f"{LIMIT}: {spread_text(alone)} s without the start of Python, which is what ratios take."
    ]
    section.notes += [
        f"{each.name}: not installed, left out: `{each.install}`" for each in CONTENDERS if each not in here
    ]
    section.targets = _targets(walls, stages[_COUNT], alone)
    speeds = {name: wall for name, wall in walls.items() if name not in (WARM, LIMIT)}
    speeds |= {_WARM_COUNT: stages[_COUNT], LIMIT: alone}
    section.bars = {
        name: tuple(whole.bases / 1e6 / seconds for seconds in (wall.median, wall.high, wall.low))
        for name, wall in speeds.items()
    }
    return section


def _intro(whole: Inputs, part: Inputs) -> str:
    return (
        f"{whole.bases / 1e6:,.0f} Mbp of made-up organelles. Contenders marked * ran on {part.bases / 1e6:,.0f} Mbp; "
        "their wall and CPU time are scaled to the whole, the start of the program not. Those of one frame count "
        "a sixth of what this project and the limit count. A figure without a range is of one run."
    )


def _write_batches(inputs: Inputs) -> None:
    dataset = dataset_at(str(inputs.parquet), str(inputs.batches.parents[1]))
    write_all(dataset, register(dataset, lambda _: None).manifest)


def _wall(contender: Contender, runs: list[Measurement], factor: float) -> Spread:
    return Spread.of(scaled_seconds(run, factor) if contender.is_slow else run.wall_seconds for run in runs)


def _row(
    contender: Contender, runs: list[Measurement], wall: Spread, whole: Inputs, part: Inputs
) -> list[str]:
    # Scaled as the wall time is: CPU time beside the counting is small.
    factor = wall.median / Spread.of(run.wall_seconds for run in runs).median
    cpu = Spread.of(run.cpu_seconds * factor for run in runs)
    memory = Spread.of(run.peak_bytes / 1e6 for run in runs)
    bases = part.bases if contender.is_slow else whole.bases
    return [
        contender.name + (" *" if contender.is_slow else ""),
        contender.what,
        f"{bases / 1e6:,.0f} M",
        spread_text(wall),
        _rate(whole.bases, wall),
        f"{cpu.median:,.1f}",
        f"{memory.median:,.0f}",
    ]


def _rate(bases: int, wall: Spread) -> str:
    rate = bases / 1e6 / max(wall.median, 1e-9)
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"


def _targets(walls: dict[str, Spread], counting: Spread, alone: Spread) -> list[Target]:
    targets = [
        Target(
            "counting warm, six frames, of the limit's speed",
            0.6,
            alone.median / counting.median,
            at_least=True,
        )
    ]
    cold = walls[COLD].median
    if COMPSEQ in walls:
        compseq = walls[COMPSEQ].median
        targets += [
            Target(
                "counting warm, six frames, to compseq's one frame",
                9,
                compseq / counting.median,
                at_least=True,
            ),
            Target("cold, everything, to compseq's one frame", 1, compseq / cold, at_least=True),
            Target(
                "cold from FASTA.gz, to compseq's one frame on the plain file",
                0.9,
                compseq / walls[COLD_GZIP].median,
                at_least=True,
            ),
        ]
    predecessor = walls[ROW_PER_CODON].median
    targets.append(
        Target("cold, everything, to a row per codon on Spark", 20, predecessor / cold, at_least=True)
    )
    return targets
