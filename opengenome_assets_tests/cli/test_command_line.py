"""What all commands share: help, version, exit codes, and that no option is without a test."""

import subprocess
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from opengenome_assets.cli.main import cli
from opengenome_assets.running.runner import Runner
from opengenome_assets_tests.cli.scenario import opengenome
from opengenome_assets_tests.scenario import write_fasta

COMMANDS = {
    ("analyze", "codon"): cli.commands["analyze"].commands["codon"],  # type: ignore[attr-defined]
    **{(name,): command for name, command in cli.commands.items() if name != "analyze"},
}
OPTIONS = [
    pytest.param(command, option, id=f"{' '.join(name)} {option}")
    for name, command in COMMANDS.items()
    for parameter in command.params
    if isinstance(parameter, click.Option)
    for option in (*parameter.opts, *parameter.secondary_opts)
]
PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"
TESTS = "".join(
    path.read_text() for path in Path(__file__).parent.glob("*.py") if path.name != Path(__file__).name
)


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_every_option_is_given_in_a_test(command: click.Command, option: str) -> None:
    del command
    assert f'"{option}"' in TESTS


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_every_option_is_in_the_documentation(command: click.Command, option: str) -> None:
    section = PAGE.read_text().split(f"\n## `opengenome {name_of(command)}")[1].split("\n## ")[0]
    assert f"`{option}" in section


def name_of(command: click.Command) -> str:
    return next(" ".join(name) for name, each in COMMANDS.items() if each is command)


@pytest.mark.parametrize("name", [(), *COMMANDS], ids=" ".join)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_ends_with_0(name: tuple[str, ...], option: str) -> None:
    said = opengenome(*name, option)
    assert (said.code, said.out.split()[:2]) == (0, ["Usage:", "opengenome"])


def test_the_version_is_the_packages() -> None:
    said = opengenome("--version")
    assert (said.code, said.out) == (0, f"opengenome, version {version('opengenome-assets')}\n")


@pytest.mark.parametrize("name", COMMANDS, ids=" ".join)
def test_an_unknown_option_ends_with_2(name: tuple[str, ...]) -> None:
    said = opengenome(*name, "--colour", "red")
    assert said.code == 2
    assert "No such option" in said.err


def test_an_unknown_command_ends_with_2() -> None:
    assert opengenome("analyse").code == 2


@pytest.mark.parametrize(
    "options",
    [
        ("--frame", "3"),
        ("--frame", "one"),
        ("--strand", "x"),
        ("--genetic-code", "7"),
        ("--min-count", "-1"),
        ("--batch-size", "0"),
        ("--sample", "0"),
        ("--log-format", "xml"),
        ("--dataset", "../up"),
    ],
    ids=" ".join,
)
def test_a_value_that_is_not_allowed_ends_with_2_before_anything_is_made(
    options: tuple[str, ...], warehouse: Path
) -> None:
    said = opengenome("analyze", "codon", "--dataset", "demo", "--warehouse", warehouse, *options)
    assert (said.code, warehouse.exists()) == (2, False)
    assert "Traceback" not in said.err


OWN_INPUT = "--input PATH for your own data, or "


@pytest.mark.parametrize(
    ("command", "own"),
    [
        (("analyze", "codon"), OWN_INPUT),
        (("ingest",), OWN_INPUT),
        (("batches",), ""),
        (("export",), ""),
    ],
    ids=" ".join,
)
def test_a_command_without_a_data_set_says_what_it_needs(
    command: tuple[str, ...], own: str, warehouse: Path
) -> None:
    said = opengenome(*command, "--warehouse", warehouse)
    assert (said.code, said.out, warehouse.exists()) == (2, "", False)
    assert said.err == (
        f"Error: no data set is named. Give {own}--dataset NAME, such as --dataset demo for the built-in example.\n"
    )


@pytest.mark.parametrize(
    "command",
    [
        ("analyze", "codon", "--dataset", "genome"),
        ("ingest", "--dataset", "genome"),
        ("batches", "--dataset", "genome"),
        ("export", "--dataset", "genome"),
        ("compare", "genome", "demo"),
    ],
    ids=" ".join,
)
def test_an_unknown_data_set_is_refused_with_near_names(
    command: tuple[str, ...], warehouse: Path, tmp_path: Path
) -> None:
    fasta = write_fasta(tmp_path / "genomes.fasta", {"a": "ACG"})
    opengenome("ingest", "--input", fasta, "--warehouse", warehouse)
    said = opengenome(*command, "--warehouse", warehouse)
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        f"Error: genome: no data set of this name is registered in {warehouse}. Did you mean genomes? "
        "To register a new one: opengenome ingest --input PATH --dataset NAME.\n"
    )


def test_a_name_like_no_other_is_refused_with_known_names(warehouse: Path) -> None:
    said = opengenome("batches", "--dataset", "xyz", "--warehouse", warehouse)
    assert said.code == 2
    assert "Known names: demo, " in said.err


def test_make_run_counts_the_demo_unless_told_otherwise() -> None:
    def command(*variables: str) -> str:
        made = ["make", "--dry-run", "--always-make", "run", *variables]
        done = subprocess.run(made, cwd=PAGE.parents[1], capture_output=True, text=True, check=True)
        return " ".join(done.stdout.replace("\\\n", " ").split("analyze codon")[1].split())

    none = {"OPENGENOME_INPUT=", "OPENGENOME_DATASET="}
    assert command(*none) == "--dataset demo"
    assert command(*none, "INPUT=path", "DATASET=mine") == "--input path --dataset mine"
    assert command("OPENGENOME_INPUT=path", "OPENGENOME_DATASET=") == ""


def test_an_interruption_ends_with_130(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(runner: Runner) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Runner, "register", interrupted)
    said = opengenome("ingest", "--dataset", "demo", "--warehouse", warehouse)
    assert said.code == 130
    assert said.lines()[-1] == (
        "Interrupted: finished batches are kept; the same command goes on from there."
    )
