"""Where Spark is to run: what its master URL may be, and whether somebody answers there."""

import re
import socket
from urllib.parse import urlsplit

from opengenome_assets.errors import SettingError, SparkUnreachableError

_LOCAL = re.compile(r"local(\[([0-9]+|\*)(,[0-9]+)?\])?")
_ADDRESS = r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)"
_STANDALONE = re.compile(rf"spark://{_ADDRESS}:[0-9]+(,{_ADDRESS}:[0-9]+)*")
_CONNECT = re.compile(rf"sc://{_ADDRESS}(:[0-9]+)?(/.*)?")
_OTHERS = re.compile(r"yarn|k8s://.+")
_CONNECT_PORT = 15002
# A machine that is there answers at once; one that is not is told before Spark's own minute of trying.
_ANSWERS_WITHIN = 10.0


def is_local(master: str) -> bool:
    """Whether Spark runs inside this machine's own process."""
    return master.startswith("local")


def is_connect(master: str) -> bool:
    """Whether the master is a Spark Connect server, which needs no Java here."""
    return master.startswith("sc://")


def check_master(master: str) -> None:
    """Refuse a master URL that Spark would not take, or at which nothing answers.

    Raises:
        SettingError: it has no form of Spark's.
        SparkUnreachableError: no master, or no Connect server, takes a connection there.
    """
    if not any(form.fullmatch(master) for form in (_LOCAL, _STANDALONE, _CONNECT, _OTHERS)):
        msg = (
            f"OPENGENOME_SPARK_MASTER: '{master}' is not allowed. Give local[CORES,ATTEMPTS] (local[*,3] is the "
            "default), spark://host:port, sc://host:port, yarn or k8s://…, or leave it unset."
        )
        raise SettingError(msg)
    if _STANDALONE.fullmatch(master):
        addresses = [_address(place) for place in master.removeprefix("spark://").split(",")]
    elif _CONNECT.fullmatch(master):
        addresses = [_address(master.removeprefix("sc://").split("/")[0])]
    else:
        return
    reasons = [_reason_of_silence(host, port) for host, port in addresses]
    # Of several masters one leads, and the others stand by.
    if all(reasons):
        msg = (
            f"OPENGENOME_SPARK_MASTER: nothing answers at {master} ({reasons[0]}). Start Spark there, mend the "
            "address, or leave the variable unset to count on this machine."
        )
        raise SparkUnreachableError(msg)


def _address(place: str) -> tuple[str, int]:
    parts = urlsplit(f"//{place}")
    return parts.hostname or "", parts.port or _CONNECT_PORT


def _reason_of_silence(host: str, port: int) -> str:
    """Why nothing answers; empty where something does."""
    try:
        with socket.create_connection((host, port), timeout=_ANSWERS_WITHIN):
            return ""
    except OSError as error:
        return error.strerror or str(error)
