"""Settings: what each variable may contain, how a value is refused, and which of several sources wins."""

from pathlib import Path
from typing import Any

import pytest

from opengenome_assets.datasets.catalogue import Dataset, resolve_datasets
from opengenome_assets.declaring import Setting, declared, read
from opengenome_assets.errors import SettingError
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.settings import Settings, SparkSettings, TableParameters, read_settings, settings_of
from opengenome_assets_tests.cli.scenario import opengenome
from opengenome_assets_tests.scenario import Project, write_fasta


def settings_from(**variables: str) -> Settings:
    return read_settings({f"OPENGENOME_{name}": value for name, value in variables.items()})


def dataset(**variables: str) -> Dataset:
    (only,) = resolve_datasets(settings_from(**variables))
    return only


def refusal(**variables: str) -> str:
    with pytest.raises(SettingError) as refused:
        settings_from(**variables)
    return str(refused.value)


def test_an_empty_environment_is_the_demo_with_defaults() -> None:
    assert settings_from() == Settings(warehouse="./data", spark_master="local[*,3]")
    assert dataset().key == "demo"


def test_settings_of_a_project_are_texts_or_values() -> None:
    found = settings_of({"dataset": "mine", "batch_size": 7, "frame": "2", "skip_n": False}, "defs.yaml")
    assert found == Settings(dataset=("mine",), batch_size=7, table={"frame": 2, "skip_n": False})
    for wrong in ({"batch_size": 0}, {"frame": 3}):
        (name,) = wrong
        with pytest.raises(SettingError, match=rf"^defs\.yaml: {name}: {wrong[name]} is not allowed\."):
            settings_of(wrong, "defs.yaml")


def test_every_variable_sets_its_field() -> None:
    found = settings_from(
        DATASET="mine",
        INPUT="a.fa",
        BATCH_SIZE="7",
        SAMPLE="8",
        SEQUENCES="9",
        METADATA="groups.tsv",
        GROUP="phylum",
        IGNORE_VERSION="yes",
        ON_INVALID="skip",
        COLUMN=" text ",
        SOFT_MASK="skip",
        BY_SEQUENCE="yes",
        KEEP_SEQUENCES="no",
        WAREHOUSE="elsewhere",
        SPARK_MASTER="local[1]",
        CATALOGUE="own.toml",
        SPARK_JOBS="4",
        FRAME="1",
        STRAND="both",
        GENETIC_CODE="Yeast Mitochondrial",
        SKIP_N="no",
        SKIP_STOPS="yes",
        MIN_COUNT="5",
    )
    assert found == Settings(
        dataset=("mine",),
        input=("a.fa",),
        batch_size=7,
        sample=8,
        sequences=9,
        metadata="groups.tsv",
        group="phylum",
        ignore_version=True,
        on_invalid="skip",
        column="text",
        soft_mask="skip",
        by_sequence=True,
        keep_sequences=False,
        warehouse="elsewhere",
        spark_master="local[1]",
        catalogue="own.toml",
        spark_jobs=4,
        table={
            "frame": 1,
            "strand": "both",
            "genetic_code": 3,
            "skip_n": False,
            "skip_stops": True,
            "min_count": 5,
        },
    )


def test_every_spark_variable_sets_its_field() -> None:
    variables = {
        "OPENGENOME_SPARK_CONF": "spark.x=1",
        "OPENGENOME_SPARK_SECRET": " s ",
        "OPENGENOME_SPARK_DRIVER_HOST": "driver",
        "OPENGENOME_SPARK_PAGE": "http://page",
        "OPENGENOME_SPARK_EVENT_LOG": "events",
    }
    assert read(SparkSettings, variables) == SparkSettings(
        spark_conf={"spark.x": "1"},
        spark_secret=" s ",  # noqa: S106 (none of anybody's)
        spark_driver_host="driver",
        spark_page="http://page",
        spark_event_log="events",
    )


def test_an_options_text_wins_over_the_variable() -> None:
    variables = {"OPENGENOME_SAMPLE": "many", "OPENGENOME_SEQUENCES": "9"}
    assert read_settings(variables, {"sample": "7"}) == Settings(sample=7, sequences=9)
    of_table = {"OPENGENOME_STRAND": "none", "OPENGENOME_FRAME": "1"}
    assert read_settings(of_table, {"strand": "-"}).table == {"strand": "-", "frame": 1}


