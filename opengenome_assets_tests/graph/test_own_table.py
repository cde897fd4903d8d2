"""A data set's own table: what launches make without and with a run config, and where other tables go."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import dagster as dg
import pytest

from opengenome_assets.graph.build import build_definitions
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import parameters_of
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import Project, made_up_records, project, write_fasta
from opengenome_assets_tests.tables.tables import read_table_file

# Which report a run makes is tested here, not its pictures.
pytestmark = pytest.mark.usefixtures("empty_pictures")

RECORDS = made_up_records(30)


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two batches, counted, of a data set that was registered with genetic code 2."""
    folder = tmp_path_factory.mktemp("registered")
    own = project(folder, write_fasta(folder / "mine.fa", RECORDS), batch_size=20, genetic_code=2)
    write_and_count(own)
    return own


def later(registered: Project, **variables: str) -> Project:
    """The registered data set by its name, as another process with other variables loads it."""
    return Project(registered.warehouse, {"OPENGENOME_DATASET": "mine", **variables})


WITH_REPORT = ("codon_frequencies", "codon_usage_report")


def launch(
    own: Project, assets: Sequence[str] = ("codon_frequencies",), **config: object
) -> dg.ExecuteInProcessResult:
    """Make the table as the UI launches it: with the run config that is filled in, or none."""
    job = build_definitions([own.dataset]).resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        instance=own.instance,
        asset_selection=[dg.AssetKey(["mine", name]) for name in assets],
        run_config={"ops": {"mine__codon_frequencies": {"config": config}}} if config else None,
    )


def tables(own: Project) -> Mapping[str, bytes]:
    """Files of all tables and reports."""
    root = Path(own.folder.root)
    made = (*root.glob("codon_frequencies.*"), *root.glob("report/*"), *root.glob("tables/**/*.*"))
    return {str(path.relative_to(root)): path.read_bytes() for path in made if path.is_file()}


def parameters_at(own: Project, inner: str = "") -> TableParameters:
    return parameters_of(read_table_file(own.folder.inside(inner)))


def figures(result: dg.ExecuteInProcessResult, check: str) -> Mapping[str, object]:
    (found,) = [each for each in result.get_asset_check_evaluations() if each.check_name == check]
    return {name: value.value for name, value in found.metadata.items()}


