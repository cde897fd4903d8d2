"""Finished data sets for the tests of checks: two read-only ones, and a copy that a test may change."""

import shutil
from pathlib import Path

import pytest

from opengenome_assets.batches.manifest import load_manifest
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets_tests.graph.tampering import (
    Finished,
    finish,
)
from opengenome_assets_tests.scenario import Project, made_up_records, project, write_fasta


@pytest.fixture(scope="session")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("untouched")
    source = write_fasta(folder / "mine.fa", made_up_records(40))
    return finish(project(folder, source, batch_size=15))


@pytest.fixture(scope="session")
def untouched_demo(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    warehouse = tmp_path_factory.mktemp("demo")
    return finish(Project(warehouse, {}))


@pytest.fixture
def mine(untouched: Finished, tmp_path: Path) -> Finished:
    """A copy that a test may spoil."""
    shutil.copytree(untouched.folder.root, tmp_path / untouched.folder.dataset)
    folder = DatasetFolder(str(tmp_path), untouched.folder.dataset)
    return Finished(folder, load_manifest(folder))
