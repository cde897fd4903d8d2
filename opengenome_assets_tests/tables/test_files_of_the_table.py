"""The files of the final table agree with counts by slicing, and have provenance. Files without it are refused."""

import hashlib
import json
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.counts.count_files import write_counts
from opengenome_assets.errors import BatchFileError, SettingError
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables import groups
from opengenome_assets.tables.by_sequence import BySequence
from opengenome_assets.tables.frequencies import (
    MadeTable,
    Making,
    codon_frequencies,
    effective_records_of,
    find_making,
    fingerprint_of,
    format_refusal,
    make_table,
    parameters_of,
    read_table_groups,
    read_table_header,
    read_table_parts,
    write_table,
)
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import Project, all_counts, naive_counts, project, write_fasta
from opengenome_assets_tests.tables.skewed import skewed_letters
from opengenome_assets_tests.tables.tables import counts_table, read_table_file

RECORDS = {"one": skewed_letters(610, seed=5) + "NAC", "two": skewed_letters(302, seed=2) + "RACNNN"}
GROUPS = {"one": "animals", "two": "fungi"}
MADE = TableParameters(frame=1, strand="-", genetic_code="SGC1", min_count=3)
FORMAT = b"opengenome_assets.format"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two groups in two batches, counted."""
    folder = tmp_path_factory.mktemp("counted")
    metadata = folder / "groups.tsv"
    metadata.write_text("seq_id\tgroup\n" + "".join(f"{name}\t{group}\n" for name, group in GROUPS.items()))
    parameters = {name: getattr(MADE, name) for name in ("frame", "strand", "genetic_code", "min_count")}
    made = project(
        folder, write_fasta(folder / "mine.fa", RECORDS), metadata=metadata, batch_size=1, **parameters
    )
    write_and_count(made)
    return made


# Made again for each test, so that make mutants credits the code to the right test.
@pytest.fixture
def made(own: Project) -> MadeTable:
    return make_table(own.files, MADE)


def sliced(*names: str) -> Counter[str]:
    """Codons of frame 1 of the reverse strand."""
    found = naive_counts([RECORDS[name] for name in names])
    return Counter({codon: n for (strand, frame, codon), n in found.items() if (strand, frame) == ("-", 1)})


def plain(codons: Counter[str]) -> int:
    return sum(codons[codon] for codon in CODONS)


def path_of(own: Project, suffix: str = "parquet") -> Path:
    return Path(own.folder.location(f"codon_frequencies.{suffix}"))


def rewritten(path: Path, metadata: dict[bytes, bytes | None]) -> str:
    """A table whose metadata are those of another, with some replaced or taken out."""
    table = pa.table({"codon": ["AAA"]})
    kept = {key: value for key, value in metadata.items() if value is not None}
    pq.write_table(table.replace_schema_metadata(kept), path)
    return str(path)


def test_the_table_has_each_groups_codons_from_min_count(made: MadeTable) -> None:
    found = {(row["group"], row["codon"]): row["count"] for row in pq.read_table(made.parquet).to_pylist()}
    assert found == {
        (group, codon): codons[codon]
        for group, codons in (("all", sliced(*RECORDS)), ("animals", sliced("one")), ("fungi", sliced("two")))
        for codon in CODONS
        if codons[codon] >= MADE.min_count
    }


def test_codons_and_skipped_count_every_record_once(made: MadeTable) -> None:
    codons = sliced(*RECORDS)
    # What min_count hides is counted all the same.
    assert (made.codons, made.skipped) == (plain(codons), codons.total() - plain(codons))
    assert made.skipped > 0


def test_both_strands_are_added_up(own: Project) -> None:
    table = make_table(own.files, TableParameters(frame=2, strand="both"))
    codons: Counter[str] = Counter()
    for (_, frame, codon), count in naive_counts(list(RECORDS.values())).items():
        codons[codon] += count * (frame == 2)
    found = {row["codon"]: row["count"] for row in table.pooled.to_pylist() if row["group"] == "all"}
    assert found == {codon: codons[codon] for codon in CODONS}
    assert (table.codons, table.skipped) == (plain(codons), codons.total() - plain(codons))


@pytest.mark.skipif(shutil.which("compseq") is None, reason="EMBOSS is not installed: apt-get install emboss")
@pytest.mark.parametrize("frame", [1, 2])
def test_both_strands_are_those_that_emboss_counts(own: Project, tmp_path: Path, frame: int) -> None:
    forward, backward = write_fasta(tmp_path / "forward.fa", RECORDS), tmp_path / "backward.fa"
    found: Counter[str] = Counter()
    subprocess.run(["revseq", forward, backward, "-auto"], check=True)
    for each in (forward, backward):
        counted = each.with_suffix(".counted")
        options = ["-word", "3", "-frame", str(frame), "-zerocount", "-auto"]
        subprocess.run(["compseq", each, counted, *options], check=True)
        words = [line.split() for line in counted.read_text().splitlines() if line[:3] in CODONS]
        found += Counter({codon: int(count) for codon, count, *_ in words})
    table = make_table(own.files, TableParameters(frame=frame, strand="both")).pooled
    rows = [row for row in table.to_pylist() if row["group"] == "all"]
    assert {row["codon"]: row["count"] for row in rows} == {codon: found[codon] for codon in CODONS}


def test_both_strands_have_twice_the_codons(own: Project) -> None:
    made = make_table(own.files, TableParameters(frame=1, strand="both"))
    of_one_strand = sum((len(letters) - 1) // 3 for letters in RECORDS.values())
    assert made.codons + made.skipped == 2 * of_one_strand


def test_the_made_table_says_where_its_files_are(own: Project, made: MadeTable) -> None:
    assert (made.parquet, made.tsv) == (str(path_of(own)), str(path_of(own, "tsv")))


def test_parquet_and_tsv_hold_the_made_table(own: Project, made: MadeTable) -> None:
    read = read_table_file(own.folder)
    assert read.equals(codon_frequencies(all_counts(own.files), MADE))
    lines = path_of(own, "tsv").read_text().splitlines()
    assert [tuple(line.split("\t")[:2]) for line in lines[1:]] == list(
        zip(read["group"].to_pylist(), read["codon"].to_pylist(), strict=True)
    )


@pytest.mark.parametrize("together", [1, 2])
def test_groups_that_are_made_in_turn_are_in_the_same_files(
    monkeypatch: pytest.MonkeyPatch, own: Project, made: MadeTable, together: int
) -> None:
    tsv, whole = path_of(own, "tsv").read_bytes(), read_table_file(own.folder)
    monkeypatch.setattr(groups, "_TOGETHER", together)
    assert make_table(own.files, MADE) == made
    assert path_of(own, "tsv").read_bytes() == tsv
    assert read_table_file(own.folder).equals(whole)
    assert made.rows == whole.num_rows


@pytest.mark.parametrize("held", [1, 7, 64, 1000])
def test_parts_of_the_table_are_limited_in_rows(
    monkeypatch: pytest.MonkeyPatch, own: Project, made: MadeTable, held: int
) -> None:
    monkeypatch.setattr("opengenome_assets.tables.frequencies._ROWS_HELD", held)
    parts = list(read_table_parts(own.folder))
    assert max(part.num_rows for part in parts) == min(held, made.rows)
    assert pa.concat_tables(parts).equals(read_table_file(own.folder))


def test_parts_of_the_table_have_the_chosen_columns(own: Project, made: MadeTable) -> None:
    (part,) = read_table_parts(own.folder, ["count", "group"])
    assert (part.column_names, part.num_rows) == (["count", "group"], made.rows)


def test_some_groups_are_read_alone(own: Project, made: MadeTable) -> None:
    table = read_table_file(own.folder)
    group = table["group"][-1].as_py()
    assert table["group"][0].as_py() == "all" != group
    some = read_table_groups(own.folder, [group])
    assert some.equals(table.filter(pc.field("group") == group))
    assert (some.schema.metadata, read_table_groups(own.folder, ["absent"]).num_rows) == (
        table.schema.metadata,
        0,
    )
    assert made.rows > some.num_rows


def test_a_table_header_has_provenance_but_no_rows(own: Project, made: MadeTable) -> None:
    header = read_table_header(own.folder)
    assert (header.num_rows, header.schema) == (0, pq.read_schema(made.parquet))
    assert header.schema.metadata == pq.read_schema(made.parquet).metadata


def test_parquet_is_compressed_and_has_page_checksums(own: Project, made: MadeTable) -> None:
    content = bytearray(Path(made.parquet).read_bytes())
    column = pq.read_metadata(made.parquet).row_group(0).column(3)
    assert column.compression == "ZSTD"
    content[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    with pytest.raises(OSError, match=r"(?i)crc|checksum"):
        pq.read_table(pa.BufferReader(bytes(content)), page_checksum_verification=True)


def test_json_says_origin_parameters_and_hashes(own: Project, made: MadeTable) -> None:
    text = path_of(own, "json").read_text()
    hashes = {
        f"codon_frequencies.{suffix}": hashlib.sha256(path_of(own, suffix).read_bytes()).hexdigest()
        for suffix in ("parquet", "tsv")
    }
    assert json.loads(text) == {
        **own.manifest.provenance(),
        "codons_without_code": 0,
        "parameters": {
            "frame": 1,
            "strand": "-",
            "genetic_code": 2,
            "skip_n": True,
            "skip_stops": False,
            "min_count": 3,
        },
        "sha256": hashes,
    }
    # For people: a line for each name, from A to Z.
    names = [line.split('"')[1] for line in text.splitlines() if line.startswith(' "')]
    assert names == sorted(json.loads(text))
    assert text.endswith("}\n")
    assert list(made.pooled.schema.names) == path_of(own, "tsv").read_text().splitlines()[0].split("\t")


def test_a_table_says_what_it_was_made_from(own: Project, made: MadeTable) -> None:
    del made
    table = read_table_file(own.folder)
    assert parameters_of(table) == MADE
    assert fingerprint_of(table) == own.manifest.fingerprint
    assert effective_records_of(table) == own.manifest.effective_records


def test_the_metadata_are_in_order_of_name(own: Project, made: MadeTable) -> None:
    del own
    # Equal tables have equal bytes.
    for key in (b"opengenome_assets.parameters", b"opengenome_assets.provenance"):
        fields = json.loads(pq.read_schema(made.parquet).metadata[key])
        assert list(fields) == sorted(fields)


def test_a_table_states_its_format(made: MadeTable) -> None:
    assert pq.read_schema(made.parquet).metadata[FORMAT] == b"1"


def test_a_making_names_the_number_of_the_code(own: Project, made: MadeTable) -> None:
    assert find_making(made.parquet) == Making(
        "mine", own.manifest.fingerprint, replace(MADE, genetic_code=2)
    )


def test_a_table_that_says_nothing_has_no_making(tmp_path: Path, made: MadeTable) -> None:
    metadata = pq.read_schema(made.parquet).metadata
    assert find_making(rewritten(tmp_path / "same.parquet", metadata)) is not None
    for number, (key, value) in enumerate(
        [
            (b"opengenome_assets.provenance", None),
            (b"opengenome_assets.parameters", None),
            (b"opengenome_assets.provenance", b"{}"),
            (b"opengenome_assets.provenance", b"no JSON"),
            (b"opengenome_assets.parameters", b'{"another": 1}'),
            (b"opengenome_assets.parameters", b'{"frame": 7}'),
        ]
    ):
        path = rewritten(tmp_path / f"{number}.parquet", {**metadata, key: value})
        assert find_making(path) is None, (key, value)
    assert find_making(str(tmp_path / "absent.parquet")) is None
    pq.write_table(pa.table({"codon": ["AAA"]}), tmp_path / "bare.parquet")
    assert find_making(str(tmp_path / "bare.parquet")) is None
    (tmp_path / "text.parquet").write_text("no table")
    assert find_making(str(tmp_path / "text.parquet")) is None


def test_a_table_of_others_says_neither_plan_nor_parameters() -> None:
    bare = pa.table({"codon": ["AAA"]})
    with pytest.raises(BatchFileError, match=r"carries no opengenome_assets\.parameters: .* it again\."):
        parameters_of(bare)
    with pytest.raises(BatchFileError, match=r"carries no opengenome_assets\.provenance"):
        fingerprint_of(bare.replace_schema_metadata({"other": "x"}))
    assert effective_records_of(bare) is None
    without = bare.replace_schema_metadata({"opengenome_assets.provenance": "{}"})
    assert effective_records_of(without) is None


def test_the_number_of_records_need_not_be_whole() -> None:
    table = pa.table({"codon": ["AAA"]})
    said = {"opengenome_assets.provenance": '{"effective_records": 2.5}'}
    assert effective_records_of(table.replace_schema_metadata(said)) == 2.5


def test_a_table_of_a_newer_format_is_refused(tmp_path: Path, own: Project, made: MadeTable) -> None:
    newer = project(tmp_path, tmp_path)
    write_table(newer.folder, [pq.read_table(made.parquet)], MADE, own.manifest.provenance())
    path = path_of(newer)
    table = pq.read_table(path)
    provenance = {**own.manifest.provenance(), "versions": {"opengenome-assets": "99.1"}}
    metadata = {
        **table.schema.metadata,
        FORMAT: b"2",
        b"opengenome_assets.provenance": json.dumps(provenance).encode(),
    }
    pq.write_table(table.replace_schema_metadata(metadata), path)
    with pytest.raises(BatchFileError) as refused:
        read_table_file(newer.folder)
    assert str(refused.value).startswith(f"{path}: written in format 2 by opengenome-assets 99.1;")
    assert "Use version 99.1 or a newer one." in str(refused.value)


def test_a_table_of_no_known_format_is_to_be_made_again(tmp_path: Path, made: MadeTable) -> None:
    old = project(tmp_path, tmp_path)
    path = path_of(old)
    path.parent.mkdir(parents=True)
    pq.write_table(pq.read_table(made.parquet).replace_schema_metadata({FORMAT: b"0"}), path)
    with pytest.raises(BatchFileError, match=r"format 0; .* Materialize mine/codon_frequencies again\."):
        read_table_file(old.folder)


def test_a_schema_without_metadata_is_of_the_first_format() -> None:
    assert format_refusal(pa.schema([("codon", pa.string())]), "here", "Make it again.") is None


def test_batches_that_are_not_counted_make_no_table(tmp_path: Path, own: Project) -> None:
    folder = project(tmp_path, tmp_path).folder
    with pytest.raises(BatchFileError, match="2 of 2 batches cannot be used"):
        make_table(BatchFiles(folder, own.manifest), MADE)
    assert not folder.exists("codon_frequencies.parquet")


def test_a_table_without_any_row_is_not_written(own: Project, made: MadeTable) -> None:
    before = {suffix: path_of(own, suffix).read_bytes() for suffix in ("parquet", "tsv", "json")}
    highest = max(made.pooled["count"].to_pylist())
    with pytest.raises(SettingError, match=f"the highest count is {highest}. Set it to at most {highest}."):
        make_table(own.files, replace(MADE, min_count=highest + 1))
    assert {suffix: path_of(own, suffix).read_bytes() for suffix in before} == before
    assert codon_frequencies(all_counts(own.files), replace(MADE, min_count=highest)).num_rows


def test_a_table_of_ambiguous_codons_alone_counts_none(copy: BatchFiles) -> None:
    for batch in copy.batches:
        write_counts(copy, batch, counts_table({"NNN": 3}))
    made = make_table(copy, TableParameters())
    assert (made.rows, made.codons, made.skipped) == (64, 0, 6)
    with pytest.raises(SettingError, match=r"the highest count is 0\. Set it to at most 0\."):
        make_table(copy, TableParameters(min_count=1))


@pytest.fixture
def copy(own: Project, tmp_path: Path) -> BatchFiles:
    """The same batches without a table, to which a test may write."""
    shutil.copytree(own.folder.location("codon_counts"), tmp_path / "mine" / "codon_counts")
    shutil.copytree(own.folder.location("sequences"), tmp_path / "mine" / "sequences")
    return BatchFiles(DatasetFolder(str(tmp_path), "mine"), replace(own.manifest, table=TableParameters()))


def written(files: BatchFiles) -> dict[str, bytes]:
    root = Path(files.folder.root)
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name.startswith("codon_frequencies")
    }


def test_other_parameters_make_a_table_beside_the_own(copy: BatchFiles) -> None:
    make_table(copy, TableParameters())
    before = written(copy)
    assert set(before) == {f"codon_frequencies.{suffix}" for suffix in ("parquet", "tsv", "json")}
    beside = make_table(copy, TableParameters(strand="-", genetic_code=2))
    after = written(copy)
    folder = "tables/strand-minus.genetic_code-2"
    assert after.keys() - before.keys() == {f"{folder}/{name}" for name in before}
    assert {name: after[name] for name in before} == before
    assert beside.parquet == copy.folder.location(f"{folder}/codon_frequencies.parquet")


def test_the_contracts_path_has_the_registered_parameters(copy: BatchFiles) -> None:
    registered = BatchFiles(copy.folder, replace(copy.manifest, table=TableParameters(genetic_code=2)))
    make_table(registered, TableParameters(genetic_code=2))
    assert parameters_of(read_table_file(copy.folder)).genetic_code == 2
    make_table(registered, TableParameters())
    assert parameters_of(read_table_file(copy.folder)).genetic_code == 2
    assert parameters_of(read_table_file(copy.folder.inside("tables/genetic_code-1"))).genetic_code == 1


OTHERS = [
    TableParameters(
        frame=frame, strand=strand, genetic_code=code, skip_n=n, skip_stops=stops, min_count=least
    )
    for frame in (0, 2)
    for strand in ("+", "-", "both")
    for code in (1, 33)
    for n in (True, False)
    for stops in (True, False)
    for least in (0, 2**63 - 1)
]


@pytest.mark.parametrize("own_parameters", [OTHERS[0], OTHERS[-1]])
def test_each_set_of_parameters_has_one_folder(copy: BatchFiles, own_parameters: TableParameters) -> None:
    files = BatchFiles(copy.folder, replace(copy.manifest, table=own_parameters))
    places = [files.of_table(each).table for each in OTHERS]
    assert len({place.root for place in places}) == len(OTHERS)
    assert files.of_table(own_parameters).table == files.folder
    # What data sets may be called: safe in shells, on file systems and in object stores.
    for place in places:
        assert re.fullmatch(r"(tables/[A-Za-z0-9._-]{1,120})?", place.inner)


def test_a_table_of_an_older_version_is_not_replaced(copy: BatchFiles) -> None:
    make_table(copy, TableParameters())
    write_table(
        copy.folder,
        [read_table_file(copy.folder)],
        TableParameters(genetic_code=2),
        copy.manifest.provenance(),
    )
    before = written(copy)
    with pytest.raises(SettingError) as refused:
        make_table(copy, TableParameters())
    assert str(refused.value) == (
        f"{copy.folder.root}/codon_frequencies.parquet was made with genetic_code=2, and genetic_code=1 is asked for. "
        "An older version made it. Move or remove it, and run this again."
    )
    assert written(copy) == before


@pytest.mark.parametrize("damage", ["another plan", "no Parquet"])
def test_an_outdated_table_of_others_is_replaced(copy: BatchFiles, damage: str) -> None:
    make_table(copy, TableParameters())
    provenance = copy.manifest.provenance() | {"fingerprint": damage}
    table = read_table_file(copy.folder)
    write_table(copy.folder, [table], TableParameters(genetic_code=2), provenance)
    if damage == "no Parquet":
        Path(copy.folder.location("codon_frequencies.parquet")).write_bytes(b"PAR1")
    make_table(copy, TableParameters())
    assert parameters_of(read_table_file(copy.folder)) == TableParameters()


def test_sequences_of_other_parameters_are_beside(copy: BatchFiles) -> None:
    first = copy.manifest.plan.keys[0]
    stamp = copy.manifest.stamp(first)
    BySequence.of(copy, TableParameters()).write(stamp)
    before = Path(copy.by_sequence(first).location).read_bytes()
    other = TableParameters(frame=1, skip_n=False)
    BySequence.of(copy, other).write(stamp)
    assert Path(copy.by_sequence(first).location).read_bytes() == before
    beside = copy.of_table(other.of_sequences(copy.manifest.table)).by_sequence(first)
    assert beside.path == f"codon_usage_by_sequence/{first}.parquet"
    assert beside.folder.inner == "tables/frame-1"
    assert beside.is_planned()


def test_sequences_of_an_older_version_are_not_replaced(copy: BatchFiles) -> None:
    stamp = copy.manifest.stamp(copy.manifest.plan.keys[0])
    made = BySequence.of(copy, TableParameters())
    made.refuse_other_parameters(stamp)
    made.write(stamp)
    made.refuse_other_parameters(stamp)
    with pytest.raises(BatchFileError, match="made with frame=0, and frame=1 is asked for"):
        replace(made, parameters=TableParameters(frame=1)).refuse_other_parameters(stamp)
