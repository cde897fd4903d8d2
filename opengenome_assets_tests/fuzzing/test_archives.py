"""Damaged archives and any bytes: the records that were packed, or one clear error; never a file outside of the archive."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opengenome_assets.errors import OpengenomeError
from opengenome_assets.inputs.find import InputFile
from opengenome_assets.inputs.records import read_records
from opengenome_assets_tests.fuzzing.damage import damaged
from opengenome_assets_tests.fuzzing.test_fasta import letters_of, naive
from opengenome_assets_tests.inputs.inputs import COMPRESS, fasta
from opengenome_assets_tests.inputs.test_archives import tar, zipped

ANY_TIME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = (fasta(2, 90), fasta(1, 700), fasta(3, 40))
MEMBERS = (
    ("a.fna", TEXTS[0]),
    ("README.txt", "x" * 520),
    (f"{'long/' * 30}b.fna.gz", COMPRESS["gz"](TEXTS[1].encode())),
    ("./c.fa", TEXTS[2]),
)
WHOLE = {"tar": tar(*MEMBERS), "zip": zipped(*MEMBERS)}
EXPECTED = naive("".join(TEXTS).encode())


def read(path: Path, form: str, content: bytes) -> list[bytes] | None:
    """The letters of all records; None if the archive is refused in one line that names it."""
    path.write_bytes(content)
    file = InputFile(str(path), path.name, "tar" if form == "tar" else "zip", len(content), "1")
    try:
        return letters_of(read_records(file))
    except OpengenomeError as error:
        assert path.name in str(error)  # noqa: PT017 (most of the damage is refused, some is not)
        assert "\n" not in str(error)  # noqa: PT017 (as above)
        return None
    finally:
        assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("form", WHOLE)
def test_the_whole_archive_has_all_records(tmp_path: Path, form: str) -> None:
    assert read(tmp_path / f"x.{form}", form, WHOLE[form]) == EXPECTED


@ANY_TIME
@given(size=st.integers(0, len(WHOLE["tar"])))
@pytest.mark.parametrize("form", WHOLE)
def test_a_truncated_archive_gives_all_records_or_an_error(tmp_path: Path, form: str, size: int) -> None:
    assert read(tmp_path / f"x.{form}", form, WHOLE[form][:size]) in (EXPECTED, None)


@ANY_TIME
@given(data=st.data())
def test_a_damaged_zip_gives_all_records_or_an_error(tmp_path: Path, data: st.DataObject) -> None:
    found = read(tmp_path / "x.zip", "zip", data.draw(damaged(WHOLE["zip"])))
    # The list of members has no checksum: a changed name leaves out its member, which the log counts.
    assert found is None or set(found) <= set(EXPECTED or [])


@ANY_TIME
@given(data=st.data())
def test_a_damaged_tar_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    # Plain tar has no checksum of its contents, so damage in letters is not noticed.
    read(tmp_path / "x.tar", "tar", data.draw(damaged(WHOLE["tar"])))


@ANY_TIME
@given(data=st.data())
def test_a_damaged_compressed_tar_gives_all_records_or_an_error(tmp_path: Path, data: st.DataObject) -> None:
    content = data.draw(damaged(COMPRESS["gz"](WHOLE["tar"])))
    assert read(tmp_path / "x.tar.gz", "tar", content) in (EXPECTED, None)


@ANY_TIME
@given(content=st.binary(max_size=1200))
@pytest.mark.parametrize("form", WHOLE)
def test_any_bytes_are_refused(tmp_path: Path, form: str, content: bytes) -> None:
    assert read(tmp_path / f"x.{form}", form, content) is None
