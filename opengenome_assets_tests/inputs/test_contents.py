"""Files of different kinds in one input are noticed by their names."""

import dagster as dg
import pytest

from opengenome_assets.inputs.contents import mixed_contents
from opengenome_assets_tests.scenario import project, write_fasta

NCBI = {
    "genomic.fna": "genomes or others",
    "cds_from_genomic.fna": "coding sequences",
    "rna.fna": "transcripts",
    "GCF_000001405.40_GRCh38.p14_rna_from_genomic.fna.gz": "transcripts",
    "GCF_000001405.40_GRCh38.p14_cds_from_genomic.fna.gz": "coding sequences",
    "Homo_sapiens.GRCh38.dna.toplevel.fa.gz": "genomes or others",
    "Homo_sapiens.GRCh38.dna_sm.toplevel.fa.gz": "masked genomes",
    "Homo_sapiens.GRCh38.cds.all.fa.gz": "coding sequences",
    "Homo_sapiens.GRCh38.cdna.all.fa.gz": "transcripts",
    "Homo_sapiens.GRCh38.ncrna.fa.gz": "transcripts",
    "PROKKA_1.ffn": "coding sequences",
}


@pytest.mark.parametrize("name", NCBI)
def test_a_name_says_what_the_file_holds(name):
    (found,) = [kind for kind, names in mixed_contents(NCBI).items() if name in names]
    assert found == NCBI[name]


@pytest.mark.parametrize(
    "names", [["a.fa"], ["a.fa", "b.fa"], ["a_cds.fa", "b.ffn"], ["rna_virus.fa", "cdsA.fa"], []]
)
def test_files_of_one_kind_are_not_mixed(names):
    assert mixed_contents(names) == {}


def test_registering_mixed_files_warns_and_says_so(tmp_path):
    folder = tmp_path / "ncbi_dataset"
    folder.mkdir()
    for name in ("genomic.fna", "cds_from_genomic.fna", "rna.fna"):
        write_fasta(folder / name, {name: "ATGAAATAA"})
    own = project(tmp_path, folder)
    own.runner.register()
    (line,) = [line for line in own.listener.lines if "different kinds" in line]
    assert "coding sequences (1, such as cds_from_genomic.fna)" in line
    event = own.instance.get_latest_materialization_event(dg.AssetKey(["mine", "raw_sequences"]))
    assert event.asset_materialization.metadata["files_by_contents"].value == {
        "coding sequences": 1,
        "genomes or others": 1,
        "transcripts": 1,
    }
