"""What all commands share: help, version, exit codes. Every option has a test."""

import json
import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from opengenome_assets.cli.main import cli
from opengenome_assets.running.runner import Runner
from opengenome_assets_tests.cli.scenario import PYTHON, Said, clean_room, opengenome
from opengenome_assets_tests.scenario import write_fasta

COMMANDS = {
    (name, *inner): command
    for name, outer in cli.commands.items()
    for inner, command in (
        [((each,), command) for each, command in outer.commands.items()]
        if isinstance(outer, click.Group)
        else [((), outer)]
    )
}
OPTIONS = [
    pytest.param(command, option, id=f"{' '.join(name)} {option}")
    for name, command in COMMANDS.items()
    for parameter in command.params
    if isinstance(parameter, click.Option)
    for option in (*parameter.opts, *parameter.secondary_opts)
]
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "command-line.md"
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


NOT_ALLOWED = {
    ("--frame", "3"): "--frame: '3' is not allowed. Give a whole number, 0 to 2",
    ("--frame", "one"): "--frame: 'one' is not allowed. Give a whole number, 0 to 2",
    ("--strand", "x"): "--strand: 'x' is not allowed. Give '+' or '-' or 'both'",
    ("--genetic-code", "7"): "--genetic-code: '7' is none of NCBI's genetic codes",
    ("--min-count", "-1"): "--min-count: '-1' is not allowed. Give a whole number, 0 or more",
    (
        "--batch-size",
        "0",
    ): "--batch-size: '0' is not allowed. Give a whole number of rows, 1 or more, or 'auto'",
    ("--sample", "0"): "--sample: '0' is not allowed. Give a whole number of rows, 1 or more",
    ("--log-format", "xml"): "'--log-format': 'xml' is not one of 'text', 'json'",
    ("--dataset", "../up"): "--dataset: '../up' cannot be the name of a data set",
}


@pytest.mark.parametrize(("options", "message"), NOT_ALLOWED.items(), ids=map(" ".join, NOT_ALLOWED))
def test_an_invalid_value_exits_with_2_before_files_are_created(
    options: tuple[str, ...], message: str, warehouse: Path
) -> None:
    said = opengenome("analyze", "codon", "--dataset", "demo", "--warehouse", warehouse, *options)
    assert (said.code, warehouse.exists()) == (2, False)
    assert message in said.lines()[-1]
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


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse in which ``genomes`` is registered, in batches of 5 rows."""
    folder = tmp_path_factory.mktemp("registered")
    fasta = write_fasta(folder / "genomes.fasta", {"a": "ACG"})
    with clean_room():
        said = opengenome("ingest", "-i", fasta, "-w", folder / "warehouse", "--batch-size", 5)
    assert said.code == 0, said.err
    return folder / "warehouse"


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
def test_an_unknown_data_set_is_refused_with_near_names(command: tuple[str, ...], registered: Path) -> None:
    said = opengenome(*command, "--warehouse", registered)
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        f"Error: genome: no data set with this name is registered in {registered}. Did you mean genomes or "
        "metagenomes? To register a new one: opengenome ingest --input PATH --dataset NAME.\n"
    )


def test_a_name_like_no_other_is_refused_with_known_names(warehouse: Path) -> None:
    said = opengenome("batches", "--dataset", "xyz", "--warehouse", warehouse)
    assert said.code == 2
    assert "Known names: demo, " in said.err


def test_make_run_counts_the_demo_unless_told_otherwise() -> None:
    def command(*variables: str) -> str:
        made = ["make", "--dry-run", "--always-make", "run", *variables]
        # make test hands its own flags on to the make that it starts.
        own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        done = subprocess.run(made, cwd=PAGE.parents[2], env=own, capture_output=True, text=True, check=True)
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


def one_error(said: Said) -> str:
    """The message of a command's only line."""
    assert len(said.lines()) == 1, said.err
    return said.err.removeprefix("Error: ").rstrip("\n")


GIVEN = {
    "--batch-size": ("OPENGENOME_BATCH_SIZE", "x", "'x' is not allowed. Give a whole number of rows"),
    "--sample": ("OPENGENOME_SAMPLE", "²", "'²' is not allowed. Give a whole number of rows"),
    "--dataset": ("OPENGENOME_DATASET", "../up", "'../up' cannot be the name of a data set."),
}


@pytest.mark.parametrize("option", GIVEN)
def test_an_error_names_the_option_that_was_used(option: str, warehouse: Path) -> None:
    variable, value, message = GIVEN[option]
    said = opengenome("ingest", "-i", warehouse, "-w", warehouse, f"{option}={value}")
    assert one_error(said).startswith(f"{option}: {message}")
    assert variable not in said.err


