"""Four groups of records under codes 1, 2, 3 and 11, counted and read with strings and Biopython alone."""

from collections import Counter
from fractions import Fraction
from random import Random

import pyarrow as pa
from Bio.Data.CodonTable import unambiguous_dna_by_id

from opengenome_assets_tests.tables.tables import counts_table

# The yeast mitochondrion is small, and reads CTN as threonine.
CODE_OF_GROUP = {"bacteria": 11, "mammals": 2, "nuclear": 1, "yeast": 3}
_BASES = {"bacteria": 1800, "mammals": 1500, "nuclear": 1203, "yeast": 240}


def records():
    """Group → letters of its record; every third of them begins a codon."""
    chance = Random(20)
    return {group: "".join(chance.choices("ACGT", (3, 2, 2, 4), k=k)) for group, k in _BASES.items()}


def codons_of(letters):
    return Counter(letters[at : at + 3] for at in range(0, len(letters) - 2, 3))


def pooled_counts(extra=None):
    """The counts as the batches have them; ``extra`` codons are added to each group."""
    return pa.concat_tables(
        counts_table(codons_of(letters) + Counter(extra), group=group, genetic_code=CODE_OF_GROUP[group])
        for group, letters in records().items()
    )


def letter_of(codon, code):
    return unambiguous_dna_by_id[code].forward_table.get(codon, "*")


def codons_for(letter, code):
    """How many codons a code has for an amino acid or the stop."""
    table = unambiguous_dna_by_id[code]
    if letter == "*":
        return len(table.stop_codons)
    return list(table.forward_table.values()).count(letter)


def naive_readings():
    """(Amino acid, codon) → how often, over all groups."""
    found = Counter()
    for group, letters in records().items():
        for codon, count in codons_of(letters).items():
            found[letter_of(codon, CODE_OF_GROUP[group]), codon] += count
    return found


def naive_amino_acids():
    """Amino acid → codons, over all groups."""
    totals = Counter()
    for (letter, _), count in naive_readings().items():
        totals[letter] += count
    return totals


def naive_even_use(letter, codon):
    """Codons that this one would have if, in each group, the amino acid used its codons alike."""
    even = Fraction(0)
    for group, letters in records().items():
        code = CODE_OF_GROUP[group]
        if letter_of(codon, code) == letter:
            of_letter = sum(n for each, n in codons_of(letters).items() if letter_of(each, code) == letter)
            even += Fraction(of_letter, codons_for(letter, code))
    return even
