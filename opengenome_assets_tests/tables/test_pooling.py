"""Groups, and all groups together, agree with a counter that reads each record by its genetic code, slice by slice."""

from collections import Counter
from functools import cache
from random import Random

import pyarrow as pa
import pytest
from Bio.Data.CodonTable import unambiguous_dna_by_id
from Bio.Seq import reverse_complement

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import codon_frequencies
from opengenome_assets.tables.report_tables import report_tables
from opengenome_assets_tests.tables.tables import counts_table, rows_by_codon

DEFAULT = 4
# Group and code of each record. Groups mix codes, and records that name the default code with records of none. Code 28
# has stops that are amino acids too.
RECORDS = [
    ("animals", 2, 699),
    ("animals", 5, 501),
    ("ciliates", 28, 600),
    ("plants", 11, 900),
    ("plants", None, 402),
    ("unread", None, 300),
    ("unread", 4, 201),
]
FRAMES = [("+", 0), ("+", 2), ("-", 1)]
GROUPS = ["all", *sorted({group for group, _, _ in RECORDS})]


@cache
def letters_of_records():
    """(Group, code, letters), each record with its own composition and ambiguous letters."""
    chance = Random(11)
    records = []
    for number, (group, code, length) in enumerate(RECORDS):
        # A, C, G, T, N and R, by position: GC1, GC2 and GC3 differ.
        weights = [(9 + number, 7, 5, 8, 1, 1), (12, 2, 3, 9, 1, 1), (5, 8 + number, 9, 6, 1, 1)]
        drawn = (chance.choices("ACGTNR", weights[at % 3])[0] for at in range(length))
        records.append((group, code, "".join(drawn)))
    return records


@cache
def codons_of(letters, strand, frame):
    text = letters if strand == "+" else reverse_complement(letters)
    return Counter(text[at : at + 3] for at in range(frame, len(text) - 2, 3))


COUNTS = pa.concat_tables(
    counts_table(
        codons_of(letters, strand, frame), group=group, genetic_code=code, strand=strand, frame=frame
    )
    for group, code, letters in letters_of_records()
    for strand in "+-"
    for frame in range(3)
)


def records_of(group):
    return [(code or DEFAULT, letters) for of, code, letters in letters_of_records() if group in (of, "all")]


def letter_of(codon, code):
    """One letter; X for an ambiguous codon."""
    if not set(codon) <= set("ACGT"):
        return "X"
    return unambiguous_dna_by_id[code].forward_table.get(codon, "*")


class Naive:
    """A group's codons that the parameters leave in, counted one at a time."""

    def __init__(self, group, strand, frame, *, skip_n, skip_stops):
        self.codes = {code for code, _ in records_of(group)}
        self.dropped = {letter for letter, drop in (("X", skip_n), ("*", skip_stops)) if drop}
        self.by_code = Counter()
        for code, letters in records_of(group):
            for codon, count in codons_of(letters, strand, frame).items():
                if letter_of(codon, code) not in self.dropped:
                    self.by_code[code, letter_of(codon, code), codon] += count
        self.total = self.by_code.total()
        self.counts = {}

    def count(self, *, codon=None, letter=None, code=None):
        key = codon, letter, code
        if key not in self.counts:
            self.counts[key] = self.added(*key)
        return self.counts[key]

    def added(self, codon, letter, code):
        return sum(
            n
            for (in_code, of_letter, of_codon), n in self.by_code.items()
            if codon in (None, of_codon) and letter in (None, of_letter) and code in (None, in_code)
        )

    def meanings(self, codon):
        """What the group's codes read a codon as."""
        return {letter_of(codon, code) for code in self.codes} - self.dropped

    def codons(self):
        """Those that have a row, in the table's order."""
        ambiguous = {codon for _, letter, codon in self.by_code if letter == "X"}
        return [codon for codon in CODONS if self.meanings(codon)] + sorted(ambiguous)

    def rscu(self, letter, codon):
        """None where the amino acid is absent from the codes that read the codon so."""
        even = 0
        for code in self.codes:
            family = [each for each in CODONS if letter_of(each, code) == letter]
            if codon in family:
                even += self.count(letter=letter, code=code) / len(family)
        return pytest.approx(self.count(codon=codon, letter=letter) / even, rel=1e-12) if even else None

    def fraction(self, letter, codon):
        total = self.count(letter=letter)
        return pytest.approx(self.count(codon=codon, letter=letter) / total, rel=1e-12) if total else None


