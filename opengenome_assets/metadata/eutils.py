"""Requests to ESummary, the utility of NCBI's E-utilities that describes records.

NCBI's rules are kept here: at most 3 requests per second, 10 with an API key, and a name of the program. Faults that may
pass are retried with growing pauses. A request contains accessions, the program's name, the user's email address and
the API key, and nothing else; cookies are not sent back, and redirects are not followed.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

from opengenome_assets.errors import NcbiError, first_line

if TYPE_CHECKING:
    from httpx2 import Client

ADDRESS = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
TOOL = "opengenome-assets"
# Pauses in seconds before the second and each later attempt of a request.
PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
# Seconds without a byte until an attempt ends. A whole answer may take four times as long.
TIMEOUT = 30.0
# A server that asks for a longer pause is not waited for, in seconds.
LONGEST_PAUSE = 120.0
# About 50 times what 200 records need.
_MOST_BYTES = 50 * 2**20
# The time between two requests is a tenth longer than needed, because requests do not all travel equally fast.
_MARGIN = 1.1
_MAY_PASS = {408, 429, 500, 502, 503, 504}
_INVALID = re.compile(r"Invalid uid (\S+) at position")
_EMPTY = "Empty id list"
_SHOWN = 100


@dataclass(frozen=True)
class Summaries:
    """One answer.

    Attributes:
        records: NCBI's description of each record that it found, or an error instead.
        unknown: accessions that the answer names as invalid.
    """

    records: list[dict[str, Any]]
    unknown: set[str]


class _MayPassError(Exception):
    """An attempt failed, and the next one may not. ``pause``: seconds that the server asks to wait."""

    def __init__(self, reason: str, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.pause = pause


@dataclass
class Eutils:
    """A connection to the E-utilities, to be used in a ``with`` block.

    Attributes:
        address: of the E-utilities, without the name of a utility.
        identity: parameters of each request: tool, email, api_key.
        rate: most requests per second, counted by their starts.
        pauses: seconds before the second and each later attempt of a request.
        timeout: seconds without a byte until an attempt ends.
        log: called with a line before each pause.
    """

    address: str
    identity: Mapping[str, str]
    rate: float
    pauses: Sequence[float]
    timeout: float
    log: Callable[[str], None]
    _client: "Client" = field(init=False)
    _next_start: float = 0.0

    def __enter__(self) -> Self:
        from httpx2 import Client, InvalidURL

        headers = {"User-Agent": TOOL, "Accept": "application/json"}
        try:
            self._client = Client(timeout=self.timeout, headers=headers, follow_redirects=False)
        except (ValueError, ImportError, OSError, InvalidURL) as error:
            msg = (
                f"NCBI cannot be asked: {first_line(error)}. Check HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE."
            )
            raise NcbiError(msg) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def summaries(self, accessions: Sequence[str]) -> Summaries:
        """Ask for records of the nucleotide database.

        Args:
            accessions: at most a few hundred.

        Raises:
            NcbiError: all attempts failed, or NCBI refuses the request.
        """
        attempts = len(self.pauses) + 1
        for attempt in range(1, attempts + 1):
            try:
                return self._attempt(accessions)
            except _MayPassError as error:
                if error.pause > LONGEST_PAUSE:
                    msg = f"{self.address}: {error}. NCBI asks to wait {error.pause:,.0f} s."
                    raise NcbiError(msg) from error
                if attempt == attempts:
                    hint = "Check the network and HTTPS_PROXY, or wait until NCBI works again."
                    raise NcbiError(f"{self.address}: {error}, in {attempts} attempts. {hint}") from error
                pause = max(error.pause, self.pauses[attempt - 1])
                self.log(f"asking NCBI  {error}  attempt {attempt + 1}/{attempts} in {pause:.3g} s")
                time.sleep(pause)
        raise AssertionError  # The last attempt returns or raises.

    def _attempt(self, accessions: Sequence[str]) -> Summaries:
        from httpx2 import RequestError, TimeoutException

        self._keep_rate()
        try:
            status, headers, body = self._post(accessions)
        except TimeoutException as error:
            msg = f"no answer within {self.timeout:.3g} s"
            raise _MayPassError(msg) from error
        except RequestError as error:
            msg = f"the connection failed ({first_line(error)})"
            raise _MayPassError(msg) from error
        finally:
            # NCBI sets a session's cookie with each answer.
            self._client.cookies.clear()
        if status != HTTPStatus.OK:
            raise self._refusal(status, headers, body)
        return _read(body)

    def _keep_rate(self) -> None:
        """Wait until the next request may start."""
        time.sleep(max(0.0, self._next_start - time.monotonic()))
        self._next_start = time.monotonic() + _MARGIN / self.rate

    def _post(self, accessions: Sequence[str]) -> tuple[int, Mapping[str, str], bytes]:
        """Send one request. Returns the answer's status, headers and body."""
        form = {"db": "nuccore", "retmode": "json", "id": ",".join(accessions), **self.identity}
        end = time.monotonic() + 4 * self.timeout
        body = bytearray()
        with self._client.stream("POST", f"{self.address}/esummary.fcgi", data=form) as answer:
            for part in answer.iter_bytes():
                body += part
                # A server that sends single bytes never reaches the timeout of the connection.
                if time.monotonic() > end:
                    msg = f"the answer is not complete after {4 * self.timeout:.3g} s"
                    raise _MayPassError(msg)
                if len(body) > _MOST_BYTES:
                    msg = f"the answer has more than {_MOST_BYTES / 2**20:.0f} MB"
                    raise _MayPassError(msg)
            return answer.status_code, answer.headers, bytes(body)

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> Exception:
        """The exception for an answer that is not ``200 OK``."""
        if status in _MAY_PASS:
            return _MayPassError(
                f"NCBI answers {status} ({_reason(status, body)})", _pause(headers.get("Retry-After"))
            )
        if 300 <= status < 400:
            place = headers.get("Location", "another page")[:_SHOWN]
            return NcbiError(
                f"{self.address}: the answer is a redirect to {place}, which is not followed. Check HTTPS_PROXY."
            )
        key = " Check NCBI_API_KEY, or unset it." if "api_key" in self.identity else ""
        return NcbiError(
            f"{self.address}: NCBI refuses the request with {status} ({_reason(status, body)}).{key}"
        )


