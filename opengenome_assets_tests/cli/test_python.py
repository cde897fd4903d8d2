"""``opengenome_assets.analyze`` from Python: table, per-sequence tables and report, log, errors."""

import logging
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import opengenome_assets as package
from opengenome_assets.errors import RunFailedError, SettingError
from opengenome_assets_tests.cli.scenario import clean_room
from opengenome_assets_tests.scenario import made_up_records, naive_counts, write_fasta

RECORDS = made_up_records(40)
EXPECTED = naive_counts(list(RECORDS.values()))

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def analyzed(tmp_path_factory: pytest.TempPathFactory, spark: object) -> tuple[Path, pa.Table]:
    """The warehouse of three batches in frame 1, and the table that the call returned."""
    folder = tmp_path_factory.mktemp("python")
    halves = [dict(list(RECORDS.items())[part]) for part in (slice(25), slice(25, None))]
    files = [write_fasta(folder / f"{n}.fasta", half) for n, half in enumerate(halves)]
    with clean_room():
        table = package.analyze(
            files, dataset="mine", warehouse=folder / "data", batch_size=15, frame=1, by_sequence=True
        )
    return folder / "data", table


def test_analyze_returns_the_table_of_the_frame(analyzed: tuple[Path, pa.Table]) -> None:
    found = dict(zip(analyzed[1]["codon"].to_pylist(), analyzed[1]["count"].to_pylist(), strict=True))
    assert len(found) == 64
    assert found == {codon: EXPECTED.get(("+", 1, codon), 0) for codon in found}
    assert package.load_codon_frequencies("mine", warehouse=analyzed[0]).equals(analyzed[1])
    rows = package.load_codon_usage_by_sequence("mine", warehouse=analyzed[0])
    assert rows["seq_id"].to_pylist() == list(RECORDS)
    measures = package.load_report_table("mine", "measures", warehouse=analyzed[0])
    assert measures["codons"].to_pylist() == [pc.sum(analyzed[1]["count"]).as_py()]


class Lines(logging.Handler):
    """Remembers what was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def test_a_second_call_makes_another_table_and_logs(
    analyzed: tuple[Path, pa.Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    logger, heard = logging.getLogger("opengenome_assets"), Lines()
    monkeypatch.setattr(logger, "level", logging.INFO)
    monkeypatch.setattr(logger, "handlers", [heard])
    table = package.analyze(dataset="mine", warehouse=analyzed[0], strand="both", skip_n=False)
    expected = sum(count for (_, frame, _), count in EXPECTED.items() if frame == 1)
    assert pc.sum(table["count"]).as_py() == expected
    assert any(" codons in the table" in line for line in heard.lines)
    assert not any(line.startswith("counting") for line in heard.lines)


def test_dagster_home_is_that_of_before(
    analyzed: tuple[Path, pa.Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with pytest.raises(SettingError):
        package.analyze(dataset="mine", warehouse=analyzed[0], sample=0)
    with pytest.raises(RunFailedError, match="was registered with on_invalid=fail"):
        package.analyze(dataset="mine", warehouse=analyzed[0], on_invalid="skip")
    assert "DAGSTER_HOME" not in os.environ


def test_errors_name_the_arguments(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"^frame: '7' is not allowed"):
        package.analyze("x.fasta", frame=7, warehouse=tmp_path)
    with pytest.raises(SettingError, match=r"Give input=PATH for your own data, or dataset=NAME"):
        package.analyze(warehouse=tmp_path)
    with pytest.raises(TypeError, match=r"analyze\(\) has no argument 'frames'. There are: input, dataset"):
        package.analyze("x.fasta", frames=1)
    assert not list(tmp_path.iterdir())
