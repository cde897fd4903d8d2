"""Each measure beside programs that share no code with it, on genomes without ambiguous letters."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from Bio.SeqUtils import GC123, CodonAdaptationIndex, gc_fraction

from opengenome_assets.codons import measures
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.codons.genetic_codes import genetic_code
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import codon_frequencies
from opengenome_assets.tables.report_tables import report_tables
from opengenome_assets_tests.tables.tables import (
    GENOMES,
    counts_table,
    genome_records,
    naive_counts,
    needs_genomes,
    rows_by_codon,
)

pytestmark = needs_genomes

FILES = ["mammal_mito_bs32011.FASTA", "plant_mito.fasta", "yeast_chrM.fa", "sarracenia_plastid_contigs.fasta"]
CODES = [1, 2, 3, 4, 11]
STANDARD = genetic_code(1)


def needs(program, package):
    return pytest.mark.skipif(
        shutil.which(program) is None, reason=f"{program} is not installed: apt-get install {package}"
    )


def run(*command, folder):
    subprocess.run(command, cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def scores():
    """codonbias loads most of SciPy; only the worker that needs it pays for that."""
    from codonbias import scores

    return scores


@pytest.fixture(scope="module", params=FILES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def letters(name):
    """Frame 0 of all records in a row."""
    return "".join(str(record)[: len(record) // 3 * 3] for record in genome_records(name))


@pytest.fixture(scope="module")
def counts(name):
    tally = naive_counts(genome_records(name))
    return np.array([[tally[codon] for codon in CODONS]])


def column(name, counts, code=1, table=codon_frequencies):
    """A column of a table of these counts, in the order of the codons."""
    rows = rows_by_codon(
        table(counts_table(dict(zip(CODONS, counts[0], strict=True))), TableParameters(genetic_code=code))
    )
    return [rows[codon][name] for codon in CODONS]


def expectations(counts, parameters):
    return report_tables([counts], parameters)["expectations"]


@pytest.mark.parametrize("code", CODES)
def test_wrights_number_is_codon_biass(counts, letters, code, scores):
    theirs = scores.EffectiveNumberOfCodons(robust=False, pseudocount=0, mean="unweighted", genetic_code=code)
    assert measures.enc_wright(counts, genetic_code(code))[0] == pytest.approx(theirs.get_score(letters))


@pytest.mark.parametrize("code", CODES)
def test_suns_number_of_whole_amino_acids_is_codon_biass(counts, letters, code, scores):
    ours = measures.enc_sun(counts, genetic_code(code), split_families=False)[0]
    assert ours == pytest.approx(scores.EffectiveNumberOfCodons(genetic_code=code).get_score(letters))


@pytest.mark.parametrize("code", CODES)
def test_rscu_with_a_pseudocount_is_codon_biass(counts, letters, code, scores):
    theirs = scores.RelativeSynonymousCodonUsage(genetic_code=code, pseudocount=1, ignore_stop=False)
    weights = theirs.get_weights(letters).droplevel("aa")
    ours = column("rscu", counts + 1, code)
    np.testing.assert_allclose(ours, [weights[codon] for codon in CODONS])


def test_observed_over_expected_is_codon_biass_relative_bias(counts, letters, scores):
    theirs = scores.RelativeCodonBiasScore(pseudocount=0, ignore_stop=False).get_weights(letters)
    ours = column("observed_over_expected_by_position", counts, table=expectations)
    np.testing.assert_allclose(ours, [theirs[codon] for codon in CODONS])


def test_gc_is_biopythons(counts, letters):
    assert measures.gc(counts)[0] == pytest.approx(gc_fraction(letters))


def test_gc_by_position_is_biopythons(counts, letters):
    np.testing.assert_allclose(100 * measures.gc_by_position(counts)[0], GC123(letters)[1:])


def test_rscu_over_the_best_is_biopythons_adaptiveness(counts, letters):
    theirs = CodonAdaptationIndex([letters])
    rscu = np.array(column("rscu", counts))
    best = {letter: rscu[STANDARD.letters == letter].max() for letter in STANDARD.amino_acids}
    for codon, letter, value in zip(CODONS, STANDARD.amino_acids, rscu, strict=True):
        if letter != "*":
            assert value / best[letter] == pytest.approx(theirs[codon])


@needs("chips", "emboss")
def test_wrights_number_is_emboss_chips(counts, name, tmp_path):
    run("chips", "-seqall", GENOMES / name, "-sum", "-outfile", "nc", "-auto", folder=tmp_path)
    theirs = float(re.search(r"Nc = ([\d.]+)", (tmp_path / "nc").read_text())[1])
    assert measures.enc_wright(counts, STANDARD)[0] == pytest.approx(theirs, abs=0.0006)


@pytest.fixture(scope="module")
def cusp(name, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cusp")
    run("cusp", "-sequence", GENOMES / name, "-outfile", "table", "-auto", folder=folder)
    return (folder / "table").read_text()


@needs("cusp", "emboss")
def test_fraction_and_rate_per_thousand_are_emboss_cusps(counts, cusp):
    theirs = {w[0]: w for w in map(str.split, cusp.splitlines()) if len(w) == 5 and w[0] in CODONS}
    assert len(theirs) == 64
    fractions, rates = column("fraction", counts), column("per_thousand", counts)
    for codon, letter, fraction, rate in zip(CODONS, STANDARD.amino_acids, fractions, rates, strict=True):
        assert theirs[codon][1] == letter
        assert fraction == pytest.approx(float(theirs[codon][2]), abs=0.0006)
        assert rate == pytest.approx(float(theirs[codon][3]), abs=0.0006)


@needs("cusp", "emboss")
def test_gc_and_gc_by_position_are_emboss_cusps(counts, cusp):
    theirs = [float(percent) for percent in re.findall(r"GC ([\d.]+)%", cusp)]
    ours = 100 * np.concatenate([measures.gc(counts), measures.gc_by_position(counts)[0]])
    np.testing.assert_allclose(ours, theirs, atol=0.006)


@needs("codonw", "codonw")
def test_gc3s_is_codonws(counts, name, tmp_path):
    shutil.copy(GENOMES / name, tmp_path / "in.fa")
    run("codonw", "in.fa", "out", "bulk", "-gc3s", "-totals", "-silent", "-nomenu", folder=tmp_path)
    theirs = float((tmp_path / "out").read_text().split()[-1])
    assert measures.gc3s(counts, STANDARD)[0] == pytest.approx(theirs, abs=0.0006)
