"""What the headers of records say of them, by NCBI's and Ensembl's styles."""

import pyarrow as pa
import pyarrow.compute as pc

from opengenome_assets.codons.genetic_codes import genetic_codes
from opengenome_assets.inputs.user_table import whole_number
from opengenome_assets.metadata.facts import FACTS
from opengenome_assets.metadata.organelles import (
    WITH_MITOCHONDRIAL_CODE,
    WITH_PLASTID_CODE,
    organelles_of_titles,
    organelles_of_words,
)

# Ensembl's names of organelle sequences, in lower case.
ENSEMBL_NAMES = {
    "mt": "mitochondrion",
    "mito": "mitochondrion",
    "mtdna": "mitochondrion",
    "mitochondrion_genome": "mitochondrion",
    "pt": "plastid",
}
# UCSC's ids of mitochondria, which have no description.
UCSC_IDS = ("chrM", "chrMT")

# "dna:chromosome chromosome:GRCh38:MT:1:16569:1 REF", or "cdna chromosome:…" for a gene.
_ENSEMBL = r"^(?:dna(?:_sm|_rm)?:\S+|cdna|cds|ncrna) (?P<system>[^:\s]+):[^:\s]*:(?P<name>[^:\s]+):\d+:\d+:-?1(?:\s|$)"
_ANY_MODIFIER = r"\[[^\[\]=]+=[^\[\]]*\]\s*"
_BLANKS = " \t\"'"


def facts_of_headers(seq_ids: pa.Array, descriptions: pa.Array) -> tuple[pa.Table, pa.Array]:
    """Facts that the headers of records state.

    - NCBI's modifiers: ``[organelle=…]`` or ``[location=…]``, ``[organism=…]``, ``[taxid=…]``, and ``[mgcode=…]`` or
      ``[pgcode=…]`` for the organelles with such a code; without one, ``[gcode=…]``.
    - Ensembl's descriptions: the name of the sequence, such as ``MT``.
    - Other descriptions: the words of `organelles_of_titles`. Stated locations win over words.

    Args:
        seq_ids: string, shape (n,), without null.
        descriptions: string, shape (n,): the headers after their first words.

    Returns:
        The facts (`FACTS`, n rows), and the modifiers that are not used, because NCBI has no such genetic code or taxid:
        string, such as ``AB1 [gcode=7]``.
    """
    location = _modifier(descriptions, "organelle|location")
    ensembl = pc.extract_regex(descriptions, _ENSEMBL)
    title = pc.utf8_trim_whitespace(pc.replace_substring_regex(descriptions, _ANY_MODIFIER, ""))
    organelle = pc.case_when(
        pc.make_struct(
            pc.is_valid(location), pc.is_valid(ensembl), pc.is_in(seq_ids, value_set=pa.array(UCSC_IDS))
        ),
        organelles_of_words(location),
        _ensembl_organelles(ensembl),
        pa.scalar("mitochondrion"),
        organelles_of_titles(title),
    )
    refused: list[pa.Array] = []
    codes = {
        name: _numbers(seq_ids, descriptions, name, set(genetic_codes()), refused)
        for name in ("gcode", "mgcode", "pgcode")
    }
    own_code = pc.case_when(
        pc.make_struct(
            pc.is_in(organelle, value_set=pa.array(WITH_MITOCHONDRIAL_CODE)),
            pc.is_in(organelle, value_set=pa.array(WITH_PLASTID_CODE)),
        ),
        codes["mgcode"],
        codes["pgcode"],
    )
    facts = {
        "seq_id": seq_ids,
        "organelle": organelle,
        "genetic_code": pc.coalesce(own_code, codes["gcode"]).cast(pa.int32()),
        "taxid": _numbers(seq_ids, descriptions, "taxid", None, refused),
        "organism": _modifier(descriptions, "organism"),
        "title": pc.if_else(pc.equal(title, ""), None, title),
        "length": pa.nulls(len(seq_ids), pa.int64()),
    }
    return pa.table(facts, schema=FACTS), pa.concat_arrays(refused)


def _modifier(descriptions: pa.Array, names: str) -> pa.Array:
    """Values of a modifier, without blanks and quotes; null where it is missing or empty."""
    found = pc.extract_regex(descriptions, rf"(?i)\[\s*(?:{names})\s*=(?P<value>[^\[\]]*)\]")
    value = pc.utf8_trim(pc.struct_field(found, "value"), characters=_BLANKS)
    return pc.if_else(pc.and_(pc.is_valid(found), pc.not_equal(value, "")), value, None)


def _ensembl_organelles(found: pa.Array) -> pa.Array:
    name = pc.struct_field(found, "name")
    known = pc.index_in(pc.utf8_lower(name), value_set=pa.array(ENSEMBL_NAMES))
    return pc.coalesce(
        pa.array(ENSEMBL_NAMES.values()).take(known),
        organelles_of_words(name),
        organelles_of_words(pc.struct_field(found, "system")),
    )


def _numbers(
    seq_ids: pa.Array, descriptions: pa.Array, name: str, allowed: set[int] | None, refused: list[pa.Array]
) -> pa.Array:
    """Numbers of a modifier; null where it is missing or not allowed. Adds the modifiers that are not allowed."""
    texts = _modifier(descriptions, name)
    spelled = pc.unique(texts.drop_null())
    read = [whole_number(text) for text in spelled.to_pylist()]
    used = [number if number and (allowed is None or number in allowed) else None for number in read]
    numbers = pa.array(used, pa.int64()).take(pc.index_in(texts, value_set=spelled))
    is_refused = pc.and_(pc.is_valid(texts), pc.is_null(numbers))
    parts = [each.filter(is_refused) for each in (seq_ids, texts)]
    refused.append(pc.binary_join_element_wise(parts[0], f" [{name}=", parts[1], "]", ""))
    return numbers
