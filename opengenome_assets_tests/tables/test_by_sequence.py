"""The row of each sequence: codons by slicing, measures by their formulas, amino acids by Biopython's tables."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from Bio.Data.CodonTable import unambiguous_dna_by_id

from opengenome_assets.batches import write as writing
from opengenome_assets.batches.batch_files import PROVENANCE
from opengenome_assets.checks.batch import check_by_sequence
from opengenome_assets.codons import measures
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.codons.genetic_codes import genetic_code
from opengenome_assets.schemas import CODON_USAGE_BY_SEQUENCE
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.by_sequence import PARAMETERS, BySequence, usage_by_sequence
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import Project, naive_counts, project, write_fasta
from opengenome_assets_tests.tables.skewed import share_of_gc, skewed_letters

# Codons that are a stop, a synonym or neither depending on the code, some twice, and some ambiguous ones.
TELLING = "ATGTGATGATGGAGAAGGATACTACTGTAACGTNNNRAC"
RECORDS = {
    "human": skewed_letters(610, seed=5) + TELLING,
    "yeast": skewed_letters(503, seed=2) + TELLING * 2,
    "plain": skewed_letters(405, seed=3) + TELLING * 3,
    "masked": skewed_letters(302, seed=10).lower() + TELLING,
}
CODES = {"human": 2, "yeast": 3, "plain": None, "masked": None}
GROUPS = {"human": "animals", "yeast": "fungi", "plain": "all", "masked": "all"}


def records_table() -> pa.Table:
    return pa.table(
        {
            "row": pa.array([11, 22, 33, 44], pa.int64()),
            "seq_id": list(RECORDS),
            "group": list(GROUPS.values()),
            "genetic_code": pa.array(list(CODES.values()), pa.int32()),
            "length": [len(letters) for letters in RECORDS.values()],
            "sequence": pa.array(list(RECORDS.values()), pa.large_string()),
        }
    )


def measured(*, masked: bool = False, **parameters: object) -> dict[str, dict[str, object]]:
    table = usage_by_sequence(records_table(), TableParameters(**parameters), masked=masked)
    assert table.schema.equals(CODON_USAGE_BY_SEQUENCE, check_metadata=False)
    return {row["seq_id"]: row for row in table.to_pylist()}


def sliced(letters: str, strand: str = "+", frame: int = 0) -> Counter[str]:
    """Codons of one frame."""
    found: Counter[str] = Counter()
    for (each, start, codon), count in naive_counts([letters]).items():
        if start == frame and strand in (each, "both"):
            found[codon] += count
    return found


def plain(codons: Counter[str]) -> dict[str, int]:
    return {codon: codons[codon] for codon in CODONS}


def stops(code: int) -> set[str]:
    return set(unambiguous_dna_by_id[code].stop_codons)


def synonymous(code: int) -> set[str]:
    """Codons of amino acids that have several."""
    letters = unambiguous_dna_by_id[code].forward_table
    sizes = Counter(letters.values())
    return {codon for codon, letter in letters.items() if sizes[letter] > 1}


@pytest.mark.parametrize("strand", ["+", "-", "both"])
@pytest.mark.parametrize("frame", [0, 1, 2])
def test_codons_are_those_of_frame_and_strand(strand: str, frame: int) -> None:
    rows = measured(strand=strand, frame=frame)
    for name, letters in RECORDS.items():
        expected, row = sliced(letters, strand, frame), rows[name]
        assert {codon: row[codon] for codon in CODONS} == plain(expected)
        counted = sum(plain(expected).values())
        assert (row["codons"], row["skipped_codons"]) == (counted, expected.total() - counted)
        assert row["skipped_share"] == pytest.approx((expected.total() - counted) / expected.total())


def test_six_frames_have_six_different_rows() -> None:
    rows = [measured(strand=strand, frame=frame) for strand in "+-" for frame in range(3)]
    for name in RECORDS:
        assert len({tuple(row[name][codon] for codon in CODONS) for row in rows}) == 6


def test_a_row_says_which_record_it_is_of() -> None:
    rows = measured(genetic_code=11)
    found = [
        (row["row"], row["seq_id"], row["group"], row["genetic_code"], row["length"]) for row in rows.values()
    ]
    lengths = [len(letters) for letters in RECORDS.values()]
    names, groups = list(RECORDS), list(GROUPS.values())
    assert found == list(zip([11, 22, 33, 44], names, groups, [2, 3, 11, 11], lengths, strict=True))


@pytest.mark.parametrize("skip_stops", [False, True])
@pytest.mark.parametrize("default", [1, 4])
def test_measures_are_those_of_each_records_code(default: int, *, skip_stops: bool) -> None:
    rows = measured(genetic_code=default, skip_stops=skip_stops, strand="-", frame=1)
    for name, letters in RECORDS.items():
        code = CODES[name] or default
        codons = plain(sliced(letters, "-", 1))
        # The counts stay, whatever the measures leave out.
        assert {codon: rows[name][codon] for codon in CODONS} == codons
        used = {c: 0 if skip_stops and c in stops(code) else n for c, n in codons.items()}
        of_synonyms = {codon: n for codon, n in codons.items() if codon in synonymous(code)}
        expected = {
            "gc": share_of_gc(used, 0, 1, 2),
            "gc1": share_of_gc(used, 0),
            "gc2": share_of_gc(used, 1),
            "gc3": share_of_gc(used, 2),
            "gc3s": share_of_gc(of_synonyms, 2),
        }
        assert len({round(expected[measure], 5) for measure in ("gc", "gc1", "gc2", "gc3")}) == 4
        assert {measure: rows[name][measure] for measure in expected} == pytest.approx(expected)
        array = np.array([list(codons.values())])
        assert rows[name]["enc_wright"] == pytest.approx(measures.enc_wright(array, genetic_code(code))[0])
        assert rows[name]["enc_sun"] == pytest.approx(measures.enc_sun(array, genetic_code(code))[0])


def test_code_and_skip_stops_change_the_measures() -> None:
    whole, without = (
        {code: measured(genetic_code=code, skip_stops=skip)["plain"] for code in (1, 2, 3)}
        for skip in (False, True)
    )
    for measure in ("enc_wright", "enc_sun"):
        assert len({whole[code][measure] for code in whole}) == 3
    assert whole[1]["gc3s"] != whole[2]["gc3s"]
    for measure in ("gc", "gc1", "gc2", "gc3"):
        assert len({whole[code][measure] for code in whole}) == 1
        assert len({each[measure] for each in (whole[1], *without.values())}) == 4


def test_soft_masked_letters_are_n_where_that_is_asked_for() -> None:
    rows, whole = measured(masked=True), measured()
    letters = "".join("N" if letter.islower() else letter for letter in RECORDS["masked"])
    assert {codon: rows["masked"][codon] for codon in CODONS} == plain(sliced(letters))
    assert rows["masked"]["codons"] < whole["masked"]["codons"]
    assert {name: rows[name] for name in RECORDS if name != "masked"} == {
        name: whole[name] for name in RECORDS if name != "masked"
    }


def test_a_record_without_codons_has_nulls_for_measures() -> None:
    short = records_table().slice(0, 1).set_column(5, "sequence", pa.array(["AC"], pa.large_string()))
    (row,) = usage_by_sequence(short, TableParameters()).to_pylist()
    names = ("skipped_share", "gc", "gc1", "gc2", "gc3", "gc3s", "enc_wright", "enc_sun")
    assert {name: row[name] for name in names} == dict.fromkeys(names)
    assert (row["codons"], row["skipped_codons"]) == (0, 0)


PARAMETERS_USED = TableParameters(frame=2, strand="-", genetic_code=4)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Two batches, written in several row groups, counted, and with their per-sequence tables."""
    monkeypatch.setattr(writing, "ROW_GROUP_BASES", 900)
    source = write_fasta(tmp_path / "mine.fa", RECORDS)
    made = project(tmp_path, source, batch_size=3, frame=2, strand="-", genetic_code=4)
    write_and_count(made)
    tables = BySequence.of(made.files, PARAMETERS_USED)
    for batch in made.manifest.plan.keys:
        first, end = made.manifest.plan.range_of(batch)
        bases = sum(map(len, list(RECORDS.values())[first:end]))
        written = tables.write(made.manifest.stamp(batch))
        assert written == (end - first, bases, path_of(made, batch).stat().st_size)
    return made


