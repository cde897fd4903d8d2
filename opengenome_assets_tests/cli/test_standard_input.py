"""``--input -`` keeps what is piped into the command, once, and never harms what is registered."""

import gzip
import io
from pathlib import Path

import pytest
from click.testing import CliRunner

from opengenome_assets.batches.register import register
from opengenome_assets.cli.main import cli
from opengenome_assets.cli.standard_input import KEPT, keep_standard_input
from opengenome_assets.datasets.catalogue import Dataset
from opengenome_assets.errors import SettingError
from opengenome_assets_tests.scenario import project

TEXT = b">a\nACGTACGT\n>b\nACG\n"


class Piped(io.TextIOWrapper):
    """Standard input with given bytes."""

    def __init__(self, content: bytes, *, is_terminal: bool = False) -> None:
        super().__init__(io.BytesIO(content))
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


def asked(folder: Path, location: str = "-") -> Dataset:
    return project(folder, location).runner.dataset


def pipe(monkeypatch: pytest.MonkeyPatch, content: bytes, *, is_terminal: bool = False) -> None:
    monkeypatch.setattr("sys.stdin", Piped(content, is_terminal=is_terminal))


@pytest.mark.parametrize("content", [TEXT, gzip.compress(TEXT, mtime=0)])
def test_standard_input_is_kept_and_registered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    pipe(monkeypatch, content)
    dataset = keep_standard_input(asked(tmp_path))
    assert (tmp_path / "warehouse" / "mine" / KEPT).read_bytes() == content
    assert register(dataset, lambda _: None).manifest.input_bases == 11
    pipe(monkeypatch, content)
    assert not register(keep_standard_input(asked(tmp_path)), lambda _: None).is_new


def test_another_standard_input_keeps_the_registered_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(monkeypatch, TEXT)
    register(keep_standard_input(asked(tmp_path)), lambda _: None)
    pipe(monkeypatch, TEXT + TEXT)
    with pytest.raises(
        SettingError, match="'mine' was registered with another input than this standard input"
    ):
        keep_standard_input(asked(tmp_path))
    assert (tmp_path / "warehouse" / "mine" / KEPT).read_bytes() == TEXT


def test_an_unregistered_standard_input_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (b"no FASTA", TEXT):
        pipe(monkeypatch, content)
        keep_standard_input(asked(tmp_path))
    assert (tmp_path / "warehouse" / "mine" / KEPT).read_bytes() == TEXT


@pytest.mark.parametrize(
    ("content", "is_terminal", "said"),
    [
        (b"", False, r"standard input \(-\) is empty"),
        (TEXT, True, "which is a terminal here. Pipe FASTA into"),
    ],
)
def test_nothing_to_read_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, is_terminal: object, said: str
) -> None:
    pipe(monkeypatch, content, is_terminal=bool(is_terminal))
    with pytest.raises(SettingError, match=said):
        keep_standard_input(asked(tmp_path))
    assert not (tmp_path / "warehouse" / "mine" / KEPT).exists()


def test_standard_input_beside_other_inputs_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(monkeypatch, TEXT)
    with pytest.raises(SettingError, match="cannot be combined with other inputs"):
        keep_standard_input(asked(tmp_path, "-\na.fa"))


def test_ingest_registers_standard_input(tmp_path: Path) -> None:
    words = ["ingest", "--input", "-", "--dataset", "mine", "--warehouse", str(tmp_path)]
    result = CliRunner().invoke(cli, words, input=TEXT)
    assert result.output.splitlines()[-2] == "mine: 2 rows in 1 batch, batch_0000 to batch_0000"
    assert (tmp_path / "mine" / KEPT).read_bytes() == TEXT


def test_other_commands_refuse_standard_input(tmp_path: Path) -> None:
    words = ["plan", "--input", "-", "--dataset", "mine", "--warehouse", str(tmp_path)]
    result = CliRunner().invoke(cli, words, input=TEXT)
    assert str(result.exception) == (
        "--input: only opengenome analyze codon and opengenome ingest read standard input (-). Save it to a file, and "
        "give the path of that."
    )
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("command", [("analyze", "codon"), ("ingest",)])
def test_standard_input_needs_a_name(tmp_path: Path, command: tuple[str, ...]) -> None:
    words = [*command, "--input", "-", "--warehouse", str(tmp_path)]
    result = CliRunner().invoke(cli, words, input=TEXT)
    assert isinstance(result.exception, SettingError)
    assert (
        str(result.exception)
        == "--input: standard input (-) needs a name for its data set. Give --dataset NAME."
    )
