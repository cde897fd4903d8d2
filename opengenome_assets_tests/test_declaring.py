"""What declared settings accept: whole numbers within ends, and words."""

import pytest

from opengenome_assets.declaring import MOST_ROWS, naming, one_of, whole_number


@pytest.mark.parametrize("given", ["2", " 5 ", 2, 5])
def test_a_whole_number_is_within_its_ends(given: object) -> None:
    assert whole_number(2, 5).convert(given) == int(str(given))


@pytest.mark.parametrize("given", ["1", "6", "2.0", "-2", "", "many", True, 2.0, None, "1" * 20])
def test_a_whole_number_refuses_all_else(given: object) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        whole_number(2, 5, words={"all": 7}).convert(given)


def test_a_whole_number_may_be_a_word() -> None:
    form = whole_number(2, 5, " of rows", {"all": 7, "none": None})
    assert [form.convert(word) for word in ("all", " none ")] == [7, None]
    assert form.allowed == "a whole number of rows, 2 to 5, or 'all', or 'none'"
    assert form.metavar == "N|all|none"


def test_a_whole_number_without_an_end_says_so() -> None:
    assert whole_number(0, MOST_ROWS).allowed == "a whole number, 0 or more"
    assert whole_number(0, MOST_ROWS - 1).allowed == f"a whole number, 0 to {MOST_ROWS - 1}"
    assert whole_number(0, MOST_ROWS).convert("9" * 18) == MOST_ROWS
    assert whole_number(0, 10**19).convert("1" * 19) == int("1" * 19)
    assert whole_number(1, 2).metavar == "N"


def test_one_of_some_words_takes_those_alone() -> None:
    form = one_of("fail", "skip")
    assert [form.convert(word) for word in ("fail", " skip ")] == ["fail", "skip"]
    assert (form.allowed, form.metavar, form.words) == ("'fail' or 'skip'", "fail|skip", ("fail", "skip"))
    for other in ("Fail", "", "fail|skip", 1, None):
        with pytest.raises(ValueError, match=r"^$"):
            form.convert(other)


def test_variables_in_a_message_get_the_names_that_were_used() -> None:
    as_given = naming({"OPENGENOME_FRAME": "--frame"})
    said = "OPENGENOME_FRAME: 7 is not allowed. OPENGENOME_FRAMES and OPENGENOME_STRAND stay."
    assert as_given(said) == "--frame: 7 is not allowed. OPENGENOME_FRAMES and OPENGENOME_STRAND stay."
