"""Builds the asset graph from data sets. It reads one manifest per data set: no input, no network, no JVM."""

import warnings
from collections.abc import Mapping, Sequence

import dagster as dg

from opengenome_assets.batches.manifest import find_manifest
from opengenome_assets.batches.plan import BatchPlan, plan_declared
from opengenome_assets.datasets.catalogue import Dataset, resolve_datasets
from opengenome_assets.graph.by_sequence import build_codon_usage_by_sequence, by_sequence_asset
from opengenome_assets.graph.catalog import catalogued
from opengenome_assets.graph.codon_counts import build_codon_counts, counts_asset
from opengenome_assets.graph.codon_frequencies import (
    build_codon_frequencies,
    build_codon_frequencies_checks,
)
from opengenome_assets.graph.keys import BatchPartitions, asset_key, check_distinct
from opengenome_assets.graph.raw_sequences import build_raw_sequences
from opengenome_assets.graph.report import build_codon_usage_report
from opengenome_assets.graph.sequences import build_sequences, sequences_asset
from opengenome_assets.graph.spark_resource import spark_resource
from opengenome_assets.settings import read_settings

# test_upstream_characterization pins the behaviour behind each.
_API_NOTES = (
    ("Parameter `backfill_policy` of function", dg.BetaWarning),
    ("Parameter `pool` of", dg.BetaWarning),
    ("Parameter `execution_type` of function `AssetsDefinition", dg.BetaWarning),
    ("Parameter `include_sources` of function `AssetSelection", dg.BetaWarning),
    ("Function `with_source_code_references`", dg.BetaWarning),
    ("Class `LocalFileCodeReference`", dg.BetaWarning),
    ("Class `CodeReferencesMetadataValue`", dg.BetaWarning),
    ("Specifying a partitions_def on an AssetCheckSpec", dg.PreviewWarning),
)


def build_definitions(
    datasets: Sequence[Dataset] | None = None, loggers: Mapping[str, dg.LoggerDefinition] | None = None
) -> dg.Definitions:
    """Definitions for data sets; by default for those that the environment names.

    Raises:
        SettingError: a setting is not allowed.
        ManifestError: a manifest cannot be read. It is never treated as an empty plan.
    """
    datasets = resolve_datasets(read_settings()) if datasets is None else datasets
    # Data sets that are loaded together share their settings.
    asked = datasets[0].asked
    assets, checks = build_graph(datasets)
    return dg.Definitions(
        assets=assets,
        asset_checks=checks,
        resources={asked.spark_resource: spark_resource(asked.spark_master, asked.spark_jobs)},
        # Dagster's default executor starts a process, and so a JVM, for every step.
        executor=dg.in_process_executor,
        loggers=loggers,
    )


def build_graph(
    datasets: Sequence[Dataset],
) -> tuple[Sequence[dg.AssetsDefinition], Sequence[dg.AssetChecksDefinition]]:
    """Assets and checks of data sets, for definitions that have their Spark resource.

    Raises:
        SettingError: a setting is not allowed.
        ManifestError: a manifest cannot be read. It is never treated as an empty plan.
    """
    _silence_api_notes()
    check_distinct([dataset.key for dataset in datasets])
    graphs = [_build_graph(dataset) for dataset in datasets]
    return [asset for assets, _ in graphs for asset in assets], [
        check for _, checks in graphs for check in checks
    ]


def _silence_api_notes() -> None:
    """Filter Dagster's warnings about the state of its API out of the logs, by message."""
    for message, category in _API_NOTES:
        warnings.filterwarnings("ignore", message, category)


def _build_graph(
    dataset: Dataset,
) -> tuple[Sequence[dg.AssetsDefinition], Sequence[dg.AssetChecksDefinition]]:
    manifest = find_manifest(dataset.folder)
    # The manifest wins over the environment: the plan of existing batches never changes.
    plan = manifest.plan if manifest else plan_declared(dataset.declared, dataset.asked.batch_size)
    settings = manifest.settings if manifest else dataset.asked
    has_groups = bool(settings.metadata or settings.group)
    parameters = dataset.table_parameters(manifest.table if manifest else None)
    partitions = BatchPartitions(dataset.key, plan)
    assets = [
        build_raw_sequences(dataset, _describe(dataset, plan)),
        build_sequences(dataset, partitions),
        build_codon_counts(dataset, partitions),
        build_codon_frequencies(dataset, parameters),
        build_codon_usage_report(dataset),
    ]
    checks = [
        sequences_asset(has_groups=has_groups).asset_checks(dataset, partitions),
        counts_asset(dataset).asset_checks(dataset, partitions),
        build_codon_frequencies_checks(dataset),
    ]
    if dataset.asked.by_sequence:
        assets.append(build_codon_usage_by_sequence(dataset, partitions, parameters))
        checks.append(by_sequence_asset(dataset).asset_checks(dataset, partitions))
    keys = {key: asset_key(dataset.key, key.path[-1]) for asset in assets for key in asset.keys}
    return (
        catalogued(dataset, [asset.with_attributes(asset_key_replacements=keys) for asset in assets]),
        # The method returns the class of its object; its signature names the base class.
        [check.with_attributes(asset_key_replacements=keys) for check in checks],  # type: ignore[misc]
    )


def _describe(dataset: Dataset, plan: BatchPlan) -> str:
    what = f"Registers the input and writes the manifest: files, rows, bases, hashes, batches.\n\n{dataset.description}"
    if plan.keys:
        return what
    return (
        f"{what}\n\n**No batches are known yet.** Materialize this asset to register the input. Then reload the "
        "definitions to see the partitions."
    )
