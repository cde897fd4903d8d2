"""Finds Java and prepares its environment. A local session ignores variables that were set for other programs."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from opengenome_assets.declaring import read
from opengenome_assets.errors import JavaError
from opengenome_assets.settings import SparkSettings
from opengenome_assets.spark.master import is_local

# Spark's processes pass the secret to each other in this variable.
AUTH_VARIABLE = "_SPARK_AUTH_SECRET"
_LOOPBACK = "127.0.0.1"

# Options that every Java program reads.
JAVA_OPTIONS = re.compile(r"(JAVA_TOOL|JDK_JAVA|_JAVA|IBM_JAVA|OPENJ9_JAVA)_OPTIONS")
# Variables for Java, for another Spark installation, and for a Hadoop cluster.
_FOREIGN = re.compile(
    r"_?(PY)?SPARK_\w+|MASTER|HADOOP_(CONF_DIR|USER_NAME|PROXY_USER|TOKEN_FILE_LOCATION)|YARN_CONF_DIR|"
    + JAVA_OPTIONS.pattern
)
# Variables that change where Spark runs. pyspark reads them as long as a session lives.
_MODE = re.compile(r"MASTER|SPARK_(REMOTE|LOCAL_REMOTE|API_MODE|CONNECT_MODE(_ENABLED)?)")
# pyspark sets them itself when a session starts.
_SET_BY_PYSPARK = ("SPARK_AUTH_SOCKET_TIMEOUT", "SPARK_BUFFER_SIZE")
# Variables that a local session needs.
_NEEDED = re.compile(r"JAVA_HOME|TMPDIR|LD_(LIBRARY_PATH|PRELOAD)|OPENGENOME_SPARK_CONF")

# The state of the class archive is of no interest to a user.
QUIET_JVM = ("-Xlog:disable", "-Xlog:all=error:stderr")

# Lines without a reason: those around it, and those that every JVM prints.
_NO_REASON = re.compile(
    r"\s+at |\s*\.\.\. \d+ more|Error: (Could not create the Java Virtual Machine|A fatal exception has occurred)"
    r"|WARNING: Using incubator|Picked up |NOTE: Picked up |\s*$"
)


def session_changes(master: str, environment: Mapping[str, str]) -> dict[str, str | None]:
    """Changes of the environment at a session's start: name → value, or None for a variable that is removed."""
    own: dict[str, str | None] = {}
    foreign = _MODE
    if is_local(master):
        foreign = _FOREIGN
        own = {
            "SPARK_HOME": str(_pyspark_folder()),
            # Not a folder, so that no spark-defaults.conf or spark-env.sh of another Spark is read.
            "SPARK_CONF_DIR": f"{os.devnull}/none",
            # Otherwise Spark looks up this machine's name in the network.
            "SPARK_LOCAL_IP": _LOOPBACK,
            "PYSPARK_PYTHON": sys.executable,
            # Workers must not import a user's random.py from the folder that they start in.
            "PYTHONSAFEPATH": "1",
        }
    elif secret := read(SparkSettings, environment).spark_secret:
        # Not in the settings, which Dagster's UI and ps show.
        own[AUTH_VARIABLE] = secret
    return dict.fromkeys(filter(foreign.fullmatch, environment)) | own


def session_environment(master: str) -> dict[str, str]:
    """The environment of Spark's processes."""
    changed = os.environ | session_changes(master, os.environ)
    return {name: value for name, value in changed.items() if value is not None}


def variables_in_use(master: str, environment: Mapping[str, str]) -> list[str]:
    """Names of the user's variables that reach Spark's processes and can prevent their start."""
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
    """Inside the block, this process has the environment of Spark's processes.

    Afterwards its own environment is restored, without variables that would change where the session runs.
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
    # The project depends on pyspark.
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def last_words(text: str) -> str:
    """The last line of a JVM's output with a reason; empty if there is none."""
    return next((line.strip() for line in reversed(text.splitlines()) if not _NO_REASON.match(line)), "")


OLDEST_JAVA = 17
_REMEDY = (
    f"Spark needs Java {OLDEST_JAVA} or newer. Install one (Debian and Ubuntu: apt-get install "
    "openjdk-17-jre-headless; macOS: brew install openjdk@17) and set JAVA_HOME to it."
)


def check_java(environment: Mapping[str, str]) -> int:
    """The major version of the Java that Spark would start.

    Args:
        environment: environment of Spark's processes.

    Raises:
        JavaError: Java is missing, does not start, or is too old.
    """
    java = _find(environment)
    try:
        # Java does not start in a deleted folder, which the current one may be.
        done = subprocess.run(  # noqa: S603 (the user's Java)
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
        msg = f"Java: {started} does not start ({last_words(error.stdout + error.stderr)}). {_REMEDY}"
        raise JavaError(msg) from error
    except (OSError, subprocess.SubprocessError) as error:
        msg = f"Java: {java} does not run ({error}). {_REMEDY}"
        raise JavaError(msg) from error
    match = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    if match is None:
        msg = f"Java: {java} does not report its version. {_REMEDY}"
        raise JavaError(msg)
    major = int(match[1])
    if major < OLDEST_JAVA:
        msg = f"Java: {java} is version {major}. {_REMEDY}"
        raise JavaError(msg)
    return major


def _find(environment: Mapping[str, str]) -> str:
    home = environment.get("JAVA_HOME")
    if home:
        java = Path(home) / "bin" / "java"
        if not java.is_file():
            msg = f"Java: JAVA_HOME={home} has no bin/java. {_REMEDY}"
            raise JavaError(msg)
        return str(java.absolute())
    found = shutil.which("java", path=environment.get("PATH"))
    if found is None:
        msg = f"Java: not found. JAVA_HOME is not set, and there is no java on PATH. {_REMEDY}"
        raise JavaError(msg)
    return str(Path(found).absolute())


def archive_path() -> Path:
    """Path of the archive, which may not exist."""
    return Path(sys.prefix) / "share" / "opengenome_assets" / "spark-classes.jsa"


def archive_options() -> tuple[str, ...]:
    """Options of the driver's JVM for the archive; empty without an archive."""
    path = archive_path()
    return (f"-XX:SharedArchiveFile={path}", *QUIET_JVM) if path.is_file() else ()
