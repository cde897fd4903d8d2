"""``codon_frequencies``: makes the table from the counts of all batches, and checks it."""

import base64
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict

import dagster as dg
import pyarrow as pa

from opengenome_assets import schemas
from opengenome_assets.checks import Outcome
from opengenome_assets.datasets.catalogue import Dataset
from opengenome_assets.errors import OpengenomeError, first_line
from opengenome_assets.graph.batch_asset import column_schema, files_of_run
from opengenome_assets.graph.catalog import table_lineage
from opengenome_assets.graph.failures import failing_clearly
from opengenome_assets.graph.keys import (
    CHECKS_STEP,
    CODON_COUNTS,
    CODON_FREQUENCIES,
    code_version,
    identifier,
    op_key,
)
from opengenome_assets.graph.run_config import parameters_schema
from opengenome_assets.settings import TableParameters
from opengenome_assets.units import number_of

CHECKS = {
    "total_equals_batches": "The count of each codon, and the total, equal the sums over all batch files, read again.",
    "frequencies_sum_to_one": "The frequencies of each group sum to 1 within 1e-9.",
    "batches_complete": "All batches of the manifest exist. Batches and table belong to the current plan.",
    "recount_agrees": "A separate, slow counter gives the same counts for records drawn at random.",
    "batch_recount_agrees": "Another kernel gives the same counts for one whole batch drawn at random.",
}
PLANTED_CHECK = {"matches_planted": "The codon counts equal those that the demo was generated with."}


def build_codon_frequencies(dataset: Dataset, parameters: TableParameters) -> dg.AssetsDefinition:
    """The unpartitioned asset that makes the table from all batches, by default with these parameters."""

    @dg.asset(
        key=op_key(dataset.key, CODON_FREQUENCIES),
        group_name=identifier(dataset.key),
        deps=[op_key(dataset.key, CODON_COUNTS)],
        backfill_policy=dg.BackfillPolicy.single_run(),
        description=(
            "Codon frequencies over all batches. They count triplets of whole genomes in a fixed frame, which is not "
            "the codon usage of genes."
        ),
        metadata={"dagster/column_schema": column_schema(schemas.CODON_FREQUENCIES)},
        code_version=code_version(CODON_FREQUENCIES),
        automation_condition=dg.AutomationCondition.eager(),
        kinds={"python", "parquet"},
        config_schema=parameters_schema(parameters),
    )
    def codon_frequencies(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        from opengenome_assets.batches.batch_files import BatchFiles
        from opengenome_assets.report.codon_figures import heat_map
        from opengenome_assets.tables.frequencies import make_table
        from opengenome_assets.tables.groups import ALL
        from opengenome_assets.tables.text import codon_table_markdown, rows_of_group

        began = time.monotonic()
        with failing_clearly():
            parameters = TableParameters(**context.op_execution_context.op_config)
            files = BatchFiles.of(dataset.folder)
            made = make_table(files, parameters)
        context.log.info(
            f"{dataset.key} · {number_of(made.codons, 'codon')} in the table · {made.skipped:,} left out · "
            f"{number_of(len(files.batches), 'batch')} · {time.monotonic() - began:.1f} s"
        )
        if made.without_code:
            context.log.warning(
                f"{dataset.key} · {number_of(made.without_code, 'codon')} of records without a genetic code, read by "
                f"the default code {parameters.code.id}, while other records have a code. Add the missing codes to "
                "the metadata table."
            )
        picture = heat_map(rows_of_group(made.pooled, ALL))
        return dg.MaterializeResult(
            data_version=dg.DataVersion(f"{files.manifest.fingerprint[:16]}-{made.sha256[:16]}"),
            metadata={
                "dagster/row_count": made.rows,
                "dagster/uri": made.parquet,
                "dagster/column_lineage": table_lineage(dataset),
                "codons": made.codons,
                "codons_left_out": made.skipped,
                "codons_without_code": made.without_code,
                "table": dg.MetadataValue.md(codon_table_markdown(made.pooled)),
                "picture": embedded("codon frequencies", picture.svg.encode()),
                "parameters": dg.MetadataValue.json(asdict(parameters)),
                "parquet": dg.MetadataValue.path(made.parquet),
                "tsv": dg.MetadataValue.path(made.tsv),
                "seconds": round(time.monotonic() - began, 3),
            },
        )

    return codon_frequencies


def build_codon_frequencies_checks(dataset: Dataset) -> dg.AssetChecksDefinition:
    """The checks on the table."""
    key = op_key(dataset.key, CODON_FREQUENCIES)
    is_demo = dataset.entry is not None and dataset.entry.generator == "demo"
    described = CHECKS | (PLANTED_CHECK if is_demo else {})
    specs = [
        dg.AssetCheckSpec(name, asset=key, description=text, blocking=True)
        for name, text in described.items()
    ]

    @dg.multi_asset_check(
        name=f"{identifier(dataset.key)}__{CODON_FREQUENCIES}{CHECKS_STEP}", specs=specs, can_subset=True
    )
    def codon_frequencies_checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        from opengenome_assets.checks import recount, table
        from opengenome_assets.tables.frequencies import parameters_of, read_table_header

        with failing_clearly():
            files = files_of_run(context.run, dataset, CODON_FREQUENCIES)
        # The run's id is the seed: every run draws differently, and each draw can be repeated.
        seed = int(context.op_execution_context.run_id.replace("-", "")[:8], 16)
        checks: dict[str, Callable[[], Outcome]] = {
            "total_equals_batches": lambda: table.check_total(files),
            "frequencies_sum_to_one": lambda: table.check_sums(files),
            "batches_complete": lambda: table.check_complete(files),
            "recount_agrees": lambda: recount.check_recount(files, seed),
            "batch_recount_agrees": lambda: recount.check_batch_recount(
                files, parameters_of(read_table_header(files.table)), seed
            ),
            "matches_planted": lambda: table.check_planted(files.table),
        }
        # Only those that the run selects.
        for spec in context.check_specs:
            outcome = _outcome(checks[spec.name])
            yield dg.AssetCheckResult(
                check_name=spec.name,
                asset_key=spec.asset_key,
                passed=outcome.passed,
                description=outcome.description,
                metadata=dict(outcome.figures),
            )

    return codon_frequencies_checks


def embedded(name: str, svg: bytes) -> dg.MarkdownMetadataValue:
    """A picture for the metadata in Dagster's UI."""
    return dg.MetadataValue.md(f"![{name}](data:image/svg+xml;base64,{base64.b64encode(svg).decode()})")


def _outcome(check: Callable[[], Outcome]) -> Outcome:
    """The outcome of a check. A missing or damaged file fails this check only; the others still run."""
    try:
        return check()
    except (OpengenomeError, OSError, pa.ArrowInvalid) as error:
        return Outcome(passed=False, description=f"cannot be checked: {first_line(error)}")