def _default_of(setting: Setting) -> str:
    return f"`{setting.shown}`" if setting.shown == str(setting.default) else setting.shown


def test_the_readmes_table_is_the_declared_settings() -> None:
    rows = "".join(
        f"| `{each.variable}` | {each.help} | {_default_of(each)} |\n"
        for kind in (Settings, TableParameters, SparkSettings)
        for each in declared(kind).values()
    )
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    assert readme.split("| variable | meaning | default |\n| --- | --- | --- |\n")[1].startswith(rows)


def test_without_an_argument_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENGENOME_DATASET", "of_environment")
    assert read_settings().dataset == ("of_environment",)


@pytest.mark.parametrize(
    ("variable", "field", "text", "value"),
    [
        ("ON_INVALID", "on_invalid", "fail", "fail"),
        ("ON_INVALID", "on_invalid", " skip ", "skip"),
        ("SOFT_MASK", "soft_mask", "count", "count"),
        ("SOFT_MASK", "soft_mask", "skip", "skip"),
        ("BY_SEQUENCE", "by_sequence", "no", False),
        ("BY_SEQUENCE", "by_sequence", "yes", True),
        ("GROUP", "group", " file ", "file"),
        ("GROUP", "group", "Phylum ,class name, x", "Phylum,class name,x"),
        ("GROUP", "group", " ", None),
        ("IGNORE_VERSION", "ignore_version", "no", False),
        ("BATCH_SIZE", "batch_size", "auto", "auto"),
        ("BATCH_SIZE", "batch_size", "1", 1),
        ("BATCH_SIZE", "batch_size", "9" * 18, 10**18 - 1),
        ("SAMPLE", "sample", "1", 1),
        ("SAMPLE", "sample", "007", 7),
        ("SEQUENCES", "sequences", "  ", None),
    ],
)
def test_an_allowed_value_is_taken(variable: str, field: str, text: str, value: object) -> None:
    assert getattr(settings_from(**{variable: text}), field) == value


@pytest.mark.parametrize(("text", "jobs"), [("auto", None), ("1", 1), ("32", 32), ("", None)])
def test_spark_jobs_are_1_to_32_or_left_to_the_cores(text: str, jobs: int | None) -> None:
    assert settings_from(SPARK_JOBS=text).spark_jobs == jobs


ROWS = "a whole number of rows, 1 or more"
JOBS = "a whole number of jobs, 1 to 32, or 'auto'"


@pytest.mark.parametrize(
    ("variable", "text", "remedy"),
    [
        ("BATCH_SIZE", "0", f"Give {ROWS}, or 'auto', or leave it unset."),
        ("BATCH_SIZE", "AUTO", f"Give {ROWS}, or 'auto', or leave it unset."),
        ("SAMPLE", "0", f"Give {ROWS}, or leave it unset."),
        ("SAMPLE", "-1", f"Give {ROWS}, or leave it unset."),
        ("SAMPLE", "1.5", f"Give {ROWS}, or leave it unset."),
        ("SAMPLE", "auto", f"Give {ROWS}, or leave it unset."),
        ("SEQUENCES", "1" + 18 * "0", f"Give {ROWS}, or leave it unset."),
        # Digits, but not those of ASCII.
        ("SEQUENCES", "٣", f"Give {ROWS}, or leave it unset."),
        ("SPARK_JOBS", "0", f"Give {JOBS}, or leave it unset."),
        ("SPARK_JOBS", "33", f"Give {JOBS}, or leave it unset."),
        ("SPARK_JOBS", "many", f"Give {JOBS}, or leave it unset."),
        ("ON_INVALID", "drop", "Give 'fail' or 'skip' or 'mask', or leave it unset."),
        ("SOFT_MASK", "N", "Give 'count' or 'skip', or leave it unset."),
        ("IGNORE_VERSION", "1", "Give 'yes' or 'no', or leave it unset."),
        ("BY_SEQUENCE", "true", "Give 'yes' or 'no', or leave it unset."),
        ("STRAND", "*", "Give '+' or '-' or 'both', or leave it unset."),
        ("SKIP_N", "1", "Give 'yes' or 'no', or leave it unset."),
    ],
)
def test_a_refusal_names_variable_value_and_remedy(variable: str, text: str, remedy: str) -> None:
    assert refusal(**{variable: text}) == f"OPENGENOME_{variable}: {text!r} is not allowed. {remedy}"


