"""Codons that the default code reads although other records have a code: their number, and where it is shown."""

import json
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import pytest

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import (
    codons_without_code_of,
    make_table,
    write_table,
)
from opengenome_assets.tables.without_code import codons_without_code
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import Project, naive_counts, project, write_fasta
from opengenome_assets_tests.tables.skewed import skewed_letters
from opengenome_assets_tests.tables.tables import read_table_file

# "short" has codons in frame 0 only, so in other frames no row states a code.
RECORDS = {
    "short": "ATG",
    "first": skewed_letters(401, seed=3) + "NAC",
    "second": skewed_letters(202, seed=4) + "RAC",
}


def counted(folder: Path, table: str | None) -> Project:
    """The three records in three batches."""
    settings: dict[str, object] = {"batch_size": 1}
    if table is not None:
        (folder / "codes.tsv").write_text(table)
        settings["metadata"] = folder / "codes.tsv"
    own = project(folder, write_fasta(folder / "mine.fa", RECORDS), **settings)
    write_and_count(own)
    return own


def sliced(names: Sequence[str], strands: str, frame: int) -> int:
    """Unambiguous codons of some records, by slicing."""
    found = naive_counts([RECORDS[name] for name in names])
    return sum(
        count
        for (strand, of, codon), count in found.items()
        if strand in strands and of == frame and codon in CODONS
    )


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Only "short" has a code; "second" has a row without one."""
    table = "seq_id\tgroup\tgenetic_code\nshort\tanimals\t2\nsecond\tplants\t\n"
    return counted(tmp_path_factory.mktemp("mixed"), table)


@pytest.mark.parametrize(("strand", "strands"), [("+", "+"), ("-", "-"), ("both", "+-")])
@pytest.mark.parametrize("frame", [0, 1, 2])
def test_codons_of_records_without_a_code(mixed: Project, strand: str, strands: str, frame: int) -> None:
    expected = sliced(["first", "second"], strands, frame)
    assert codons_without_code(mixed.files, strand, frame) == expected > 0


@pytest.mark.parametrize(
    "table",
    [
        None,
        "seq_id\tgroup\nshort\tanimals\nfirst\tplants\n",
        "seq_id\tgenetic_code\nshort\t2\nfirst\t1\nsecond\t11\n",
    ],
    ids=["no table", "no codes", "all codes"],
)
def test_none_without_codes_or_with_all_codes(tmp_path: Path, table: str | None) -> None:
    assert codons_without_code(counted(tmp_path, table).files, "+", 0) == 0


def test_the_table_states_codons_without_code(mixed: Project) -> None:
    made = make_table(mixed.files, TableParameters(strand="-", frame=1, genetic_code=11))
    expected = sliced(["first", "second"], "-", 1)
    folder = mixed.folder.inside("tables/frame-1.strand-minus.genetic_code-11")
    with folder.open("codon_frequencies.json") as file:
        stated = json.load(file)["codons_without_code"]
    assert stated == made.without_code == codons_without_code_of(read_table_file(folder)) == expected


def test_an_older_table_states_no_codons_without_code(mixed: Project) -> None:
    make_table(mixed.files, TableParameters())
    write_table(mixed.folder, [read_table_file(mixed.folder)], TableParameters(), mixed.manifest.provenance())
    assert codons_without_code_of(read_table_file(mixed.folder)) == 0


@pytest.mark.usefixtures("empty_pictures")
def test_dagster_log_and_report_show_codons_without_code(mixed: Project) -> None:
    mixed.runner.tabulate({"genetic_code": 11})
    expected = sliced(["first", "second"], "+", 0)
    event = mixed.instance.get_latest_materialization_event(dg.AssetKey(["mine", "codon_frequencies"]))
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["codons_without_code"].value == expected
    said = f"{expected} codons of records without a genetic code, read by the default code 11, while other records"
    assert any(said in line for line in mixed.listener.lines)
    with mixed.folder.open("tables/genetic_code-11/report/index.html") as file:
        page = " ".join(file.read().decode().split())
    assert f'id="without-code">{said} have a code. The input has 2 such records.</p>' in page


@pytest.mark.usefixtures("empty_pictures")
def test_a_report_without_such_codons_does_not_mention_them(tmp_path: Path) -> None:
    own = counted(tmp_path, None)
    own.runner.tabulate({})
    with own.folder.open("report/index.html") as file:
        assert b'id="without-code"' not in file.read()
    assert not any("without a genetic code" in line for line in own.listener.lines)
