import csv
import re
import shutil
import subprocess

import pyarrow as pa
import pytest
from python_codon_tables import python_codon_tables

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.errors import SettingError
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.export import EXPORTS
from opengenome_assets.tables.frequencies import codon_frequencies
from opengenome_assets_tests.tables.pooled import letter_of
from opengenome_assets_tests.tables.skewed import share_of_gc, skewed_counts
from opengenome_assets_tests.tables.tables import (
    GENOMES,
    counts_table,
    genome_records,
    naive_counts,
    needs_genomes,
    rows_by_codon,
)

needs_emboss = pytest.mark.skipif(
    shutil.which("codcopy") is None, reason="EMBOSS is not installed: apt-get install emboss"
)
AWKWARD = "odd: <name>\nof a group"
DISTINCT = {codon: 100 + place for place, codon in enumerate(CODONS)}
PLASTIDS = counts_table(DISTINCT, group="plastids", genetic_code=11)
MAMMALS = counts_table(DISTINCT, group="mammals", genetic_code=2)


def table_of(*counts, **parameters):
    return codon_frequencies(pa.concat_tables(counts), TableParameters(**parameters))


def export(name, table, group=None):
    return "".join(EXPORTS[name].write([table], group))


def emboss(*command, folder):
    subprocess.run(command, cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL)


def as_emboss_reads(text, form, folder):
    """Have EMBOSS read a table in some format and write it in its own: codon → (amino acid, …, count)."""
    (folder / "in").write_text(text)
    emboss("codcopy", "in", "out", "-format1", form, "-oformat2", "emboss", "-auto", folder=folder)
    lines = [line.split() for line in (folder / "out").read_text().splitlines()]
    return {words[0]: words[1:] for words in lines if len(words) == 5 and words[0] in CODONS}


@pytest.mark.parametrize("name", EXPORTS)
def test_a_group_that_is_not_there_is_refused_in_every_format(name):
    with pytest.raises(SettingError, match="no group 'yeast'"):
        export(name, table_of(PLASTIDS), "yeast")


@pytest.mark.parametrize("name", EXPORTS)
def test_a_table_without_codons_can_be_written_in_every_format(name):
    numbers = re.findall(r"(?<![\w.])\d[\d.]*(?!\w)", export(name, table_of(counts_table({}))))
    assert len(numbers) >= 64
    assert {float(number) for number in numbers} == {0}


@pytest.mark.parametrize("name", ["cut", "python_codon_tables", "opengenome"])
def test_formats_with_amino_acids_refuse_codes_that_differ(name):
    with pytest.raises(
        SettingError, match=rf"^The format {name} needs .*'all' pools several .* differ in AGA, "
    ):
        export(name, table_of(PLASTIDS, MAMMALS))


def test_a_pool_without_codons_that_differ_has_exact_shares():
    # Under codes 4 and 11, nothing but TGA differs: tryptophan or stop.
    counts = [
        counts_table({"TGG": 3, "TGA": n}, group=str(code), genetic_code=code)
        for code, n in ((4, 2), (11, 7))
    ]
    lines = export("python_codon_tables", table_of(*counts, skip_stops=True)).splitlines()
    assert [line for line in lines if line.startswith("W")] == ["W,TGA,0.25", "W,TGG,0.75"]


@pytest.mark.parametrize("name", ["cut", "python_codon_tables"])
def test_formats_with_fractions_refuse_a_table_without(name):
    table = table_of(PLASTIDS)
    column = table.schema.get_field_index("fraction")
    empty = table.set_column(column, table.schema.field(column), pa.nulls(table.num_rows, pa.float64()))
    with pytest.raises(SettingError, match=rf"^The format {name} needs .*has no fractions\."):
        export(name, empty)


@pytest.mark.parametrize("name", ["cut", "python_codon_tables", "opengenome"])
def test_formats_with_amino_acids_write_a_group_of_one_code(name):
    assert "TGA" in export(name, table_of(PLASTIDS, MAMMALS), "mammals")


