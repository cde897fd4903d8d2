"""What the figures were taken on: cores, processor, memory, versions; nothing that names the machine."""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

_PACKAGES = (
    "opengenome-assets",
    "dagster",
    "pyspark",
    "pyarrow",
    "numba",
    "numpy",
    "isal",
    "biopython",
    "duckdb",
)


def machine_facts() -> dict[str, str]:
    """Names and values, for the page."""
    facts = {
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "processor": _processor(),
        "memory": f"{psutil.virtual_memory().total / 1e9:.0f} GB",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "Java": _java(),
        # Imports take several times as long where it is not.
        "bytecode of the packages": "compiled" if _is_compiled() else "not compiled",
    }
    for name in _PACKAGES:
        try:
            facts[name] = version(name)
        except PackageNotFoundError:
            facts[name] = "not installed"
    for program in ("compseq", "cusp", "codonw"):
        facts[program] = "installed" if shutil.which(program) else "not installed"
    return facts


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        match = re.search(r"^model name\s*: (.+)$", listed.read_text(), re.MULTILINE)
        if match:
            return match[1]
    return platform.processor() or platform.machine()


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else shutil.which("java")
    if java is None:
        return "not installed"
    reported = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)  # noqa: S603 (the user's own Java)
    match = re.search(r'version "([^"]+)"', reported.stderr + reported.stdout)
    return match[1] if match else "unknown"


def _is_compiled() -> bool:
    spec = importlib.util.find_spec("dagster")
    return bool(spec and spec.cached and Path(spec.cached).exists())
