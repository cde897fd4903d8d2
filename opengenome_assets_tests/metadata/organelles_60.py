"""The table of 60 organelle records, and what is right for each."""

from pathlib import Path

import pytest

ORGANELLES_60 = Path(__file__).parents[3] / "shared" / "opengenome2" / "organelles_60.csv"
needs_organelles_60 = pytest.mark.skipif(
    not ORGANELLES_60.is_file(), reason="the table ../shared/opengenome2/organelles_60.csv is absent"
)
# Accession → class, genetic code and phylum, written by hand. The codes follow the groups of organisms that NCBI's page on
# genetic codes lists, and not the records or the taxonomy, which were not at hand:
# https://www.ncbi.nlm.nih.gov/Taxonomy/Utils/wprintgc.cgi
# The page does not name these organisms, so their codes are less certain:
# - Yarrowia lipolytica (NC_002659): 4, by the authors of the record ("mould" code; Kerscher et al. 2001).
# - Wickerhamomyces canadensis (NC_001762): 3, as other yeasts.
# - Schistosoma and Fasciola (NC_002545, NC_002546): 9, as Rhabditophora. The page has Trematoda also under 21.
# - Allomyces (NC_001715): 4, as other fungi. Pedinomonas (NC_000892): 4. Cyanidioschyzon and Chlamydomonas: 1.
RIGHT: dict[str, tuple[str, int, str | None]] = {
    "NC_000834.1": ("mitochondrion", 5, "Chordata"),
    "NC_000844.1": ("mitochondrion", 5, "Arthropoda"),
    "NC_000846.1": ("mitochondrion", 2, "Chordata"),
    "NC_000857.1": ("mitochondrion", 5, "Arthropoda"),
    "NC_000862.1": ("mitochondrion", 4, "Ciliophora"),
    "NC_000875.1": ("mitochondrion", 5, "Arthropoda"),
    "NC_000887.3": ("mitochondrion", 1, "Rhodophyta"),
    "NC_000891.1": ("mitochondrion", 2, "Chordata"),
    "NC_000892.1": ("mitochondrion", 4, "Chlorophyta"),
    "NC_000894.1": ("kinetoplast", 4, "Euglenozoa"),
    "NC_000895.1": ("mitochondrion", 1, "Evosea"),
    "NC_000925.1": ("plastid", 11, "Rhodophyta"),
    "NC_000926.1": ("plastid", 11, None),
    "NC_000927.1": ("plastid", 11, "Chlorophyta"),
    "NC_000928.2": ("mitochondrion", 9, "Platyhelminthes"),
    "NC_000931.1": ("mitochondrion", 5, "Annelida"),
    "NC_000932.1": ("plastid", 11, "Streptophyta"),
    "NC_000933.1": ("mitochondrion", 4, "Cnidaria"),
    "NC_001276.1": ("mitochondrion", 5, "Mollusca"),
    "NC_001319.1": ("plastid", 11, "Streptophyta"),
    "NC_001320.1": ("plastid", 11, "Streptophyta"),
    "NC_001322.1": ("mitochondrion", 5, "Arthropoda"),
    "NC_001324.2": ("mitochondrion", 4, "Ciliophora"),
    "NC_001327.1": ("mitochondrion", 5, "Nematoda"),
    "NC_001328.1": ("mitochondrion", 5, "Nematoda"),
    "NC_001453.1": ("mitochondrion", 9, "Echinodermata"),
    "NC_001572.1": ("mitochondrion", 9, "Echinodermata"),
    "NC_001573.1": ("mitochondrion", 2, "Chordata"),
    "NC_001603.2": ("plastid", 11, "Euglenozoa"),
    "NC_001606.1": ("mitochondrion", 2, "Chordata"),
    "NC_001620.1": ("mitochondrion", 5, "Arthropoda"),
    "NC_001627.1": ("mitochondrion", 9, "Echinodermata"),
    "NC_001631.1": ("plastid", 11, "Streptophyta"),
    "NC_001638.1": ("mitochondrion", 1, "Chlorophyta"),
    "NC_001640.1": ("mitochondrion", 2, "Chordata"),
    "NC_001643.1": ("mitochondrion", 2, "Chordata"),
    "NC_001660.1": ("mitochondrion", 1, "Streptophyta"),
    "NC_001665.2": ("mitochondrion", 2, "Chordata"),
    "NC_001666.2": ("plastid", 11, "Streptophyta"),
    "NC_001675.1": ("plastid", 11, None),
    "NC_001677.2": ("mitochondrion", 4, "Rhodophyta"),
    "NC_001715.1": ("mitochondrion", 4, "Blastocladiomycota"),
    "NC_001762.1": ("mitochondrion", 3, "Ascomycota"),
    "NC_001799.1": ("apicoplast", 4, "Apicomplexa"),
    "NC_001823.1": ("mitochondrion", 1, None),
    "NC_001865.1": ("plastid", 11, "Chlorophyta"),
    "NC_001878.1": ("mitochondrion", 9, "Echinodermata"),
    "NC_001879.2": ("plastid", 11, "Streptophyta"),
    "NC_002174.1": ("mitochondrion", 1, "Ochrophyta"),
    "NC_002177.1": ("mitochondrion", 13, "Chordata"),
    "NC_002202.1": ("plastid", 11, "Streptophyta"),
    "NC_002254.1": ("mitochondrion", 22, "Chlorophyta"),
    "NC_002387.1": ("mitochondrion", 1, "Oomycota"),
    "NC_002545.1": ("mitochondrion", 9, "Platyhelminthes"),
    "NC_002546.1": ("mitochondrion", 9, "Platyhelminthes"),
    "NC_002571.1": ("mitochondrion", 1, "Ochrophyta"),
    "NC_002652.1": ("plastid", 11, "Euglenozoa"),
    "NC_002659.1": ("mitochondrion", 4, "Ascomycota"),
    "NC_002693.2": ("plastid", 11, "Streptophyta"),
    "NC_002762.1": ("plastid", 11, "Streptophyta"),
}