CHOICES = [
    {"skip_n": skip_n, "skip_stops": skip_stops} for skip_n in (True, False) for skip_stops in (True, False)
]


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: "-".join(n for n, on in choice.items() if on))
@pytest.mark.parametrize(("strand", "frame"), FRAMES)
@pytest.mark.parametrize("min_count", [0, 3])
def test_each_groups_table_is_that_of_the_naive_counter(choice, strand, frame, min_count):
    chosen = TableParameters(strand=strand, frame=frame, genetic_code=DEFAULT, min_count=min_count, **choice)
    table = codon_frequencies(COUNTS, chosen)
    assert list(dict.fromkeys(table["group"].to_pylist())) == GROUPS
    for group in GROUPS:
        naive = Naive(group, strand, frame, **choice)
        rows = rows_by_codon(table, group)
        assert list(rows) == [c for c in naive.codons() if naive.count(codon=c) >= min_count]
        for codon, row in rows.items():
            meanings = naive.meanings(codon)
            letter = meanings.pop() if len(meanings) == 1 else None
            known = letter not in (None, "X")
            assert row == {
                "group": group,
                "codon": codon,
                "amino_acid": letter,
                "count": naive.count(codon=codon),
                "frequency": pytest.approx(naive.count(codon=codon) / naive.total, rel=1e-12),
                "per_thousand": pytest.approx(1000 * naive.count(codon=codon) / naive.total, rel=1e-12),
                "fraction": naive.fraction(letter, codon) if known else None,
                "rscu": naive.rscu(letter, codon) if known else None,
            }


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: "-".join(n for n, on in choice.items() if on))
def test_each_groups_readings_are_those_of_the_naive_counter(choice):
    readings = report_tables([COUNTS], TableParameters(strand="-", frame=1, genetic_code=DEFAULT, **choice))[
        "readings"
    ]
    for group in GROUPS:
        naive = Naive(group, "-", 1, **choice)
        found = {
            (row["amino_acid"], row["codon"]): row for row in readings.to_pylist() if row["group"] == group
        }
        assert found.keys() == {
            (letter, codon) for codon in naive.codons() for letter in naive.meanings(codon)
        }
        for (letter, codon), row in found.items():
            count = naive.count(letter=letter, codon=codon)
            codes = [code for code in sorted(naive.codes) if letter_of(codon, code) == letter]
            assert row == {
                "group": group,
                "amino_acid": letter,
                "codon": codon,
                "genetic_codes": " ".join(map(str, codes)),
                "count": count,
                "per_thousand": pytest.approx(1000 * count / naive.total, rel=1e-12),
                "fraction": None if letter == "X" else naive.fraction(letter, codon),
                "rscu": None if letter == "X" else naive.rscu(letter, codon),
            }


@pytest.mark.parametrize("skip_stops", [False, True])
def test_each_groups_measures_count_its_own_codons(skip_stops):
    chosen = TableParameters(strand="-", frame=1, genetic_code=DEFAULT, skip_stops=skip_stops)
    rows = report_tables([COUNTS], chosen)["measures"].to_pylist()
    assert [row["group"] for row in rows] == GROUPS
    for row in rows:
        kept = Naive(row["group"], "-", 1, skip_n=True, skip_stops=skip_stops)
        every = Naive(row["group"], "-", 1, skip_n=False, skip_stops=False)
        assert row["codons"] == kept.total
        assert row["ambiguous_codons"] == every.count(letter="X")
        assert row["genetic_codes"] == " ".join(map(str, sorted(kept.codes)))
        letters = "".join(codon * count for (_, _, codon), count in kept.by_code.items())
        for name, part in (("gc", letters), *((f"gc{at + 1}", letters[at::3]) for at in range(3))):
            share = (part.count("G") + part.count("C")) / len(part)
            assert row[name] == pytest.approx(share, rel=1e-12)
        assert len({row["gc"], row["gc1"], row["gc2"], row["gc3"]}) == 4


def test_each_groups_frames_count_its_own_stops():
    rows = report_tables([COUNTS], TableParameters(genetic_code=DEFAULT))["six_frames"].to_pylist()
    assert len(rows) == 6 * len(GROUPS)
    for row in rows:
        naive = Naive(row["group"], row["strand"], row["frame"], skip_n=False, skip_stops=False)
        ambiguous = naive.count(letter="X")
        dual = sum(
            count
            for (code, letter, codon), count in naive.by_code.items()
            if letter not in "*X" and codon in unambiguous_dna_by_id[code].stop_codons
        )
        assert (row["codons"], row["ambiguous_codons"]) == (naive.total - ambiguous, ambiguous)
        assert (row["stops"], row["dual"]) == (naive.count(letter="*"), dual)
        assert row["stop_frequency"] == naive.count(letter="*") / (naive.total - ambiguous)
    assert all(row["dual"] for row in rows if row["group"] in ("all", "ciliates"))
