"""A check that crashes ends the command: its batches are not counted unchecked by a further run."""

from pathlib import Path

import pytest

from opengenome_assets.checks import batch
from opengenome_assets.errors import RunFailedError
from opengenome_assets_tests.scenario import made_up_records, project, write_fasta


@pytest.mark.spark
def test_a_crashing_check_ends_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        msg = "the check has a defect"
        raise RuntimeError(msg)

    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", made_up_records(20)), batch_size=10)
    own.runner.register()
    monkeypatch.setattr(batch, "check_sequences", crash)
    with pytest.raises(RunFailedError, match="the check has a defect") as ended:
        own.runner.count(own.files.batches)
    assert ended.value.is_of_a_check
    assert not own.folder.names("codon_counts")
