"""The fingerprint of a plan changes with everything that changes rows or counts, and with nothing else."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import pytest

from opengenome_assets.batches import register as registering
from opengenome_assets.batches.plan import BatchPlan
from opengenome_assets.files.formats import LayoutVersions
from opengenome_assets_tests.scenario import Project, write_fasta

FILES = {
    "a.fa": {"a1": "ACGTACGT", "a2": "ACG", "a3": "acgTTT"},
    "b.fa": {"b1": "CCCGGG", "b2": "TTTT", "b3": "GATTACA"},
}
TABLE = "seq_id\tgroup\tgenetic_code\na1\tanimals\t2\nb2\tplants\t11\n"
SETTINGS = {"BATCH_SIZE": "7", "SAMPLE": "5", "ON_INVALID": "skip", "SOFT_MASK": "skip"}


@dataclass(frozen=True)
class Asked:
    """An input and settings; the base of all variants unless given."""

    files: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: FILES)
    table: str | None = TABLE
    settings: Mapping[str, str] = field(default_factory=lambda: SETTINGS)
    table_name: str = "groups.tsv"
    dataset: str = "mine"


def registered(asked: Asked, folder: Path) -> Project:
    (folder / "genomes").mkdir(parents=True)
    for name, records in asked.files.items():
        write_fasta(folder / "genomes" / name, records)
    environment = {"INPUT": str(folder / "genomes"), "DATASET": asked.dataset} | dict(asked.settings)
    if asked.table is not None:
        (folder / asked.table_name).write_text(asked.table)
        environment["METADATA"] = str(folder / asked.table_name)
    own = Project(folder / "warehouse", {f"OPENGENOME_{name}": text for name, text in environment.items()})
    own.registered()
    return own


def fingerprint(asked: Asked, folder: Path) -> str:
    return registered(asked, folder).manifest.fingerprint


def with_file(name: str, records: Mapping[str, str]) -> Asked:
    return Asked(files={**FILES, name: records})


def without(*names: str, **others: str) -> Asked:
    kept = {name: text for name, text in SETTINGS.items() if name not in names}
    return Asked(settings=kept | others)


OTHERS = {
    "a base": with_file("b.fa", FILES["b.fa"] | {"b2": "TTTA"}),
    "the case of a base": with_file("b.fa", FILES["b.fa"] | {"b2": "TTTt"}),
    "an id": with_file("b.fa", {"b0": "CCCGGG", "b2": "TTTT", "b3": "GATTACA"}),
    "the order of records": with_file("b.fa", {"b2": "TTTT", "b1": "CCCGGG", "b3": "GATTACA"}),
    "the order of files": Asked(files={"b.fa": FILES["a.fa"], "a.fa": FILES["b.fa"]}),
    "the name of a file": Asked(files={"a.fa": FILES["a.fa"], "c.fa": FILES["b.fa"]}),
    "one more file": with_file("c.fa", {"c1": "A"}),
    "one file less": Asked(files={"a.fa": FILES["a.fa"]}),
    "no metadata table": Asked(table=None),
    "a group": Asked(table=TABLE.replace("plants", "fungi")),
    "a genetic code": Asked(table=TABLE.replace("11", "1")),
    "another id in the table": Asked(table=TABLE.replace("b2", "b1")),
    "one more id in the table": Asked(table=TABLE + "b1\tplants\t11\n"),
    "one id less in the table": Asked(table=TABLE.replace("b2\tplants\t11\n", "")),
    "groups by file": without(GROUP="file"),
    "groups by a column of the same name": without(GROUP="group"),
    "groups by another column": without(GROUP="genetic_code"),
    "versions ignored": without(IGNORE_VERSION="yes"),
    # Five records are one batch in each of these.
    "batch size": without(BATCH_SIZE="8"),
    "batch size auto": without(BATCH_SIZE="auto"),
    "default batch size": without("BATCH_SIZE"),
    "smaller batches": without(BATCH_SIZE="2"),
    "sample": without(SAMPLE="4"),
    "no sample": without("SAMPLE"),
    # A sample of all rows is another plan than no sample.
    "sample of all": without(SAMPLE="6"),
    "invalid records fail": without(ON_INVALID="fail"),
    "default for invalid records": without("ON_INVALID"),
    "soft mask counted": without(SOFT_MASK="count"),
    "default for soft mask": without("SOFT_MASK"),
}
# What is asked for by a value or by leaving it out is the same.
DEFAULTS = [
    {"invalid records fail", "default for invalid records"},
    {"soft mask counted", "default for soft mask"},
]


def test_every_ingredient_changes_the_fingerprint(tmp_path: Path) -> None:
    prints = {name: fingerprint(asked, tmp_path / name) for name, asked in OTHERS.items()}
    prints["base"] = fingerprint(Asked(), tmp_path / "base")
    same = [{one, other} for one, other in combinations(prints, 2) if prints[one] == prints[other]]
    assert sorted(map(sorted, same)) == sorted(map(sorted, DEFAULTS))


SAME = {
    "another place": Asked(),
    "another name of the data set": Asked(dataset="yours"),
    "per-sequence tables": without(BY_SEQUENCE="yes"),
    "versions not ignored": without(IGNORE_VERSION="no"),
    "a declared number": without(SEQUENCES="6"),
    "another name of the table": Asked(table_name="other.txt"),
    "a table of another format": Asked(table=TABLE.replace("\t", ","), table_name="groups.csv"),
}


def test_nothing_else_changes_the_fingerprint(tmp_path: Path) -> None:
    base = fingerprint(Asked(), tmp_path / "base")
    assert {name: fingerprint(asked, tmp_path / name) for name, asked in SAME.items()} == dict.fromkeys(
        SAME, base
    )


def test_dates_of_files_do_not_change_the_fingerprint(tmp_path: Path) -> None:
    own = registered(Asked(), tmp_path / "first")
    for path in (*(tmp_path / "first" / "genomes").iterdir(), tmp_path / "first" / "groups.tsv"):
        os.utime(path, (1, 1))
    again = Project(tmp_path / "second", own.environment)
    assert again.registered().is_new
    assert again.manifest.fingerprint == own.manifest.fingerprint


@pytest.mark.parametrize("what", ["cuts", "format"])
def test_what_another_version_does_changes_the_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    before = fingerprint(Asked(), tmp_path / "before")
    if what == "format":
        monkeypatch.setattr(registering, "BATCH_FILE", LayoutVersions(written=99, oldest=1))
    else:
        monkeypatch.setattr(registering, "plan_batches", lambda lengths, rows, size: BatchPlan((0, 1, rows)))
    assert fingerprint(Asked(), tmp_path / "after") != before
