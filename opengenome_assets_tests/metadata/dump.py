"""Small taxdumps: written as NCBI writes them, with the codes of every taxon in its own row."""

import io
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

NAMES = ("nodes.dmp", "names.dmp", "merged.dmp", "delnodes.dmp")


@dataclass(frozen=True)
class Taxon:
    """A taxon. Codes that are None are those of its parent.

    Attributes:
        taxid: NCBI's number.
        parent: taxid of the parent.
        name: scientific name.
        rank: NCBI's rank.
        nuclear: genetic code.
        mitochondrial: genetic code of mitochondria; 0 for none.
        plastid: genetic code of plastids; 0 for none.
    """

    taxid: int
    parent: int
    name: str
    rank: str = "species"
    nuclear: int | None = None
    mitochondrial: int | None = None
    plastid: int | None = None


ROOT = Taxon(1, 1, "root", "no rank", nuclear=1, mitochondrial=0, plastid=0)
# The taxa of the 60 organelles, and the taxa above them where NCBI sets a code.
TREE = [
    ROOT,
    Taxon(131567, 1, "cellular organisms", "cellular root"),
    Taxon(2, 131567, "Bacteria", "domain", nuclear=11),
    Taxon(2759, 131567, "Eukaryota", "domain", mitochondrial=1),
    Taxon(33208, 2759, "Metazoa", "kingdom", mitochondrial=5),
    Taxon(7711, 33208, "Chordata", "phylum"),
    Taxon(7735, 7711, "Leptocardii", "class"),
    Taxon(7739, 7735, "Branchiostoma floridae"),
    Taxon(7713, 7711, "Ascidiacea", "class", mitochondrial=13),
    Taxon(7729, 7713, "Halocynthia roretzi"),
    Taxon(7742, 7711, "Vertebrata", "clade", mitochondrial=2),
    Taxon(186623, 7742, "Actinopteri", "class"),
    Taxon(7962, 186623, "Cyprinus carpio"),
    Taxon(8292, 7742, "Amphibia", "class"),
    Taxon(8355, 8292, "Xenopus laevis"),
    Taxon(8782, 7742, "Aves", "class"),
    Taxon(8797, 8782, "Rhea americana"),
    Taxon(40674, 7742, "Mammalia", "class"),
    Taxon(9258, 40674, "Ornithorhynchus anatinus"),
    Taxon(9796, 40674, "Equus caballus"),
    Taxon(9598, 40674, "Pan troglodytes"),
    Taxon(10116, 40674, "Rattus norvegicus"),
    Taxon(6656, 33208, "Arthropoda", "phylum"),
    Taxon(6669, 6656, "Daphnia pulex"),
    Taxon(7213, 6656, "Ceratitis capitata"),
    Taxon(42377, 6656, "Anopheles quadrimaculatus A"),
    Taxon(7245, 6656, "Drosophila yakuba"),
    Taxon(6661, 6656, "Artemia franciscana"),
    Taxon(6340, 33208, "Annelida", "phylum"),
    Taxon(6359, 6340, "Platynereis dumerilii"),
    Taxon(6447, 33208, "Mollusca", "phylum"),
    Taxon(29159, 6447, "Magallana gigas"),
    Taxon(6231, 33208, "Nematoda", "phylum"),
    Taxon(6253, 6231, "Ascaris suum"),
    Taxon(6239, 6231, "Caenorhabditis elegans"),
    Taxon(6157, 33208, "Platyhelminthes", "phylum", mitochondrial=9),
    Taxon(6211, 6157, "Echinococcus multilocularis"),
    Taxon(6183, 6157, "Schistosoma mansoni"),
    Taxon(6192, 6157, "Fasciola hepatica"),
    Taxon(7586, 33208, "Echinodermata", "phylum", mitochondrial=9),
    Taxon(7668, 7586, "Strongylocentrotus purpuratus"),
    Taxon(7656, 7586, "Paracentrotus lividus"),
    Taxon(7594, 7586, "Patiria pectinifera"),
    Taxon(73431, 7586, "Florometra serratissima"),
    Taxon(6073, 33208, "Cnidaria", "phylum", mitochondrial=4),
    Taxon(6116, 6073, "Metridium senile"),
    Taxon(4751, 2759, "Fungi", "kingdom", mitochondrial=4),
    Taxon(451459, 4751, "Blastocladiomycota", "phylum"),
    Taxon(28583, 451459, "Allomyces macrogynus"),
    Taxon(4890, 4751, "Ascomycota", "phylum"),
    Taxon(4891, 4890, "Saccharomycetes", "class", mitochondrial=3),
    Taxon(1156965, 4891, "Wickerhamomyces canadensis"),
    Taxon(4952, 4891, "Yarrowia lipolytica", mitochondrial=4),
    Taxon(2605435, 2759, "Evosea", "phylum"),
    Taxon(44689, 2605435, "Dictyostelium discoideum"),
    Taxon(33682, 2759, "Euglenozoa", "phylum", mitochondrial=4),
    Taxon(5689, 33682, "Leishmania tarentolae"),
    # NCBI sets no plastid code here.
    Taxon(3039, 33682, "Euglena gracilis"),
    Taxon(3037, 33682, "Euglena longa"),
    Taxon(48483, 2759, "Reclinomonas americana"),
    Taxon(2696291, 2759, "Ochrophyta", "phylum", plastid=11),
    Taxon(47573, 2696291, "Chrysodidymus synuroideus"),
    Taxon(2986, 2696291, "Ochromonas danica"),
    Taxon(4762, 2759, "Oomycota", "phylum"),
    Taxon(4787, 4762, "Phytophthora infestans"),
    Taxon(5878, 2759, "Ciliophora", "phylum", nuclear=6, mitochondrial=4),
    Taxon(5908, 5878, "Tetrahymena pyriformis"),
    Taxon(5889, 5878, "Paramecium aurelia"),
    Taxon(5794, 2759, "Apicomplexa", "phylum", mitochondrial=4, plastid=11),
    Taxon(5810, 5794, "Toxoplasma", "genus", plastid=4),
    Taxon(5811, 5810, "Toxoplasma gondii"),
    Taxon(383379, 5811, "Toxoplasma gondii RH", "strain"),
    Taxon(2763, 2759, "Rhodophyta", "phylum", mitochondrial=4, plastid=11),
    Taxon(2769, 2763, "Chondrus crispus"),
    Taxon(2787, 2763, "Porphyra purpurea"),
    Taxon(265318, 2763, "Cyanidiales", "order", mitochondrial=1),
    Taxon(45157, 265318, "Cyanidioschyzon merolae"),
    Taxon(3027, 2759, "Cryptophyceae", "class", plastid=11),
    Taxon(55529, 3027, "Guillardia theta"),
    Taxon(38254, 2759, "Glaucocystophyceae", "class", plastid=11),
    Taxon(2762, 38254, "Cyanophora paradoxa"),
    Taxon(33090, 2759, "Viridiplantae", "kingdom", plastid=11),
    Taxon(3041, 33090, "Chlorophyta", "phylum"),
    Taxon(31312, 3041, "Nephroselmis olivacea"),
    Taxon(3077, 3041, "Chlorella vulgaris"),
    Taxon(3159, 3041, "Pedinomonas minor", mitochondrial=4),
    Taxon(3055, 3041, "Chlamydomonas reinhardtii"),
    Taxon(3088, 3041, "Tetradesmus obliquus", mitochondrial=22),
    Taxon(35493, 33090, "Streptophyta", "phylum"),
    Taxon(3702, 35493, "Arabidopsis thaliana"),
    Taxon(56867, 35493, "Marchantia paleacea"),
    Taxon(4530, 35493, "Oryza sativa"),
    Taxon(39947, 4530, "Oryza sativa Japonica Group", "subspecies"),
    Taxon(3350, 35493, "Pinus thunbergii"),
    Taxon(4577, 35493, "Zea mays"),
    Taxon(4097, 35493, "Nicotiana tabacum"),
    Taxon(3562, 35493, "Spinacia oleracea"),
    Taxon(3941, 35493, "Oenothera elata"),
    Taxon(85636, 3941, "Oenothera elata subsp. hookeri", "subspecies"),
    Taxon(4565, 35493, "Triticum aestivum"),
]