def codons(frames: int) -> int:
    """Codons of frame 0 over all records, ambiguous ones too, in a number of strands."""
    return frames * sum(len(letters) // 3 for letters in RECORDS.values())


def test_a_launch_makes_the_table_of_the_registered_code(registered: Project) -> None:
    own = later(registered)
    assert launch(own, WITH_REPORT).success
    assert parameters_at(own) == TableParameters(genetic_code=2)
    assert {"codon_frequencies.tsv", "report/index.html"} <= tables(own).keys()


def test_another_code_leaves_the_own_table_and_report(registered: Project) -> None:
    own = later(registered)
    assert launch(own, WITH_REPORT).success
    before = {name: text for name, text in tables(own).items() if not name.startswith("tables/")}
    assert launch(own, WITH_REPORT, genetic_code=1).success
    after = tables(own)
    assert {name: after[name] for name in before} == before
    beside = {name for name in after if name.startswith("tables/genetic_code-1/")}
    assert beside == {f"tables/genetic_code-1/{name}" for name in before}
    assert parameters_at(own, "tables/genetic_code-1").genetic_code == 1


def test_a_report_shows_the_parameters_of_the_runs_table(registered: Project) -> None:
    own = later(registered)
    result = launch(own, WITH_REPORT, strand="-", frame=1)
    folder = own.folder.inside("tables/frame-1.strand-minus")
    page = Path(folder.location("report/index.html")).read_text()
    assert '<th scope="row">frame</th><td class="text">1</td>' in page
    (report,) = result.asset_materializations_for_node("mine__codon_usage_report")
    assert report.metadata["page"].value == folder.location("report/index.html")


@pytest.mark.parametrize(("strand", "strands"), [("+", 1), ("both", 2)])
def test_checks_read_the_table_of_their_run(registered: Project, strand: str, strands: int) -> None:
    result = launch(later(registered), strand=strand, skip_n=False)
    for check, figure in (("total_equals_batches", "table_codons"), ("total_equals_batches", "batch_codons")):
        assert figures(result, check)[figure] == codons(strands)
    assert all(each.passed for each in result.get_asset_check_evaluations())


def test_a_recount_is_of_the_runs_strand(registered: Project) -> None:
    once, twice = (
        figures(launch(later(registered), strand=strand), "batch_recount_agrees") for strand in ("+", "both")
    )
    lengths = list(map(len, RECORDS.values()))
    of_batch = {
        "batch_0000": sum(length // 3 for length in lengths[:20]),
        "batch_0001": sum(length // 3 for length in lengths[20:]),
    }
    assert once["codons"] == of_batch[str(once["batch"])]
    assert twice["codons"] == 2 * of_batch[str(twice["batch"])]


def test_a_variable_makes_another_table_the_default(registered: Project) -> None:
    own = later(registered, OPENGENOME_STRAND="both", OPENGENOME_SKIP_N="no")
    result = launch(own)
    made = parameters_at(own, "tables/strand-both.skip_n-no")
    assert made == TableParameters(strand="both", genetic_code=2, skip_n=False)
    assert figures(result, "total_equals_batches")["table_codons"] == codons(2)


def test_the_command_line_makes_the_same_table(registered: Project) -> None:
    own = later(registered)
    assert launch(own).success
    before = tables(own)["codon_frequencies.parquet"]
    own.runner.tabulate({})
    assert tables(own)["codon_frequencies.parquet"] == before


def config_of(own: Project, asset: str) -> dict[str, object]:
    schema = build_definitions([own.dataset]).get_assets_def(dg.AssetKey(["mine", asset])).op.config_schema
    fields = schema.as_field().config_type.fields
    return {name: field.default_value for name, field in fields.items()}


def test_run_config_begins_with_the_own_parameters(registered: Project) -> None:
    own = later(registered, OPENGENOME_MIN_COUNT="3", OPENGENOME_BY_SEQUENCE="yes")
    assert config_of(own, "codon_frequencies") == {
        "frame": 0,
        "strand": "+",
        "genetic_code": 2,
        "skip_n": True,
        "skip_stops": False,
        "min_count": 3,
    }
    assert config_of(own, "codon_usage_by_sequence") == {
        "frame": 0,
        "strand": "+",
        "genetic_code": 2,
        "skip_stops": False,
    }


def test_an_unregistered_data_set_has_the_parameters_asked_for(tmp_path: Path) -> None:
    own = project(tmp_path, tmp_path / "absent.fa", strand="-")
    assert config_of(own, "codon_frequencies")["strand"] == "-"


def test_registering_again_keeps_the_own_parameters(registered: Project) -> None:
    before = registered.manifest
    again = Project(registered.warehouse, registered.environment | {"OPENGENOME_GENETIC_CODE": "5"})
    registration = again.registered()
    assert (registration.is_new, registration.manifest) == (False, before)
    assert before.table == TableParameters(genetic_code=2)


def test_parameters_are_no_part_of_the_plan(registered: Project, tmp_path: Path) -> None:
    plain = project(tmp_path, registered.environment["OPENGENOME_INPUT"], batch_size=20)
    assert plain.registered().manifest.fingerprint == registered.manifest.fingerprint
    assert plain.manifest.table == TableParameters()


def test_a_moved_input_keeps_the_own_parameters(tmp_path: Path) -> None:
    source = write_fasta(tmp_path / "mine.fa", {"a": "ACGT"})
    own = project(tmp_path, source, genetic_code=4)
    own.registered()
    (tmp_path / "elsewhere").mkdir()
    moved = source.rename(tmp_path / "elsewhere" / "mine.fa")
    again = Project(own.warehouse, {"OPENGENOME_DATASET": "mine", "OPENGENOME_INPUT": str(moved)})
    assert not again.registered().is_new
    assert again.manifest.table == TableParameters(genetic_code=4)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"frame": 7}, "frame: 7 is not allowed. Give a whole number, 0 to 2, or leave it unset."),
        ({"min_count": -1}, "min_count: -1 is not allowed. Give a whole number, 0 or more"),
        ({"genetic_code": 7}, "genetic_code: "),
    ],
)
def test_a_number_out_of_bounds_creates_no_run(
    registered: Project, config: dict[str, object], message: str
) -> None:
    own = later(registered)
    before = own.instance.get_runs_count()
    # Dagster's command prints this exception as one line.
    with pytest.raises(click.ClickException) as refused:
        launch(own, **config)
    assert refused.value.message.startswith(message)
    assert "\n" not in refused.value.message
    assert own.instance.get_runs_count() == before


@pytest.mark.parametrize("config", [{"strand": "x"}, {"frame": "1"}, {"skip_n": 1}])
def test_another_type_or_word_creates_no_run(registered: Project, config: dict[str, object]) -> None:
    own = later(registered)
    before = own.instance.get_runs_count()
    with pytest.raises(dg.DagsterInvalidConfigError, match=next(iter(config))):
        launch(own, **config)
    assert own.instance.get_runs_count() == before


def test_the_launchpad_states_what_is_allowed(registered: Project) -> None:
    job = build_definitions([registered.dataset]).resolve_implicit_global_asset_job_def()
    snaps = job.run_config_schema.run_config_schema_type.schema_snapshot.all_config_snaps_by_key
    assert snaps["Frame"].description == "Give a whole number, 0 to 2."
    assert [value.value for value in snaps["Strand"].enum_values or ()] == ["+", "-", "both"]
