"""Where the time of a small run goes: the data set ``demo`` from the command line, and its parts alone."""

import shutil
import sys
from functools import partial
from pathlib import Path

from benchmarks.contenders import ROOT, module, reported
from benchmarks.measure import Measurement, Spread, in_turn, measure
from benchmarks.page import Section, Table, Target, spread_text
from benchmarks.studies.bench import Bench
from benchmarks.warm import STAGES

MOST_SECONDS_MORE = 10
_LOADING = "Python, Dagster and the definitions"
_DEMO = "opengenome analyze codon, on demo"
_STAGES = "the stages without Dagster, on demo"


def study(bench: Bench) -> Section:
    """Run the parts and the whole, in turn."""
    alone = {
        "Python": [sys.executable, "-c", "pass"],
        "Java": ["java", "-version"],
        "Python and Dagster": [sys.executable, "-c", "import dagster"],
        _LOADING: [sys.executable, "-c", "import opengenome_assets.definitions"],
    }
    runs = {name: partial(_alone, bench, command) for name, command in alone.items()}
    runs |= {_STAGES: partial(_stages, bench), _DEMO: partial(_demo, bench)}
    measured = in_turn(runs, bench.rounds, bench.log)
    walls = {name: Spread.of(run.wall_seconds for run in found) for name, found in measured.items()}
    more = walls[_DEMO].median - walls[_LOADING].median
    rows = [
        [name, spread_text(walls[name]), f"{Spread.of(run.cpu_seconds for run in found).median:.1f}"]
        for name, found in measured.items()
    ]
    stages = [
        [stage, what, spread_text(Spread.of(reported(run)["seconds"][stage] for run in measured[_STAGES]))]
        for stage, what in STAGES.items()
    ]
    steps = step_seconds(bench.scratch / "cold" / "home")
    return Section(
        "Cold start",
        "Every run is a new process in an empty warehouse, with a home of Dagster's that holds nothing yet.",
        [
            Table(["what", "wall s", "CPU s"], rows),
            Table(["stage without Dagster", "what it does", "s"], stages, text_columns=2),
            Table(
                ["step of the last run", "s"], [[step, f"{seconds:.2f}"] for step, seconds in steps.items()]
            ),
        ],
        targets=[
            Target(
                "cold on demo, more than loading Python and Dagster",
                MOST_SECONDS_MORE,
                more,
                at_least=False,
                unit="s",
                digits=1,
            )
        ],
    )


def _folder(bench: Bench) -> Path:
    folder = bench.scratch / "cold"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "home").mkdir(parents=True)
    return folder


def _alone(bench: Bench, command: list[str]) -> Measurement:
    folder = _folder(bench)
    return measure(
        command, {"OPENGENOME_DATASET": "demo", "OPENGENOME_WAREHOUSE": str(folder / "warehouse")}, ROOT
    )


def _stages(bench: Bench) -> Measurement:
    location = bench.scratch / "demo.parquet"
    if not location.exists():
        import pyarrow as pa
        import pyarrow.parquet as pq

        from opengenome_assets.datasets.demo import make_records

        pq.write_table(pa.Table.from_batches(make_records()), location)
    return measure(module("warm", location, _folder(bench) / "warehouse"), {"PYTHONPATH": str(ROOT)})


def _demo(bench: Bench) -> Measurement:
    folder = _folder(bench)
    program = str(Path(sys.executable).with_name("opengenome"))
    command = [program, "analyze", "codon", "--dataset", "demo", "--warehouse", str(folder / "warehouse")]
    return measure(command, {"DAGSTER_HOME": str(folder / "home")})


def step_seconds(home: Path) -> dict[str, float]:
    """Seconds of each step that Dagster remembers, in the order in which they began."""
    import dagster as dg

    with dg.DagsterInstance.from_config(str(home)) as instance:
        steps = [step for run in instance.get_runs() for step in instance.get_run_step_stats(run.run_id)]
    steps.sort(key=lambda step: step.start_time or 0)
    return {step.step_key: (step.end_time or 0) - (step.start_time or 0) for step in steps}
