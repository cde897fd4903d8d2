"""An edited or damaged manifest is read correctly, or gives an error that names the file."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opengenome_assets.batches.manifest import Manifest, find_manifest
from opengenome_assets.errors import ManifestError
from opengenome_assets_tests.fuzzing.damage import damaged
from opengenome_assets_tests.scenario import Project, made_up_records, project, write_fasta

ANY_TIME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("manifest")
    made = project(folder, write_fasta(folder / "mine.fa", made_up_records(7)), batch_size=3)
    made.runner.register()
    return made


@pytest.fixture(scope="module")
def text(own: Project) -> str:
    return Path(own.folder.location("manifest.json")).read_text()


def read(own: Project, content: str | bytes) -> Manifest | None:
    """The manifest of such content, used as loading the definitions uses it; None where it is refused."""
    path = Path(own.folder.location("manifest.json"))
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        manifest = find_manifest(own.folder)
    except ManifestError as error:
        assert "manifest.json" in str(error)  # noqa: PT017 (some changes are harmless)
        return None
    assert manifest is not None
    for key in manifest.plan.keys:
        assert manifest.bases_of(key) >= 0
        assert json.dumps(dataclasses.asdict(manifest.stamp(key)))
    assert json.dumps(manifest.provenance())
    assert isinstance(manifest.longest_id, str)
    assert manifest.input_rows >= manifest.rows > 0
    return manifest


def test_the_manifest_itself_is_read(own: Project, text: str) -> None:
    assert read(own, text) is not None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"input_rows": True}, "input_rows: Input should be a valid integer, found True"),
        ({"boundaries": [0, "7"]}, "boundaries.1: Input should be a valid integer, found '7'"),
        ({"settings": 3}, "settings: Input should be an object, found 3"),
        ({"colour": "red"}, "colour: Unexpected keyword argument, found 'red'"),
        ({"table": {"frame": 0, "colour": "red"}}, "table.colour: Unexpected keyword argument, found 'red'"),
        ({"table": {"frame": 7}}, "frame: 7 is not allowed. Give a whole number, 0 to 2, or leave it unset."),
        ({"format": True}, "format: Input should be a valid integer, found True"),
    ],
)
def test_a_wrong_field_is_named(own: Project, text: str, change: dict[str, Any], reason: str) -> None:
    location = Path(own.folder.location("manifest.json"))
    location.write_text(json.dumps(json.loads(text) | change))
    with pytest.raises(ManifestError) as error:
        find_manifest(own.folder)
    assert str(error.value).startswith(f"{location}: cannot be read ({reason}). Restore it, or remove ")


@ANY_TIME
@given(data=st.data())
def test_a_field_of_another_kind_is_refused_or_harmless(own: Project, text: str, data: st.DataObject) -> None:
    fields: dict[str, Any] = json.loads(text)
    inside = data.draw(st.sampled_from([fields, fields["settings"], fields["table"]]))
    name = data.draw(st.sampled_from(sorted(inside)))
    if data.draw(st.booleans()):
        inside[name] = data.draw(VALUES)
    else:
        del inside[name]
    read(own, json.dumps(fields))


@ANY_TIME
@given(data=st.data())
def test_damaged_bytes_are_refused_or_harmless(own: Project, text: str, data: st.DataObject) -> None:
    read(own, data.draw(damaged(text.encode())))
