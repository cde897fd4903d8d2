"""What runs report of checks: which batches after a failure, which checks are blocking, and which draws are new."""

from pathlib import Path

import dagster as dg
import pytest

from opengenome_assets.checks import Outcome
from opengenome_assets.errors import BatchFileError
from opengenome_assets.graph import codon_frequencies
from opengenome_assets.graph.build import build_definitions
from opengenome_assets.graph.failures import failing_clearly
from opengenome_assets.graph.partition_events import BatchChecks, Outcomes, Stage, left_to_do, report_batches
from opengenome_assets.spark.run_tasks import BatchResult
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.graph.range_run import run_range
from opengenome_assets_tests.scenario import Project, made_up_records, project, write_fasta

BATCHES = ["batch_0000", "batch_0001", "batch_0002"]


def checked(finished: list[str]) -> Outcomes:
    for number, batch in enumerate(finished):
        yield (
            batch,
            {
                "blocks": Outcome(passed=number == 0, description=f"of {batch}"),
                "warns": Outcome(passed=False, description="only a warning"),
            },
        )


def test_after_a_failure_all_finished_batches_are_checked(tmp_path: Path) -> None:
    @dg.asset(
        partitions_def=dg.StaticPartitionsDefinition(BATCHES), backfill_policy=dg.BackfillPolicy.single_run()
    )
    def counts(context: dg.AssetExecutionContext) -> None:
        with failing_clearly(None):
            results = [
                BatchResult(batch, 1, 3, error="damaged" if batch == "batch_0001" else None)
                for batch in left_to_do(context)
            ]
            checks = BatchChecks(checked, ("blocks",))
            report_batches(context, Stage("counting"), len(results), results, lambda done: {}, checks)

    instance = dg.DagsterInstance.ephemeral(tempdir=str(tmp_path))
    result = run_range(dg.Definitions([counts]), BATCHES, instance)
    logged = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    evaluations = [entry.dagster_event.event_specific_data for entry in logged if entry.dagster_event]
    found = {
        (each.partition, each.check_name): (each.passed, each.blocking, each.severity) for each in evaluations
    }
    error, warning = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
    assert found == {
        ("batch_0000", "blocks"): (True, True, error),
        ("batch_0000", "warns"): (False, False, warning),
        ("batch_0002", "blocks"): (False, True, error),
        ("batch_0002", "warns"): (False, False, warning),
    }


@pytest.mark.parametrize("error", [BatchFileError("a.parquet: damaged."), OSError("disk")])
def test_a_check_that_cannot_be_made_fails_with_the_reason(error: Exception) -> None:
    def check() -> Outcome:
        raise error

    outcome = codon_frequencies._outcome(check)
    assert not outcome.passed
    assert outcome.description == f"cannot be checked: {error}"


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("counted")
    own = project(folder, write_fasta(folder / "mine.fa", made_up_records(30)), batch_size=10)
    write_and_count(own)
    return own


def test_every_run_recounts_other_records(counted: Project) -> None:
    job = build_definitions([counted.dataset]).resolve_implicit_global_asset_job_def()
    key_of_table = dg.AssetKey(["mine", "codon_frequencies"])
    seeds = []
    for _ in range(2):
        job.execute_in_process(instance=counted.instance, asset_selection=[key_of_table])
        for check in ("recount_agrees", "batch_recount_agrees"):
            key = dg.AssetCheckKey(key_of_table, check)
            record = counted.instance.get_latest_asset_check_evaluation_record(key)
            assert record is not None
            evaluation = record.event.dagster_event.event_specific_data
            seeds.append(evaluation.metadata["seed"].value)
            assert seeds[-1] == int(record.run_id.replace("-", "")[:8], 16)
    assert seeds[0] == seeds[1] != seeds[2] == seeds[3]
