"""``opengenome prune`` and ``--no-keep-sequences``: disk is freed, and every later command still works."""

import json
import shutil
from pathlib import Path

import pytest

from opengenome_assets_tests.cli.scenario import Said, clean_room, opengenome
from opengenome_assets_tests.scenario import made_up_records, write_fasta

pytestmark = pytest.mark.spark

RECORDS = made_up_records(60)
BATCHES = ["batch_0000.parquet", "batch_0001.parquet", "batch_0002.parquet"]


def analyze(place: Path, *options: object) -> Said:
    return opengenome("analyze", "codon", "-d", "mine", "-w", place / "warehouse", *options)


def prune(place: Path, *options: object) -> Said:
    return opengenome("prune", "-d", "mine", "-w", place / "warehouse", *options)


def files(place: Path, folder: str) -> list[str]:
    path = place / "warehouse" / "mine" / folder
    return sorted(each.name for each in path.iterdir()) if path.is_dir() else []


def table(place: Path, inner: str = "") -> str:
    return (place / "warehouse" / "mine" / inner / "codon_frequencies.tsv").read_text()


def finished(said: Said) -> list[tuple[str, str]]:
    """Asset and batch of each finished batch in a log of JSON."""
    events = [json.loads(line) for line in said.lines()]
    return sorted((each["asset"], each["batch"]) for each in events if "batch" in each)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory, spark: object) -> Path:
    """Three batches, counted, with the sequences on disk."""
    del spark
    place = tmp_path_factory.mktemp("counted")
    fasta = write_fasta(place / "mine.fa", RECORDS)
    with clean_room():
        said = analyze(place, "-i", fasta, "--batch-size", 20)
    assert said.code == 0, said.err
    return place


@pytest.fixture
def place(counted: Path, tmp_path: Path) -> Path:
    """A copy that a test may change. Its input is still the registered file."""
    shutil.copytree(counted / "warehouse", tmp_path / "warehouse")
    return tmp_path


def test_prune_removes_sequences_and_says_so(place: Path) -> None:
    said = prune(place)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("mine: removed the sequences of 3 batches, ")
    assert said.out.endswith(" freed\n")
    assert (files(place, "sequences"), files(place, "lengths")) == ([], BATCHES)
    assert prune(place).out == "mine: removed the sequences of 0 batches (3 before), 0 bytes freed\n"


def test_other_tables_need_no_pruned_sequences(place: Path) -> None:
    analyze(place, "--frame", 1)
    before = table(place, "tables/frame-1")
    shutil.rmtree(place / "warehouse/mine/tables")
    prune(place)
    said = analyze(place, "--frame", 1, "--log-format", "json")
    assert said.code == 0, said.err
    assert finished(said) == []
    assert table(place, "tables/frame-1") == before
    assert files(place, "sequences") == []


def test_uncounted_batches_keep_their_sequences(place: Path) -> None:
    (place / "warehouse/mine/codon_counts/batch_0001.parquet").unlink()
    said = prune(place)
    assert said.code == 0
    assert said.out.startswith("mine: removed the sequences of 2 batches, ")
    assert said.err.startswith("kept batch_0001: ")
    assert "codon_counts/batch_0001.parquet: missing." in said.err
    assert files(place, "sequences") == ["batch_0001.parquet"]


def test_damaged_counts_of_pruned_batches_are_made_again(place: Path) -> None:
    before = table(place)
    prune(place)
    (place / "warehouse/mine/codon_counts/batch_0001.parquet").write_bytes(b"PAR1 no more")
    said = analyze(place, "--log-format", "json")
    assert said.code == 0, said.err
    assert finished(said) == [("codon_counts", "batch_0001"), ("sequences", "batch_0001")]
    assert table(place) == before
    assert files(place, "sequences") == ["batch_0001.parquet"]


def test_per_sequence_tables_write_sequences_again(place: Path) -> None:
    prune(place)
    said = analyze(place, "--by-sequence", "--log-format", "json")
    assert said.code == 0, said.err
    assert {asset for asset, _ in finished(said)} == {"sequences", "codon_usage_by_sequence"}
    assert files(place, "codon_usage_by_sequence") == files(place, "sequences") == BATCHES


def test_prune_without_the_input_needs_force(place: Path, counted: Path) -> None:
    fasta = counted / "mine.fa"
    aside = fasta.rename(counted / "aside.fa")
    try:
        said = prune(place)
        assert said.code == 2
        assert said.err.startswith("Error: the sequences could not be written again. ")
        assert f"{fasta}: was registered for mine but is missing now." in said.err
        assert "--force" in said.err
        assert files(place, "sequences") == BATCHES
        assert prune(place, "--force").out.startswith("mine: removed the sequences of 3 batches, ")
    finally:
        aside.rename(fasta)


def test_prune_of_an_unregistered_data_set_is_refused(tmp_path: Path) -> None:
    said = prune(tmp_path)
    assert said.code == 2
    assert said.err.startswith("Error: mine: no data set with this name is registered")


@pytest.mark.parametrize("by_sequence", [False, True])
def test_no_keep_sequences_removes_them_on_the_way(
    tmp_path: Path, counted: Path, *, by_sequence: bool
) -> None:
    options = ["--by-sequence"] if by_sequence else []
    said = analyze(tmp_path, "-i", counted / "mine.fa", "--batch-size", 20, "--no-keep-sequences", *options)
    assert said.code == 0, said.err
    assert table(tmp_path) == table(counted)
    assert (files(tmp_path, "sequences"), files(tmp_path, "lengths")) == ([], BATCHES)
    assert files(tmp_path, "codon_usage_by_sequence") == (BATCHES if by_sequence else [])


def test_keep_sequences_wins_over_the_environment(
    tmp_path: Path, counted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENGENOME_KEEP_SEQUENCES", "no")
    said = analyze(tmp_path, "-i", counted / "mine.fa", "--batch-size", 20, "--keep-sequences")
    assert said.code == 0, said.err
    assert files(tmp_path, "sequences") == BATCHES


def test_few_sequences_are_on_disk_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "genomes"
    folder.mkdir()
    for number in range(3):
        write_fasta(folder / f"{number}.fa", {f"{number}_{k}": v for k, v in made_up_records(20).items()})
    monkeypatch.setattr("opengenome_assets.batches.planned_rows.PASS_BASES", 1)
    monkeypatch.setattr("opengenome_assets.batches.planned_rows.RUN_BASES", 1)
    at_most: list[int] = []
    from opengenome_assets.batches import prune as module

    remove = module.prune_batch

    def watch(own: object, batch: str) -> int:
        at_most.append(len(files(tmp_path, "sequences")))
        return remove(own, batch)

    monkeypatch.setattr(module, "prune_batch", watch)
    said = analyze(tmp_path, "-i", folder, "--batch-size", 20, "--no-keep-sequences")
    assert said.code == 0, said.err
    assert at_most == [1, 1, 1]
