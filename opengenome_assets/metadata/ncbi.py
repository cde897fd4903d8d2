"""Facts about records from NCBI, which knows them by accession (ESummary, database nuccore).

``organelle`` is the class of ESummary's ``genome``; null for a word that names no class, such as ``genomic``.

``genetic_code`` is ESummary's ``geneticcode``. NCBI does not document whether that is the code of the record or the
nuclear code of its taxon: for an organelle's record the two may differ. So compare it with the mitochondrial and plastid
code of the taxon before you rely on it. ``organism`` may be a common name in a few records; ``taxid`` is reliable.

An id that only looks like an accession gets the facts of another record. ``length`` shows this: compare it with the
record's own.
"""

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from opengenome_assets.errors import NcbiError
from opengenome_assets.metadata.eutils import ADDRESS, PAUSES, TIMEOUT, TOOL, Eutils
from opengenome_assets.metadata.facts import FACTS
from opengenome_assets.metadata.ncbi_cache import Answer, Answers, chunks, default_path, open_answers
from opengenome_assets.metadata.organelles import organelles_of_words
from opengenome_assets.units import number_of

# Few enough for an answer within seconds, and for little loss when an attempt fails.
IDS_PER_REQUEST = 200
# Most requests per second that NCBI allows, without and with an API key.
RATE, RATE_WITH_KEY = 3.0, 10.0
LINE_SECONDS = 5.0

NO_ACCESSION = "not an accession of NCBI"
UNKNOWN = "NCBI has no such nucleotide record"
NOT_ANSWERED = "not in NCBI's answers, which were requested twice"

# Nucleotide records: of RefSeq (NC_012920.1, NZ_CP012345.1), of GenBank, ENA and DDBJ (U12345, MN908947.3, CM000001.1),
# and of their whole-genome shotgun projects with 4 or 6 letters (AAAA01000001.1, JAABCD010000001.1). Accessions of proteins
# have other prefixes. O, P and Q followed by five digits are UniProt's.
_WGS = r"(?:[A-Z]{4}|[A-Z]{6})\d{8,11}"
_INSDC = rf"(?:[A-NR-Z]\d{{5}}|[A-Z]{{2}}(?:\d{{6}}|\d{{8}})|{_WGS})"
_REFSEQ = rf"(?:(?:AC|NC|NG|NM|NR|NT|NW|XM|XR)_\d{{6,9}}|NZ_(?:{_INSDC}|\d{{6,9}}))"
_ACCESSION = re.compile(rf"(?:{_REFSEQ}|{_INSDC})(?:\.\d{{1,3}})?", re.ASCII)
# Of RefSeq, GenBank, EMBL and DDBJ in ids with bars.
_BARRED = re.compile(r"(?:^|\|)(?:ref|gb|emb|dbj)\|([A-Z0-9_.]+)\|", re.ASCII)


def accession_of(seq_id: str) -> str | None:
    """The accession of a nucleotide record that an id is, or that NCBI's older ids name (``gi|1|ref|NC_012920.1|``).

    With or without version; None for other ids.
    """
    barred = _BARRED.search(seq_id)
    accession = barred[1] if barred else seq_id
    return accession if _ACCESSION.fullmatch(accession) else None


@dataclass(frozen=True)
class NcbiClient:
    """Asks NCBI about records, and keeps the answers.

    Attributes:
        api_key: of the user's account at NCBI; allows 10 requests per second instead of 3.
        email: address at which NCBI can reach the user.
        address: of the E-utilities.
        cache: file of the kept answers.
        rate: most requests per second; None for what NCBI allows.
        pauses: seconds before the second and each later attempt of a request.
        timeout: seconds without a byte until an attempt ends.
    """

    api_key: str = field(default="", repr=False)
    email: str = ""
    address: str = ADDRESS
    cache: Path = field(default_factory=default_path)
    rate: float | None = None
    pauses: Sequence[float] = PAUSES
    timeout: float = TIMEOUT

    @classmethod
    def from_environment(cls) -> "NcbiClient":
        """The client with ``NCBI_API_KEY`` and ``NCBI_EMAIL``, which may both be unset."""
        return cls(os.environ.get("NCBI_API_KEY", "").strip(), os.environ.get("NCBI_EMAIL", "").strip())

    def facts(
        self, seq_ids: Sequence[str] | pa.Array | pa.ChunkedArray, log: Callable[[str], None]
    ) -> tuple[pa.Table, dict[str, str]]:
        """Facts about the records with these ids. An answer of the last 90 days is not requested again.

        Only ids that look like accessions are sent. Unknown accessions are not kept: the next call asks again.

        Args:
            seq_ids: ids of records; a repeated id counts once.
            log: called with a line every few seconds, and before each pause.

        Returns:
            Table of `FACTS`, a row per record that NCBI knows, in the order of the ids; and the reason for each other id.

        Raises:
            NcbiError: NCBI cannot be reached or refuses, or answers cannot be kept. All answers so far are kept.
        """
        given = seq_ids if isinstance(seq_ids, Sequence) else seq_ids.to_pylist()
        ids = list(dict.fromkeys(given))
        unresolved = {each: NO_ACCESSION for each in ids if accession_of(each) != each}
        accessions = [each for each in ids if each not in unresolved]
        with open_answers(self.cache, log) as answers:
            missing = answers.missing(accessions)
            if missing:
                unresolved |= self._ask(missing, len(accessions) - len(missing), answers, log)
            known = [each for each in accessions if each not in unresolved]
            batches = [_rows(some) for some in answers.read(known)]
        return pa.Table.from_batches(batches, FACTS), unresolved

    def _ask(
        self, missing: list[str], kept: int, answers: Answers, log: Callable[[str], None]
    ) -> dict[str, str]:
        """Request what is missing. Returns the accessions without answer, and the reasons."""
        unresolved: dict[str, str] = {}
        progress = _Progress(kept + len(missing), log, kept)
        identity = {"tool": TOOL, "email": self.email, "api_key": self.api_key}
        named = {name: value for name, value in identity.items() if value}
        rate = self.rate or (RATE_WITH_KEY if self.api_key else RATE)
        with Eutils(self.address, named, rate, self.pauses, self.timeout, log) as eutils:
            for batch in chunks(missing, IDS_PER_REQUEST):
                try:
                    unresolved |= _ask_batch(batch, eutils, answers)
                except NcbiError as error:
                    msg = (
                        f"{error} The answers for {progress.finished:,} of {number_of(progress.total, 'accession')} are "
                        "kept. Run the same command again to continue from there."
                    )
                    raise NcbiError(msg) from error
                progress.add(len(batch))
        return unresolved


