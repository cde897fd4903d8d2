"""Starts a local session in the current environment, and prints what its workers see as a JSON object."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def look(numbers: Iterable[Any]) -> Iterator[Any]:
    """What a worker sees."""
    import random

    import pyarrow as pa

    for _ in numbers:
        seen = {"random": random.__file__, "python": sys.executable}
        yield pa.RecordBatch.from_pylist([{"seen": json.dumps(seen)}])


def main() -> None:
    """Check, start, run a job in Python, end."""
    import pyarrow as pa

    from opengenome_assets.spark.config import check_setup, spark_config
    from opengenome_assets.spark.session import end_session, start_session

    if len(sys.argv) > 1:
        # Of an installation elsewhere.
        sys.prefix = sys.argv[1]
    before = dict(os.environ)
    check_setup("local[1]")
    session = start_session(spark_config("local[1]"))
    # As counting makes its work items.
    numbers = session.createDataFrame(pa.table({"number": [1]}))
    (row,) = numbers.mapInArrow(look, "seen string").toArrow().to_pylist()
    gateway: Any = session.sparkContext._gateway
    pid = gateway.jvm.java.lang.ProcessHandle.current().pid()
    with Path(f"/proc/{pid}/maps").open() as maps:
        mapped = [line.split(maxsplit=5)[-1].strip() for line in maps if ".jsa" in line]
    seen = {
        **json.loads(row["seen"]),
        "user": session.sparkContext.sparkUser(),
        "master": session.sparkContext.master,
        "event_log": session.conf.get("spark.eventLog.enabled", "false"),
        "archives": sorted(set(mapped)),
        "changed": [name for name, value in before.items() if os.environ.get(name) != value],
    }
    end_session(session)
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main()
