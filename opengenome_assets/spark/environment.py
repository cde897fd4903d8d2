"""The variables that Spark's processes start with: a local session needs none that other programs were set up with."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from opengenome_assets.spark.master import is_local

# By which Spark's own processes hand each other the secret.
AUTH_VARIABLE = "_SPARK_AUTH_SECRET"
_LOOPBACK = "127.0.0.1"

# Options that every Java program takes up.
JAVA_OPTIONS = re.compile(r"(JAVA_TOOL|JDK_JAVA|_JAVA|IBM_JAVA|OPENJ9_JAVA)_OPTIONS")
# Those, another Spark, and a cluster of Hadoop's.
_FOREIGN = re.compile(
    r"_?(PY)?SPARK_\w+|MASTER|HADOOP_(CONF_DIR|USER_NAME|PROXY_USER|TOKEN_FILE_LOCATION)|YARN_CONF_DIR|"
    + JAVA_OPTIONS.pattern
)
# Another answer to where Spark runs. pyspark looks at them as long as a session lives.
_MODE = re.compile(r"MASTER|SPARK_(REMOTE|LOCAL_REMOTE|API_MODE|CONNECT_MODE(_ENABLED)?)")
# pyspark sets them itself when a session starts.
_SET_BY_PYSPARK = ("SPARK_AUTH_SOCKET_TIMEOUT", "SPARK_BUFFER_SIZE")
# What a local session cannot do without.
_NEEDED = re.compile(r"JAVA_HOME|TMPDIR|LD_(LIBRARY_PATH|PRELOAD)|OPENGENOME_SPARK_CONF")

# Lines around the one with the reason, and those of every JVM.
_EMPTY_WORDS = re.compile(
    r"\s+at |\s*\.\.\. \d+ more|Error: (Could not create the Java Virtual Machine|A fatal exception has occurred)"
    r"|WARNING: Using incubator|Picked up |NOTE: Picked up |\s*$"
)


def session_changes(master: str, environment: Mapping[str, str]) -> dict[str, str | None]:
    """What a session's start changes of the environment: name → value, or None for a variable that is left out."""
    own: dict[str, str | None] = {}
    foreign = _MODE
    if is_local(master):
        foreign = _FOREIGN
        own = {
            "SPARK_HOME": str(_pyspark_folder()),
            # No folder: neither spark-defaults.conf nor spark-env.sh of another Spark is read.
            "SPARK_CONF_DIR": f"{os.devnull}/none",
            # Otherwise Spark asks the network for the address of this machine's name.
            "SPARK_LOCAL_IP": _LOOPBACK,
            "PYSPARK_PYTHON": sys.executable,
            # A user's own random.py in the folder that workers start in is none of theirs.
            "PYTHONSAFEPATH": "1",
        }
    elif secret := environment.get("OPENGENOME_SPARK_SECRET"):
        # Not among the settings, which Dagster's pages and ps show.
        own[AUTH_VARIABLE] = secret
    return dict.fromkeys(filter(foreign.fullmatch, environment)) | own


def session_environment(master: str) -> dict[str, str]:
    """The environment that Spark's processes start with."""
    changed = os.environ | session_changes(master, os.environ)
    return {name: value for name, value in changed.items() if value is not None}


def variables_in_use(master: str, environment: Mapping[str, str]) -> list[str]:
    """Names of the user's variables that reach Spark's processes and can keep them from starting."""
    changes = session_changes(master, environment)
    return [
        name
        for name, value in environment.items()
        if value
        and name not in (*changes, *_SET_BY_PYSPARK)
        and (_FOREIGN.fullmatch(name) or _NEEDED.fullmatch(name))
    ]


@contextmanager
def changed_environment(master: str) -> Iterator[None]:
    """While the block runs, this process has the environment that Spark's processes start with.

    Then it has its own again, without what would change where its session runs.
    """
    changes = session_changes(master, os.environ)
    before = {name: os.environ.get(name) for name in changes if not _MODE.fullmatch(name)}
    _change(changes)
    try:
        yield
    finally:
        _change(before)


def _change(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _pyspark_folder() -> Path:
    spec = find_spec("pyspark")
    # The project depends on it.
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def last_words(text: str) -> str:
    """The last line of a JVM's that says something; empty where there is none."""
    return next((line.strip() for line in reversed(text.splitlines()) if not _EMPTY_WORDS.match(line)), "")
