"""Fixed words for organelles: in titles, and as values of NCBI's fields. docs/reference/organelles.md lists them."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

# Class → words. Words match in upper or lower case.
WORDS = {
    "mitochondrion": ("mitochondrion", "mitochondria", "mitochondrial", "mitogenome"),
    "kinetoplast": ("kinetoplast", "kinetoplasts", "maxicircle", "maxicircles"),
    "hydrogenosome": ("hydrogenosome", "hydrogenosomes", "hydrogenosomal"),
    "plastid": (
        "plastid",
        "plastids",
        "plastome",
        "chloroplast",
        "chloroplasts",
        "chromoplast",
        "cyanelle",
        "cyanelles",
        "leucoplast",
        "proplastid",
    ),
    "apicoplast": ("apicoplast", "apicoplasts"),
    "chromatophore": ("chromatophore", "chromatophores"),
    "nucleomorph": ("nucleomorph", "nucleomorphs"),
    "plasmid": ("plasmid", "plasmids"),
    "nuclear": ("nuclear", "macronuclear", "micronuclear"),
}
ORGANELLES = tuple(WORDS)
# Other values of NCBI's field for the location. Those for chromosomes also name chromosomes of bacteria.
UNCLASSED = (
    "unknown",
    "genomic",
    "chromosome",
    "extrachrom",
    "extrachromosomal",
    "transposon",
    "insertion-seq",
    "proviral",
    "virion",
    "endogenous-virus",
    "plasmid-in-mitochondrion",
    "plasmid-in-plastid",
)
# The classes whose genes NCBI translates with a taxon's mitochondrial or plastid code.
WITH_MITOCHONDRIAL_CODE = ("mitochondrion", "kinetoplast", "hydrogenosome")
WITH_PLASTID_CODE = ("plastid", "apicoplast", "chromatophore")
# A title with one of these may be of a nuclear gene, whose protein works in an organelle.
UNCLEAR = (
    "gene",
    "genes",
    "pseudogene",
    "pseudogenes",
    "RefSeqGene",
    "cds",
    "mRNA",
    "cDNA",
    "transcript",
    "protein",
    "proteins",
    "product",
    "NUMT",
    "NUMTs",
)
# In titles, "nuclear" is often part of another name, such as that of a virus or a protein.
NUCLEAR_IN_TITLES = ("nuclear genome", "nuclear DNA", "nuclear chromosome", "macronuclear", "micronuclear")

_CLASSES = pa.array([name for name, words in WORDS.items() for _ in words])
_EVERY_WORD = pa.array([word for words in WORDS.values() for word in words])
# A part of an organelle, and the organelle.
_PARTS = (("kinetoplast", "mitochondrion"), ("apicoplast", "plastid"))
_BLANKS = " \t\"'"
# Letters around a word: with a hyphen, it is part of another word.
_ANY_EDGE = "[^a-z0-9]"
_NO_HYPHEN = "[^a-z0-9-]"


def organelles_of_words(words: pa.Array) -> pa.Array:
    """Classes of the values of NCBI's ``genome``, ``location`` and ``/organelle``.

    ``plastid:chloroplast`` counts as its last word.

    Args:
        words: string, shape (n,).

    Returns:
        string, shape (n,): one of `ORGANELLES`; null for any other word.
    """
    last = pc.replace_substring_regex(words, r"^.*:", "")
    spelled = pc.utf8_lower(pc.utf8_trim(last, characters=_BLANKS))
    return _CLASSES.take(pc.index_in(spelled, value_set=_EVERY_WORD))


def organelles_of_titles(titles: pa.Array) -> pa.Array:
    """Classes of records by the words of their titles.

    Only whole words count; a part of a word with a hyphen (``plasmid-like``) does not. The class is null if no word is
    found, if words of two classes are found, and if a word of `UNCLEAR` or another use of ``nuclear`` is found. Two
    exceptions: a title that ends with ``; mitochondrial`` or another such word has the class of this word, and
    kinetoplast and apicoplast may be named with mitochondrion and plastid.

    Args:
        titles: string, shape (n,).

    Returns:
        string, shape (n,): one of `ORGANELLES`, or null.
    """
    in_titles = WORDS | {"nuclear": NUCLEAR_IN_TITLES}
    found = {
        name: pc.fill_null(_has(titles, words, _NO_HYPHEN), fill_value=False)
        for name, words in in_titles.items()
    }
    for part, whole in _PARTS:
        found[whole] = pc.and_not(found[whole], found[part])
    number = sum((mask.cast(pa.int8()).to_numpy() for mask in found.values()), start=0)
    other_nuclear = pc.and_not(_has(titles, ["nuclear"], _ANY_EDGE), found["nuclear"])
    is_clear = pc.invert(pc.or_(other_nuclear, _has(titles, UNCLEAR, _ANY_EDGE)))
    is_found = pc.and_(pc.equal(pa.array(number), 1), is_clear)
    named = pc.case_when(pc.make_struct(*found.values(), field_names=list(found)), *found)
    at_the_end = pc.struct_field(pc.extract_regex(titles, r";\s*(?P<word>\w+)\.?\s*$"), "word")
    return pc.coalesce(organelles_of_words(at_the_end), pc.if_else(is_found, named, None))


def _has(titles: pa.Array, words: Iterable[str], edge: str) -> pa.Array:
    """Whether a title has one of the words between two letters of ``edge``, or at its begin or end."""
    pattern = rf"(?:^|{edge})(?:{'|'.join(words)})(?:{edge}|$)"
    return pc.match_substring_regex(titles, pattern, ignore_case=True)
