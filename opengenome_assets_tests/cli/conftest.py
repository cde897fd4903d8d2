"""Three runs that the tests of the command line share: with defaults, with other values of all parameters, with a sample."""

from pathlib import Path

import pytest

from opengenome_assets_tests.cli.scenario import Analyzed, Said, clean_room, opengenome
from opengenome_assets_tests.scenario import made_up_records, write_fasta

PARAMETERS = (
    *("--frame", 1, "--strand", "-", "--genetic-code", "Vertebrate Mitochondrial"),
    *("--no-skip-n", "--skip-stops", "--min-count", 2),
)


@pytest.fixture(scope="session")
def analyzed(tmp_path_factory: pytest.TempPathFactory, spark: object) -> Analyzed:
    """400 records in three batches, counted under a terminal."""
    del spark
    folder = tmp_path_factory.mktemp("analyzed")
    records = made_up_records(400)
    fasta = write_fasta(folder / "mine.fasta", records)
    metadata = folder / "groups.tsv"
    metadata.write_text("seq_id\tgroup\n" + "".join(f"{name}\tg{int(name[-1]) % 2}\n" for name in records))
    warehouse, output = folder / "warehouse", folder / "output"
    with clean_room():
        said = opengenome(
            *("analyze", "codon", "--input", fasta, "--warehouse", warehouse),
            *("--batch-size", 150, "--output", output),
            terminal=True,
        )
    return Analyzed(said, fasta, warehouse, output, metadata)


@pytest.fixture(scope="session")
def parameters_changed(analyzed: Analyzed) -> Said:
    """The same input under another name, with other values of all parameters of the table, logged as JSON."""
    with clean_room():
        return opengenome(
            *("analyze", "codon", "-i", analyzed.input, "-w", analyzed.warehouse, "-d", "changed"),
            *(*PARAMETERS, "--log-format", "json"),
        )


@pytest.fixture(scope="session")
def sampled(analyzed: Analyzed) -> Said:
    """A twentieth of the records, with groups."""
    with clean_room():
        said = opengenome(
            *("analyze", "codon", "--input", analyzed.input, "--warehouse", analyzed.warehouse),
            *(
                "--sample",
                20,
                "--metadata",
                analyzed.metadata,
                "--batch-size",
                "auto",
                "--skip-n",
                "--no-skip-stops",
            ),
        )
    assert said.code == 0, said.err
    return said


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse"
