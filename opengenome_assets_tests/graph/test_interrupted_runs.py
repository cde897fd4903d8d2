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
from opengenome_assets.running.instance import open_instance
from opengenome_assets_tests.scenario import RECORDS, Project, project, write_fasta


@pytest.fixture
def own(tmp_path: Path) -> Project:
    return project(tmp_path, write_fasta(tmp_path / "mine.fa", RECORDS))


def press(*_: object) -> None:
    signal.raise_signal(signal.SIGINT)


def interrupt(*_: object) -> NoReturn:
    """What Dagster raises between steps, if the signal came there."""
    raise DagsterExecutionInterruptedError


def test_a_run_that_is_interrupted_in_a_step_is_no_failure(
    own: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "register", press)
    with pytest.raises(KeyboardInterrupt):
        own.runner.register()


def test_a_run_that_is_interrupted_between_steps_is_no_failure(
    own: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InProcessExecutor, "execute", interrupt)
    with pytest.raises(KeyboardInterrupt):
        own.runner.register()


def test_a_connection_that_is_interrupted_is_not_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def close(_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setattr(logging.getLogger("sqlalchemy.pool"), "level", logging.NOTSET)
    with open_instance(str(tmp_path)):
        engine = create_engine("sqlite://")
        monkeypatch.setattr(engine.dialect, "do_close", close)
        connection = engine.connect()
        with pytest.raises(KeyboardInterrupt):
            connection.invalidate()
    assert caplog.messages == []
