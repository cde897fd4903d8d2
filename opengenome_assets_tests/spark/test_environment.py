"""A local session needs only Java and a temporary folder. A session on a cluster gets the variables that it needs."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyspark
import pytest

import opengenome_assets
from opengenome_assets.errors import JavaError
from opengenome_assets.spark.java import (
    archive_path,
    changed_environment,
    check_java,
    last_words,
    session_changes,
    session_environment,
    variables_in_use,
)
from opengenome_assets_tests.spark import hostile

LOCAL = "local[1]"
CLUSTER = "spark://127.0.0.1:7077"
CONNECT = "sc://127.0.0.1:15002"
# Of other programs: each of them kept a local session from starting, or from working.
FOREIGN = {
    "HADOOP_USER_NAME": "me@REALM",
    "JAVA_TOOL_OPTIONS": "-XX:+UseG1GC",
    "JDK_JAVA_OPTIONS": "--version",
    "MASTER": "yarn",
    "PYSPARK_DRIVER_PYTHON": "jupyter",
    "PYSPARK_GATEWAY_PORT": "1",
    "PYSPARK_PYTHON": "/nonexistent/python",
    "PYSPARK_SUBMIT_ARGS": "--master local[2]",
    "SPARK_API_MODE": "connect",
    "SPARK_DIST_CLASSPATH": "/nowhere/x.jar",
    "SPARK_HOME": "/opt/spark-gone",
    "SPARK_LAUNCHER_OPTS": "-Xnothing",
    "SPARK_LOCAL_DIRS": "/proc/none",
    "SPARK_LOCAL_HOSTNAME": "nobody.invalid",
    "SPARK_LOCAL_IP": "203.0.113.7",
    "SPARK_MASTER": "spark://gone:7077",
    "SPARK_REMOTE": "sc://localhost:15002",
    "_JAVA_OPTIONS": "-Xmx1k",
}
# Of those, what pyspark looks at as long as a session lives.
MODE = {"MASTER", "SPARK_API_MODE", "SPARK_REMOTE"}
HOME = {"HOME": "/nonexistent"}


def foreign_folders(folder: Path) -> dict[str, str]:
    """Configuration of another Spark, and of a Hadoop cluster that asks for Kerberos."""
    conf = folder / "conf"
    conf.mkdir()
    (conf / "spark-defaults.conf").write_text(
        "spark.eventLog.enabled true\nspark.eventLog.dir file:///nowhere\n"
    )
    (conf / "spark-env.sh").write_text("exit 3\n")
    name, value = "hadoop.security.authentication", "kerberos"
    (conf / "core-site.xml").write_text(
        f"<configuration><property><name>{name}</name><value>{value}</value></property></configuration>"
    )
    return {"SPARK_CONF_DIR": str(conf), "HADOOP_CONF_DIR": str(conf), "YARN_CONF_DIR": str(conf)}


def own_modules(folder: Path) -> Path:
    """A folder with a user's files that are named like modules of the workers."""
    folder.mkdir()
    for name in ("random.py", "pandas.py"):
        (folder / name).write_text("print('a module of the user')\n")
    return folder


