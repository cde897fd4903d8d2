"""``opengenome analyze codon``: results, messages and exit codes of real runs."""

import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
import pytest
from Bio.Seq import Seq

from opengenome_assets import load_codon_frequencies
from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.manifest import load_manifest
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import parameters_of, write_table
from opengenome_assets_tests.cli.scenario import Analyzed, Said, opengenome
from opengenome_assets_tests.scenario import made_up_records, naive_counts, write_fasta
from opengenome_assets_tests.tables.tables import read_table_file

pytestmark = pytest.mark.spark


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_that_went_well_ends_with_0(analyzed: Analyzed) -> None:
    assert analyzed.said.code == 0, analyzed.said.err


def test_the_table_is_that_of_slicing_strings(analyzed: Analyzed) -> None:
    expected = plain_codons()
    table = load_codon_frequencies("mine", warehouse=analyzed.warehouse)
    assert dict(zip(table["codon"].to_pylist(), table["count"].to_pylist(), strict=True)) == expected


def plain_codons() -> Counter[str]:
    """Codons of frame 0 without ambiguous ones, from sliced strings."""
    counts = naive_counts(list(made_up_records(400).values()))
    return Counter(
        {
            codon: count
            for (strand, frame, codon), count in counts.items()
            if (strand, frame) == ("+", 0) and set(codon) <= set("ACGT")
        }
    )


def test_the_summary_shows_the_most_used_codons_and_the_paths(analyzed: Analyzed) -> None:
    shown = re.findall(r"^│ ([ACGT]{3}) +│ (.) +│ +([0-9,]+) │", analyzed.said.out, re.MULTILINE)
    expected = plain_codons().most_common()
    assert [int(count.replace(",", "")) for _, _, count in shown] == [count for _, count in expected[:8]]
    assert all(plain_codons()[codon] == int(count.replace(",", "")) for codon, _, count in shown)
    assert [letter for _, letter, _ in shown] == [str(Seq(codon).translate()) for codon, _, _ in shown]
    assert f"table: {analyzed.folder('mine')}/codon_frequencies.tsv" in analyzed.said.out
    assert "3 of 3 batches counted now, 0 were finished before" in analyzed.said.out


def test_the_summary_shows_gc_and_skipped_codons(analyzed: Analyzed) -> None:
    codons = plain_codons()
    gc, gc3 = (
        100
        * sum(n * sum(base in "GC" for base in codon[first:]) for codon, n in codons.items())
        / ((3 - first) * codons.total())
        for first in (0, 2)
    )
    every = sum(
        count
        for (strand, frame, _), count in naive_counts(list(made_up_records(400).values())).items()
        if (strand, frame) == ("+", 0)
    )
    skipped = every - codons.total()
    lines = [line.rstrip() for line in analyzed.said.out.splitlines()]
    assert f"GC         {gc:.2f} %, GC3 {gc3:.2f} %" in lines
    assert f"ambiguous  {skipped:,} codons, {100 * skipped / every:.2f} %, left out" in lines
    assert f"codons     {codons.total():,} in frame 0 of strand +, genetic code 1" in lines


def test_the_summary_counts_the_checks_that_passed(analyzed: Analyzed) -> None:
    (passed, of) = re.findall(r"^checks +(\d+) of (\d+) passed", analyzed.said.out, re.MULTILINE)[0]
    assert int(passed) == int(of) > 0


def test_the_output_folder_holds_the_tables_and_the_report(analyzed: Analyzed) -> None:
    made = files(analyzed.folder("mine"))
    report = {name for name in made if name.startswith("report/")}
    assert "report/index.html" in report
    expected = {f"codon_frequencies.{suffix}" for suffix in ("parquet", "tsv", "json")} | report
    assert files(analyzed.output) == {name: made[name] for name in expected}


def is_of_the_table(name: str) -> bool:
    return name.startswith(("codon_frequencies", "report/"))


@pytest.fixture
def copied(analyzed: Analyzed, tmp_path: Path) -> Path:
    """A copy of the warehouse, with a batch whose counts are missing."""
    shutil.copytree(analyzed.warehouse, tmp_path / "copy")
    (tmp_path / "copy" / "mine" / "codon_counts" / "batch_0001.parquet").unlink()
    return tmp_path / "copy"


