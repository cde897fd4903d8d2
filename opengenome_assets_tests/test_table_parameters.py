import pytest

from opengenome_assets.declaring import read
from opengenome_assets.errors import SettingError
from opengenome_assets.settings import TableParameters


def test_defaults_are_frame_0_plus_strand_standard_code():
    parameters = TableParameters()
    assert (parameters.frame, parameters.strand, parameters.code.id) == (0, "+", 1)
    assert (parameters.skip_n, parameters.skip_stops, parameters.min_count) == (True, False, 0)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"frame": 3}, "frame: 3 is not allowed. Give a whole number, 0 to 2"),
        ({"frame": -1}, "frame: -1 is not allowed"),
        ({"strand": "x"}, r"strand: 'x' is not allowed. Give '\+' or '-' or 'both'"),
        ({"genetic_code": 7}, "genetic_code: 7 is none of NCBI's genetic codes"),
        ({"genetic_code": "Klingon"}, "genetic_code: 'Klingon' is none"),
        ({"min_count": -1}, "min_count: -1 is not allowed. Give a whole number, 0 or more"),
        ({"min_count": 0.5}, "min_count: 0.5 is not allowed"),
        ({"min_count": 2**63}, "min_count: 9223372036854775808 is not allowed"),
        ({"min_count": True}, "min_count: True is not allowed"),
        ({"frame": True}, "frame: True is not allowed"),
        ({"genetic_code": "²"}, "genetic_code: '²'"),
        ({"genetic_code": "9" * 5000}, "genetic_code: '999"),
    ],
)
def test_a_value_outside_of_what_is_allowed_is_refused_by_name(setting, message):
    with pytest.raises(SettingError, match=message):
        TableParameters(**setting)


def test_a_genetic_code_can_be_named():
    assert TableParameters(genetic_code="Yeast Mitochondrial").code.id == 3


def test_differing_parameters_are_text_that_options_take():
    own = TableParameters()
    other = TableParameters(
        frame=1, strand="both", genetic_code=2, skip_n=False, skip_stops=True, min_count=1
    )
    differing = {
        "frame": "1",
        "strand": "both",
        "genetic_code": "2",
        "skip_n": "no",
        "skip_stops": "yes",
        "min_count": "1",
    }
    assert (other.differing(own), own.differing(own)) == (differing, {})
    assert list(other.differing(own)) == list(differing)
    variables = {f"OPENGENOME_{name.upper()}": text for name, text in differing.items()}
    assert read(TableParameters, variables) == other


def test_a_row_per_sequence_depends_on_four_parameters():
    other = TableParameters(frame=1, strand="-", genetic_code=2, skip_n=False, skip_stops=True, min_count=3)
    own = TableParameters(min_count=7)
    assert other.of_sequences(own) == TableParameters(
        frame=1, strand="-", genetic_code=2, skip_stops=True, min_count=7
    )


def test_the_ends_of_what_is_allowed_are_allowed():
    assert TableParameters(min_count=2**63 - 1, frame=2, strand="-").min_count == 2**63 - 1
