"""Creates an archive of the classes that Spark loads at every start. The JVM maps it into memory.

``make install`` runs ``python -m opengenome_assets.spark.class_archive``, which creates or renews it: about 160 MB in the
``share`` folder of the Python environment. The JVM ignores an archive of another Java or Spark.
"""

import shlex
import sys
from pathlib import Path

from opengenome_assets.errors import OpengenomeError
from opengenome_assets.spark.java import QUIET_JVM, archive_path

_WRITING_SECONDS = 300


def make_archive() -> Path | None:
    """Start a session as a run does, and let its JVM archive the loaded classes.

    Returns:
        path of the archive; None if it cannot be written in this environment.

    Raises:
        OpengenomeError: the session does not start.
    """
    from opengenome_assets.settings import DEFAULT_SPARK_MASTER
    from opengenome_assets.spark.config import check_setup, spark_config
    from opengenome_assets.spark.session import end_session, start_session
    from opengenome_assets.spark.stages import warm_up

    path = archive_path()
    unfinished = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
    except OSError:
        return None
    check_setup(DEFAULT_SPARK_MASTER)
    config = spark_config(DEFAULT_SPARK_MASTER)
    config["spark.driver.defaultJavaOptions"] += " " + shlex.join(
        (f"-XX:ArchiveClassesAtExit={unfinished}", *QUIET_JVM)
    )
    session = start_session(config)
    warm_up(session)
    # The JVM writes the archive when it ends.
    end_session(session, _WRITING_SECONDS)
    if not unfinished.is_file():
        return None
    unfinished.replace(path)
    return path


def main() -> None:
    """Create the archive, and report its path or why there is none."""
    try:
        path = make_archive()
    except OpengenomeError as error:
        message = f"The archive of Spark's classes was not created; Spark starts about 4 s slower. {error}"
    else:
        message = (
            f"{path} · {path.stat().st_size / 1e6:,.0f} MB"
            if path
            else f"{archive_path()}: cannot be written; Spark starts about 4 s slower."
        )
    sys.stderr.write(f"{message}\n")


if __name__ == "__main__":
    main()
