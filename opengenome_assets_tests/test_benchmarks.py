"""The benchmark measures what it says, and everyone that it compares counts the same codons."""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.contenders import CONTENDERS, LIMIT, WARM, Contender, Inputs, module, reported
from benchmarks.genomes import FULL_BASES, FULL_RECORDS, Genomes, genomes_of, write_genomes
from benchmarks.measure import CommandError, Measurement, Spread, measure
from benchmarks.page import Section, Table, Target, save
from opengenome_assets_tests.scenario import made_up_records, naive_counts, write_fasta

# No ambiguous letters: cusp takes them for A.
RECORDS = {
    name: "".join(letter for letter in letters.upper() if letter in "ACGT")
    for name, letters in made_up_records(40, longest=3000).items()
    if len(letters) > 3
}
EXPECTED = {
    codon: n
    for (strand, frame, codon), n in naive_counts(list(RECORDS.values())).items()
    if (strand, frame) == ("+", 0)
}
SPARK = [pytest.mark.spark]


def digest(genomes: Genomes) -> str:
    found = hashlib.sha256()
    for letters in genomes.sequences():
        found.update(letters.tobytes() + b"\n")
    return found.hexdigest()


def test_the_same_size_gives_the_same_genomes() -> None:
    assert digest(genomes_of("1M")) == digest(genomes_of("1M"))


def test_a_size_has_exactly_its_bases() -> None:
    assert sum(letters.size for letters in genomes_of("3M").sequences()) == 3_000_000


def test_the_full_size_has_the_mix_of_the_real_collection() -> None:
    lengths = genomes_of("full").lengths()
    assert (lengths.size, lengths.sum()) == (FULL_RECORDS, FULL_BASES)
    assert np.mean(lengths < 25_000) == pytest.approx(0.51, abs=0.03)
    assert np.mean((lengths > 110_000) & (lengths < 200_000)) == pytest.approx(0.45, abs=0.03)
    assert lengths.max() > 3_000_000


def test_letters_are_rich_in_a_and_t_and_few_are_n() -> None:
    letters = np.concatenate(list(genomes_of("10M").sequences()))
    shares = {letter: np.mean(letters == ord(letter)) for letter in "ACGTN"}
    assert shares["A"] + shares["T"] == pytest.approx(0.62, abs=0.02)
    assert 0 < shares["N"] < 1e-3
    assert sum(shares.values()) == pytest.approx(1)


def test_letters_compress_as_real_genomes_do() -> None:
    letters = np.concatenate(list(genomes_of("10M").sequences())).tobytes()
    packed = pa.Codec("zstd", compression_level=1).compress(letters, asbytes=True)
    assert 0.26 < len(packed) / len(letters) < 0.33


def test_every_format_holds_the_same_records(tmp_path: Path) -> None:
    import gzip

    genomes = genomes_of("500k")
    write_genomes(genomes, {"fasta": tmp_path / "a", "fasta.gz": tmp_path / "b", "parquet": tmp_path / "c"})
    text = (tmp_path / "a").read_text()
    assert gzip.decompress((tmp_path / "b").read_bytes()).decode() == text
    table = pq.read_table(tmp_path / "c")
    records = [record.partition("\n")[2].replace("\n", "") for record in text.split(">")[1:]]
    assert table["sequence"].to_pylist() == records
    assert table["length"].to_pylist() == [len(record) for record in records]


def test_members_of_the_tar_are_pieces_of_the_records(tmp_path: Path) -> None:
    write_genomes(genomes_of("500k"), {"fasta": tmp_path / "a", "tar": tmp_path / "b"})
    with tarfile.open(tmp_path / "b") as archive:
        texts = [archive.extractfile(member).read().decode() for member in archive]
    pieces = ["".join(text.splitlines()[1:]) for text in texts]
    assert max(map(len, pieces)) == 20_000
    letters = [line for line in (tmp_path / "a").read_text().splitlines() if not line.startswith(">")]
    assert "".join(pieces) == "".join(letters)


def test_genomes_can_be_streamed_into_a_named_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    root = Path(__file__).resolve().parent.parent
    with subprocess.Popen([sys.executable, "-m", "benchmarks.genomes", "300k", str(pipe)], cwd=root):
        # A separate reader process, so that a missing writer is an error and not an endless wait.
        reported = subprocess.run(["cat", str(pipe)], capture_output=True, text=True, timeout=60, check=True)
    letters = [line for line in reported.stdout.splitlines() if not line.startswith(">")]
    assert sum(map(len, letters)) == 300_000


