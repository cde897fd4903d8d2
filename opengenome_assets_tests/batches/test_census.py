"""Records without a group or a genetic code: counted when the input is registered, and shown."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches.manifest import Unresolved
from opengenome_assets.errors import InputFormatError
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import Project, project, write_fasta

# Eleven good records in two files, and a protein.
FILES = {
    "a.fa": {"chrM": "ACGTAC", "one": "ACG", "protein": "MKLV"},
    "b.fa": {"chrM": "TTTACG", **{f"b{number}": "GAT" * number for number in range(1, 9)}},
}


def registered(folder: Path, table: str | None, **settings: object) -> Project:
    (folder / "genomes").mkdir()
    for name, records in FILES.items():
        write_fasta(folder / "genomes" / name, records)
    if table is not None:
        (folder / "groups.tsv").write_text(table)
        settings["metadata"] = folder / "groups.tsv"
    own = project(folder, folder / "genomes", on_invalid="skip", **settings)
    own.registered()
    return own


def test_records_without_a_row_a_group_or_a_code_are_counted(tmp_path: Path) -> None:
    own = registered(
        tmp_path,
        "seq_id\tsource\tgroup\tgenetic_code\n"
        "chrM\ta.fa\tmammals\t2\n"
        "chrM\tb.fa\tfungi\t\n"
        "one\ta.fa\t\t5\n"
        "b1\tb.fa\tfungi\t3\n",
    )
    first = tuple(f"b{number} of b.fa" for number in range(2, 7))
    assert own.manifest.unassigned == Unresolved(8, ("one of a.fa", *first[:4]))
    assert own.manifest.without_code == Unresolved(8, ("chrM of b.fa", *first[:4]))
    provenance = own.manifest.provenance()
    assert (provenance["unassigned_records"], provenance["records_without_code"]) == (8, 8)


@pytest.mark.parametrize(
    ("table", "group", "unassigned", "without_code"),
    [
        (None, None, 0, 0),
        (None, "file", 0, 0),
        # No record has a code, so none is without one beside others.
        ("seq_id\tgroup\nchrM\tx\n", None, 9, 0),
        # The only code is that of an id without a record.
        ("seq_id\tgenetic_code\nghost\t2\nchrM\t\n", None, 9, 0),
        # The only code is that of a rejected record.
        ("seq_id\tgenetic_code\nprotein\t2\nchrM\t\n", None, 9, 0),
        ("seq_id\tgenetic_code\nchrM\t2\none\t\n", None, 8, 9),
        ("seq_id\tgenetic_code\nchrM\t2\n", "file", 0, 9),
        ("seq_id\tsource\tphylum\tclass\nchrM\ta.fa\tx\t\none\ta.fa\t\t\n", "phylum,class", 10, 0),
    ],
)
def test_what_is_counted(
    tmp_path: Path, table: str | None, group: str | None, unassigned: int, without_code: int
) -> None:
    own = registered(tmp_path, table, **({"group": group} if group else {}))
    found = own.manifest.unassigned, own.manifest.without_code
    assert [each.records for each in found if each] == [unassigned, without_code]


def test_a_rejected_record_has_an_id_but_is_not_counted(tmp_path: Path) -> None:
    own = registered(tmp_path, "seq_id\tgroup\nprotein\tx\nghost\ty\n")
    assert own.manifest.unmatched_ids == 1
    assert own.manifest.unassigned == Unresolved(
        11, ("chrM of a.fa", "one of a.fa", "chrM of b.fa", "b1 of b.fa", "b2 of b.fa")
    )


def test_dagster_and_the_log_show_both_counts(tmp_path: Path) -> None:
    own = registered(tmp_path, "seq_id\tgroup\tgenetic_code\nchrM\tx\t2\nb1\ty\t\nb2\t\t3\nb3\tz\t4\n")
    own.runner.register()
    event = own.instance.get_latest_materialization_event(dg.AssetKey(["mine", "raw_sequences"]))
    assert event is not None
    assert event.asset_materialization is not None
    shown = event.asset_materialization.metadata
    assert (shown["unassigned_records"].value, shown["records_without_code"].value) == (7, 7)
    lines = "\n".join(own.listener.lines)
    assert (
        "7 records of 12 in the group 'unassigned': one of a.fa, b2 of b.fa, b4 of b.fa, b5 of b.fa, b6 of b.fa …"
        in lines
    )
    assert (
        "7 records of 12 without a genetic code, while others have one: one of a.fa, b1 of b.fa, b4 of b.fa"
        in lines
    )


def test_a_complete_table_is_not_warned_of(tmp_path: Path) -> None:
    ids = {name for records in FILES.values() for name in records}
    rows = "".join(f"{name}\tx\t2\n" for name in sorted(ids))
    own = registered(tmp_path, f"seq_id\tgroup\tgenetic_code\n{rows}")
    own.runner.register()
    assert not any("records of 12" in line for line in own.listener.lines)


@pytest.mark.parametrize("name", ["all", "unassigned"])
def test_a_file_named_like_a_reserved_group_is_refused(tmp_path: Path, name: str) -> None:
    path = write_fasta(tmp_path / name, {"x": "ACG"})
    with pytest.raises(InputFormatError) as caught:
        project(tmp_path, path, group="file").registered()
    assert f"{path}: OPENGENOME_GROUP=file makes groups" in str(caught.value)
    assert f"the group name '{name}' is reserved. Rename the file" in str(caught.value)
    project(tmp_path, path).registered()


def parquet_in_folders(folder: Path, sources: Sequence[Sequence[str]] | None) -> Path:
    """Two files of one name, with a record for each source."""
    for number in range(2):
        values = sources[number] if sources else ["no column"]
        columns = {"sequence": ["ACG"] * len(values), "seq_id": [f"r{number}"] * len(values)}
        if sources:
            columns["source"] = list(values)
        path = folder / "genomes" / f"species_{number}" / "part.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.table(columns), path)
    return folder / "genomes"


def test_files_of_one_name_are_refused_as_groups(tmp_path: Path) -> None:
    for species in ("fly", "mouse"):
        (tmp_path / "genomes" / species).mkdir(parents=True)
        write_fasta(tmp_path / "genomes" / species / "genomic.fna", {species: "ACG"})
    with pytest.raises(InputFormatError) as caught:
        project(tmp_path, tmp_path / "genomes", group="file").registered()
    fly, mouse = (tmp_path / "genomes" / species / "genomic.fna" for species in ("fly", "mouse"))
    assert str(caught.value).startswith(f"OPENGENOME_GROUP=file: {fly} and {mouse} have the same name")
    project(tmp_path, tmp_path / "genomes").registered()


def test_parquet_files_of_one_name_are_refused_as_groups(tmp_path: Path) -> None:
    with pytest.raises(InputFormatError, match="have the same name"):
        project(tmp_path, parquet_in_folders(tmp_path, None), group="file").registered()


def test_a_column_source_makes_groups_over_files(tmp_path: Path) -> None:
    genomes = parquet_in_folders(tmp_path, [["x.fa", "y.fa"], ["y.fa", "z.fa"]])
    own = project(tmp_path, genomes, group="file")
    write_and_count(own)
    assert own.manifest.unassigned == Unresolved()
    rows = own.files.sequences("batch_0000").read_whole(["seq_id", "group"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("r0", "x.fa"),
        ("r0", "y.fa"),
        ("r1", "y.fa"),
        ("r1", "z.fa"),
    ]