def path_of(own: Project, batch: str) -> Path:
    return Path(own.folder.location(f"codon_usage_by_sequence/{batch}.parquet"))


def test_tables_hold_every_record_of_every_row_group(own: Project) -> None:
    assert pq.read_metadata(own.folder.location("sequences/batch_0000.parquet")).num_row_groups > 1
    rows = [row for batch in own.manifest.plan.keys for row in pq.read_table(path_of(own, batch)).to_pylist()]
    assert [row["seq_id"] for row in rows] == list(RECORDS)
    for row in rows:
        assert {codon: row[codon] for codon in CODONS} == plain(sliced(RECORDS[row["seq_id"]], "-", 2))
        assert row["genetic_code"] == 4


def test_a_table_says_how_it_was_made(own: Project) -> None:
    made = json.loads(pq.read_schema(path_of(own, "batch_0001")).metadata[PARAMETERS])
    assert TableParameters(**made) == PARAMETERS_USED


def test_the_check_adds_up_both_strands(own: Project) -> None:
    both = TableParameters(frame=1, strand="both")
    BySequence.of(own.files, both).write(own.manifest.stamp("batch_0000"))
    outcome = check_by_sequence(own.files.of_table(both), "batch_0000")
    codons = sum((len(letters) - 1) // 3 for letters in list(RECORDS.values())[:3])
    assert (outcome.passed, outcome.figures["codons"]) == (True, 2 * codons)


def test_the_check_passes_where_the_sums_are_those_of_the_counts(own: Project) -> None:
    for batch, names in {"batch_0000": ["human", "yeast", "plain"], "batch_0001": ["masked"]}.items():
        outcome = check_by_sequence(own.files, batch)
        codons = sum(sliced(RECORDS[name], "-", 2).total() for name in names)
        assert (outcome.passed, outcome.figures) == (
            True,
            {"sequences": len(names), "codons": codons, "batch_codons": codons, "differing": ""},
        )
        sequences = "3 sequences" if len(names) > 1 else "1 sequence"
        assert outcome.description == f"{codons:,} codons of {sequences}, {codons:,} in the batch's counts"


def test_the_check_adds_up_row_groups(own: Project) -> None:
    path = path_of(own, "batch_0000")
    pq.write_table(pq.read_table(path), path, row_group_size=1, write_page_checksum=True)
    assert pq.read_metadata(path).num_row_groups == 3
    assert check_by_sequence(own.files, "batch_0000").passed


def with_column(table: pa.Table, name: str, values: list[int]) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(place), pa.array(values, pa.int64()))


