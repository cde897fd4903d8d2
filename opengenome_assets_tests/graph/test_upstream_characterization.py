"""The behaviour of Dagster that the code depends on, one fact per test, so that an upgrade that changes one fails here."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from click.testing import CliRunner
from dagster._cli.asset import asset_cli
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,
)
from dagster._core.errors import DagsterInvalidMetadata
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

BATCHES = ("batch_0000", "batch_0001", "batch_0002")
WHOLE_RANGE = {
    "dagster/asset_partition_range_start": BATCHES[0],
    "dagster/asset_partition_range_end": BATCHES[-1],
}
SINGLE_RUN = dg.BackfillPolicy.single_run()
PARTS = dg.AssetKey("parts")
CHECK = dg.AssetCheckKey(PARTS, "holds")
PLANNED = AssetCheckExecutionRecordStatus.PLANNED
SUCCEEDED = AssetCheckExecutionRecordStatus.SUCCEEDED
FAILED = AssetCheckExecutionRecordStatus.FAILED


def run(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    *,
    tags: dict[str, str] | None = None,
    partition_key: str | None = None,
) -> dg.ExecuteInProcessResult:
    """Run all assets of the definitions; a failure is in the result."""
    job = definitions.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        instance=instance, tags=tags, partition_key=partition_key, raise_on_error=False
    )


def parts_that(body: Sequence[str] = (), *, fails: bool = False) -> dg.AssetsDefinition:
    """A partitioned asset that logs materializations of some partitions, and then fails or not."""

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(BATCHES), backfill_policy=SINGLE_RUN)
    def parts(context: dg.AssetExecutionContext) -> None:
        for key in body:
            context.log_event(dg.AssetMaterialization(PARTS, partition=key))
        if fails:
            msg = "some failed"
            raise RuntimeError(msg)

    return parts


def check_that(
    failing: Iterable[str], *, settles: bool = True, targeted: bool = False
) -> dg.AssetChecksDefinition:
    """A partitioned check that logs an evaluation for each partition of the run, and returns one of all.

    Args:
        failing: partitions that fail.
        settles: whether evaluations are logged at all.
        targeted: whether they name the materialization that they are of.
    """
    failing = set(failing)

    @dg.asset_check(
        asset=PARTS, name="holds", partitions_def=dg.StaticPartitionsDefinition(BATCHES), blocking=True
    )
    def holds(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        op_context = context.op_execution_context
        for key in op_context.partition_keys if settles else ():
            of_key = dg.AssetRecordsFilter(PARTS, asset_partitions=[key])
            (latest,) = op_context.instance.fetch_materializations(of_key, limit=1).records
            target = Target(storage_id=latest.storage_id, run_id=latest.run_id, timestamp=latest.timestamp)
            op_context.log_event(
                dg.AssetCheckEvaluation(
                    asset_key=PARTS,
                    check_name="holds",
                    partition=key,
                    passed=key not in failing,
                    target_materialization_data=target if targeted else None,
                )
            )
        return dg.AssetCheckResult(passed=not failing)

    return holds


def statuses(instance: dg.DagsterInstance) -> dict[str | None, list[AssetCheckExecutionRecordStatus]]:
    """The stored executions of the check, newest first, by partition."""
    found: dict[str | None, list[AssetCheckExecutionRecordStatus]] = {}
    for record in instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=100):
        found.setdefault(record.partition, []).append(record.status)
    return found


@pytest.fixture
def instance() -> Iterable[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def graph() -> dg.Definitions:
    """An unpartitioned asset, one of three partitions, and an unpartitioned one again."""

    @dg.asset(backfill_policy=SINGLE_RUN)
    def before() -> None: ...

    @dg.asset(
        partitions_def=dg.StaticPartitionsDefinition(BATCHES), deps=[before], backfill_policy=SINGLE_RUN
    )
    def parts() -> None: ...

    @dg.asset(deps=[parts], backfill_policy=SINGLE_RUN)
    def after() -> None: ...

    return dg.Definitions([before, parts, after], executor=dg.in_process_executor)


def test_a_range_run_executes_the_unpartitioned_assets_too(
    graph: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    result = run(graph, instance, tags=WHOLE_RANGE)
    order = [event.step_key for event in result.all_events if event.is_step_success]
    assert order == ["before", "parts", "after"]


def test_a_range_run_executes_a_partitioned_step_once(
    graph: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    result = run(graph, instance, tags=WHOLE_RANGE)
    assert len([e for e in result.all_events if e.is_step_start and e.step_key == "parts"]) == 1


def test_a_run_of_one_partition_runs_unpartitioned_assets_too(
    graph: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    run(graph, instance, partition_key=BATCHES[1])
    assert instance.get_latest_materialization_event(dg.AssetKey("after")) is not None


def test_partition_keys_of_a_range_run_are_those_of_the_range(instance: dg.DagsterInstance) -> None:
    seen: list[str] = []

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(BATCHES), backfill_policy=SINGLE_RUN)
    def parts(context: dg.AssetExecutionContext) -> None:
        seen.extend(context.partition_keys)

    run(
        dg.Definitions([parts]),
        instance,
        tags=WHOLE_RANGE | {"dagster/asset_partition_range_end": BATCHES[1]},
    )
    assert sorted(seen) == list(BATCHES[:2])


WITHOUT_A_POLICY = """
import dagster as dg
BATCHES = dg.StaticPartitionsDefinition(["batch_0000", "batch_0001"])
@dg.asset
def before() -> None: ...
@dg.asset(partitions_def=BATCHES, deps=[before], backfill_policy=dg.BackfillPolicy.single_run())
def parts() -> None: ...
"""


@pytest.mark.filterwarnings("ignore:Function `asset_materialize_command` is superseded")
def test_a_range_needs_single_run_policy_on_unpartitioned_assets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    module = tmp_path / "without_a_policy.py"
    module.write_text(WITHOUT_A_POLICY)
    in_range = ["--partition-range", "batch_0000...batch_0001"]
    done = CliRunner().invoke(asset_cli, ["materialize", "-f", str(module), "--select", "*", *in_range])
    assert "require all selected assets to have a BackfillPolicy.single_run() policy" in str(done.exception)


def test_a_range_run_needs_the_return_annotation_none(
    instance: dg.DagsterInstance,
) -> None:
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(BATCHES), backfill_policy=SINGLE_RUN)
    def parts(): ...

    assert not run(dg.Definitions([parts]), instance, tags=WHOLE_RANGE).success


def test_a_failing_step_materializes_only_logged_partitions(
    instance: dg.DagsterInstance,
) -> None:
    run(dg.Definitions([parts_that([BATCHES[0], BATCHES[2]], fails=True)]), instance, tags=WHOLE_RANGE)
    assert instance.get_materialized_partitions(PARTS) == {BATCHES[0], BATCHES[2]}


def test_a_second_run_of_the_missing_partition_completes_the_set(instance: dg.DagsterInstance) -> None:
    run(dg.Definitions([parts_that([BATCHES[0], BATCHES[2]], fails=True)]), instance, tags=WHOLE_RANGE)
    run(dg.Definitions([parts_that()]), instance, partition_key=BATCHES[1])
    assert instance.get_materialized_partitions(PARTS) == set(BATCHES)


def test_a_logged_partition_also_gets_the_event_of_the_step(instance: dg.DagsterInstance) -> None:
    run(dg.Definitions([parts_that(BATCHES)]), instance, tags=WHOLE_RANGE)
    records = instance.fetch_materializations(PARTS, limit=100).records
    assert sorted(record.partition_key for record in records) == sorted(BATCHES * 2)


def test_metadata_of_a_partition_are_on_the_event_of_the_step(instance: dg.DagsterInstance) -> None:
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(BATCHES), backfill_policy=SINGLE_RUN)
    def parts(context: dg.AssetExecutionContext) -> None:
        for number, key in enumerate(context.partition_keys):
            context.add_asset_metadata({"number": number}, partition_key=key)

    run(dg.Definitions([parts]), instance, tags=WHOLE_RANGE)
    records = instance.fetch_materializations(PARTS, limit=100).records
    assert sorted(record.asset_materialization.metadata["number"].value for record in records) == [0, 1, 2]


def test_a_range_run_plans_a_check_for_every_partition(
    instance: dg.DagsterInstance,
) -> None:
    run(
        dg.Definitions([parts_that()], asset_checks=[check_that((), settles=False)]),
        instance,
        tags=WHOLE_RANGE,
    )
    assert {key: status for key, status in statuses(instance).items() if key} == {
        key: [PLANNED] for key in BATCHES
    }


def test_logged_evaluations_settle_planned_ones_in_a_range(
    instance: dg.DagsterInstance,
) -> None:
    run(dg.Definitions([parts_that()], asset_checks=[check_that([BATCHES[1]])]), instance, tags=WHOLE_RANGE)
    found = {key: status for key, status in statuses(instance).items() if key}
    assert found == {BATCHES[0]: [SUCCEEDED], BATCHES[1]: [FAILED], BATCHES[2]: [SUCCEEDED]}


def test_a_logged_evaluation_settles_a_single_planned_one(
    instance: dg.DagsterInstance,
) -> None:
    run(dg.Definitions([parts_that()], asset_checks=[check_that(())]), instance, partition_key=BATCHES[1])
    assert statuses(instance)[BATCHES[1]] == [SUCCEEDED]


@pytest.mark.parametrize("targeted", [True, False])
def test_a_current_evaluation_names_its_materialization(
    instance: dg.DagsterInstance, *, targeted: bool
) -> None:
    definitions = dg.Definitions([parts_that()], asset_checks=[check_that((), targeted=targeted)])
    run(definitions, instance, tags=WHOLE_RANGE)
    infos = instance.event_log_storage.get_asset_check_partition_info([CHECK])
    assert {info.partition_key: info.is_current for info in infos if info.partition_key} == dict.fromkeys(
        BATCHES, targeted
    )


def test_what_a_check_returns_is_stored_without_a_partition(instance: dg.DagsterInstance) -> None:
    run(dg.Definitions([parts_that()], asset_checks=[check_that([BATCHES[1]])]), instance, tags=WHOLE_RANGE)
    assert statuses(instance)[None] == [FAILED]


def test_a_failing_blocking_check_stops_the_rest_of_the_run(instance: dg.DagsterInstance) -> None:
    @dg.asset(deps=[PARTS], backfill_policy=SINGLE_RUN)
    def after() -> None: ...

    definitions = dg.Definitions([parts_that(), after], asset_checks=[check_that([BATCHES[1]])])
    run(definitions, instance, tags=WHOLE_RANGE)
    assert instance.get_latest_materialization_event(dg.AssetKey("after")) is None


def test_a_partition_whose_check_failed_counts_as_materialized(instance: dg.DagsterInstance) -> None:
    run(dg.Definitions([parts_that()], asset_checks=[check_that([BATCHES[1]])]), instance, tags=WHOLE_RANGE)
    assert BATCHES[1] in instance.get_materialized_partitions(PARTS)


def test_a_failing_step_skips_its_checks_but_can_settle_them(
    instance: dg.DagsterInstance,
) -> None:
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(BATCHES), backfill_policy=SINGLE_RUN)
    def parts(context: dg.AssetExecutionContext) -> None:
        context.log_event(dg.AssetMaterialization(PARTS, partition=BATCHES[0]))
        context.op_execution_context.log_event(
            dg.AssetCheckEvaluation(
                asset_key=PARTS, check_name="holds", partition=BATCHES[0], passed=True, metadata={}
            )
        )
        msg = "some failed"
        raise RuntimeError(msg)

    result = run(dg.Definitions([parts], asset_checks=[check_that(())]), instance, tags=WHOLE_RANGE)
    begun = [event.step_key for event in result.all_events if event.is_step_start]
    assert begun == ["parts"]
    assert statuses(instance) == {BATCHES[0]: [SUCCEEDED], BATCHES[1]: [PLANNED], BATCHES[2]: [PLANNED]}


def test_an_empty_static_partition_set_loads_and_validates() -> None:
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition([]), backfill_policy=SINGLE_RUN)
    def parts() -> None: ...

    definitions = dg.Definitions([parts])
    dg.Definitions.validate_loadable(definitions)
    partitions = definitions.get_assets_def("parts").partitions_def
    assert partitions is not None
    assert partitions.get_partition_keys() == []


@pytest.mark.parametrize("name", ["mine@sample-20", "a.b", "a-b"])
def test_a_replaced_key_keeps_characters_that_an_op_cannot_have(name: str) -> None:
    @dg.asset(key=["plain", "parts"])
    def parts() -> None: ...

    replaced = parts.with_attributes(
        asset_key_replacements={dg.AssetKey(["plain", "parts"]): dg.AssetKey([name, "parts"])}
    )
    definitions = dg.Definitions([replaced])
    assert definitions.get_assets_def(dg.AssetKey([name, "parts"])).op.name == "plain__parts"


def test_a_replaced_key_takes_its_dependencies_and_checks_along(instance: dg.DagsterInstance) -> None:
    @dg.asset(key=["plain", "first"])
    def first() -> None: ...

    @dg.asset(key=["plain", "second"], deps=[["plain", "first"]])
    def second() -> None: ...

    @dg.asset_check(asset=["plain", "second"])
    def holds() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    keys = {dg.AssetKey(["plain", name]): dg.AssetKey(["a@b", name]) for name in ("first", "second")}
    definitions = dg.Definitions(
        [asset.with_attributes(asset_key_replacements=keys) for asset in (first, second)],
        asset_checks=[holds.with_attributes(asset_key_replacements=keys)],
    )
    result = run(definitions, instance)
    checked = [check.asset_key.path for check in result.get_asset_check_evaluations()]
    parents = definitions.resolve_asset_graph().get(dg.AssetKey(["a@b", "second"])).parent_keys
    assert (checked, parents) == ([["a@b", "second"]], {dg.AssetKey(["a@b", "first"])})


def ordered() -> tuple[dg.Definitions, list[str]]:
    """Two assets, the second with a resource, and the list in which all of them say that they were there."""
    order: list[str] = []

    class Engine(dg.ConfigurableResource):
        name: str

        def setup_for_execution(self, context: dg.InitResourceContext) -> None:
            order.append(self.name)

        def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
            order.append(f"no {self.name}")

    @dg.asset
    def first() -> None:
        order.append("first")

    @dg.asset(deps=[first])
    def second(engine: Engine) -> None:
        order.append("second")

    definitions = dg.Definitions(
        [first, second], resources={"engine": Engine(name="engine")}, executor=dg.in_process_executor
    )
    return definitions, order


def test_in_process_runs_set_up_resources_before_the_first_step(
    instance: dg.DagsterInstance,
) -> None:
    definitions, order = ordered()
    run(definitions, instance)
    assert order == ["engine", "first", "second", "no engine"]


def test_a_resource_that_no_step_of_the_run_needs_is_not_set_up(instance: dg.DagsterInstance) -> None:
    definitions, order = ordered()
    definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, asset_selection=[dg.AssetKey("first")]
    )
    assert order == ["first"]


def test_a_run_ends_in_the_records_after_resource_teardown(
    instance: dg.DagsterInstance,
) -> None:
    seen: list[dg.DagsterRunStatus] = []

    class Engine(dg.ConfigurableResource):
        name: str

        def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
            assert context.instance is not None
            assert context.run is not None
            found = context.instance.get_run_by_id(context.run.run_id)
            assert found is not None
            seen.append(found.status)

    @dg.asset
    def counted(engine: Engine) -> None: ...

    run(dg.Definitions([counted], resources={"engine": Engine(name="engine")}), instance)
    assert seen == [dg.DagsterRunStatus.STARTED]


@pytest.mark.parametrize(("granularity", "is_free"), [("run", True), ("op", False)])
def test_a_step_takes_a_slot_only_with_granularity_op(
    tmp_path: Path, granularity: str, *, is_free: bool
) -> None:
    pools = f"concurrency:\n  pools:\n    default_limit: 1\n    granularity: {granularity}\n"
    (tmp_path / "dagster.yaml").write_text(pools)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        instance.event_log_storage.set_concurrency_slots("engine", 1)
        assert instance.event_log_storage.claim_concurrency_slot("engine", "another run", "step").is_claimed
        with InstanceConcurrencyContext(instance, dg.DagsterRun("counting")) as asking:
            assert asking.claim("engine", "step") is is_free


def test_events_hang_on_the_log_records_that_a_logger_gets(instance: dg.DagsterInstance) -> None:
    records: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    def make(context: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("keep", logging.DEBUG)
        logger.addHandler(Keep())
        return logger

    @dg.asset
    def first(context: dg.AssetExecutionContext) -> None:
        context.log.info("a line")

    definitions = dg.Definitions([first], loggers={"keep": dg.LoggerDefinition(make, config_schema={})})
    definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, run_config={"loggers": {"keep": {"config": {}}}}
    )
    events = [getattr(record, "dagster_event", None) for record in records]
    lines = [
        record.dagster_meta["orig_message"]
        for record, event in zip(records, events, strict=True)
        if not event
    ]
    kinds = {event.event_type for event in events if event}
    assert lines == ["a line"]
    assert dg.DagsterEventType.ASSET_MATERIALIZATION in kinds


def test_numpy_integers_are_refused_as_metadata() -> None:
    with pytest.raises(DagsterInvalidMetadata):
        dg.AssetMaterialization("parts", metadata={"rows": np.int64(1)})
