"""Finds Java before anything else happens, so that a missing one is told in one line."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from opengenome_assets.errors import JavaError
from opengenome_assets.spark.environment import JAVA_OPTIONS, last_words

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