@pytest.mark.parametrize("option", GIVEN)
def test_an_error_names_the_variable_that_was_used(
    option: str, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable, value, message = GIVEN[option]
    monkeypatch.setenv(variable, value)
    said = opengenome("ingest", "-i", warehouse, "--warehouse", warehouse)
    assert one_error(said).startswith(f"{variable}: {message}")
    assert option not in said.err


def test_an_option_over_a_variable_is_the_one_that_is_named(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENGENOME_SAMPLE", "7")
    said = opengenome("ingest", "-i", warehouse, "-w", warehouse, "--sample", "x")
    assert one_error(said).startswith("--sample: 'x' is not allowed")


def test_errors_of_a_run_name_the_option(warehouse: Path, tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fasta", {"a": "ACG"})
    table = tmp_path / "groups.tsv"
    table.write_text("seq_id\tgroup\n\tx\n")
    said = opengenome("ingest", "-i", fasta, "-w", warehouse, "--metadata", table)
    assert said.lines()[-1].startswith(f"Error: --metadata: {table}")


def test_a_plan_conflict_names_options_as_they_are_given(registered: Path) -> None:
    fasta = registered.parent / "genomes.fasta"
    said = opengenome("ingest", "-i", fasta, "-w", registered, "--batch-size", 6)
    assert "OPENGENOME_" not in said.err
    assert "--batch-size=5" in said.lines()[-1]
    assert "--dataset=…" in said.lines()[-1]


def test_a_name_that_is_not_allowed_is_asked_for_by_option(warehouse: Path, tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "ü.fasta", {"a": "ACG"})
    said = opengenome("ingest", "-i", fasta, "-w", warehouse)
    assert one_error(said).startswith(f"--input={fasta}: 'ü' cannot be the name of a data set.")
    assert one_error(said).endswith("Set such a name with --dataset.")


def test_a_path_that_looks_like_a_variable_stays(warehouse: Path, tmp_path: Path) -> None:
    absent = tmp_path / "OPENGENOME_INPUT" / "OPENGENOME_SAMPLE.fasta"
    said = opengenome("ingest", "-i", absent, "-w", warehouse)
    assert f"Error: {absent}: " in said.lines()[-1]


def test_an_empty_value_is_refused_for_every_option(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(warehouse.parent)
    for name, command in COMMANDS.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.is_flag:
                for option in parameter.opts:
                    said = opengenome(*name, option, "")
                    assert said.lines()[-1] == (
                        f"Error: Invalid value for '{option}': '' is empty or has a line break. "
                        "Give a value on one line."
                    )
                    assert (said.code, list(warehouse.parent.iterdir())) == (2, [])


@pytest.mark.parametrize("value", [" ", "a\nb", "a\u2028b", "a\0b"], ids=ascii)
def test_a_value_of_two_lines_or_none_ends_with_2(value: str) -> None:
    said = opengenome("ingest", "--input", value)
    assert said.code == 2
    assert said.lines()[-1].startswith(f"Error: Invalid value for '--input': {value!r} is empty or has")


@pytest.mark.parametrize("option", ["--input=", "--dataset= "])
def test_an_empty_value_after_an_equals_sign_ends_with_2(option: str) -> None:
    assert f"Invalid value for '{option.split('=', maxsplit=1)[0]}'" in opengenome("ingest", option).err


@pytest.mark.parametrize("value", ["²", "9" * 5000, "1e3", "x"], ids=lambda value: ascii(value)[:9])
@pytest.mark.parametrize(
    "option", ["--genetic-code", "--frame", "--strand", "--min-count", "--sample", "--batch-size"]
)
def test_a_number_that_is_none_ends_with_2(option: str, value: str, warehouse: Path) -> None:
    said = opengenome("analyze", "codon", "-d", "demo", "--warehouse", warehouse, option, value)
    assert (said.code, warehouse.exists()) == (2, False)
    assert said.lines()[-1].startswith("Error: ")
    assert option in said.lines()[-1]


BAD_JSON = {
    "unknown option": ("--colour", "red"),
    "value of an option": ("--frame", "3"),
    "setting": ("--batch-size", "x", "--dataset", "demo"),
    "empty value": ("--dataset", ""),
    "input": ("--input", "absent.fasta"),
}


@pytest.mark.parametrize("how", [("--log-format", "json"), ("--log-format=json",)], ids=len)
@pytest.mark.parametrize("bad", BAD_JSON)
def test_with_json_an_error_is_one_object(bad: str, how: tuple[str, ...], warehouse: Path) -> None:
    said = opengenome("analyze", "codon", "--warehouse", warehouse, *BAD_JSON[bad], *how)
    last = [json.loads(line) for line in said.lines()][-1]
    assert last["level"] == "error"
    assert BAD_JSON[bad][1 if bad == "input" else 0] in last["message"]
    assert said.code in (1, 2)


def test_with_json_a_defect_is_one_object_too(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(runner: Runner) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(Runner, "register", defect)
    said = opengenome("ingest", "--dataset", "demo", "--warehouse", warehouse, "--log-format", "json")
    last = json.loads(said.lines()[-1])
    assert (said.code, last["message"]) == (1, "ZeroDivisionError: by nothing")
    assert "Traceback" in last["traceback"]


def test_with_json_an_interruption_is_one_object(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(runner: Runner) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Runner, "register", interrupted)
    said = opengenome("ingest", "--dataset", "demo", "--warehouse", warehouse, "--log-format", "json")
    assert said.code == 130
    assert json.loads(said.lines()[-1])["message"].startswith("Interrupted: ")


def test_an_interruption_while_loading_is_one_line() -> None:
    script = (
        "import sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'rich':\n            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "from opengenome_assets.cli import main\n"
    )
    said = subprocess.run((PYTHON, "-c", script), capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (130, "Interrupted before anything was run.\n")