def test_a_path_that_is_not_utf_8_is_quoted() -> None:
    assert (
        refusal(WAREHOUSE="caf\udce9")
        == "OPENGENOME_WAREHOUSE: caf\\xe9 is not UTF-8. Rename that file or folder."
    )


def test_an_unknown_genetic_code_is_refused_with_all_codes() -> None:
    said = refusal(GENETIC_CODE="7")
    assert said.startswith("OPENGENOME_GENETIC_CODE: '7' is none of NCBI's genetic codes. Give one of these")
    assert "11 Bacterial / Archaeal / Plant Plastid" in said


def test_a_wrong_parameter_of_the_table_is_named() -> None:
    with pytest.raises(SettingError, match=r"^frame: 3 is not allowed\. Give a whole number, 0 to 2"):
        TableParameters(frame=3)


def test_differing_parameters_are_texts_as_options_take_them() -> None:
    other = TableParameters(frame=1, strand="both", skip_n=False, skip_stops=True)
    assert other.differing(TableParameters(frame=1)) == {
        "strand": "both",
        "skip_n": "no",
        "skip_stops": "yes",
    }


def test_tables_of_sequences_take_other_parameters_from_the_own() -> None:
    own = TableParameters(frame=2, skip_n=False, min_count=5)
    asked = TableParameters(frame=1, strand="-", genetic_code=4, skip_stops=True, min_count=9)
    assert asked.of_sequences(own) == TableParameters(
        frame=1, strand="-", genetic_code=4, skip_stops=True, skip_n=False, min_count=5
    )


@pytest.mark.parametrize(
    "text", ["phylum,", ",", "phylum,,class", "class, class", "file,class", "class,file"]
)
def test_groups_of_no_or_equal_columns_are_refused(text: str) -> None:
    assert refusal(GROUP=text) == (
        f"OPENGENOME_GROUP: {text!r} must be 'file', or one or more different columns of the metadata table, "
        "separated by commas."
    )


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file or directory"), (b"\xff\xfe", "'utf-8' codec can't decode")]
)
def test_an_unreadable_file_of_settings_says_why(tmp_path: Path, content: Any, reason: str) -> None:
    path = tmp_path / "my.conf"
    if content:
        path.write_bytes(content)
    with pytest.raises(SettingError) as refused:
        read(SparkSettings, {"OPENGENOME_SPARK_CONF": str(path)})
    assert f"OPENGENOME_SPARK_CONF: '{path}' is neither" in str(refused.value)
    assert f"that can be read ({reason}" in str(refused.value)


@pytest.fixture
def genomes(tmp_path: Path) -> Path:
    return write_fasta(tmp_path / "mine.fa", {f"r{number}": "ACG" * number for number in range(7)})


VALUES = {
    "--batch-size": ("OPENGENOME_BATCH_SIZE", 3, 5, "batch_size"),
    "--sample": ("OPENGENOME_SAMPLE", 4, 2, "sample"),
}


@pytest.mark.parametrize("option", VALUES)
@pytest.mark.parametrize("is_given", [True, False])
def test_an_option_wins_over_its_variable(
    tmp_path: Path, genomes: Path, monkeypatch: pytest.MonkeyPatch, option: str, *, is_given: bool
) -> None:
    variable, of_option, of_variable, name = VALUES[option]
    monkeypatch.setenv(variable, str(of_variable))
    given = (option, of_option) if is_given else ()
    said = opengenome("ingest", "--input", genomes, "--warehouse", tmp_path / "w", *given)
    assert said.code == 0, said.err
    expected = of_option if is_given else of_variable
    (folder,) = [path.parent for path in (tmp_path / "w").glob("*/manifest.json")]
    manifest = Project(tmp_path / "w", {"OPENGENOME_DATASET": "mine"} | sample_of(folder)).manifest
    assert getattr(manifest.settings, name) == expected


