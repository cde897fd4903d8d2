"""Groups and genetic codes of records: by columns of the metadata table, by file, by source and id, by version."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from opengenome_assets.errors import InputFormatError, SettingError
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.metadata.metadata_table import keep_metadata, read_metadata
from opengenome_assets.metadata.record_classes import KeptClasses, RecordClasses, asked_classes
from opengenome_assets.settings import Settings

TAXA = (
    "seq_id\torganelle\tphylum\tgenetic_code\n"
    "m1\tmitochondrion\tChordata\t2\n"
    "m2\tmitochondrion\tNA\t5\n"
    "p1\t\tStreptophyta\t11\n"
    "x1\t-\tnone\t\n"
)
SAME_IDS = "seq_id\tsource\tgroup\tgenetic_code\nchrM\thuman.fa\tmammals\t2\nchrM\tyeast.fa\tfungi\t3\n"


def table(folder: Path, text: str) -> str:
    path = folder / "given.tsv"
    path.write_text(text)
    return str(path)


def classes_of(
    classes: RecordClasses, ids: Sequence[str | None], sources: Sequence[str | None] = ()
) -> list[tuple[str, int | None]]:
    """Group and code of records; all of one file unless sources are given."""
    columns = {"seq_id": list(ids), "source": list(sources) or ["one.fa"] * len(ids)}
    schema = pa.schema([("seq_id", pa.string()), ("source", pa.string())])
    groups, codes = classes.of(pa.record_batch(columns, schema=schema))
    return list(zip(groups.to_pylist(), codes.to_pylist(), strict=True))


@pytest.mark.parametrize(
    ("group", "names"),
    [
        ("organelle", ["mitochondrion", "mitochondrion", "unassigned", "unassigned"]),
        ("phylum", ["Chordata", "unassigned", "Streptophyta", "unassigned"]),
        (
            "organelle,phylum",
            ["mitochondrion/Chordata", "mitochondrion/unassigned", "unassigned/Streptophyta", "unassigned"],
        ),
        (
            "phylum,organelle",
            ["Chordata/mitochondrion", "unassigned/mitochondrion", "Streptophyta/unassigned", "unassigned"],
        ),
        ("genetic_code", ["2", "5", "11", "unassigned"]),
        ("PHYLUM", ["Chordata", "unassigned", "Streptophyta", "unassigned"]),
    ],
)
def test_columns_make_the_groups(tmp_path: Path, group: str, names: list[str]) -> None:
    classes = RecordClasses(read_metadata(table(tmp_path, TAXA), group))
    expected = [*zip(names, [2, 5, 11, None], strict=True), ("unassigned", None)]
    assert classes_of(classes, ["m1", "m2", "p1", "x1", "absent"]) == expected


@pytest.mark.parametrize(
    ("text", "group", "message"),
    [
        (TAXA, "class", "has no column class, which OPENGENOME_GROUP=class names. Name some of its columns"),
        (TAXA, "phylum,class,order", "(seq_id, organelle, phylum, genetic_code), or add the column."),
        ("organelle\tx\nmt\ty\n", "organelle", "Required: a column seq_id."),
        (TAXA.replace("Chordata", "all"), "phylum", "line 2 (id 'm1'): the group name 'all' is reserved"),
        (
            TAXA.replace("Streptophyta", "unassigned"),
            "organelle,phylum",
            "line 4 (id 'p1'): the group name 'unassigned' is reserved",
        ),
        (
            "seq_id\ta\tb\n1\tx\ty/z\n2\tx/y\tz\n3\tx\tz\n",
            "a,b",
            "different values of a, b give the same group name 'x/y/z'. Replace the '/' in these values.",
        ),
        (
            "seq_id\tgroup\n1\tx\n",
            "file",
            "Required: the columns seq_id and genetic_code (with OPENGENOME_GROUP=file)",
        ),
    ],
)
def test_columns_that_make_no_groups_are_refused(tmp_path: Path, text: str, group: str, message: str) -> None:
    with pytest.raises(InputFormatError, match="OPENGENOME_METADATA: ") as caught:
        read_metadata(table(tmp_path, text), group)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Settings(group="phylum"), "OPENGENOME_GROUP=phylum needs a metadata table. file alone needs none."),
        (
            Settings(ignore_version=True),
            "OPENGENOME_IGNORE_VERSION needs a metadata table. Set OPENGENOME_M",
        ),
        (
            Settings(group="file", ignore_version=True),
            "OPENGENOME_IGNORE_VERSION needs a metadata table.",
        ),
    ],
)
def test_without_a_table_its_settings_are_refused(asked: Settings, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        asked_classes(asked)
    assert str(caught.value).startswith(message)


def test_without_a_table_and_groups_all_records_are_all() -> None:
    assert classes_of(asked_classes(Settings(ignore_version=False)), ["a", None]) == [("all", None)] * 2


def test_files_make_the_groups_without_a_table() -> None:
    found = classes_of(
        asked_classes(Settings(group="file")), ["a", "b", "c", "d"], ["x.fa", "y.fa", None, ""]
    )
    assert found == [("x.fa", None), ("y.fa", None), ("unassigned", None), ("unassigned", None)]


def test_files_make_the_groups_and_the_table_the_codes(tmp_path: Path) -> None:
    classes = asked_classes(Settings(group="file", metadata=table(tmp_path, SAME_IDS)))
    found = classes_of(classes, ["chrM", "chrM", "chr1"], ["yeast.fa", "human.fa", "human.fa"])
    assert found == [("yeast.fa", 3), ("human.fa", 2), ("human.fa", None)]


def test_the_source_tells_records_of_one_id_apart(tmp_path: Path) -> None:
    metadata = read_metadata(table(tmp_path, SAME_IDS))
    sources = ["yeast.fa", "human.fa", "mouse.fa", None]
    found = classes_of(RecordClasses(metadata), ["chrM"] * 4, sources)
    assert found == [("fungi", 3), ("mammals", 2), ("unassigned", None), ("unassigned", None)]


def test_a_source_and_an_id_are_never_mixed_up(tmp_path: Path) -> None:
    metadata = read_metadata(table(tmp_path, "seq_id\tsource\tgroup\nb:c\ta\tfirst\nc\ta:b\tsecond\n"))
    assert classes_of(RecordClasses(metadata), ["c", "b:c"], ["a:b", "a"]) == [
        ("second", None),
        ("first", None),
    ]


def test_rows_without_a_record_name_their_source(tmp_path: Path) -> None:
    assert read_metadata(table(tmp_path, SAME_IDS)).unmatched(np.zeros(0, np.int32)) == (
        2,
        ["chrM of human.fa", "chrM of yeast.fa"],
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            SAME_IDS + "chrM\thuman.fa\tothers\t4\n",
            "id 'chrM of human.fa' is in line 2 and in line 4. Keep one row",
        ),
        (SAME_IDS + "chrM\t\tothers\t4\n", "line 4 has no source. Add one, or remove the column."),
        (SAME_IDS + "\tfly.fa\tflies\t5\n", "line 4 has no seq_id. Add one, or remove the row."),
    ],
)
def test_rows_of_one_source_and_id_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputFormatError) as caught:
        read_metadata(table(tmp_path, text))
    assert message in str(caught.value)


VERSIONS = "seq_id\tgroup\nNC_1.3\tfirst\nNC_2\tsecond\nNC_3.x\tthird\n"
IDS = ["NC_1", "NC_1.12", "NC_1.3", "NC_2.1", "NC_2.1.1", "NC_3", "NC_3.x.7"]


@pytest.mark.parametrize(
    ("ignored", "groups"),
    [
        (
            False,
            ["unassigned", "unassigned", "first", "unassigned", "unassigned", "unassigned", "unassigned"],
        ),
        (True, ["first", "first", "first", "second", "unassigned", "unassigned", "third"]),
    ],
)
def test_versions_are_ignored_only_when_asked(tmp_path: Path, *, ignored: bool, groups: list[str]) -> None:
    asked = Settings(metadata=table(tmp_path, VERSIONS), ignore_version=ignored)
    assert [group for group, _ in classes_of(asked_classes(asked), IDS)] == groups


def test_ids_that_differ_by_version_are_refused_if_ignored(tmp_path: Path) -> None:
    text = VERSIONS + "NC_2.2\tfourth\nNC_1.4\tfifth\n"
    assert len(read_metadata(table(tmp_path, text)).ids) == 5
    with pytest.raises(InputFormatError) as caught:
        read_metadata(table(tmp_path, text), ignore_version=True)
    message = "id 'NC_1.3' in line 2 and id 'NC_1.4' in line 6 are the same without their versions"
    assert message in str(caught.value)
    assert "Also repeated: 1 id." in str(caught.value)


def test_versions_of_ids_with_a_source_are_ignored(tmp_path: Path) -> None:
    text = "seq_id\tsource\tgroup\nNC_1.3\ta.1\tfirst\nNC_1.4\ta.2\tsecond\n"
    classes = RecordClasses(read_metadata(table(tmp_path, text), ignore_version=True))
    found = classes_of(classes, ["NC_1", "NC_1.9", "NC_1.3"], ["a.2", "a.1", "a"])
    assert [group for group, _ in found] == ["second", "first", "unassigned"]


@pytest.mark.parametrize(
    ("text", "group", "ignored"),
    [
        (SAME_IDS, None, False),
        (SAME_IDS, "file", True),
        (TAXA, "organelle,phylum", False),
        ("seq_id\tgenetic_code\nm1.1\t4\n", None, True),
        ("seq_id\tgenetic_code\nm1.1\t4\n", None, False),
    ],
)
def test_the_kept_copy_gives_the_same_classes(
    tmp_path: Path, text: str, group: str | None, *, ignored: bool
) -> None:
    asked = asked_classes(Settings(metadata=table(tmp_path, text), group=group, ignore_version=ignored))
    assert asked.table is not None
    folder = DatasetFolder(str(tmp_path / "warehouse"), "mine")
    keep_metadata(folder, asked.table)
    kept = KeptClasses(folder, asked.table.sha256, group, ignored).load()
    assert kept.table is not None
    assert kept.table.holds_the_same_as(asked.table)
    ids = ["chrM", "chrM", "chrM", "m1", "m1.1", "m1.2", "m2", "x1"]
    sources = ["human.fa", "yeast.fa", "fly.fa", *["one.fa"] * 5]
    found = classes_of(kept, ids, sources)
    assert found == classes_of(asked, ids, sources)
    assert len(set(found)) > 1


def test_tables_of_other_sources_do_not_hold_the_same(tmp_path: Path) -> None:
    first = read_metadata(table(tmp_path, SAME_IDS))
    other = read_metadata(table(tmp_path, SAME_IDS.replace("yeast.fa", "fly.fa")))
    assert not first.holds_the_same_as(other)
    assert first.sha256 != other.sha256
