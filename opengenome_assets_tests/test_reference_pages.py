"""The reference pages list every column and every check, and no other."""

import re
from collections.abc import Iterable

import pyarrow as pa
import pytest

from opengenome_assets import schemas
from opengenome_assets.graph import by_sequence, codon_counts, codon_frequencies, sequences
from opengenome_assets_tests.services import ROOT

REFERENCE = ROOT / "docs" / "reference"
COLUMNS = {
    "sequences": schemas.SEQUENCES,
    "rejected": schemas.REJECTED,
    "codon_counts": schemas.CODON_COUNTS,
    "codon_frequencies": schemas.CODON_FREQUENCIES,
    "codon_usage_by_sequence": schemas.CODON_USAGE_BY_SEQUENCE,
    "readings.tsv": schemas.CODON_READINGS,
    "measures.tsv": schemas.CODON_MEASURES,
    "expectations.tsv": schemas.CODON_EXPECTATIONS,
    "six_frames.tsv": schemas.SIX_FRAMES,
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
