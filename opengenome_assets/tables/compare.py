"""Two codon tables side by side: how far apart they are, and whether a sample's chance explains it."""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from opengenome_assets.errors import SettingError
from opengenome_assets.settings import TableParameters

# Chance that two samples of one collection differ in any codon at all.
FAMILY_WISE_ERROR = 0.001


@dataclass(frozen=True)
class ComparedTable:
    """One group's codons, as a comparison takes them.

    Attributes:
        name: for messages.
        counts: codon → how often; a codon that is not there was never seen.
        effective_records: Kish's number for the records that were counted; None where it is not known.
        parameters: that the table was made with; None where it does not say.
    """

    name: str
    counts: Mapping[str, int]
    effective_records: float | None = None
    parameters: TableParameters | None = None

    @cached_property
    def total(self) -> int:
        return sum(self.counts.values())

    def frequency(self, codon: str) -> float:
        """Share of all codons in the table."""
        return self.counts.get(codon, 0) / self.total


@dataclass(frozen=True)
class Bound:
    """The codon that comes nearest to what chance allows it, or goes farthest beyond.

    Attributes:
        codon: which.
        frequency: its share of the codons of both tables together.
        difference: of its two frequencies, without sign.
        allowed: largest difference that chance explains.
    """

    codon: str
    frequency: float
    difference: float
    allowed: float

    @property
    def is_kept(self) -> bool:
        return self.difference <= self.allowed

    @property
    def is_wide(self) -> bool:
        """Whether a codon may be absent from one table and still agree. Agreement then says little."""
        return self.allowed >= self.frequency

    @property
    def share(self) -> float:
        """Difference / allowed difference; 0 for a codon that is in neither table."""
        return self.difference / self.allowed if self.allowed else 0.0


@dataclass(frozen=True)
class Comparison:
    """What two tables have in common.

    Attributes:
        ratio: of the first table's codons to the second's.
        codon: whose frequencies differ most.
        largest_difference: of its two frequencies, without sign.
        correlation: Pearson's r of the frequencies; None where all codons of a table are equally frequent.
        divergence: Jensen-Shannon, in bits: 0 for equal frequencies, 1 for tables without a common codon.
        bound: None where a table does not say how many records it is of.
    """

    ratio: float
    codon: str
    largest_difference: float
    correlation: float | None
    divergence: float
    bound: Bound | None

    @property
    def agrees(self) -> bool | None:
        """Whether all codons are within their bounds; None without bounds."""
        return None if self.bound is None else self.bound.is_kept


def compare(first: ComparedTable, second: ComparedTable) -> Comparison:
    """Compare the codon frequencies of two tables.

    Raises:
        SettingError: the tables were made with different parameters, hide codons, or are empty.
    """
    _refuse_incomparable(first, second)
    codons = sorted(first.counts.keys() | second.counts.keys())
    p = [first.frequency(codon) for codon in codons]
    q = [second.frequency(codon) for codon in codons]
    differences = [abs(a - b) for a, b in zip(p, q, strict=True)]
    largest = max(differences)
    is_flat = len(set(p)) == 1 or len(set(q)) == 1
    return Comparison(
        ratio=first.total / second.total,
        codon=codons[differences.index(largest)],
        largest_difference=largest,
        correlation=None if is_flat else statistics.correlation(p, q),
        divergence=_jensen_shannon(p, q),
        bound=_tightest_bound(first, second, codons),
    )


def allowed_difference(pooled: float, records: tuple[float, float], codons: int) -> float:
    """How far two samples of one collection may be apart in one codon's frequency.

    Codons of one record are not independent, so records are what is drawn. A share within a record is in
    [0, 1], and its variance is at most p(1 − p) (Bhatia, Davis: A better bound on the variance, American
    Mathematical Monthly 107, 2000, https://doi.org/10.1080/00029890.2000.12005203). Pooled over records of
    unequal length it is divided by Kish's effective number of records n (Kish: Survey Sampling, Wiley 1965), so
    the difference has a standard deviation of at most √(p(1 − p)(1/n₁ + 1/n₂)). It is taken z times, z the
    normal quantile that all codons together leave by chance once in a thousand comparisons (Bonferroni).

    Two samples of one collection keep this, as do a sample and the whole. It is wide: codons of a real
    record scatter far less than the bound supposes, so tables may agree that are not of one collection. It takes
    the composition of a record to be independent of its length, and enough records for a normal distribution.

    Args:
        pooled: frequency of the codon in both tables together.
        records: effective numbers of records.
        codons: that are compared at once.
    """
    quantile = statistics.NormalDist().inv_cdf(1 - FAMILY_WISE_ERROR / (2 * codons))
    return quantile * math.sqrt(pooled * (1 - pooled) * (1 / records[0] + 1 / records[1]))


def _tightest_bound(first: ComparedTable, second: ComparedTable, codons: list[str]) -> Bound | None:
    if not first.effective_records or not second.effective_records:
        return None
    records = (first.effective_records, second.effective_records)
    bounds = []
    for codon in codons:
        pooled = (first.counts.get(codon, 0) + second.counts.get(codon, 0)) / (first.total + second.total)
        difference = abs(first.frequency(codon) - second.frequency(codon))
        bounds.append(Bound(codon, pooled, difference, allowed_difference(pooled, records, len(codons))))
    return max(bounds, key=lambda bound: bound.share)


def _jensen_shannon(p: list[float], q: list[float]) -> float:
    """Mean divergence of both from their mean, in bits.

    Lin: Divergence measures based on the Shannon entropy, IEEE Transactions on Information Theory 37, 1991,
    https://doi.org/10.1109/18.61115.
    """
    terms = (
        each * math.log2(each / ((a + b) / 2)) / 2
        for a, b in zip(p, q, strict=True)
        for each in (a, b)
        if each > 0
    )
    return min(max(math.fsum(terms), 0.0), 1.0)


def _refuse_incomparable(first: ComparedTable, second: ComparedTable) -> None:
    for table in (first, second):
        if table.parameters is not None and table.parameters.min_count > 1:
            msg = (
                f"{table.name}: min_count {table.parameters.min_count} hides codons, which a comparison would take "
                "for zeros. Make the table with min_count 0."
            )
            raise SettingError(msg)
        if table.total == 0:
            msg = f"{table.name}: holds no codons, so there are no frequencies to compare."
            raise SettingError(msg)
    if first.parameters is None or second.parameters is None:
        return
    one, other = _what_matters(first.parameters), _what_matters(second.parameters)
    differing = [name for name in one if one[name] != other[name]]
    if differing:
        values = ", ".join(f"{name} {one[name]} and {other[name]}" for name in differing)
        msg = (
            f"{first.name} and {second.name} were made with different parameters: {values}. "
            "Make one of them again with those of the other."
        )
        raise SettingError(msg)


def _what_matters(parameters: TableParameters) -> dict[str, str]:
    """The parameters that change counts. The genetic code is one only if stop codons are left out."""
    what = {
        "frame": parameters.frame,
        "strand": parameters.strand,
        "skip_n": parameters.skip_n,
        "skip_stops": parameters.skip_stops,
        "genetic_code": parameters.code.id if parameters.skip_stops else "",
    }
    return {name: str(value).lower() for name, value in what.items()}