def seen_by_workers(
    arguments: list[str], environment: Mapping[str, str], folder: Path, before: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Start a session in another process, and return what its workers saw."""
    clean = {
        name: value for name, value in os.environ.items() if name not in session_changes(LOCAL, os.environ)
    }
    done = subprocess.run(
        [*before, sys.executable, hostile.__file__, *arguments],
        env=clean | dict(environment),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.mark.spark
def test_foreign_variables_do_not_reach_a_session(tmp_path: Path) -> None:
    foreign = FOREIGN | foreign_folders(tmp_path) | HOME
    seen = seen_by_workers([], foreign, own_modules(tmp_path / "own"))
    assert seen["master"] == LOCAL
    assert seen["event_log"] == "false"
    assert seen["python"] == sys.executable
    assert not seen["random"].startswith(str(tmp_path))
    assert set(seen["changed"]) == MODE


@pytest.mark.spark
def test_a_stranger_in_a_deleted_folder_gets_a_session(tmp_path: Path) -> None:
    """A user id without a name or rights, a machine without an address, and blanks in the installation's path."""
    clone = tmp_path / "my clone, copied"
    (clone / "share" / "opengenome_assets").mkdir(parents=True)
    archive = archive_path()
    if archive.is_file():
        (clone / "share" / "opengenome_assets" / archive.name).symlink_to(archive)
    (clone / "opengenome_assets").symlink_to(Path(opengenome_assets.__file__).parent)
    (clone / "pyspark").symlink_to(Path(pyspark.__file__).parent)
    temporary = tmp_path / "temporary files"
    temporary.mkdir()
    temporary.chmod(0o777)
    gone = tmp_path / "gone"
    in_gone = f"mkdir '{gone}'; cd '{gone}'; rmdir '{gone}'; exec \"$@\""
    before = ["sh", "-c", in_gone, "sh"]
    if os.geteuid() == 0:
        rights = "-all,+dac_read_search"
        sets = [f"--{name}={rights}" for name in ("inh-caps", "ambient-caps", "bounding-set")]
        stranger = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", *sets]
        before = ["unshare", "--uts", "sh", "-c", f"hostname nobody.invalid; {in_gone}", "sh", *stranger]
    environment = HOME | {"PYTHONPATH": str(clone), "TMPDIR": str(temporary)}
    seen = seen_by_workers([str(clone)], environment, tmp_path, tuple(before))
    assert seen["user"] == "opengenome"
    if archive.is_file():
        assert str(archive) in seen["archives"]
    assert not list(temporary.iterdir())


def test_a_local_session_leaves_foreign_variables_out() -> None:
    changes = session_changes(LOCAL, FOREIGN | {"PATH": "/bin", "AWS_PROFILE": "me", "JAVA_HOME": "/java"})
    own = {"SPARK_HOME", "SPARK_CONF_DIR", "SPARK_LOCAL_IP", "PYSPARK_PYTHON", "PYTHONSAFEPATH"}
    assert {name for name, value in changes.items() if value is None} == FOREIGN.keys() - own
    assert {name for name, value in changes.items() if value is not None} == own


def test_a_cluster_keeps_its_variables() -> None:
    environment = FOREIGN | {"SPARK_CONF_DIR": "/conf", "OPENGENOME_SPARK_SECRET": "s"}
    changes = session_changes(CLUSTER, environment)
    assert changes == dict.fromkeys(MODE) | {"_SPARK_AUTH_SECRET": "s"}


def test_a_connect_server_is_the_only_master() -> None:
    assert session_changes(CONNECT, FOREIGN) == dict.fromkeys(MODE)


def test_the_environment_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_HOME", "/opt/spark-gone")
    monkeypatch.setenv("SPARK_REMOTE", "sc://localhost:15002")
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    before = dict(os.environ)
    with changed_environment(LOCAL):
        assert dict(os.environ) == session_environment(LOCAL)
        assert os.environ["SPARK_HOME"] == str(Path(pyspark.__file__).parent)
        assert "SPARK_REMOTE" not in os.environ
        # pyspark leaves such variables behind, and looks at them later.
        monkeypatch.setenv("SPARK_CONNECT_MODE_ENABLED", "1")
    del before["SPARK_REMOTE"]
    assert dict(os.environ) == before | {"SPARK_CONNECT_MODE_ENABLED": "1"}


def test_variables_that_reach_a_session_are_named() -> None:
    environment = FOREIGN | {"JAVA_HOME": "/java", "OPENGENOME_SPARK_CONF": "spark.x=1", "PATH": "/bin"}
    assert variables_in_use(LOCAL, environment) == ["JAVA_HOME", "OPENGENOME_SPARK_CONF"]
    reached = variables_in_use(CLUSTER, environment)
    assert {"SPARK_HOME", "JAVA_TOOL_OPTIONS", "PYSPARK_SUBMIT_ARGS"} <= set(reached)
    assert not {"SPARK_REMOTE", "PATH"} & set(reached)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "Picked up _JAVA_OPTIONS: -Xfoo\nUnrecognized option: -Xfoo\n"
            "Error: Could not create the Java Virtual Machine.\n"
            "Error: A fatal exception has occurred. Program will exit.\n\n",
            "Unrecognized option: -Xfoo",
        ),
        ("WARNING: Using incubator modules: jdk.incubator.vector\n", ""),
        (
            'Exception in thread "main" x.Y: no\n\tat a.b(C.java:1)\n\t... 3 more\n',
            'Exception in thread "main" x.Y: no',
        ),
    ],
)
def test_the_last_words_are_the_line_with_the_reason(text: str, words: str) -> None:
    assert last_words(text) == words


def refused_session(master: str, **variables: str) -> str:
    """The error of a session that a new process cannot start: this one may have a JVM already."""
    script = (
        "from opengenome_assets.spark.config import spark_config\n"
        "from opengenome_assets.spark.session import start_session\n"
        "from opengenome_assets.errors import SparkSessionError\n"
        f"try: start_session(spark_config({master!r}))\n"
        "except SparkSessionError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | variables, capture_output=True, text=True, check=True
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
    return done.stdout


def test_a_jvm_that_does_not_start_is_quoted() -> None:
    said = refused_session(LOCAL, OPENGENOME_SPARK_CONF="spark.driver.extraJavaOptions=-XX:+UseG1GC")
    assert said.startswith(
        "Spark on this machine did not start a session (its JVM ended at once; the JVM's last line: "
    )
    assert "garbage collectors selected" in said
    assert "Check OPENGENOME_SPARK_CONF, which" in said


def test_a_spark_that_is_gone_is_named_on_a_cluster() -> None:
    said = refused_session(CLUSTER, SPARK_HOME="/opt/spark-gone")
    assert said.startswith("OPENGENOME_SPARK_MASTER: Spark at ")
    assert "Check SPARK_HOME, which" in said


def test_java_options_that_java_refuses_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-XX:+UseNothing")
    check_java(session_environment(LOCAL))
    with pytest.raises(
        JavaError, match=r"java with JAVA_TOOL_OPTIONS does not start \(Unrecognized VM option"
    ):
        check_java(session_environment(CLUSTER))
