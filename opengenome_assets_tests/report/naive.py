"""What the report's scenario holds, worked out with strings, sums and Biopython alone."""

from collections import Counter

from Bio.Data.CodonTable import unambiguous_dna_by_id
from Bio.Data.IUPACData import protein_letters_1to3

from opengenome_assets_tests.report.scenario import DISTINCT, EVIL, OTHER, OTHER_FRAMES

GROUPS = {EVIL: (DISTINCT, 2), "plastids": (OTHER, 11)}
POOLED = Counter(DISTINCT) + Counter(OTHER)
TOTAL = sum(POOLED.values())
BASES = "TCAG"
PRINTED = [a + b + c for a in BASES for c in BASES for b in BASES]


def letter_of(codon, code):
    return unambiguous_dna_by_id[code].forward_table.get(codon, "*")


def name_of(letter):
    return "stop" if letter == "*" else protein_letters_1to3[letter]


def pooled_letter(codon):
    """Its amino acid under both codes, or a question mark."""
    first, second = (letter_of(codon, code) for _, code in GROUPS.values())
    return first if first == second else "?"


def per_thousand(codon):
    return 1000 * POOLED[codon] / TOTAL


def by_letter(groups=GROUPS):
    """(Letter, codon) → how often it is read so, over some groups."""
    found = Counter()
    for counts, code in map(GROUPS.get, groups):
        for codon, count in counts.items():
            found[letter_of(codon, code), codon] += count
    return found


def amino_acids():
    """Letter → codons."""
    totals = Counter()
    for (letter, _), count in by_letter().items():
        totals[letter] += count
    return totals


def fraction(codon):
    """Share of all codons read as the same amino acid."""
    letter = pooled_letter(codon)
    return by_letter()[letter, codon] / amino_acids()[letter]


def rscu(letter, codon, groups=GROUPS):
    """Codons over those that even use would give, group by group."""
    even = 0
    for counts, code in map(GROUPS.get, groups):
        family = [each for each in counts if letter_of(each, code) == letter]
        if codon in family:
            even += sum(counts[each] for each in family) / len(family)
    return by_letter(groups)[letter, codon] / even


def gc_percent(counts, *positions):
    """Percent of G and C at some positions of the codons, counted letter by letter."""
    letters = "".join(codon[at] * count for codon, count in counts.items() for at in positions)
    return 100 * (letters.count("G") + letters.count("C")) / len(letters)


def synonymous(counts, code):
    """The codons of amino acids that have several."""
    letters = [letter_of(codon, code) for codon in counts]
    kept = {letter for letter in letters if letter != "*" and letters.count(letter) > 1}
    return {codon: n for codon, n in counts.items() if letter_of(codon, code) in kept}


def gc3s_percent(*groups):
    """Percent of G and C at the third position of the groups' codons that have a synonym."""
    kept = sum((Counter(synonymous(*GROUPS[group])) for group in groups), Counter())
    return gc_percent(kept, 2)


def frames():
    """(Strand, frame) → stops, codons and expected stops, over both groups."""
    found = {("+", 0): _stops(*GROUPS[EVIL]) + _stops(*GROUPS["plastids"])}
    found |= {key: _stops(codons, 2) for key, codons in OTHER_FRAMES.items()}
    return {key: [sum(values[at::3]) for at in range(3)] for key, values in found.items()}


def _stops(counts, code):
    letters = "".join(codon * count for codon, count in counts.items())
    share = {base: letters.count(base) / len(letters) for base in BASES}
    stops = unambiguous_dna_by_id[code].stop_codons
    codons = sum(counts.values())
    drawn = sum(share[stop[0]] * share[stop[1]] * share[stop[2]] for stop in stops)
    return (sum(counts.get(stop, 0) for stop in stops), codons, drawn * codons)
