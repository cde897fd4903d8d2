"""Checks Spark's master URL: its form, and whether a server answers there."""

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
# A server answers at once. A missing one is reported before Spark's own timeout of a minute.
_TIMEOUT_SECONDS = 10.0


def is_local(master: str) -> bool:
    """Whether Spark runs on this machine, in one process."""
    return master.startswith("local")


def is_connect(master: str) -> bool:
    """Whether the master is a Spark Connect server, which needs no Java here."""
    return master.startswith("sc://")


def check_master(master: str) -> None:
    """Reject a master URL that Spark does not allow, or at which no server answers.

    Raises:
        SettingError: Spark does not allow this form.
        SparkUnreachableError: no master or Connect server accepts a connection there.
    """
    if not any(form.fullmatch(master) for form in (_LOCAL, _STANDALONE, _CONNECT, _OTHERS)):
        msg = (
            f"OPENGENOME_SPARK_MASTER: '{master}' is not allowed. Set local[CORES,ATTEMPTS] (default: local[*,3]), "
            "spark://host:port, sc://host:port, yarn or k8s://…, or unset it."
        )
        raise SettingError(msg)
    if _STANDALONE.fullmatch(master):
        addresses = [_address(place) for place in master.removeprefix("spark://").split(",")]
    elif _CONNECT.fullmatch(master):
        addresses = [_address(master.removeprefix("sc://").split("/")[0])]
    else:
        return
    reasons = [_reason_of_silence(host, port) for host, port in addresses]
    # Only one of several masters has to answer.
    if all(reasons):
        msg = (
            f"OPENGENOME_SPARK_MASTER: nothing answers at {master} ({reasons[0]}). Start Spark there, correct the "
            "address, or unset the variable to count on this machine."
        )
        raise SparkUnreachableError(msg)


def _address(place: str) -> tuple[str, int]:
    parts = urlsplit(f"//{place}")
    return parts.hostname or "", parts.port or _CONNECT_PORT


def _reason_of_silence(host: str, port: int) -> str:
    """Why no server answers; empty if one does."""
    try:
        with socket.create_connection((host, port), timeout=_TIMEOUT_SECONDS):
            return ""
    except OSError as error:
        return error.strerror or str(error)
