import pytest

from opengenome_assets.errors import SettingError
from opengenome_assets.tables.parameters import TableParameters


def test_the_defaults_are_frame_0_of_the_forward_strand_under_the_standard_code():
    parameters = TableParameters()
    assert (parameters.frame, parameters.strand, parameters.code.id) == (0, "+", 1)
    assert (parameters.skip_n, parameters.skip_stops, parameters.min_count) == (True, False, 0)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"frame": 3}, "frame is 3; allowed are 0, 1 and 2"),
        ({"frame": -1}, "frame is -1"),
        ({"strand": "x"}, r"strand is 'x'; allowed are '\+' \(as read\) and '-'"),
        ({"genetic_code": 7}, "genetic_code is 7, which is none of NCBI's codes"),
        ({"genetic_code": "Klingon"}, "genetic_code is 'Klingon'"),
        ({"min_count": -1}, "min_count is -1; allowed is a whole number from 0"),
        ({"min_count": 0.5}, "min_count is 0.5"),
        ({"min_count": 2**63}, "min_count is 9223372036854775808; allowed is a whole number from 0"),
        ({"min_count": True}, "min_count is True"),
        ({"frame": True}, "frame is True"),
        ({"genetic_code": "²"}, "genetic_code is '²'"),
        ({"genetic_code": "9" * 5000}, "genetic_code is '999"),
    ],
)
def test_a_value_outside_of_what_is_allowed_is_refused_by_name(setting, message):
    with pytest.raises(SettingError, match=message):
        TableParameters(**setting)


def test_a_genetic_code_can_be_named():
    assert TableParameters(genetic_code="Yeast Mitochondrial").code.id == 3


def test_the_ends_of_what_is_allowed_are_allowed():
    assert TableParameters(min_count=2**63 - 1, frame=2, strand="-").min_count == 2**63 - 1
