"""The reference pages list every column, every check and every word for an organelle, and no other."""

import re
from collections.abc import Iterable

import pyarrow as pa
import pytest

from opengenome_assets import schemas
from opengenome_assets.graph import by_sequence, codon_counts, codon_frequencies, sequences
from opengenome_assets.metadata import headers, organelles
from opengenome_assets_tests.services import ROOT

REFERENCE = ROOT / "docs" / "reference"
COLUMNS = {
    "sequences": schemas.SEQUENCES,
    "lengths": schemas.LENGTHS,
    "rejected": schemas.REJECTED,
    "codon_counts": schemas.CODON_COUNTS,
    "codon_frequencies": schemas.CODON_FREQUENCIES,
    "codon_usage_by_sequence": schemas.CODON_USAGE_BY_SEQUENCE,
    "Codon matrix": schemas.CODON_MATRIX,
    "readings.tsv": schemas.CODON_READINGS,
    "measures.tsv": schemas.CODON_MEASURES,
    "expectations.tsv": schemas.CODON_EXPECTATIONS,
    "six_frames.tsv": schemas.SIX_FRAMES,
    "spread.tsv": schemas.SEQUENCE_SPREAD,
}
# Whether each check blocks; those of the table all do.
BLOCKING = {
    check.name: check.is_blocking
    for asset in (sequences.SEQUENCES, codon_counts.COUNTS, by_sequence.BY_SEQUENCE)
    for check in asset.checks
} | dict.fromkeys((*codon_frequencies.CHECKS, *codon_frequencies.PLANTED_CHECK), True)
ALL_CODONS = "`AAA` … `TTT`"


def sections(page: str) -> dict[str, str]:
    """Text below each heading of a reference page."""
    parts = re.split(r"^#+ (.+)\n", (REFERENCE / page).read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def names_and_types(fields: Iterable[pa.Field]) -> list[tuple[str, str]]:
    """Columns as the page lists them: the 64 codons are one line."""
    listed = [(f"`{field.name}`", str(field.type)) for field in fields]
    codons = [number for number, (name, _) in enumerate(listed) if re.fullmatch("`[ACGT]{3}`", name)]
    if codons:
        assert len(codons) == 64
        listed[codons[0] :] = [(ALL_CODONS, listed[codons[0]][1])]
    return listed


@pytest.mark.parametrize(("section", "schema"), COLUMNS.items(), ids=COLUMNS)
def test_columns_of_the_page_are_those_of_the_file(section: str, schema: pa.Schema) -> None:
    rows = re.findall(
        r"^\| (`.+?) \| (\w+) \| .+ \|$", sections("files-and-columns.md")[section], re.MULTILINE
    )
    assert rows == names_and_types(schema)


def test_checks_of_the_page_are_those_of_the_graph() -> None:
    headings = re.findall(r"^### (.+)$", (REFERENCE / "checks.md").read_text(), re.MULTILINE)
    assert headings == list(BLOCKING)


def test_the_page_says_which_checks_block() -> None:
    first_words = {check: sections("checks.md")[check].split(maxsplit=1)[0].strip(".,") for check in BLOCKING}
    assert first_words == {check: "Blocking" if blocks else "Warning" for check, blocks in BLOCKING.items()}


def in_ticks(text: str) -> tuple[str, ...]:
    return tuple(re.findall("`(.+?)`", text))


def line_with(section: str, begin: str) -> tuple[str, ...]:
    """Values of the line of a list on the page on organelles."""
    (line,) = re.findall(rf"^{begin}(.+)$", sections("organelles.md")[section], re.MULTILINE)
    return in_ticks(line)


def test_words_of_the_page_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (\w+) \|$", sections("organelles.md")["Words"], re.MULTILINE)
    assert {name: in_ticks(words) for name, words, _ in rows} == organelles.WORDS
    codes = dict.fromkeys(organelles.ORGANELLES, "nuclear")
    codes |= dict.fromkeys(organelles.WITH_MITOCHONDRIAL_CODE, "mitochondrial")
    codes |= dict.fromkeys(organelles.WITH_PLASTID_CODE, "plastid")
    assert {name: code for name, _, code in rows} == codes


def test_the_page_lists_the_words_without_a_class() -> None:
    assert line_with("Values of fields", "These values have no class: ") == organelles.UNCLASSED
    assert line_with("Titles", "- one of these words, .+: ") == organelles.UNCLEAR
    assert line_with("Titles", "- the word `nuclear` in .+ than ") == organelles.NUCLEAR_IN_TITLES


def test_names_of_ensembl_on_the_page_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \|$", sections("organelles.md")["Headers"], re.MULTILINE)
    assert dict(rows) == headers.ENSEMBL_NAMES
    assert line_with("Headers", "3. The ids ")[: len(headers.UCSC_IDS)] == headers.UCSC_IDS
