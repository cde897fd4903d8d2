"""Ctrl-C is an interruption, and no failure, wherever the run is: in a step, or between steps."""

import logging
import signal
from pathlib import Path
from typing import NoReturn

import pytest
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.executor.in_process import InProcessExecutor
from sqlalchemy import create_engine

from opengenome_assets.batches import register
from opengenome_assets.cli import main
from opengenome_assets_tests.scenario import RECORDS, project, write_fasta


def press(*_: object) -> None:
    signal.raise_signal(signal.SIGINT)


def interrupt(*_: object) -> NoReturn:
    """What Dagster raises between steps, if the signal came there."""
    raise DagsterExecutionInterruptedError


@pytest.mark.parametrize(
    ("owner", "name", "happening"),
    [
        pytest.param(register, "register", press, id="in a step"),
        pytest.param(InProcessExecutor, "execute", interrupt, id="between steps"),
    ],
)
def test_an_interrupted_run_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, happening: object
) -> None:
    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", RECORDS))
    monkeypatch.setattr(owner, name, happening)
    with pytest.raises(KeyboardInterrupt):
        own.runner.register()


def test_a_connection_that_is_interrupted_is_not_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def close(_: object) -> NoReturn:
        raise KeyboardInterrupt

    logging.getLogger("sqlalchemy.pool").setLevel(logging.NOTSET)
    with pytest.raises(SystemExit):
        main(["--version"])
    engine = create_engine("sqlite://")
    monkeypatch.setattr(engine.dialect, "do_close", close)
    connection = engine.connect()
    with pytest.raises(KeyboardInterrupt):
        connection.invalidate()
    assert caplog.messages == []
