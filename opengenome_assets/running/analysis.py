"""From an input to the table: what ``opengenome analyze codon`` and ``opengenome_assets.analyze`` run."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.manifest import Manifest
from opengenome_assets.declaring import declared, naming
from opengenome_assets.errors import OpengenomeError
from opengenome_assets.files.warehouse import FREQUENCIES_PARQUET
from opengenome_assets.graph.spark_resource import one_session
from opengenome_assets.running.asked import asked_dataset
from opengenome_assets.running.instance import open_instance
from opengenome_assets.running.runner import CheckResult, Runner
from opengenome_assets.settings import OF_SEQUENCES, PARAMETERS, Settings, TableParameters
from opengenome_assets.spark.config import check_setup
from opengenome_assets.tables.frequencies import refuse_other_parameters
from opengenome_assets.tables.load import load_table

_LOG = logging.getLogger("opengenome_assets")
_DECLARED = declared(Settings) | PARAMETERS
_REMEDY = "input=PATH for your own data, or dataset=NAME, such as dataset='demo'"


@dataclass(frozen=True)
class Analysis:
    """What was run, and where its results are.

    Attributes:
        manifest: of the registered input.
        parameters: of the table.
        files: the batches, and the files of the table.
        counted: batches that were counted now.
        checks: results of all checks of the runs.
    """

    manifest: Manifest
    parameters: TableParameters
    files: BatchFiles
    counted: int
    checks: list[CheckResult]

    @property
    def failed(self) -> list[CheckResult]:
        """The checks that did not pass, which are warnings."""
        return [check for check in self.checks if not check.passed]

    @property
    def of_sequences(self) -> BatchFiles:
        """The batches, and the files of the per-sequence tables."""
        own = self.manifest.table
        return self.files.of_table(self.parameters.of_sequences(own))


def run_analysis(runner: Runner, allow: Callable[[Manifest, TableParameters], None]) -> Analysis:
    """Register the input, count the missing batches, and make the tables.

    Args:
        runner: of the data set.
        allow: called before anything is counted; it may raise.

    Raises:
        OpengenomeError: the input, a batch or the table failed, or ``allow`` refused.
    """
    with one_session():
        manifest = runner.register()
        parameters = runner.dataset.table_parameters(manifest.table)
        files = runner.files.of_table(parameters)
        refuse_other_parameters(files, parameters)
        allow(manifest, parameters)
        missing = runner.missing_batches()
        runner.listener.expect({batch: manifest.bases_of(batch) for batch in missing})
        checks = runner.count(missing)
        if runner.dataset.asked.by_sequence:
            checks += runner.tabulate(asdict(parameters), with_report=False)
            checks += runner.measure_sequences({name: getattr(parameters, name) for name in OF_SEQUENCES})
            checks += runner.report()
        else:
            checks += runner.tabulate(asdict(parameters))
    return Analysis(manifest, parameters, files, len(missing), checks)


def analyze(values: Mapping[str, Any]) -> pa.Table:
    """Run the graph in this process, as ``opengenome_assets.analyze`` describes it.

    Args:
        values: by name of the setting or parameter; None for one that is not given.

    Raises:
        TypeError: there is no setting of that name.
        OpengenomeError: as ``run_analysis``.
    """
    unknown = [name for name in values if name not in _DECLARED]
    if unknown:
        msg = f"analyze() has no argument {unknown[0]!r}. There are: {', '.join(_DECLARED)}."
        raise TypeError(msg)
    options = {name: _text(value) for name, value in values.items() if value is not None}
    as_given = naming(
        {
            setting.variable: name
            for name, setting in _DECLARED.items()
            if name in options or not os.environ.get(setting.variable, "").strip()
        }
    )
    home = os.environ.get("DAGSTER_HOME")
    try:
        dataset = asked_dataset(options, _REMEDY, "dataset=NAME")
        check_setup(dataset.asked.spark_master)
        with open_instance(dataset.asked.warehouse) as instance:
            analysis = run_analysis(Runner(dataset, instance, _LogListener(as_given)), _allow)
    except OpengenomeError as error:
        error.args = (as_given(str(error)),)
        raise
    finally:
        # The next call may be for another warehouse, whose records are elsewhere.
        if home is None:
            os.environ.pop("DAGSTER_HOME", None)
        else:
            os.environ["DAGSTER_HOME"] = home
    for check in analysis.failed:
        _LOG.warning("check %s: %s", check.name, check.description)
    return load_table(analysis.files.table.location(FREQUENCIES_PARQUET), dataset.asked.warehouse)


class _LogListener:
    """Passes the lines of a run to Python's logging."""

    def __init__(self, reword: Callable[[str], str]) -> None:
        self._reword = reword

    def expect(self, bases: Mapping[str, int]) -> None:
        del bases

    def on_line(self, level: int, text: str) -> None:
        _LOG.log(level, self._reword(text))

    def on_batch(self, asset: str, batch: str) -> None:
        del asset, batch


def _allow(manifest: Manifest, parameters: TableParameters) -> None:
    del manifest, parameters


def _text(value: Any) -> str:
    """A value as variables and options have it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "\n".join(map(_text, value))
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)
