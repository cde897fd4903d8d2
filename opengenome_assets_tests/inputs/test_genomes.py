"""Real organelle genomes give the same records in every file format."""

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from Bio import bgzf

from opengenome_assets.inputs.find import find_files
from opengenome_assets.inputs.letters import find_invalid
from opengenome_assets.inputs.records import read_records
from opengenome_assets_tests.inputs.inputs import COMPRESS, named, oracle, pieces, records
from opengenome_assets_tests.tables.tables import GENOMES, needs_genomes

pytestmark = needs_genomes


@pytest.fixture(scope="module")
def genomes():
    """All records by Biopython, in the order of the files' names."""
    paths = sorted(path for path in GENOMES.iterdir() if ".fa" in path.name.lower())
    packed = {True: gzip.decompress, False: bytes}
    return [
        record
        for path in paths
        for record in oracle(packed[path.suffix == ".gz"](path.read_bytes()).decode())
    ]


def as_fasta(genomes, width, line_end="\n"):
    lines = []
    for seq_id, description, letters in genomes:
        lines.append(f">{seq_id} {description}")
        lines += [letters[i : i + width] for i in range(0, len(letters), width)]
    return line_end.join([*lines, ""]).encode()


def as_bgzf(content, path):
    with bgzf.BgzfWriter(path, compresslevel=1) as out:
        out.write(content)


def test_the_folder_is_read_as_it_stands(genomes):
    files = find_files(str(GENOMES))
    chunks = [chunk for file in files for chunk in read_records(file)]
    assert len(files) == 12
    assert len(genomes) == 317
    assert records(chunks) == genomes
    assert sum(len(letters) for _, _, letters in genomes) == 15_803_769
    assert [invalid for chunk in chunks for invalid in find_invalid(chunk)] == []


@pytest.mark.parametrize(
    ("width", "line_end"), [(10, "\n"), (60, "\r\n"), (80, "\n"), (10**9, "\n"), (70, "\r")]
)
def test_lines_of_any_width_and_end_hold_the_same_records(tmp_path, genomes, width, line_end):
    path = tmp_path / "genomes.fa"
    path.write_bytes(as_fasta(genomes, width, line_end))
    assert records(read_records(named(path))) == genomes


@pytest.mark.parametrize("extension", COMPRESS)
def test_every_compression_holds_the_same_records(tmp_path, genomes, extension):
    # All of them would take bz2 and xz seconds; a quarter still fills several members.
    some = genomes[::4]
    path = tmp_path / f"genomes.fa.{extension}"
    path.write_bytes(b"".join(COMPRESS[extension](piece) for piece in pieces(as_fasta(some, 80), 1_000_000)))
    assert path.stat().st_size > 500_000
    assert records(read_records(named(path))) == some


def test_bgzf_holds_the_same_records(tmp_path, genomes):
    path = tmp_path / "genomes.fa.bgz"
    as_bgzf(as_fasta(genomes, 80), path)
    assert records(read_records(named(path))) == genomes


@pytest.mark.parametrize(
    ("kind", "group_rows"),
    [
        (pa.string(), 1),
        (pa.string(), 50),
        (pa.large_binary(), 1000),
        (pa.dictionary(pa.int32(), pa.string()), 1000),
    ],
)
def test_every_parquet_layout_holds_the_same_records(tmp_path, genomes, kind, group_rows):
    seq_id, description, sequence = map(pa.array, zip(*genomes, strict=True))
    table = pa.table({"seq_id": seq_id, "description": description, "sequence": sequence.cast(kind)})
    path = tmp_path / "genomes.parquet"
    pq.write_table(table, path, row_group_size=group_rows)
    assert records(read_records(named(path))) == genomes