def _ask_batch(batch: Sequence[str], eutils: Eutils, answers: Answers) -> dict[str, str]:
    """Request a batch, and again what is not in the answer, as long as that brings something new."""
    unresolved: dict[str, str] = {}
    waiting, first = list(batch), True
    while waiting:
        summaries = eutils.summaries(waiting)
        found, versions = _match(waiting, summaries.records)
        answers.keep(found.values())
        unresolved |= dict.fromkeys(summaries.unknown.intersection(waiting), UNKNOWN) | versions
        left = [each for each in waiting if each not in found and each not in unresolved]
        if len(left) == len(waiting) and not first:
            return unresolved | dict.fromkeys(left, NOT_ANSWERED)
        waiting, first = left, False
    return unresolved


def _match(
    asked: Sequence[str], records: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Answer], dict[str, str]]:
    """Find the record of each accession. Returns answers, and reasons where NCBI has another version only."""
    exact = {str(record.get("accessionversion")): record for record in records}
    newest = {str(record.get("caption")): record for record in records}
    found, others = {}, {}
    for accession in asked:
        name, _, version = accession.partition(".")
        record = exact.get(accession) if version else newest.get(name)
        if record is not None:
            found[accession] = _answer(accession, record)
        elif name in newest:
            others[accession] = f"NCBI has another version: {newest[name].get('accessionversion')}"
    return found, others


def _answer(accession: str, record: Mapping[str, Any]) -> Answer:
    return Answer(
        accession,
        _text(record.get("genome")),
        _number(record.get("geneticcode"), digits=3),
        _number(record.get("taxid")),
        _text(record.get("organism")),
        _text(record.get("title")),
        _number(record.get("slen")),
    )


def _text(value: object) -> str | None:
    # JSON can contain halves of characters, which no file can store.
    return str(value).strip().encode("utf-8", "replace").decode() or None if value is not None else None


def _number(value: object, digits: int = 10) -> int | None:
    """NCBI writes numbers also as text, and an unknown one as empty text or 0."""
    text = str(value).strip()
    return int(text) or None if text.isdecimal() and len(text) <= digits else None


def _rows(answers: Sequence[Answer]) -> pa.RecordBatch:
    """Kept answers as rows of `FACTS`."""
    rows = [
        (
            each.accession,
            each.genome,
            each.genetic_code,
            each.taxid,
            each.organism,
            each.title,
            each.length,
        )
        for each in answers
    ]
    arrays = [
        pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), FACTS.types, strict=True)
    ]
    arrays[1] = organelles_of_words(arrays[1])
    return pa.RecordBatch.from_arrays(arrays, schema=FACTS)


@dataclass
class _Progress:
    """Logs a line every few seconds."""

    total: int
    log: Callable[[str], None]
    finished: int
    began: float = field(default_factory=time.monotonic)
    lines: int = 0

    def add(self, accessions: int) -> None:
        """Add answered accessions, and log a line if one is due, or if all are answered."""
        self.finished += accessions
        seconds = time.monotonic() - self.began
        if seconds < (self.lines + 1) * LINE_SECONDS and self.finished < self.total:
            return
        self.lines = int(seconds / LINE_SECONDS)
        self.log(f"asking NCBI  {self.finished:,}/{number_of(self.total, 'accession')}  {seconds:.1f} s")