def rows(values: Iterable[Iterable[object]]) -> bytes:
    """Rows as NCBI writes them."""
    return "".join("\t|\t".join(map(str, row)) + "\t|\n" for row in values).encode()


def nodes(tree: Iterable[Taxon], *, plain: bool = False) -> bytes:
    """nodes.dmp of new_taxdump, or of the plain taxdump, which has five fields less."""
    codes: dict[int, tuple[int, int, int]] = {1: (1, 0, 0)}
    lines = []
    for taxon in tree:
        own = (taxon.nuclear, taxon.mitochondrial, taxon.plastid)
        above = codes.get(taxon.parent, (1, 0, 0))
        codes[taxon.taxid] = tuple(
            parent if code is None else code for code, parent in zip(own, above, strict=True)
        )
        nuclear, mitochondrial, plastid = codes[taxon.taxid]
        line = [taxon.taxid, taxon.parent, taxon.rank, "", 1, 1, nuclear, 1, mitochondrial, 1, 0, 0, ""]
        # NCBI leaves the field empty for some taxa without plastids, and writes 0 for others.
        lines.append(line if plain else [*line, plastid or ("" if taxon.taxid % 2 else 0), 1, 1, 0, 1])
    return rows(lines)


def files(
    tree: Iterable[Taxon] = TREE,
    *,
    others: Iterable[tuple[int, str, str]] = (),
    merged: Mapping[int, int] | None = None,
    deleted: Iterable[int] = (),
    plain: bool = False,
) -> dict[str, bytes]:
    """The files of a dump.

    Args:
        tree: taxa, parents first.
        others: taxid, name and class of further names.
        merged: old → new taxid.
        deleted: taxids.
        plain: whether the dump has no plastid codes.
    """
    tree = list(tree)
    names = [(taxon.taxid, taxon.name, "", "scientific name") for taxon in tree]
    names += [(taxid, name, "", kind) for taxid, name, kind in others]
    return {
        "nodes.dmp": nodes(tree, plain=plain),
        "names.dmp": rows(names),
        "merged.dmp": rows((merged or {}).items()),
        "delnodes.dmp": rows((taxid,) for taxid in deleted),
    }


def write_folder(folder: Path, contents: Mapping[str, bytes]) -> str:
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return str(folder)


def archive(contents: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    """A tar archive of the files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