def test_a_size_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="huge"):
        genomes_of("huge")


BURN = "import time\nwhile time.process_time() < 0.6: pass"


def test_memory_of_a_child_is_found() -> None:
    measured = measure([sys.executable, "-c", "import time; held = b'x' * 100_000_000; time.sleep(0.5)"])
    assert 100e6 < measured.peak_bytes < 140e6
    assert measured.wall_seconds > 0.5


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports shared pages")
def test_pages_that_a_fork_shares_count_once() -> None:
    child = "import os, time; held = b'x' * 100_000_000; pid = os.fork(); time.sleep(0.5); pid and os.wait()"
    measured = measure([sys.executable, "-c", child])
    assert measured.peak_rss > 190e6
    assert measured.peak_bytes < 140e6


def test_cpu_time_of_a_child_and_its_children_is_found() -> None:
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}])"
    assert measure([sys.executable, "-c", child]).cpu_seconds == pytest.approx(0.65, abs=0.3)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere orphans go to another parent")
def test_cpu_time_includes_processes_that_outlive_the_command() -> None:
    child = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BURN!r}]); __import__('time').sleep(0.3)"
    assert measure([sys.executable, "-c", child]).cpu_seconds > 0.6


def test_a_command_that_fails_is_told_with_its_last_words() -> None:
    with pytest.raises(CommandError, match="no such thing"):
        measure([sys.executable, "-c", "import sys; sys.exit('no such thing')"])


def test_a_spread_is_median_lowest_and_highest() -> None:
    assert Spread.of([3, 1, 2, 9]) == Spread(2.5, 1, 9)


def test_a_page_keeps_the_sections_of_earlier_studies(tmp_path: Path) -> None:
    target = Target("speed", 2, 1.5, at_least=True)
    save(
        "tiny",
        "one",
        Section("First", "intro", [Table(["a", "b"], [["x", "1"]])], targets=[target]),
        tmp_path,
    )
    sections = save("tiny", "two", Section("Second", "intro"), tmp_path)
    page = (tmp_path / "tiny.md").read_text()
    assert list(sections) == ["one", "two"]
    assert "| speed | ≥ 2.00× | 1.50× | **not met** |" in page
    assert page.index("## First") < page.index("## Second")


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Measurement]]:
    """A folder with the inputs and the batch files that the stages made of them."""
    folder = tmp_path_factory.mktemp("contenders")
    write_fasta(folder / "plain.fasta", RECORDS)
    pq.write_table(
        pa.table({"seq_id": list(RECORDS), "sequence": list(RECORDS.values())}), folder / "records.parquet"
    )
    root = {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    yield folder, measure(module("warm", folder / "records.parquet", folder / "warehouse"), root)
    shutil.rmtree(folder)


def installed(contender: Contender) -> object:
    uses_spark = not contender.needs and contender.name != LIMIT
    absent = pytest.mark.skipif(not contender.is_installed, reason=f"not installed: {contender.install}")
    return pytest.param(contender, id=contender.name, marks=[absent, *(SPARK if uses_spark else [])])


@pytest.mark.spark
def test_the_stages_count_what_slicing_counts(warm: tuple[Path, Measurement]) -> None:
    assert reported(warm[1])["counts"] == EXPECTED


@pytest.mark.spark
@pytest.mark.parametrize("contender", [installed(each) for each in CONTENDERS if each.name != WARM])
def test_every_contender_counts_the_same_codons(
    warm: tuple[Path, Measurement], contender: Contender, tmp_path: Path
) -> None:
    folder, _ = warm
    padded = {name: contender.padding + letters for name, letters in RECORDS.items()}
    fasta = write_fasta(tmp_path / "records.fasta", padded)
    compressed = tmp_path / "records.fasta.gz"
    compressed.write_bytes(gzip.compress(fasta.read_bytes()))
    batches = folder / "warehouse" / "bench" / "sequences"
    inputs = Inputs(fasta, compressed, folder / "records.parquet", batches, 0)
    measured = contender.run(inputs, tmp_path / "run")
    assert contender.counts(measured, tmp_path / "run") == EXPECTED