def _read(body: bytes) -> Summaries:
    """Read the body of an answer with status 200, which may also be an error.

    Raises:
        _MayPassError: it is no JSON, cut, or an error.
    """
    text = body.decode("utf-8", "replace")
    try:
        answer = json.loads(text)
    except ValueError as error:
        msg = "the answer is not JSON or is cut"
        raise _MayPassError(msg) from error
    result = answer.get("result") if isinstance(answer, dict) else None
    # The names of unknown accessions are searched in the text, because NCBI does not document where it puts them.
    unknown = set(_INVALID.findall(text))
    if not isinstance(result, dict) and not unknown and _EMPTY not in text:
        msg = f"NCBI answers with an error ({_reason(HTTPStatus.OK, body)})"
        raise _MayPassError(msg)
    records = result.values() if isinstance(result, dict) else ()
    # Between the records there is also the list of their numbers.
    return Summaries([each for each in records if isinstance(each, dict)], unknown)


def _reason(status: int, body: bytes) -> str:
    """What an error's body says. Only its ``error`` is shown, because NCBI repeats the API key beside it."""
    try:
        said = json.loads(body)["error"]
    except (ValueError, LookupError, TypeError):
        said = "no result" if status == HTTPStatus.OK else _phrase(status)
    return " ".join(str(said).split())[:_SHOWN]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "unknown status"


def _pause(retry_after: str | None) -> float:
    """Seconds of a ``Retry-After`` header: a number or a date. 0 without one, or if it is neither."""
    if retry_after is None:
        return 0.0
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
