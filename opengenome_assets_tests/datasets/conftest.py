"""A hub on loopback for the real client, and an empty cache."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from opengenome_assets.datasets import hub as hub_module
from opengenome_assets_tests.hub_server import FILES, Hub, serve_hub

CHUNK_BYTES = 1000


def use_hub(monkeypatch: pytest.MonkeyPatch, address: str, home: Path) -> None:
    """Do what HF_ENDPOINT and HF_HOME do before the client is imported."""
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with serve_hub(FILES) as served:
        use_hub(monkeypatch, served.address, tmp_path / "home")
        # A small file has to be as many pieces as a large one.
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", CHUNK_BYTES)
        monkeypatch.setattr(hub_module, "LINE_SECONDS", 0.05)
        yield served
