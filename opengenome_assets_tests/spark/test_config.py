"""User settings of Spark override the project's defaults. Settings that would break a session are refused by name."""

from pathlib import Path

import dagster as dg
import pytest

from opengenome_assets.declaring import read
from opengenome_assets.errors import SettingError
from opengenome_assets.graph.spark_resource import spark_resource
from opengenome_assets.settings import SparkSettings
from opengenome_assets.spark.config import spark_config

LOCAL = "local[1]"


def conf(text: str) -> dict[str, str]:
    return read(SparkSettings, {"OPENGENOME_SPARK_CONF": text}).spark_conf or {}


@pytest.mark.parametrize(
    "text",
    [
        "spark.a=1;spark.b=x,y=z",
        "spark.a = 1 ; spark.b = x,y=z ;",
        "spark.a=1\nspark.b x,y=z",
        "\n# mine\nspark.a 1\n\nspark.b  x,y=z\n",
    ],
)
def test_settings_are_read_in_any_usual_form(text: str) -> None:
    assert conf(text) == {"spark.a": "1", "spark.b": "x,y=z"}


def test_settings_are_read_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my.conf").write_text("# mine\nspark.a   1\nspark.b=a;b\n")
    expected = {"spark.a": "1", "spark.b": "a;b"}
    assert conf(str(tmp_path / "my.conf")) == expected
    monkeypatch.setenv("HOME", str(tmp_path))
    assert conf("~/my.conf") == expected


def test_no_settings_are_none() -> None:
    assert (
        read(SparkSettings, {}).spark_conf
        is read(SparkSettings, {"OPENGENOME_SPARK_CONF": " "}).spark_conf
        is None
    )


@pytest.mark.parametrize("text", ["spark.a=1;b=2", "spark.a=1;spark.b", "spark.a=1\nexecutor.memory 2g"])
def test_what_is_no_setting_of_spark_is_refused(text: str) -> None:
    with pytest.raises(
        SettingError, match=r"OPENGENOME_SPARK_CONF: '.*' is not allowed\. Give each setting as"
    ):
        conf(text)


def test_a_line_of_a_file_is_named_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "my.conf").write_text("spark.a 1\nmemory=2g\n")
    with pytest.raises(
        SettingError, match=r"OPENGENOME_SPARK_CONF: 'memory=2g' in .*my\.conf is not allowed"
    ):
        conf(str(tmp_path / "my.conf"))


@pytest.mark.parametrize("text", ["/nowhere/my.conf", "executor.memory=2g", "/"])
def test_neither_settings_nor_a_file_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match=r"OPENGENOME_SPARK_CONF: '.*' is neither settings .* nor a file"):
        conf(text)


def test_a_run_wins_over_the_variable_and_that_over_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    own = spark_config(LOCAL)
    monkeypatch.setenv("OPENGENOME_SPARK_CONF", "spark.driver.memory=1g;spark.app.name=env")
    merged = spark_config(LOCAL, {"spark.app.name": "run", "spark.x": "1"})
    assert merged == own | {"spark.driver.memory": "1g", "spark.app.name": "run", "spark.x": "1"}


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("spark.master", "OPENGENOME_SPARK_MASTER"),
        ("spark.remote", "OPENGENOME_SPARK_MASTER"),
        ("spark.driver.host", "OPENGENOME_SPARK_DRIVER_HOST"),
        ("spark.driver.bindAddress", "OPENGENOME_SPARK_DRIVER_HOST"),
        ("spark.authenticate.secret", "OPENGENOME_SPARK_SECRET"),
        ("spark.python.daemon.module", "Leave it out"),
    ],
)
def test_a_setting_that_breaks_sessions_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, remedy: str
) -> None:
    with pytest.raises(SettingError, match=rf"spark_config: {name} cannot be set here\..*{remedy}"):
        spark_config(LOCAL, {name: "x"})
    monkeypatch.setenv("OPENGENOME_SPARK_CONF", f"{name}=x")
    with pytest.raises(SettingError, match=rf"OPENGENOME_SPARK_CONF: {name} cannot be set here\..*{remedy}"):
        spark_config("spark://127.0.0.1:7077")


def test_a_home_that_is_not_known_is_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert "-Duser.home=/ " in spark_config(LOCAL)["spark.driver.defaultJavaOptions"] + " "


def test_no_temporary_folder_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError

    monkeypatch.setattr("tempfile.gettempdir", none)
    with pytest.raises(SettingError, match="TMPDIR: there is no writable temporary folder"):
        spark_config(LOCAL)


@pytest.mark.spark
def test_settings_of_a_run_reach_its_session(spark: object) -> None:
    del spark

    @dg.op(required_resource_keys={"pyspark"})
    def look(context: dg.OpExecutionContext) -> list[str]:
        session = context.resources.pyspark.spark_session
        names = ("spark.sql.shuffle.partitions", "spark.sql.ansi.enabled", "spark.sql.session.timeZone")
        return [session.conf.get(name) for name in names]

    @dg.job(resource_defs={"pyspark": spark_resource(LOCAL)})
    def job() -> None:
        look()

    # Nested or not, and not as text.
    given = {"spark.sql.shuffle.partitions": 3, "spark": {"sql": {"ansi": {"enabled": True}}}}
    done = job.execute_in_process({"resources": {"pyspark": {"config": {"spark_config": given}}}})
    assert done.output_for_node("look") == ["3", "true", "UTC"]


def test_a_refused_setting_fails_a_run_in_one_line() -> None:
    @dg.op(required_resource_keys={"pyspark"})
    def look(context: dg.OpExecutionContext) -> None:
        del context

    @dg.job(resource_defs={"pyspark": spark_resource(LOCAL)})
    def job() -> None:
        look()

    config = {"resources": {"pyspark": {"config": {"spark_config": {"spark.master": "yarn"}}}}}
    with pytest.raises(dg.DagsterError) as failed:
        job.execute_in_process(config)
    expected = "resources.pyspark.config.spark_config: spark.master cannot be set here."
    assert str(failed.value.__cause__).startswith(expected)
