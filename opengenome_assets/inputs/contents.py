"""What the files of an input hold by their names: NCBI, Ensembl and annotators put several kinds in one folder."""

import re
from collections.abc import Iterable

# The first that is found in a name counts.
_CONTENTS = {
    "coding sequences": re.compile(r"(^|[_.-])cds([_.-]|$)|\.ffn(\.|$)", re.IGNORECASE),
    "transcripts": re.compile(
        r"(^|[_.-])(rna|cdna|mrna|ncrna|transcripts?)\.|rna_from_genomic|\.frn(\.|$)", re.IGNORECASE
    ),
    "masked genomes": re.compile(r"\.dna_(rm|sm)\.", re.IGNORECASE),
}
_OTHERS = "genomes or others"


def mixed_contents(names: Iterable[str]) -> dict[str, list[str]]:
    """Sort file names by what they hold; nothing where all hold the same kind.

    Returns:
        What they hold → names. Counted together, genes count twice: in the genome and on their own.
    """
    found: dict[str, list[str]] = {}
    for name in names:
        kind = next((kind for kind, pattern in _CONTENTS.items() if pattern.search(name)), _OTHERS)
        found.setdefault(kind, []).append(name)
    return found if len(found) > 1 else {}
