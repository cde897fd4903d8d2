"""The files of the final table agree with counts by slicing, and have provenance. Files without it are refused."""

import hashlib
import json
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.errors import BatchFileError, SettingError
from opengenome_assets.tables.by_sequence import BySequence, parameters_by_batch
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
    read_table_file,
    write_table,
)
from opengenome_assets.tables.parameters import TableParameters
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import Project, all_counts, naive_counts, project, write_fasta
from opengenome_assets_tests.tables.skewed import skewed_letters

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
    made = project(folder, write_fasta(folder / "mine.fa", RECORDS), metadata=metadata, batch_size=1)
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


def test_missing_batches_have_no_parameters(own: Project) -> None:
    manifest = own.manifest
    first, second = manifest.plan.keys
    assert parameters_by_batch(BatchFiles(own.folder, manifest)) == {}
    BySequence.of(BatchFiles(own.folder, manifest), MADE).write(manifest.stamp(second))
    assert parameters_by_batch(BatchFiles(own.folder, manifest)) == {second: MADE}
    standard = TableParameters()
    BySequence.of(BatchFiles(own.folder, manifest), standard).write(manifest.stamp(first))
    assert parameters_by_batch(BatchFiles(own.folder, manifest)) == {first: standard, second: MADE}