@pytest.mark.parametrize("name", ["cut", "spsum"])
@pytest.mark.parametrize("parameters", [{"skip_stops": True}, {"min_count": 101}])
def test_formats_of_64_codons_refuse_an_incomplete_table(name, parameters):
    with pytest.raises(
        SettingError, match=rf"^The format {name} needs all 64 codons, .*leaves out (TAA, |AAA\.)"
    ):
        export(name, table_of(counts_table(DISTINCT), **parameters))


def test_a_cut_table_says_gc_of_all_and_of_each_position():
    counts = skewed_counts()
    # Ambiguous codons are no part of it.
    text = export("cut", table_of(counts_table(counts | {"GGN": 5000}), skip_n=False))
    shares = [share_of_gc(counts, 0, 1, 2), *(share_of_gc(counts, at) for at in range(3))]
    assert len({round(100 * share) for share in shares}) == 4
    names = ("Coding", "1st letter", "2nd letter", "3rd letter")
    expected = [f"#{name} GC {100 * share:5.2f}%" for name, share in zip(names, shares, strict=True)]
    assert [line for line in text.splitlines() if " GC " in line] == expected


@pytest.mark.parametrize("code", [1, 2, 11])
def test_a_cut_table_says_share_rate_and_number_of_each_codon(code):
    counts = skewed_counts()
    lines = [
        line.split() for line in export("cut", table_of(counts_table(counts), genetic_code=code)).splitlines()
    ]
    rows = {words[0]: words[1:] for words in lines if len(words) == 5 and words[0] in CODONS}
    assert {codon: int(words[3]) for codon, words in rows.items()} == counts
    for codon, (letter, share, rate, _) in rows.items():
        assert letter == letter_of(codon, code)
        assert float(share) == pytest.approx(share_of_letter(codon, counts, code), abs=0.0005)
        assert float(rate) == pytest.approx(1000 * counts[codon] / sum(counts.values()), abs=0.0005)


@pytest.mark.parametrize("code", [1, 2, 11])
def test_python_codon_tables_reads_the_share_of_each_codon(code):
    counts = skewed_counts()
    read = python_codon_tables.csv_string_to_codons_dict(
        export("python_codon_tables", table_of(counts_table(counts), genetic_code=code))
    )
    found = {codon: (letter, share) for letter, codons in read.items() for codon, share in codons.items()}
    assert set(found) == set(CODONS)
    for codon, (letter, share) in found.items():
        assert letter == letter_of(codon, code)
        assert share == pytest.approx(share_of_letter(codon, counts, code), rel=1e-12)


def share_of_letter(codon, counts, code):
    letter = letter_of(codon, code)
    return counts[codon] / sum(n for each, n in counts.items() if letter_of(each, code) == letter)


@needs_emboss
@needs_genomes
def test_emboss_finds_no_difference_to_its_cut_table(tmp_path):
    # Compared with what cusp makes of the same file.
    name = "plant_mito.fasta"
    counts = counts_table(naive_counts(genome_records(name)))
    (tmp_path / "ours.cut").write_text(export("cut", table_of(counts)))
    emboss("cusp", "-sequence", GENOMES / name, "-outfile", "cusp.cut", "-auto", folder=tmp_path)
    emboss("codcmp", "ours.cut", "cusp.cut", "differences", "-auto", folder=tmp_path)
    differences = (tmp_path / "differences").read_text()
    assert "Sum Difference         = 0.000" in differences
    assert "Codons not appearing   = 0" in differences
    ours, theirs = ((tmp_path / name).read_text().split("#Coding")[1] for name in ("ours.cut", "cusp.cut"))
    assert ours == theirs


@needs_emboss
@pytest.mark.parametrize("code", [1, 2, 3, 11, 23])
def test_emboss_reads_counts_amino_acids_and_rates(code, tmp_path):
    table = table_of(counts_table(DISTINCT | {"NNN": 5000}), genetic_code=code, skip_n=False)
    rows = rows_by_codon(table)
    read = as_emboss_reads(export("cut", table), "emboss", tmp_path)
    assert len(read) == 64
    for codon, (letter, fraction, rate, count) in read.items():
        assert (letter, int(count)) == (rows[codon]["amino_acid"], DISTINCT[codon])
        assert float(fraction) == pytest.approx(rows[codon]["fraction"], abs=0.0006)
        assert float(rate) == pytest.approx(1000 * DISTINCT[codon] / sum(DISTINCT.values()), abs=0.0006)


