"""What a terminal shows while a command runs, and what remains when it ends."""

import logging
import re
import time
from collections.abc import Callable
from contextlib import redirect_stderr

import pytest

from opengenome_assets.cli.show import Show, choose_show
from opengenome_assets_tests.cli.scenario import _terminal

BASES = {"batch_0000": 30_000_000, "batch_0001": 10_000_000}
# Longer than the bar's refresh, 10 times per second.
A_FRAME = 0.15


def shown(use: Callable[[Show], None]) -> str:
    """All that a terminal gets while a show is used."""
    with _terminal() as err, redirect_stderr(err.file), choose_show("text", lambda text: text) as show:
        use(show)
    return err.text


def screen(text: str) -> list[str]:
    """The lines that a terminal has at the end, from the control codes for the cursor and for erasing."""
    lines, row, column = [""], 0, 0
    for code, letter in re.findall(r"\x1b\[([?0-9;]*[A-Za-z])|(.|\n)", text):
        if code.endswith("A"):
            row -= int(code[:-1])
        elif code == "2K":
            lines[row] = ""
        elif letter == "\r":
            column = 0
        elif letter == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif letter:
            lines[row] = lines[row].ljust(column)[:column] + letter + lines[row][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines]


def whole_run(show: Show) -> None:
    show.on_line(logging.INFO, "mine · registered")
    show.expect(BASES)
    for asset, doing in (("sequences", "writing"), ("codon_counts", "counting")):
        for batch in BASES:
            time.sleep(A_FRAME)
            show.on_batch(asset, batch)
            show.on_line(logging.INFO, f"{doing}  {batch}  {'/a/long/path' * 12}")
    time.sleep(A_FRAME)


def test_a_stage_has_its_verb_batches_and_rate() -> None:
    def use(show: Show) -> None:
        show.expect(BASES)
        time.sleep(A_FRAME)
        show.on_batch("sequences", "batch_0000")
        time.sleep(A_FRAME)

    found = re.findall(r"writing .*?1/2 batches  ([0-9.]+) Mbp/s", shown(use))
    # 30 Mbp in at least 0.15 s.
    assert found
    assert 0 < float(found[0]) <= 200


def test_a_spinner_turns_before_the_amount_is_known() -> None:
    text = shown(lambda show: time.sleep(4 * A_FRAME))
    frames = re.findall(r"(\S) +registering", re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", text))
    assert len(set(frames)) > 1
    assert "batches" not in text


def test_the_next_stage_begins_when_all_batches_are_written() -> None:
    text = shown(whole_run)
    order = [text.index(word) for word in ("registering", "0/2 batches", "counting", "making the table")]
    assert order == sorted(order)
    # The amount of this stage is not known, so there is no bar.
    assert not re.search("making the table and the report .*━", text)


def test_only_log_lines_remain_at_the_end() -> None:
    lines = [line for line in screen(shown(whole_run)) if line]
    assert lines == [
        "mine · registered",
        *(f"{doing}  {batch}  {'/a/long/path' * 12}" for doing in ("writing", "counting") for batch in BASES),
    ]


@pytest.mark.parametrize("asset", ["sequences", "codon_counts"])
def test_a_batch_that_is_repeated_counts_once(asset: str) -> None:
    def use(show: Show) -> None:
        show.expect(BASES)
        for _ in range(2):
            show.on_batch(asset, "batch_0000")
        time.sleep(A_FRAME)

    assert "1/2 batches" in shown(use)
