"""What the report is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa


class Check(NamedTuple):
    """The result of one asset check."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class ReportInputs:
    """Tables and texts; a part that is None or empty has no section in the report.

    Attributes:
        title: the page's heading, such as the data set's name.
        frequencies: schema ``CODON_FREQUENCIES``.
        readings: schema ``CODON_READINGS``, of the same groups.
        expectations: schema ``CODON_EXPECTATIONS``, for the marks of what the bases alone would give.
        measures: schema ``CODON_MEASURES``.
        six_frames: schema ``SIX_FRAMES``.
        batches: columns ``key`` (string), ``rows``, ``bases`` (int64) and ``seconds`` (float64, of
            the tasks that counted the batch, or null where it is not known), in the batches' order.
        checks: results in the order in which they are to be read.
        parameters: how the table was made, by name.
        provenance: what it was made from and by what, by name.
    """

    title: str
    frequencies: pa.Table
    readings: pa.Table
    expectations: pa.Table | None = None
    measures: pa.Table | None = None
    six_frames: pa.Table | None = None
    batches: pa.Table | None = None
    checks: Sequence[Check] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
