"""Small file systems in memory, which only root can mount."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(at: Path, size: str) -> Iterator[None]:
    """A separate file system, in memory."""
    at.mkdir(parents=True)
    command = ("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at))
    mounted = (
        subprocess.run(command, capture_output=True, text=True, check=False) if os.getuid() == 0 else None
    )
    if mounted is None or mounted.returncode:
        pytest.skip("a file system can be mounted by root only, and not in every container")
    try:
        yield
    finally:
        subprocess.run(("umount", "--lazy", str(at)), check=True)


def remount(at: Path, options: str) -> None:
    subprocess.run(("mount", "-o", f"remount,{options}", str(at)), check=True)
