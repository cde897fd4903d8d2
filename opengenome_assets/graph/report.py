"""``codon_usage_report``: an HTML page with figures and tables, from the counts and the table."""

import time
from typing import TYPE_CHECKING

import dagster as dg

from opengenome_assets.datasets.catalogue import Dataset
from opengenome_assets.graph import codon_counts, codon_frequencies, sequences
from opengenome_assets.graph.batch_asset import files_of_run
from opengenome_assets.graph.failures import failing_clearly
from opengenome_assets.graph.keys import (
    CODON_COUNTS,
    CODON_FREQUENCIES,
    CODON_USAGE_BY_SEQUENCE,
    CODON_USAGE_REPORT,
    SEQUENCES,
    asset_key,
    code_version,
    identifier,
    op_key,
)
from opengenome_assets.graph.partition_events import TASK_SECOND
from opengenome_assets.units import number_of

if TYPE_CHECKING:
    from opengenome_assets.report.page import Check

# With more batches, reading their times from Dagster's records would take longer than the report.
TIMED_BATCHES = 2_000
SHOWN_PICTURES = ("heat_map.svg", "six_frames.svg", "amino_acids.svg")


def build_codon_usage_report(dataset: Dataset) -> dg.AssetsDefinition:
    """The unpartitioned asset that writes the report."""
    shown = [CODON_FREQUENCIES]
    if dataset.asked.by_sequence:
        shown.append(CODON_USAGE_BY_SEQUENCE)

    @dg.asset(
        key=op_key(dataset.key, CODON_USAGE_REPORT),
        group_name=identifier(dataset.key),
        deps=[op_key(dataset.key, name) for name in shown],
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="One self-contained page, report/index.html, and every figure as a separate file.",
        # Its data version is Dagster's own: it follows from this and from the version of the table.
        code_version=code_version(CODON_USAGE_REPORT),
        automation_condition=dg.AutomationCondition.eager(),
        kinds={"python", "html"},
    )
    def codon_usage_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        from opengenome_assets.files.warehouse import REPORT
        from opengenome_assets.report.write import INDEX, make_report

        began = time.monotonic()
        with failing_clearly():
            files = files_of_run(context.run, dataset, CODON_FREQUENCIES)
            seconds = _seconds(context.instance, dataset, files.batches)
            written = make_report(files, _checks(context.instance, dataset), seconds)
        page = files.table.location(f"{REPORT}/{INDEX}")
        took = time.monotonic() - began
        context.log.info(
            f"{dataset.key} · report of {number_of(len(written), 'file')} · {took:.1f} s · {page}"
        )
        pictures = {
            name.removesuffix(".svg"): codon_frequencies.embedded(name, written[name])
            for name in SHOWN_PICTURES
            if name in written
        }
        return dg.MaterializeResult(
            metadata={
                "dagster/uri": page,
                "page": dg.MetadataValue.path(page),
                "files": len(written),
                "seconds": round(took, 3),
                **pictures,
            }
        )

    return codon_usage_report


def _seconds(instance: dg.DagsterInstance, dataset: Dataset, batches: list[str]) -> dict[str, float]:
    """Task seconds of counting, per batch, from its newest materialization."""
    if len(batches) > TIMED_BATCHES:
        return {}
    # Two events per batch and run, newest first.
    found = instance.fetch_materializations(
        asset_key(dataset.key, CODON_COUNTS), limit=max(2 * len(batches), 1)
    )
    seconds: dict[str, float] = {}
    for record in found.records:
        event = record.asset_materialization
        value = event.metadata.get(f"{TASK_SECOND}s") if event else None
        if record.partition_key and value is not None and record.partition_key not in seconds:
            seconds[record.partition_key] = float(str(value.value))
    return seconds


def _checks(instance: dg.DagsterInstance, dataset: Dataset) -> "list[Check]":
    """The newest result of each check over all batches of its run."""
    from opengenome_assets.report.page import Check

    described = {
        SEQUENCES: [check.name for check in sequences.SEQUENCES.checks],
        CODON_COUNTS: [check.name for check in codon_counts.COUNTS.checks],
        CODON_FREQUENCIES: [*codon_frequencies.CHECKS, *codon_frequencies.PLANTED_CHECK],
    }
    results = []
    for asset, names in described.items():
        for name in names:
            key = dg.AssetCheckKey(asset_key(dataset.key, asset), name)
            record = instance.get_latest_asset_check_evaluation_record(key)
            event = record.event.dagster_event if record and record.event else None
            evaluation = event.event_specific_data if event else None
            # A check that was planned but never finished has no result.
            if isinstance(evaluation, dg.AssetCheckEvaluation):
                label = f"{asset} · {name}"
                results.append(Check(label, passed=evaluation.passed, detail=evaluation.description or ""))
    return results
