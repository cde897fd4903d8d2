"""NCBI's taxonomy from a dump: codes, lineages, names, and damaged dumps."""

import gzip
import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opengenome_assets.errors import InputFormatError, InputNotFoundError, OpengenomeError, SettingError
from opengenome_assets.metadata.facts_table import read_facts
from opengenome_assets.metadata.taxdump import Taxdump
from opengenome_assets_tests.fuzzing.damage import damaged
from opengenome_assets_tests.metadata.dump import NAMES, ROOT, TREE, Taxon, archive, files, rows, write_folder
from opengenome_assets_tests.metadata.organelles_60 import ORGANELLES_60, RIGHT, needs_organelles_60

ANY_TIME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
CAT = [
    ROOT,
    Taxon(2759, 1, "Eukaryota", "superkingdom", mitochondrial=1),
    Taxon(7742, 2759, "Vertebrata", "clade", mitochondrial=2),
    Taxon(9682, 7742, "Felis", "genus"),
    Taxon(9685, 9682, "Felis catus"),
]
NEW_TAXDUMP = "Download https://ftp.ncbi.nlm.nih.gov/pub/taxonomy/new_taxdump/new_taxdump.tar.gz again."


def read(tmp_path: Path, contents: Mapping[str, bytes]) -> Taxdump:
    return Taxdump.read(write_folder(tmp_path / "dump", contents))


def codes(dump: Taxdump, taxid: int | None, organelle: str | None) -> int | None:
    taxids, organelles = pa.array([taxid], pa.int64()), pa.array([organelle], pa.string())
    found = dump.genetic_codes(taxids, organelles)
    assert found.type == pa.int32()
    code: int | None = found[0].as_py()
    return code


@needs_organelles_60
def test_the_60_organelles_have_their_right_codes(tmp_path: Path) -> None:
    facts = read_facts(str(ORGANELLES_60))
    dump = read(tmp_path, files())
    taxids, organelles = (facts[name].combine_chunks() for name in ("taxid", "organelle"))
    phyla = dump.lineage(taxids, ["phylum"])["phylum"]
    found = zip(organelles, dump.genetic_codes(taxids, organelles), phyla, strict=True)
    by_accession = {
        accession.as_py(): tuple(value.as_py() for value in values)
        for accession, values in zip(facts["seq_id"], found, strict=True)
    }
    assert by_accession == RIGHT
    assert dump.unresolved(taxids) == ([], [])


def test_each_class_has_its_kind_of_code(tmp_path: Path) -> None:
    dump = read(tmp_path, files([ROOT, Taxon(7, 1, "x", nuclear=6, mitochondrial=4, plastid=32)]))
    expected = {
        "mitochondrion": 4,
        "kinetoplast": 4,
        "hydrogenosome": 4,
        "plastid": 32,
        "apicoplast": 32,
        "chromatophore": 32,
        "nucleomorph": 6,
        "plasmid": 6,
        "nuclear": 6,
        None: None,
    }
    assert {organelle: codes(dump, 7, organelle) for organelle in expected} == expected


def test_a_taxon_without_the_code_has_none_except_plastids(tmp_path: Path) -> None:
    dump = read(tmp_path, files())
    assert dump.has_plastid_codes
    assert [codes(dump, 2, organelle) for organelle in ("nuclear", "mitochondrion", "plastid")] == [
        11,
        None,
        11,
    ]
    assert codes(dump, None, "nuclear") is None


def test_the_plain_dump_has_no_plastid_codes(tmp_path: Path) -> None:
    dump = read(tmp_path, files(plain=True))
    assert not dump.has_plastid_codes
    assert codes(dump, 383379, "apicoplast") == 11
    assert codes(dump, 383379, "mitochondrion") == 4


def test_codes_that_the_project_lacks_are_reported(tmp_path: Path) -> None:
    dump = read(tmp_path, files([ROOT, Taxon(7, 1, "x", nuclear=99)]))
    assert dump.unsupported_codes == [99]
    assert codes(dump, 7, "nuclear") is None
    assert codes(dump, 1, "nuclear") == 1


def test_merged_taxids_are_followed_and_others_listed(tmp_path: Path) -> None:
    dump = read(tmp_path, files(CAT, merged={12: 9685, 5: 77}, deleted=[40, 30]))
    taxids = pa.array([12, 30, 41, 9685, 40, None, 30, 5, -1, 2**40])
    expected = ["Felis catus", None, None, "Felis catus", *[None] * 6]
    assert dump.lineage(taxids, ["species"])["species"].to_pylist() == expected
    assert dump.unresolved(taxids) == ([30, 40], [-1, 5, 41, 2**40])
    assert codes(dump, 12, "mitochondrion") == 2


