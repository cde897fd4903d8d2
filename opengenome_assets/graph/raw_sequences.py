"""``raw_sequences``: registers the input once, with the plan of its batches."""

import time
from dataclasses import asdict

import dagster as dg

from opengenome_assets.datasets.catalogue import Dataset
from opengenome_assets.graph.failures import failing_clearly
from opengenome_assets.graph.keys import (
    BY_COMMAND_LINE,
    RAW_SEQUENCES,
    code_version,
    identifier,
    op_key,
    range_command,
)
from opengenome_assets.graph.spark_resource import worker_resources, workers_of
from opengenome_assets.units import format_bases, number_of


def build_raw_sequences(dataset: Dataset, description: str) -> dg.AssetsDefinition:
    """The asset that registers the input of a data set."""

    @dg.asset(
        key=op_key(dataset.key, RAW_SEQUENCES),
        group_name=identifier(dataset.key),
        description=description,
        # An unpartitioned asset runs together with a range of partitions only under the same policy.
        backfill_policy=dg.BackfillPolicy.single_run(),
        code_version=code_version(RAW_SEQUENCES),
        # The input may be FASTA or Parquet; the manifest is JSON.
        kinds={"python", "json"},
        required_resource_keys=worker_resources(dataset) or None,
    )
    def raw_sequences(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        from opengenome_assets.batches.manifest import read_file_list
        from opengenome_assets.batches.register import register
        from opengenome_assets.inputs.file_names import line_on_mixed_contents, mixed_contents

        began = time.monotonic()
        with failing_clearly(context.retry_number):
            registration = register(dataset, context.log.info, workers_of(context, dataset))
            manifest = registration.manifest
            mixed = mixed_contents(file["name"] for file in read_file_list(dataset.folder, manifest))
        seconds = time.monotonic() - began
        state = "registered" if registration.is_new else "registered before, unchanged"
        context.log.info(
            f"{dataset.key} · {state} · {number_of(manifest.rows, 'sequence')} · {format_bases(manifest.bases)} · "
            f"{number_of(len(manifest.batch_bases), 'batch')} · {seconds:.1f} s"
        )
        if mixed:
            context.log.warning(line_on_mixed_contents(mixed, "input files"))
        for lacking, what in (
            (manifest.unassigned, "in the group 'unassigned'"),
            (manifest.without_code, "without a genetic code, while others have one"),
        ):
            if lacking and lacking.records:
                context.log.warning(
                    f"{dataset.key} · {number_of(lacking.records, 'record')} of {manifest.input_rows:,} {what}: "
                    f"{lacking.shown}"
                )
        largest = max(manifest.batch_bases)
        if manifest.settings.batch_size == "auto":
            rows = [end - first for first, end in map(manifest.plan.range_of, manifest.plan.keys)]
            context.log.info(
                f"batch size auto chose {number_of(len(rows), 'batch')} of {min(rows):,} to {number_of(max(rows), 'row')}, "
                f"at most {format_bases(largest)} each"
            )
        command = range_command(dataset, manifest)
        # The command line runs the batches itself.
        if BY_COMMAND_LINE not in context.run.tags:
            context.log.info(f"command for all batches and the table: {command}")
        return dg.MaterializeResult(
            # The input and the plan. The partitioned assets have none, because a range run stores only one for all.
            data_version=dg.DataVersion(manifest.fingerprint),
            metadata={
                "dagster/row_count": manifest.rows,
                "dagster/uri": dataset.folder.location("manifest.json"),
                "bases": manifest.bases,
                "batches": len(manifest.batch_bases),
                "command_for_all_batches": command,
                "batch_size": str(manifest.settings.batch_size),
                "largest_batch_bases": largest,
                "longest_record": f"{manifest.longest_id} ({number_of(manifest.longest, 'base')})",
                "rows_to_set_aside": manifest.rejected,
                "letters_to_mask": manifest.masked,
                "metadata_ids_without_a_record": manifest.unmatched_ids,
                "unassigned_records": manifest.unassigned.records if manifest.unassigned else None,
                "records_without_code": manifest.without_code.records if manifest.without_code else None,
                "input_files": manifest.files,
                "files_by_contents": {kind: len(names) for kind, names in mixed.items()},
                "newly_registered": registration.is_new,
                "fingerprint": manifest.fingerprint,
                "table_parameters": dg.MetadataValue.json(asdict(manifest.table)),
                "source": dg.MetadataValue.json(manifest.source),
                "manifest": dg.MetadataValue.path(dataset.folder.location("manifest.json")),
                "seconds": round(seconds, 3),
            },
        )

    return raw_sequences
