"""What every study is given: the size, the number of rounds, and a scratch folder with the data."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import Inputs
from benchmarks.genomes import Format, genomes_of, write_genomes
from benchmarks.warm import DATASET


@dataclass(frozen=True)
class Bench:
    """One run of the benchmark.

    Attributes:
        size: as ``genomes_of`` takes it.
        rounds: how often everything is run.
        scratch: folder for data and results. The caller removes it.
        log: called with a line about the progress.
        own: the user's own genomes, where a study can take them.
        formats: those that the study of reading takes; all of them where none are named.
    """

    size: str
    rounds: int
    scratch: Path
    log: Callable[[str], None]
    own: str | None = None
    formats: tuple[Format, ...] = ()

    @property
    def is_full(self) -> bool:
        return self.size == "full"

    @property
    def bases(self) -> int:
        return genomes_of(self.size).bases

    def genomes(self, size: str, *formats: Format) -> dict[Format, Path]:
        """The files of a data set, made when they are missing."""
        folder = self.scratch / f"genomes-{size}"
        folder.mkdir(parents=True, exist_ok=True)
        paths: dict[Format, Path] = {form: folder / _FILES[form] for form in formats}
        missing = {form: path for form, path in paths.items() if not path.exists()}
        if missing:
            self.log(f"making {size} of genomes: {', '.join(missing)}")
            write_genomes(genomes_of(size), missing)
        return paths

    def inputs(self, size: str) -> Inputs:
        """A data set in the form that contenders need. Its batch files are in ``batches`` of the result, once made."""
        paths = self.genomes(size, "fasta", "fasta.gz", "parquet")
        batches = self.scratch / f"warehouse-{size}" / DATASET / "sequences"
        return Inputs(paths["fasta"], paths["fasta.gz"], paths["parquet"], batches, genomes_of(size).bases)


# A folder of mixed files would be taken for one input, so names say the format.
_FILES: dict[Format, str] = {
    "fasta": "genomes.fasta",
    "fasta.gz": "genomes.fasta.gz",
    "parquet": "genomes.parquet",
    "parquet-large": "large_row_groups.parquet",
    "tar": "pieces.tar",
}
