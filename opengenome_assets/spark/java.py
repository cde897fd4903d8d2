"""Java, and the variables that it starts with: a local session needs none that were set for other programs."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from opengenome_assets.errors import JavaError
from opengenome_assets.settings import SparkSettings, read
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

# The state of the class archive is of no interest to a user.
QUIET_JVM = ("-Xlog:disable", "-Xlog:all=error:stderr")

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
    elif secret := read(SparkSettings, environment).spark_secret:
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


OLDEST_JAVA = 17
_MEND = (
    f"Spark needs Java {OLDEST_JAVA} or newer. Install one (Debian and Ubuntu: apt-get install "
    "openjdk-17-jre-headless; macOS: brew install openjdk@17) and set JAVA_HOME to it."
)


def check_java(environment: Mapping[str, str]) -> int:
    """The major version of the Java that Spark would start.

    Args:
        environment: of Spark's processes.

    Raises:
        JavaError: there is none, it does not start, or it is too old.
    """
    java = _find(environment)
    try:
        # Java does not start in a folder that is gone, as the user's own may be.
        told = subprocess.run(  # noqa: S603 (the user's own Java)
            [java, "-version"],
            env=environment,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        options = [name for name in environment if JAVA_OPTIONS.fullmatch(name)]
        started = f"{java} with {' and '.join(options)}" if options else java
        msg = f"Java: {started} does not start ({last_words(error.stdout + error.stderr)}). {_MEND}"
        raise JavaError(msg) from error
    except (OSError, subprocess.SubprocessError) as error:
        msg = f"Java: {java} does not run ({error}). {_MEND}"
        raise JavaError(msg) from error
    match = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    if match is None:
        msg = f"Java: {java} does not tell its version. {_MEND}"
        raise JavaError(msg)
    major = int(match[1])
    if major < OLDEST_JAVA:
        msg = f"Java: {java} is version {major}. {_MEND}"
        raise JavaError(msg)
    return major


def _find(environment: Mapping[str, str]) -> str:
    home = environment.get("JAVA_HOME")
    if home:
        java = Path(home) / "bin" / "java"
        if not java.is_file():
            msg = f"Java: JAVA_HOME={home} has no bin/java. {_MEND}"
            raise JavaError(msg)
        return str(java.absolute())
    found = shutil.which("java", path=environment.get("PATH"))
    if found is None:
        msg = f"Java: not found; JAVA_HOME is not set and there is no java on PATH. {_MEND}"
        raise JavaError(msg)
    return str(Path(found).absolute())


def archive_path() -> Path:
    """Where the archive lies, or would."""
    return Path(sys.prefix) / "share" / "opengenome_assets" / "spark-classes.jsa"


def archive_options() -> tuple[str, ...]:
    """Options for the driver's JVM that use the archive; none where there is none."""
    path = archive_path()
    return (f"-XX:SharedArchiveFile={path}", *QUIET_JVM) if path.is_file() else ()
