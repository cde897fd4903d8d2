"""If a blocking check fails, the command line names check, batches and findings, and says what to do."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.checks import Outcome
from opengenome_assets.checks import table as frequencies
from opengenome_assets.counts.count_files import write_counts
from opengenome_assets.spark import stages
from opengenome_assets_tests.cli.scenario import Said, opengenome
from opengenome_assets_tests.scenario import made_up_records, write_fasta

pytestmark = pytest.mark.spark

BATCH = "batch_0001"


def one_more(counts: pa.Table) -> pa.Table:
    """Counts of which each is one too high."""
    number = counts.column_names.index("count")
    return counts.set_column(number, counts.schema.field(number), pc.add(counts["count"], 1))


@pytest.fixture(scope="module")
def spoiled(spark: object, tmp_path_factory: pytest.TempPathFactory) -> Iterable[tuple[Said, Said, Said]]:
    """A run that writes wrong counts for one batch, the same as JSON, and one that counts right again."""
    del spark
    folder = tmp_path_factory.mktemp("spoiled")
    fasta = write_fasta(folder / "mine.fasta", made_up_records(40))
    command = ("analyze", "codon", "-i", fasta, "-w", folder / "warehouse", "--batch-size", 15)
    count = stages.count_batches

    def count_wrong(spark: Any, files: BatchFiles, *rest: Any) -> Iterable[Any]:
        for done in count(spark, files, *rest):
            if done.batch == BATCH:
                write_counts(files, BATCH, one_more(files.counts(BATCH).read_whole()))
            yield done

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        patch.setattr(stages, "count_batches", count_wrong)
        text, as_json = opengenome(*command), opengenome(*command, "--log-format", "json")
        patch.setattr(stages, "count_batches", count)
        yield text, as_json, opengenome(*command)


def test_the_error_names_check_asset_batch_and_finding(spoiled: tuple[Said, ...]) -> None:
    said = spoiled[0]
    assert said.code == 1
    assert said.lines()[-1].startswith(
        f"Error: check total_codon_count of mine/codon_counts failed: {BATCH}: frame +0: "
    )
    assert "Run the same command again" in said.lines()[-1]
    assert "DagsterAssetCheckFailedError" not in said.err


def test_with_json_a_failed_check_is_one_object(spoiled: tuple[Said, ...]) -> None:
    last = [json.loads(line) for line in spoiled[1].lines()][-1]
    assert last["level"] == "error"
    assert "check total_codon_count of mine/codon_counts failed: batch_0001: " in last["message"]


def test_no_table_is_made_of_a_batch_that_failed_a_check(spoiled: tuple[Said, ...]) -> None:
    assert [said.code for said in spoiled[:2]] == [1, 1]
    assert spoiled[0].out == ""


def test_the_next_run_makes_the_batch_anew(spoiled: tuple[Said, ...]) -> None:
    assert spoiled[2].code == 0, spoiled[2].err
    assert "1 of 3 batches counted now, 2 were finished before" in spoiled[2].out


def test_a_failed_check_of_the_table_is_one_line(
    spark: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del spark
    monkeypatch.setattr(frequencies, "check_sums", lambda *_: Outcome(passed=False, description="sum is 2"))
    fasta = write_fasta(tmp_path / "mine.fasta", made_up_records(5))
    said = opengenome("analyze", "codon", "-i", fasta, "-w", tmp_path / "warehouse")
    assert said.code == 1
    assert said.lines()[-1].startswith(
        "Error: check frequencies_sum_to_one of mine/codon_frequencies failed: sum is 2. Do not use"
    )
