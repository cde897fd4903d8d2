"""The page's tables cell by cell, beside numbers worked out apart from the project."""

import pytest

from opengenome_assets_tests.report import naive
from opengenome_assets_tests.report.parsed import Page
from opengenome_assets_tests.report.scenario import EVIL, OTHER_FRAMES, full_inputs

# What is left of the name where a browser shows it.
SHOWN_EVIL = " ".join(EVIL.split())


@pytest.fixture(scope="module")
def tables(page):
    return Page(page)


def name_and_letter(letter):
    return f"{naive.name_of(letter)} ({letter})"


def test_the_printed_table_has_each_codons_rate_and_count(tables):
    (heading, *lines) = next(rows for rows in tables.tables if rows[0] == ["", *naive.BASES, ""])
    assert heading[1:5] == list(naive.BASES)
    cells = [cell for line in lines for cell in line if len(cell) > 1]
    assert cells == [
        f"{codon} {naive.pooled_letter(codon)} {naive.per_thousand(codon):.2f} ({naive.POOLED[codon]:,})"
        for codon in naive.PRINTED
    ]
    assert [line[0] for line in lines[::4]] == list(naive.BASES)
    assert [line[-1] for line in lines] == list(naive.BASES * 4)


def test_all_columns_of_each_codon_are_under_their_headings(tables):
    rows = tables.table("codon", "amino acid")
    assert sorted(row["codon"] for row in rows) == sorted(naive.PRINTED)
    for row in rows:
        codon = row["codon"]
        letter = naive.pooled_letter(codon)
        known = letter != "?"
        assert row == {
            "codon": codon,
            "amino acid": letter,
            "count": f"{naive.POOLED[codon]:,}",
            "frequency": f"{naive.POOLED[codon] / naive.TOTAL:.6f}",
            "per thousand": f"{naive.per_thousand(codon):.3f}",
            "fraction": f"{naive.fraction(codon):.4f}" if known else "–",
            "RSCU": f"{naive.rscu(letter, codon):.4f}" if known else "–",
        }


def test_codons_that_the_codes_read_differently_are_split(tables):
    codes = {code: group for group, (_, code) in naive.GROUPS.items()}
    expected = []
    for codon in sorted(codon for codon in naive.PRINTED if naive.pooled_letter(codon) == "?"):
        letters = {naive.letter_of(codon, code): code for code in codes}
        for letter in sorted(letters, key=lambda letter: (letter == "*", letter)):
            count = naive.by_letter()[letter, codon]
            expected.append(
                {
                    "codon": codon,
                    "read as": name_and_letter(letter),
                    "under codes": str(letters[letter]),
                    "count": f"{count:,}",
                    "per thousand": f"{1000 * count / naive.TOTAL:.3f}",
                    "fraction": f"{count / naive.amino_acids()[letter]:.4f}",
                    "RSCU": f"{naive.rscu(letter, codon):.3f}",
                }
            )
    assert tables.table("codon", "read as") == expected
    assert len(expected) == 8


def test_each_amino_acid_has_its_own_count(tables):
    ranked = sorted(naive.amino_acids().items(), key=lambda item: -item[1])
    assert tables.table("amino acid") == [
        {
            "amino acid": name_and_letter(letter),
            "codons": f"{count:,}",
            "per thousand": f"{1000 * count / naive.TOTAL:.2f}",
        }
        for letter, count in ranked
    ]


def test_each_frame_has_its_own_stops(tables):
    ambiguous = {("+", 0): 53}
    assert tables.table("frame", "codons") == [
        {
            "frame": f"{'−' if strand == '-' else strand}{frame}",
            "codons": f"{codons:,}",
            "ambiguous": str(ambiguous.get((strand, frame), 0)),
            "stops": f"{stops:,}",
            "per thousand": f"{1000 * stops / codons:.2f}",
            "expected": f"{1000 * drawn / codons:.2f}",
            "sense and stop": "0",
        }
        for (strand, frame), (stops, codons, drawn) in naive.frames().items()
    ]
    assert len({stops for stops, _, _ in naive.frames().values()}) == 1 + len(OTHER_FRAMES)


def test_each_group_has_its_own_measures(tables):
    known = {row["group"]: row for row in full_inputs().measures.to_pylist()}
    pooled = {"all": (naive.POOLED, None), **naive.GROUPS}
    rows = tables.table("group", "code")
    for row, (group, (counts, code)) in zip(rows, pooled.items(), strict=True):
        assert row["group"] == " ".join(group.split())
        assert row["code"] == ("2 11" if code is None else str(code))
        assert row["codons"] == f"{sum(counts.values()):,}"
        assert row["ambiguous"] == ("0" if group == EVIL else "53")
        for heading, column in (("ENC 1990", "enc_wright"), ("ENC 2013", "enc_sun")):
            assert row[heading] == ("–" if code is None else f"{known[group][column]:.2f}")
        for heading, positions in (("GC", (0, 1, 2)), ("GC1", (0,)), ("GC2", (1,)), ("GC3", (2,))):
            assert row[heading] == f"{naive.gc_percent(counts, *positions):.1f}"
        assert row["GC3s"] == f"{naive.gc3s_percent(*([group] if code else naive.GROUPS)):.1f}"
        assert len({row[name] for name in ("GC", "GC1", "GC2", "GC3", "GC3s")}) == 5
        assert len({row["ENC 1990"], row["ENC 2013"]}) == (1 if code is None else 2)


def test_each_batch_has_its_rows_bases_and_speed(tables):
    headings = ["batch", "sequences", "bases", "seconds", "bases per second"]
    lines = [
        ["batch_0000", "5,000", "10,000,000", "0.5", "20.0 Mbp"],
        ["batch_0001", "5,000", "11,000,000", "1.0", "11.0 Mbp"],
        ["batch_0002", "2,345", "4,000,000", "–", "–"],
    ]
    assert tables.table("batch") == [dict(zip(headings, line, strict=True)) for line in lines]


def test_each_check_has_its_own_result(tables):
    assert [list(row.values()) for row in tables.table("result")] == [
        ["✓ passed", "every codon counted", "12 = 12"],
        ["✗ failed", "ids", SHOWN_EVIL],
    ]
    results = [(a["class"], tag) for tag, a in tables.tags if a.get("class") in ("passed", "failed")]
    assert results == [("passed", "td"), ("failed", "td")]


def test_parameters_and_provenance_are_beside_their_names(tables):
    assert [["frame", "0"], [SHOWN_EVIL, SHOWN_EVIL]] in tables.tables
    assert [["input", f"https://example.org/{SHOWN_EVIL}"]] in tables.tables


def test_the_figures_at_the_top_are_totals(page):
    assert Page(page).tiles == {
        "codons in the table": f"{naive.TOTAL:,}",
        "sequences": "12,345",
        "bases": "25,000,000",
        "groups": "2",
        "G and C": f"{naive.gc_percent(naive.POOLED, 0, 1, 2):.1f} %",
    }
