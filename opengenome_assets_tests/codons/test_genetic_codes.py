import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.codons.genetic_codes import genetic_code, genetic_codes
from opengenome_assets.errors import SettingError

NCBI_ORDER = [a + b + c for a in "TCAG" for b in "TCAG" for c in "TCAG"]
NUMBERS = [1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, *range(21, 34)]


def test_all_of_ncbis_codes_are_there():
    assert list(genetic_codes()) == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_every_codon_of_every_code_means_what_codon_bias_says(number):
    # codon-bias keeps a copy of NCBI's tables of its own, as a CSV file with a column for each code.
    folder = Path(find_spec("codonbias").origin).parent
    table = pd.read_csv(folder / "genetic_code_ncbi.csv", index_col=0)
    assert dict(zip(CODONS, genetic_code(number).amino_acids, strict=True)) == table[str(number)].to_dict()


@pytest.mark.skipif(
    shutil.which("embossdata") is None, reason="EMBOSS is not installed: apt-get install emboss"
)
@pytest.mark.parametrize("number", [n for n in NUMBERS if n <= 23])
def test_every_codon_of_the_older_codes_means_what_emboss_says(number, tmp_path):
    command = ["embossdata", "-fetch", "-filename", f"EGC.{number}", "-auto"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    text = (tmp_path / f"EGC.{number}").read_text()
    line = next(line for line in text.splitlines() if line.startswith("AAs"))
    letters = dict(zip(NCBI_ORDER, line.split("=")[1].strip(), strict=True))
    assert "".join(letters[codon] for codon in CODONS) == genetic_code(number).amino_acids


def test_synonyms_are_those_of_the_code():
    single = [genetic_code(n).amino_acids.count(letter) for n, letter in ((1, "W"), (2, "W"), (3, "M"))]
    assert single == [1, 2, 2]
    for number in (1, 2, 3):
        code = genetic_code(number)
        alone = {c for c, synonymous in zip(CODONS, code.synonymous, strict=True) if not synonymous}
        stops = {c for c, letter in zip(CODONS, code.amino_acids, strict=True) if letter == "*"}
        assert alone - stops == {1: {"ATG", "TGG"}, 2: set(), 3: set()}[number]
        assert stops <= alone


@pytest.mark.parametrize(
    ("number", "dual"), [(27, ("TGA",)), (28, ("TAA", "TAG", "TGA")), (31, ("TAA", "TAG"))]
)
def test_dual_codons_are_named_and_carry_the_amino_acid(number, dual):
    code = genetic_code(number)
    assert code.dual == dual
    assert "*" not in {code.amino_acids[CODONS.index(codon)] for codon in dual}


def test_only_three_codes_have_dual_codons():
    assert [number for number, code in genetic_codes().items() if code.dual] == [27, 28, 31]


@pytest.mark.parametrize(
    "name", [2, "2", " 2 ", "Vertebrate Mitochondrial", "vertebrate mitochondrial", "SGC1"]
)
def test_a_code_is_found_by_number_and_by_name(name):
    assert genetic_code(name).id == 2


def test_names_are_ncbis_without_the_abbreviation():
    # Read again: the first call of another test may be the one that is kept.
    genetic_codes.cache_clear()
    codes = genetic_codes()
    assert (codes[1].name, codes[2].name) == ("Standard", "Vertebrate Mitochondrial")
    assert codes[11].name == "Bacterial / Archaeal / Plant Plastid"


@pytest.mark.parametrize("name", [code.name for code in genetic_codes().values()])
def test_the_name_that_a_code_shows_finds_it_again(name):
    assert genetic_code(name).name == name


@pytest.mark.parametrize("name", [0, 7, 8, 34, -1, True, "7", "Klingon", "", "١"])
def test_an_unknown_code_is_refused_with_the_list_of_all_codes(name):
    with pytest.raises(
        SettingError,
        match=r"is none of NCBI's genetic codes\. .* 1 Standard, 2 Vertebrate Mitochondrial, .*33",
    ):
        genetic_code(name)