def test_a_lineage_has_the_names_of_the_taxa_above(tmp_path: Path) -> None:
    dump = read(tmp_path, files(CAT, others=[(9685, "cat", "common name")]))
    ranks = ("domain", "superkingdom", "genus", "species")
    taxids = pa.array([9685, 9682, 1, 8])
    assert {rank: names.to_pylist() for rank, names in dump.lineage(taxids, ranks).items()} == {
        "domain": ["Eukaryota", "Eukaryota", None, None],
        "superkingdom": ["Eukaryota", "Eukaryota", None, None],
        "genus": ["Felis", "Felis", None, None],
        "species": ["Felis catus", None, None, None],
    }
    with pytest.raises(
        SettingError, match=r"rank 'phylum' is not in the taxdump\. Its ranks: clade, domain, genus"
    ):
        dump.lineage(taxids, ["species", "phylum"])


def test_of_two_taxa_of_a_rank_the_nearest_is_named(tmp_path: Path) -> None:
    dump = read(tmp_path, files([*CAT, Taxon(3, 9682, "inner", "clade"), Taxon(4, 3, "x")]))
    assert dump.lineage(pa.array([4, 9685]), ["clade"])["clade"].to_pylist() == ["inner", "Vertebrata"]


def test_names_give_taxids_unless_they_are_ambiguous(tmp_path: Path) -> None:
    tree = [
        *CAT,
        Taxon(2, 1, "Bacteria"),
        Taxon(629395, 1, "Bacteria"),
        Taxon(8, 1, "Lynx"),
        Taxon(9, 1, "Puma"),
    ]
    others = [
        (9685, "Felis domesticus", "synonym"),
        (9685, "cat", "common name"),
        (8, "Cats", "synonym"),
        (9, "Cats", "synonym"),
        (9, "Lynx", "synonym"),
    ]
    dump = read(tmp_path, files(tree, others=others))
    expected = {
        "Felis catus": 9685,
        " Felis domesticus ": 9685,
        "cat": None,
        "Bacteria": None,
        "Cats": None,
        "Lynx": 8,
        "Nobody": None,
        None: None,
        "Puma": 9,
    }
    found = dump.taxids_of_names(pa.array(list(expected)))
    assert found.type == pa.int64()
    assert found.to_pylist() == list(expected.values())


def test_no_records_give_no_facts(tmp_path: Path) -> None:
    dump = read(tmp_path, files(CAT))
    taxids, texts = pa.array([], pa.int64()), pa.array([], pa.string())
    assert dump.genetic_codes(taxids, texts).equals(pa.array([], pa.int32()))
    assert dump.lineage(taxids, ["species"])["species"].equals(texts)
    assert dump.taxids_of_names(texts).equals(taxids)
    assert dump.unresolved(taxids) == ([], [])


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_an_archive_says_the_same_as_its_folder(tmp_path: Path, mode: str) -> None:
    contents = files(CAT, merged={12: 9685}, deleted=[30])
    others = {"readme.txt": b"x" * 5000, **dict(reversed(contents.items())), "fullnamelineage.dmp": b"x"}
    path = tmp_path / "any name"
    path.write_bytes(archive(others, mode))
    dump = Taxdump.read(str(path))
    assert codes(dump, 12, "mitochondrion") == 2
    assert dump.unresolved(pa.array([30])) == ([30], [])
    assert [each.name for each in tmp_path.iterdir()] == ["any name"]


def test_rows_in_any_order_say_the_same(tmp_path: Path) -> None:
    contents = files()
    backwards = {
        name: b"".join(reversed(content.splitlines(keepends=True))) for name, content in contents.items()
    }
    dumps = read(tmp_path, contents), read(tmp_path, backwards)
    taxids = pa.array([taxon.taxid for taxon in TREE])
    organelles = pa.array(["mitochondrion"] * len(TREE))
    assert dumps[0].genetic_codes(taxids, organelles).equals(dumps[1].genetic_codes(taxids, organelles))
    ranks = ("kingdom", "phylum", "species")
    assert dumps[0].lineage(taxids, ranks) == dumps[1].lineage(taxids, ranks)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    contents = files(CAT)
    del contents[name]
    message = f"has no {name}, so it is not a whole taxdump. {NEW_TAXDUMP}"
    with pytest.raises(InputNotFoundError, match=message):
        read(tmp_path, contents)
    (tmp_path / "dump.tar.gz").write_bytes(archive(contents))
    with pytest.raises(InputNotFoundError, match=message):
        Taxdump.read(str(tmp_path / "dump.tar.gz"))