def sample_of(folder: Path) -> dict[str, str]:
    _, _, size = folder.name.partition("@sample-")
    return {"OPENGENOME_SAMPLE": size} if size else {}


def test_paths_of_options_win_over_those_of_variables(
    tmp_path: Path, genomes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_fasta(tmp_path / "other.fa", {"o": "ACGT"})
    tables = {}
    for name in ("given", "of_variable"):
        tables[name] = tmp_path / f"{name}.tsv"
        tables[name].write_text(f"seq_id\tgroup\nr1\t{name}\nabsent_{name}\tx\n")
    for variable, value in (
        ("OPENGENOME_INPUT", other),
        ("OPENGENOME_DATASET", "theirs"),
        ("OPENGENOME_WAREHOUSE", tmp_path / "theirs"),
        ("OPENGENOME_METADATA", tables["of_variable"]),
    ):
        monkeypatch.setenv(variable, str(value))
    said = opengenome(
        *("ingest", "--input", genomes, "--dataset", "ours", "--warehouse", tmp_path / "ours"),
        *("--metadata", tables["given"]),
    )
    assert said.code == 0, said.err
    assert "absent_given" in said.err
    assert not (tmp_path / "theirs").exists()
    own = Project(tmp_path / "ours", {"OPENGENOME_DATASET": "ours"})
    assert (own.manifest.rows, own.manifest.longest_id) == (7, "r6")


def test_a_file_uri_names_a_local_warehouse(tmp_path: Path, genomes: Path) -> None:
    warehouse = tmp_path / "with blank"
    uri = warehouse.as_uri()
    assert uri.startswith("file:///")
    assert uri.endswith("with%20blank")
    environment = {"OPENGENOME_WAREHOUSE": uri, "OPENGENOME_INPUT": genomes.as_uri()}
    settings = read_settings(environment)
    assert settings.warehouse == str(warehouse)
    assert settings.input == (str(genomes),)
    assert DatasetFolder(settings.warehouse, "mine").is_local
    said = opengenome("ingest", "--input", genomes.as_uri(), "--warehouse", uri)
    assert said.code == 0, said.err
    assert (warehouse / "mine" / "manifest.json").is_file()


@pytest.mark.parametrize("names", [",", "a,a", "a, a", " , "])
def test_names_that_are_none_or_one_twice_are_refused(names: str) -> None:
    with pytest.raises(
        SettingError, match=r"OPENGENOME_DATASET: .* must name one or more different data sets"
    ):
        read_settings({"OPENGENOME_DATASET": names})


@pytest.mark.parametrize("separator", [";", "\n", " ; ", "\n# a comment\n\n"])
def test_settings_of_spark_may_be_separated_in_many_ways(separator: str) -> None:
    text = separator.join(["spark.a=1", "spark.b 2"])
    assert read(SparkSettings, {"OPENGENOME_SPARK_CONF": text}).spark_conf == {"spark.a": "1", "spark.b": "2"}


def test_settings_of_spark_may_begin_with_a_comment() -> None:
    text = "# memory of the driver\nspark.driver.memory=2g"
    assert read(SparkSettings, {"OPENGENOME_SPARK_CONF": text}).spark_conf == {"spark.driver.memory": "2g"}


def test_a_wrong_line_among_settings_of_spark_is_quoted() -> None:
    with pytest.raises(SettingError) as refused:
        read(SparkSettings, {"OPENGENOME_SPARK_CONF": "spark.a=1;memory=2"})
    assert str(refused.value) == (
        "OPENGENOME_SPARK_CONF: 'memory=2' is not allowed. Give each setting as spark.name=value."
    )


def test_a_wrong_line_in_a_file_for_spark_is_quoted_with_it(tmp_path: Path) -> None:
    path = tmp_path / "spark.conf"
    path.write_text("# mine\nspark.a 1\nmemory=2\n")
    with pytest.raises(SettingError) as refused:
        read(SparkSettings, {"OPENGENOME_SPARK_CONF": str(path)})
    assert str(refused.value) == (
        f"OPENGENOME_SPARK_CONF: 'memory=2' in {path} is not allowed. Give each setting as spark.name=value."
    )
