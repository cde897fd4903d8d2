"""Java is checked before anything else, and a fault is reported in one line."""

import os
import socket
from pathlib import Path

import pytest

from opengenome_assets.errors import JavaError
from opengenome_assets.spark.config import check_setup
from opengenome_assets.spark.java import OLDEST_JAVA, check_java
from opengenome_assets_tests.cli.scenario import opengenome


def java_that_says(folder: Path, text: str, code: int = 0) -> None:
    """A program called java, which prints its version on stderr as Java does."""
    script = folder / "bin" / "java"
    script.parent.mkdir(parents=True)
    script.write_text(f"#!/bin/sh\necho '{text}' >&2\nexit {code}\n")
    script.chmod(0o755)


@pytest.mark.parametrize(("version", "major"), [("17.0.15", 17), ("21", 21), ("25-ea", 25)])
def test_a_java_that_is_new_enough_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, major: int
) -> None:
    java_that_says(tmp_path, f'openjdk version "{version}" 2025-04-15')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert check_java(os.environ) == major


@pytest.mark.parametrize(("version", "major"), [("1.8.0_392", 8), ("11.0.2", 11)])
def test_a_java_that_is_too_old_is_told_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, major: int
) -> None:
    java_that_says(tmp_path, f'openjdk version "{version}"')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(
        JavaError, match=rf"is version {major}\. Spark needs Java {OLDEST_JAVA} or newer\. Install"
    ):
        check_java(os.environ)


def test_no_java_at_all_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        JavaError, match=r"Java: not found\. JAVA_HOME is not set, and there is no java on PATH"
    ):
        check_java(os.environ)


def test_a_java_home_without_java_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(JavaError, match="has no bin/java"):
        check_java(os.environ)


@pytest.mark.parametrize(("text", "code"), [("no such thing", 0), ("crashed", 1)])
def test_a_java_that_does_not_answer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: int
) -> None:
    java_that_says(tmp_path, text, code)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(JavaError, match="Install one"):
        check_java(os.environ)


def test_a_remote_session_needs_no_java_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as server:
        check_setup(f"sc://127.0.0.1:{server.getsockname()[1]}")


def test_missing_java_is_one_line_before_files_are_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    warehouse = tmp_path / "warehouse"
    said = opengenome("analyze", "codon", "--dataset", "demo", "--warehouse", warehouse)
    assert (said.code, len(said.lines()), warehouse.exists()) == (2, 1, False)
    assert said.err.startswith("Error: Java: JAVA_HOME=")
