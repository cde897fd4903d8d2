"""Finds Java before anything else happens, so that a missing one is told in one line."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from opengenome_assets.errors import JavaError

OLDEST_JAVA = 17
_MEND = (
    f"Spark needs Java {OLDEST_JAVA} or newer. Install one (Debian and Ubuntu: apt-get install "
    "openjdk-17-jre-headless; macOS: brew install openjdk@17) and set JAVA_HOME to it."
)


def check_java() -> int:
    """The major version of the Java that Spark would start.

    Raises:
        JavaError: there is none, or it is too old.
    """
    java = _find()
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=True)  # noqa: S603 (the user's own Java)
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


def _find() -> str:
    home = os.environ.get("JAVA_HOME")
    if home:
        java = Path(home) / "bin" / "java"
        if not java.is_file():
            msg = f"Java: JAVA_HOME={home} has no bin/java. {_MEND}"
            raise JavaError(msg)
        return str(java)
    found = shutil.which("java")
    if found is None:
        msg = f"Java: not found; JAVA_HOME is not set and there is no java on PATH. {_MEND}"
        raise JavaError(msg)
    return found