@needs_emboss
def test_emboss_reads_every_count_of_an_spsum_table(tmp_path):
    read = as_emboss_reads(export("spsum", table_of(counts_table(DISTINCT))), "spsum", tmp_path)
    assert {codon: int(words[-1]) for codon, words in read.items()} == DISTINCT


@needs_emboss
def test_an_awkward_name_leaves_an_spsum_table_readable(tmp_path):
    table = table_of(counts_table(DISTINCT, group=AWKWARD))
    text = export("spsum", table, AWKWARD)
    assert text.splitlines()[0] == "odd <name> of a group: 0"
    assert {c: int(words[-1]) for c, words in as_emboss_reads(text, "spsum", tmp_path).items()} == DISTINCT


@needs_emboss
def test_an_awkward_name_leaves_a_cut_table_readable(tmp_path):
    table = table_of(counts_table(DISTINCT, group=AWKWARD))
    read = as_emboss_reads(export("cut", table, AWKWARD), "emboss", tmp_path)
    assert {codon: int(words[-1]) for codon, words in read.items()} == DISTINCT


def test_spsum_holds_every_group_even_of_codes_that_differ():
    lines = export("spsum", table_of(PLASTIDS, MAMMALS)).splitlines()
    assert lines[::2] == ["all: 0", "mammals: 0", "plastids: 0"]
    assert [sum(map(int, line.split())) for line in lines[1::2]] == [16832, 8416, 8416]


def test_python_codon_tables_csv_has_its_header_and_zeros():
    lines = export("python_codon_tables", table_of(counts_table({"ATG": 3}))).splitlines()
    assert lines[0] == "amino_acid,codon,relative_frequency"
    assert lines[1:] == sorted(
        f"{letter_of(codon, 1)},{codon},{1.0 if codon == 'ATG' else 0.0}" for codon in CODONS
    )


def test_a_cut_table_is_laid_out_as_cusp_writes_it():
    table = table_of(counts_table({"ATG": 3, "TAA": 1}, group="a  b\n c"))
    lines = export("cut", table, "a  b\n c").splitlines()
    assert lines[:3] == ["#Species: a b c", "#CdsCount: 0", ""]
    assert lines[7:9] == ["", "#Codon AA Fraction Frequency Number"]
    # Stops come last, the amino acids by letter.
    assert [line.split()[:2] for line in lines[9:]] == [
        [codon, letter]
        for letter, codon in sorted(
            ((letter_of(codon, 1), codon) for codon in CODONS), key=lambda pair: (pair[0] == "*", pair)
        )
    ]
    assert "TAA    *     1.000   250.000      1" in lines


def test_spsum_of_one_group_holds_that_group_alone():
    lines = export("spsum", table_of(PLASTIDS, MAMMALS), "mammals").splitlines()
    assert len(lines) == 2
    assert lines[0] == "mammals: 0"
    assert sorted(map(int, lines[1].split())) == sorted(DISTINCT.values())


def test_its_csv_has_the_layout_of_python_codon_tables():
    own = python_codon_tables.get_codons_table("e_coli_316407", replace_U_by_T=True)
    text = export("python_codon_tables", table_of(counts_table(DISTINCT)))
    read = python_codon_tables.csv_string_to_codons_dict(text)
    assert {aa: set(codons) for aa, codons in read.items()} == {aa: set(codons) for aa, codons in own.items()}


def test_the_four_column_csv_has_shares_of_all_codons():
    text = export("opengenome", table_of(counts_table({"ATG": 3, "NNN": 1}), skip_n=False))
    rows = {row["codon"]: row for row in csv.DictReader(text.splitlines())}
    assert len(rows) == 65
    assert rows["ATG"] == {"codon": "ATG", "count": "3", "freq": "0.75", "aa": "M"}
    assert rows["NNN"]["aa"] == "X"


def test_tsv_of_one_group_holds_that_group_alone():
    lines = export("tsv", table_of(PLASTIDS, MAMMALS), "mammals").splitlines()
    assert {line.split("\t")[0] for line in lines[1:]} == {"mammals"}
    assert len(lines) == 65
