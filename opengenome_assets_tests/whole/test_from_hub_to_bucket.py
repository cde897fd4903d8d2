"""From a hub to a bucket with one command and the clients' variables, as users do it."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import s3fs

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets_tests.hub_server import COMMIT, FILES, ONE_FILE, RECORDS, REPOSITORY, serve_hub
from opengenome_assets_tests.s3_server import serve_s3
from opengenome_assets_tests.scenario import naive_counts
from opengenome_assets_tests.services import make_place, run_command

pytestmark = [pytest.mark.service, pytest.mark.spark]


def test_one_command_downloads_counts_and_uploads_the_table(tmp_path: Path) -> None:
    catalogue = tmp_path / "own.toml"
    catalogue.write_text(f'[small]\nrepository = "{REPOSITORY}"\npath = "{ONE_FILE}"\nsequences = 100\n')
    own = {"dataset": "small", "catalogue": catalogue, "batch_size": 40, "warehouse": "s3://bucket/results"}
    place = make_place(tmp_path / "place", **own)
    with serve_hub(FILES) as hub, serve_s3() as variables:
        store = s3fs.S3FileSystem(
            key=variables["AWS_ACCESS_KEY_ID"],
            secret=variables["AWS_SECRET_ACCESS_KEY"],
            endpoint_url=variables["AWS_ENDPOINT_URL"],
            use_listings_cache=False,
        )
        store.mkdir("bucket")
        variables |= {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "hugging face")}
        done = run_command(place, "opengenome", "analyze", "codon", **variables)
        assert done.returncode == 0, done.stderr
        again = run_command(place, "opengenome", "analyze", "codon", **variables, HF_HUB_OFFLINE="1")
        assert again.returncode == 0, again.stderr
        assert len(hub.sent()) == 1
        with store.open("bucket/results/small/codon_frequencies.parquet") as file:
            table = pq.read_table(file)
    assert f"{REPOSITORY} · commit {COMMIT[:12]} · files: 1" in done.stderr
    assert "0 of 3 batches counted now, 3 were finished before" in again.stdout
    found = dict(zip(table["codon"].to_pylist(), table["count"].to_pylist(), strict=True))
    expected = naive_counts(list(RECORDS.values()))
    assert found == {codon: expected.get(("+", 0, codon), 0) for codon in CODONS}
    assert COMMIT.encode() in table.schema.metadata[b"opengenome_assets.provenance"]