def a_codon_more(table: pa.Table) -> pa.Table:
    first, *others = table["CAT"].to_pylist()
    return with_column(table, "CAT", [first + 1, *others])


def two_codons_swapped(table: pa.Table) -> pa.Table:
    one, other = table["CAT"].to_pylist(), table["GGG"].to_pylist()
    assert sum(one) != sum(other)
    return with_column(with_column(table, "CAT", other), "GGG", one)


def an_ambiguous_codon_less(table: pa.Table) -> pa.Table:
    first, *others = table["skipped_codons"].to_pylist()
    return with_column(table, "skipped_codons", [first - 1, *others])


def a_record_less(table: pa.Table) -> pa.Table:
    return table.slice(0, table.num_rows - 1)


def made_with(table: pa.Table, **others: object) -> pa.Table:
    made = json.loads(table.schema.metadata[PARAMETERS]) | others
    return table.replace_schema_metadata({**table.schema.metadata, PARAMETERS: json.dumps(made)})


def another_frame(table: pa.Table) -> pa.Table:
    return made_with(table, frame=1)


def another_strand(table: pa.Table) -> pa.Table:
    return made_with(table, strand="+")


FAULTS = {
    a_codon_more: "CAT",
    two_codons_swapped: "CAT, GGG",
    an_ambiguous_codon_less: "ambiguous",
    a_record_less: None,
    another_frame: None,
    another_strand: None,
}


@pytest.mark.parametrize(("damage", "differing"), FAULTS.items(), ids=[each.__name__ for each in FAULTS])
def test_the_check_fails_for_sums_of_something_else(
    own: Project, damage: object, differing: str | None
) -> None:
    path = path_of(own, "batch_0000")
    pq.write_table(damage(pq.read_table(path)), path, write_page_checksum=True)
    outcome = check_by_sequence(own.files, "batch_0000")
    assert not outcome.passed
    if differing is not None:
        assert outcome.figures["differing"] == differing
    assert outcome.figures["differing"]
    assert check_by_sequence(own.files, "batch_0001").passed


def test_the_check_fails_for_a_table_of_another_batch(own: Project) -> None:
    path_of(own, "batch_0000").write_bytes(path_of(own, "batch_0001").read_bytes())
    outcome = check_by_sequence(own.files, "batch_0000")
    assert outcome.passed is False
    assert "batch_0000.parquet: belongs" in outcome.description


def test_the_check_names_the_first_ten_codons_that_differ(own: Project) -> None:
    path = path_of(own, "batch_0000")
    table = pq.read_table(path)
    for codon in CODONS[:20]:
        table = with_column(table, codon, [count + 1 for count in table[codon].to_pylist()])
    pq.write_table(table, path, write_page_checksum=True)
    outcome = check_by_sequence(own.files, "batch_0000")
    assert outcome.figures["differing"] == ", ".join(CODONS[:10])


def test_tables_state_their_origin(own: Project) -> None:
    provenance = json.loads(pq.read_schema(path_of(own, "batch_0001")).metadata[PROVENANCE])
    assert provenance == json.loads(json.dumps(own.manifest.provenance()))


@pytest.mark.parametrize(("soft_mask", "masked"), [("count", False), ("skip", True)])
def test_tables_skip_soft_masked_letters_where_the_plan_says_so(
    tmp_path: Path, soft_mask: str, *, masked: bool
) -> None:
    made = project(tmp_path, write_fasta(tmp_path / "mine.fa", {"a": "ATGaaaCCC"}), soft_mask=soft_mask)
    write_and_count(made)
    BySequence.of(made.files, TableParameters()).write(made.manifest.stamp("batch_0000"))
    (row,) = pq.read_table(path_of(made, "batch_0000")).to_pylist()
    assert (row["codons"], row["skipped_codons"], row["AAA"]) == ((2, 1, 0) if masked else (3, 0, 1))