def test_a_missing_dump_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="none cannot be read: no such file"):
        Taxdump.read(str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nodes.dmp", b"", "nodes.dmp has no taxa"),
        ("nodes.dmp", b"1,1,no rank\n", "nodes.dmp is not as NCBI writes it, line 1 is b'1,1,no rank'"),
        ("nodes.dmp", rows([(1, 1, "no rank")]), "nodes.dmp is not as NCBI writes it, line 1 is "),
        ("nodes.dmp", files([ROOT, ROOT])["nodes.dmp"], "nodes.dmp has taxid 1 twice"),
        (
            "nodes.dmp",
            files([ROOT, Taxon(2, 3, "x")])["nodes.dmp"],
            "nodes.dmp has no taxid 3, the parent of 2",
        ),
        (
            "nodes.dmp",
            files([ROOT, Taxon(2, 3, "x"), Taxon(3, 2, "y"), Taxon(4, 3, "z")])["nodes.dmp"],
            "in nodes.dmp the parents of taxid 2 form a loop",
        ),
        ("nodes.dmp", files([Taxon(0, 0, "x")])["nodes.dmp"], "nodes.dmp has a row without a taxid"),
        ("nodes.dmp", files(CAT)["nodes.dmp"][:-30], "CSV parse error"),
        ("nodes.dmp", files(CAT)["nodes.dmp"].replace(b"9685", b"cat"), "invalid value 'cat'"),
        ("names.dmp", b"1\t|\troot\t|\n", "names.dmp is not as NCBI writes it"),
        ("names.dmp", rows([("", "x", "", "synonym")]), "names.dmp has a row without a taxid"),
        ("names.dmp", rows([(1, "x", "", "synonym")]) + b"2\t|\t\xff\t|\t\t|\tsynonym\t|\n", "invalid UTF8"),
        ("merged.dmp", rows([(1,)]), "merged.dmp is not as NCBI writes it"),
        ("delnodes.dmp", rows([(1,), ("x",)]), "invalid value 'x'"),
        ("merged.dmp", b"\n" + rows([(1, 2)]), "merged.dmp is not as NCBI writes it"),
        ("delnodes.dmp", b"\0" * 3_000_000, "delnodes.dmp is not as NCBI writes it"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_damaged_file_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(InputFormatError) as caught:
        read(tmp_path, files(CAT) | {name: content})
    assert str(caught.value).startswith(f"{tmp_path / 'dump'} is damaged: ")
    assert message in str(caught.value)
    assert str(caught.value).endswith(NEW_TAXDUMP)


def of_a_link() -> bytes:
    """An archive whose nodes.dmp is a link to a file outside."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        link = tarfile.TarInfo("nodes.dmp")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return buffer.getvalue()


def of_headers(kind: bytes, size: int, number: int) -> bytes:
    """An archive of extended headers that state a size, without their contents."""
    header = tarfile.TarInfo("nodes.dmp")
    header.type, header.size = kind, size
    return header.tobuf() * number


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "no archive": (lambda: b"hello", "it is not a whole tar archive"),
    "gzip of text": (lambda: gzip.compress(b"hello" * 1000), "it is not a whole tar archive"),
    "empty": (lambda: b"", "it is not a whole tar archive"),
    "cut": (lambda: archive(files())[:-900], "end before their end mark"),
    "cut before gzip": (
        lambda: gzip.compress(archive(files(), "w")[:3_000]),
        "it is not a whole tar archive",
    ),
    "link": (of_a_link, "has no nodes.dmp"),
    "large header": (lambda: of_headers(tarfile.XHDTYPE, 2**32, 1), "(a header of 4,294,967,296 bytes)"),
    "nested headers": (lambda: of_headers(tarfile.XHDTYPE, 0, 5000), "it is not a whole tar archive"),
    "large file": (lambda: of_headers(tarfile.REGTYPE, 2**33, 1), "nodes.dmp has 8,589,934,592 bytes"),
    "other folder": (
        lambda: archive({f"../{name}": content for name, content in files().items()}),
        "has no nodes.dmp",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    make, message = HOSTILE[kind]
    path = tmp_path / "dump.tar.gz"
    path.write_bytes(make())
    with pytest.raises(OpengenomeError) as caught:
        Taxdump.read(str(path))
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dump.tar").write_bytes(archive({"./nodes.dmp": files()["nodes.dmp"], **files()}))
    with pytest.raises(InputFormatError, match=r"is damaged: it has nodes\.dmp twice"):
        Taxdump.read(str(tmp_path / "dump.tar"))


@ANY_TIME
@given(name=st.sampled_from(NAMES), data=st.data())
def test_damage_in_a_file_gives_a_dump_or_one_error(tmp_path: Path, name: str, data: st.DataObject) -> None:
    contents = files(CAT, merged={12: 9685}, deleted=[30])
    content = data.draw(st.one_of(damaged(contents[name]), st.binary(max_size=100)))
    try:
        dump = read(tmp_path, contents | {name: content})
    except InputFormatError as error:
        assert str(tmp_path) in str(error)  # noqa: PT017 (some damage is inside of names)
    else:
        dump.lineage(pa.array([9685, 12]), ())
        codes(dump, 9685, "mitochondrion")


@ANY_TIME
@given(content=st.one_of(damaged(archive(files(CAT), "w")), damaged(archive(files(CAT)))))
def test_damage_in_an_archive_gives_a_dump_or_one_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "dump.tar").write_bytes(content)
    try:
        dump = Taxdump.read(str(tmp_path / "dump.tar"))
    except OpengenomeError as error:
        assert str(tmp_path) in str(error)  # noqa: PT017 (some damage is inside of names)
    else:
        codes(dump, 9685, "mitochondrion")