def test_a_table_of_an_older_version_is_refused_before_counting(copied: Path) -> None:
    own = BatchFiles.of(DatasetFolder(str(copied), "mine"))
    other = replace(own.manifest.table, strand="-")
    write_table(own.folder, [read_table_file(own.folder)], other, own.manifest.provenance())
    before = files(copied / "mine")
    said = opengenome("analyze", "codon", "--dataset", "mine", "--warehouse", copied)
    assert (said.code, files(copied / "mine")) == (2, before)
    assert said.lines()[-1] == (
        f"Error: {copied}/mine/codon_frequencies.parquet was made with strand=-, and strand=+ is asked for. "
        "An older version made it. Move or remove it, and run this again."
    )


def test_an_output_of_another_data_set_is_refused(copied: Path, analyzed: Analyzed) -> None:
    said = opengenome(
        *("analyze", "codon", "--input", analyzed.input, "--dataset", "two", "--warehouse", copied),
        *("--output", copied / "mine"),
    )
    assert (said.code, (copied / "two" / "codon_counts").exists()) == (2, False)
    assert "was made from data set mine; this is two" in said.lines()[-1]


def test_other_parameters_make_a_table_beside(copied: Path, tmp_path: Path) -> None:
    own = {name: text for name, text in files(copied / "mine").items() if is_of_the_table(name)}
    output = tmp_path / "output"
    said = opengenome(
        *("analyze", "codon", "-d", "mine", "-w", copied, "--strand", "-", "--frame", 1, "-o", output),
    )
    assert said.code == 0, said.err
    after = files(copied / "mine")
    assert {name: text for name, text in after.items() if is_of_the_table(name)} == own
    beside = copied / "mine" / "tables" / "frame-1.strand-minus"
    assert files(beside).keys() == own.keys()
    making = json.loads((beside / "codon_frequencies.json").read_text())
    assert (making["dataset"], making["parameters"]["strand"]) == ("mine", "-")
    assert files(output) == files(beside)
    assert f"table: {beside}/codon_frequencies.tsv" in said.out
    assert f"report: {beside}/report/index.html" in said.out


def test_force_overwrites_another_table_in_the_output(copied: Path, tmp_path: Path) -> None:
    command = ("analyze", "codon", "-d", "mine", "-w", copied, "-o", tmp_path / "output")
    assert opengenome(*command).code == 0
    refused = opengenome(*command, "--frame", 1)
    assert (refused.code, "was made with frame=0, and frame=1 is asked for. Add --force" in refused.err) == (
        2,
        True,
    )
    assert opengenome(*command, "--frame", 1, "--force").code == 0
    assert parameters_of(load_codon_frequencies(f"{tmp_path}/output")).frame == 1


def test_a_terminal_is_shown_a_bar_of_the_batches(analyzed: Analyzed) -> None:
    assert "writing" in analyzed.said.err
    assert "counting" in analyzed.said.err
    assert "\x1b[" in analyzed.said.err


def test_a_second_run_reports_that_nothing_is_left_to_count(analyzed: Analyzed) -> None:
    said = opengenome("analyze", "codon", "--input", analyzed.input, "--warehouse", analyzed.warehouse)
    assert "0 of 3 batches counted now, 3 were finished before" in said.out
    assert "\x1b[" not in said.err
    assert said.code == 0


PARAMETERS = {
    "frame": 1,
    "strand": "-",
    "genetic_code": 2,
    "skip_n": False,
    "skip_stops": True,
    "min_count": 2,
}


def test_every_parameter_has_a_tested_value_besides_the_default() -> None:
    default = TableParameters()
    assert all(getattr(default, name) != value for name, value in PARAMETERS.items())
    assert set(PARAMETERS) == set(vars(default))


@pytest.mark.parametrize(("name", "value"), PARAMETERS.items(), ids=list(PARAMETERS))
def test_the_table_is_made_with_the_parameter_that_was_given(
    analyzed: Analyzed, parameters_changed: Said, name: str, value: object
) -> None:
    table = load_codon_frequencies("changed", warehouse=analyzed.warehouse)
    assert parameters_changed.code == 0, parameters_changed.err
    assert getattr(parameters_of(table), name) == value


def test_without_a_batch_size_a_batch_has_5000_rows(analyzed: Analyzed, parameters_changed: Said) -> None:
    del parameters_changed
    assert load_manifest(DatasetFolder(str(analyzed.warehouse), "changed")).settings.batch_size == 5000


def test_log_format_json_writes_one_object_with_level_per_line(parameters_changed: Said) -> None:
    assert {json.loads(line)["level"] for line in parameters_changed.lines()} == {"info"}


def test_with_log_format_json_each_batch_is_an_event(parameters_changed: Said) -> None:
    events = [json.loads(line) for line in parameters_changed.lines()]
    batches = [(event["asset"], event["batch"]) for event in events if event.get("event") == "materialized"]
    assert batches == [("sequences", "batch_0000"), ("codon_counts", "batch_0000")]


def test_with_log_format_json_the_end_names_all_outputs(analyzed: Analyzed, parameters_changed: Said) -> None:
    end = json.loads(parameters_changed.lines()[-1])
    table = load_codon_frequencies("changed", warehouse=analyzed.warehouse)
    rows = {Path(each["path"]): each.get("rows") for each in end["outputs"]}
    folder = analyzed.folder("changed")
    assert rows == {
        folder / "codon_frequencies.tsv": table.num_rows,
        folder / "codon_frequencies.parquet": table.num_rows,
        folder / "codon_frequencies.json": None,
        folder / "report" / "index.html": None,
    }
    assert all(path.is_file() for path in rows)
    assert (end["event"], end["dataset"], end["batches"], end["batches_counted"]) == (
        "finished",
        "changed",
        1,
        1,
    )
    assert end["checks"] == end["checks_passed"] > 0


def test_with_log_format_json_nothing_is_on_stdout(parameters_changed: Said) -> None:
    assert parameters_changed.out == ""


def test_batch_size_auto_is_in_the_plan(analyzed: Analyzed, sampled: Said) -> None:
    del sampled
    manifest = load_manifest(DatasetFolder(str(analyzed.warehouse), "mine@sample-20"))
    assert manifest.settings.batch_size == "auto"


def test_defaults_given_as_options_stay_defaults(analyzed: Analyzed, sampled: Said) -> None:
    del sampled
    table = load_codon_frequencies("mine@sample-20", warehouse=analyzed.warehouse)
    assert parameters_of(table) == TableParameters()


def test_a_metadata_makes_groups(analyzed: Analyzed, sampled: Said) -> None:
    del sampled
    table = load_codon_frequencies("mine@sample-20", warehouse=analyzed.warehouse)
    assert pc.unique(table["group"]).to_pylist() == ["all", "g0", "g1"]


def test_a_warning_of_a_check_is_said_and_the_run_went_well(tmp_path: Path, spark: object) -> None:
    del spark
    (tmp_path / "twice.fasta").write_text(">a\nACGT\n>a\nACG\n")
    said = opengenome(
        "analyze", "codon", "--input", tmp_path / "twice.fasta", "--warehouse", tmp_path / "warehouse"
    )
    assert "warning: check unique_ids: failed for 1 of 1 batch: batch_0000" in said.lines()
    assert said.code == 0


def test_an_input_that_is_not_there_ends_with_1_and_one_line(warehouse: Path, tmp_path: Path) -> None:
    said = opengenome("analyze", "codon", "--input", tmp_path / "absent.fasta", "--warehouse", warehouse)
    assert said.code == 1
    assert said.lines()[-1].startswith("Error: ")
    assert "absent.fasta" in said.lines()[-1]


def test_an_output_file_is_refused_before_the_input_is_read(warehouse: Path, tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fasta", {"a": "ACG"})
    said = opengenome("analyze", "codon", "--input", fasta, "--warehouse", warehouse, "--output", fasta)
    assert (said.code, warehouse.exists()) == (2, False)
    assert "is a file" in said.err
