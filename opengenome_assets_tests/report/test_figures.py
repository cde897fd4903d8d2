"""Marks of the figures, read back from their SVG, beside numbers worked out apart from the project."""

import math

import pytest
from matplotlib import colormaps
from matplotlib.colors import to_hex

from opengenome_assets.report.codon_figures import heat_map
from opengenome_assets.report.drawing import ACCENT, BAR, BASE_COLOURS, QUIET, ink_on
from opengenome_assets.report.summary_figures import amino_acid_usage
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import codon_frequencies
from opengenome_assets.tables.text import rows_of_group
from opengenome_assets_tests.report import naive
from opengenome_assets_tests.report.marks import panels
from opengenome_assets_tests.report.scenario import BATCHES, DISTINCT, OF_ENC, OF_GC3, OTHER, bare_inputs
from opengenome_assets_tests.tables.tables import counts_table

# Of the highest value of an axis: places in the SVG are rounded.
CLOSE = 1e-4
POSITIONS = {"all": (0, 1, 2), "first": (0,), "second": (1,), "third": (2,)}
SHADES = colormaps["YlGnBu"]


def close(values):
    return pytest.approx(values, abs=CLOSE * max(values.values()))


def shade(codon):
    return to_hex(SHADES(naive.POOLED[codon] / max(naive.POOLED.values())))


def test_numbers_of_the_scenario_are_distinct():
    for counts in (DISTINCT, OTHER, naive.POOLED, naive.amino_acids()):
        assert len(set(counts.values())) == len(counts)
    assert len({round(naive.rscu(*key), 3) for key in naive.by_letter()}) == len(naive.by_letter())
    for counts in (DISTINCT, OTHER, naive.POOLED):
        assert len({round(naive.gc_percent(counts, *at)) for at in POSITIONS.values()}) == 4


# All codons


@pytest.fixture(scope="module")
def codons(report):
    return panels(report["codons.svg"].decode())


def test_each_codons_bar_is_as_high_as_its_rate(codons):
    drawn = {codon: panel.height(bar) for panel in codons for codon, (bar,) in panel.columns().items()}
    assert drawn == close({codon: naive.per_thousand(codon) for codon in naive.PRINTED})


def test_each_codons_bar_has_the_colour_of_its_third_base(codons):
    for panel in codons:
        for codon, (bar,) in panel.columns().items():
            assert bar.colour == BASE_COLOURS[codon[2]]


def test_each_codons_mark_is_at_what_its_bases_give(codons):
    letters = "".join(codon * count for codon, count in naive.POOLED.items())
    share = {base: letters.count(base) / len(letters) for base in naive.BASES}
    expected = {c: 1000 * share[c[0]] * share[c[1]] * share[c[2]] for c in naive.PRINTED}
    assert codons[0].marks() | codons[1].marks() == close(expected)


def test_each_family_of_codons_stands_above_its_letter(codons):
    found = {}
    for panel in codons:
        for label in panel.labels:
            of_letter = [c for c in naive.PRINTED if naive.pooled_letter(c) == label.text]
            bars = [panel.columns()[codon][0] for codon in of_letter]
            assert min(bar.left for bar in bars) < label.x < max(bar.right for bar in bars)
            found[label.text] = of_letter
    assert sorted(codon for of_letter in found.values() for codon in of_letter) == sorted(naive.PRINTED)


# Heat map and wheel


def read_cells(svg):
    """(Texts, cell) of a heat map's cells, in the order in which they are read."""
    panel, _ = panels(svg.decode())
    ordered = sorted(panel.cells, key=lambda cell: (round(cell.y), cell.x))
    return [
        ([label.text for label in sorted(panel.labels, key=lambda label: label.x) if cell.holds(label)], cell)
        for cell in ordered
    ]


@pytest.fixture(scope="module")
def cells(report):
    return read_cells(report["heat_map.svg"])


def test_each_cell_shows_its_codon_letter_and_rate(cells):
    assert [texts for texts, _ in cells] == [
        [codon, naive.pooled_letter(codon), f"{naive.per_thousand(codon):.1f}"] for codon in naive.PRINTED
    ]


def test_each_cell_has_the_colour_of_its_rate(cells):
    assert [cell.colour for _, cell in cells] == [shade(codon) for codon in naive.PRINTED]


def test_each_groups_heat_map_shows_its_own_rates(report):
    for number, (counts, code) in enumerate(naive.GROUPS.values(), start=1):
        shown = [texts for texts, _ in read_cells(report[f"group_{number:02}_heat_map.svg"])]
        rates = {codon: 1000 * count / sum(counts.values()) for codon, count in counts.items()}
        assert shown == [
            [codon, naive.letter_of(codon, code), f"{rates[codon]:.1f}"] for codon in naive.PRINTED
        ]


def test_bases_beside_the_heat_map_are_those_of_its_cells(report):
    panel, _ = panels(report["heat_map.svg"].decode())
    assert [tick.text for tick in panel.across] == list(naive.BASES)
    assert [tick.text for tick in panel.down] == list(naive.BASES * 4)
    edge = min(cell.left for cell in panel.cells)
    firsts = sorted((label.y, label.text) for label in panel.labels if label.x < edge)
    assert [text for _, text in firsts] == list(naive.BASES)


@pytest.mark.parametrize(
    ("codons", "parameters", "shown"),
    [
        ({}, {}, {"AAA": ["K", "–"], "CCC": ["P", "–"]}),
        (
            {"AAA": 1},
            {"skip_stops": True},
            {"AAA": ["K", "1000.0"], "CCC": ["P", "0.0"], "TAA": ["–", "–"]},
        ),
        ({"AAA": 5}, {"min_count": 2}, {"AAA": ["K", "1000.0"], "CCC": ["–", "–"]}),
    ],
)
def test_codons_without_a_rate_have_no_cell_but_a_dash(codons, parameters, shown):
    table = codon_frequencies(counts_table(codons), TableParameters(**parameters))
    panel = panels(heat_map(rows_of_group(table, "all")).svg)[0]
    texts = [label.text for label in panel.labels]
    found = {text: texts[at + 1 : at + 3] for at, text in enumerate(texts) if text in naive.PRINTED}
    assert len(found) == 64
    assert {codon: found[codon] for codon in shown} == shown
    assert len(panel.cells) == sum(rate != "–" for _, rate in found.values())


@pytest.mark.parametrize(
    ("colour", "ink"), [((1, 1, 1), "black"), ((0, 0, 0), "white"), ((0, 0, 1), "white")]
)
def test_ink_is_black_on_light_and_white_on_dark(colour, ink):
    assert ink_on(*colour) == ink


@pytest.fixture(scope="module")
def wheel(report):
    """(Ring, place from the top clockwise in 64ths) → wedge, and the same of labels."""
    panel, _ = panels(report["wheel.svg"].decode())
    centre_x = (min(s.left for s in panel.shapes) + max(s.right for s in panel.shapes)) / 2
    centre_y = (min(s.top for s in panel.shapes) + max(s.bottom for s in panel.shapes)) / 2
    radius = max(s.right for s in panel.shapes) - centre_x

    def at(x, y):
        ring = sum(math.hypot(x - centre_x, y - centre_y) / radius > edge for edge in (0.30, 0.52, 0.78))
        return ring, (math.degrees(math.atan2(x - centre_x, centre_y - y)) % 360) / (360 / 64)

    def middle(wedge):
        return [sum(values) / len(values) for values in zip(*wedge.points, strict=True)]

    wedges = {
        (ring, int(place)): wedge.colour for wedge in panel.shapes for ring, place in [at(*middle(wedge))]
    }
    labels = {
        (ring, int(place)): label.text for label in panel.labels for ring, place in [at(label.x, label.y)]
    }
    return wedges, labels


def around():
    """The 64 codons clockwise."""
    return [a + b + c for a in naive.BASES for b in naive.BASES for c in naive.BASES]


def test_each_wedge_has_the_colour_of_its_codons_rate(wheel):
    wedges, _ = wheel
    assert [wedges[2, place] for place in range(64)] == [shade(codon) for codon in around()]


def test_each_wedge_has_the_base_of_its_codon(wheel):
    _, labels = wheel
    assert [labels[2, place] for place in range(64)] == [codon[2] for codon in around()]
    assert [text for (ring, _), text in sorted(labels.items()) if ring == 1] == list(naive.BASES * 4)
    assert [text for (ring, _), text in sorted(labels.items()) if ring == 0] == list(naive.BASES)


def test_amino_acids_around_the_wheel_follow_its_codons(wheel):
    _, labels = wheel
    letters = [(naive.pooled_letter(codon), codon[0]) for codon in around()]
    runs = [letter for at, (letter, first) in enumerate(letters) if letters[at - 1] != (letter, first)]
    expected = ["?" if letter == "?" else naive.name_of(letter) for letter in runs]
    assert [text for (ring, _), text in sorted(labels.items()) if ring == 3] == expected


# Most and least used


def test_most_and_least_used_codons_are_under_their_headings(report):
    ranked = sorted(naive.PRINTED, key=lambda codon: -naive.POOLED[codon])
    ends = {"most used": (ranked[:10], BAR), "least used": (ranked[::-1][:10], ACCENT)}
    for panel in panels(report["top_and_bottom.svg"].decode()):
        (heading,) = (label.text for label in panel.labels if label.text in ends)
        named, colour = ends.pop(heading)
        assert list(panel.lines()) == [f"{codon} {naive.pooled_letter(codon)}" for codon in named]
        for codon, bar in zip(named, panel.lines().values(), strict=True):
            assert panel.width(bar) == pytest.approx(naive.per_thousand(codon), abs=0.01)
            assert bar.colour == colour
            (written,) = (label.text for label in panel.labels if bar.top < label.y < bar.bottom)
            assert written == f"{naive.per_thousand(codon):.2f}"
    assert not ends


# Amino acids


def test_each_amino_acids_bar_is_as_high_as_its_rate(report):
    (panel,) = panels(report["amino_acids.svg"].decode())
    rates = {
        f"{naive.name_of(letter)}\n{letter}": 1000 * count / naive.TOTAL
        for letter, count in naive.amino_acids().items()
    }
    columns = {label: bar for label, (bar,) in panel.columns().items()}
    assert {label: panel.height(bar) for label, bar in columns.items()} == close(rates)
    assert list(columns) == sorted(rates, key=lambda label: -rates[label])
    written = [label.text for label in sorted(panel.labels, key=lambda label: label.x)]
    assert written == [f"{rates[label]:.0f}" for label in columns]
    assert [label for label, bar in columns.items() if bar.colour == QUIET] == ["stop\n*"]


def test_stops_and_ambiguous_codons_have_their_own_colours():
    inputs = bare_inputs({"TAA": 3, "NNN": 2, "AAA": 1}, skip_n=False)
    (panel,) = panels(amino_acid_usage(inputs.readings.to_pylist()).svg)
    colours = {label: bar.colour for label, (bar,) in panel.columns().items()}
    assert (colours.pop("stop\n*"), colours.pop("ambiguous\nX")) == (QUIET, ACCENT)
    assert set(colours.values()) == {BAR}


def read_rscu(svg):
    """(Letter, codon) → height of its piece."""
    (panel,) = panels(svg.decode())
    drawn = {}
    for name, pieces in panel.columns().items():
        for piece in pieces:
            (codon,) = (label.text for label in panel.labels if piece.holds(label))
            assert piece.colour == BASE_COLOURS[codon[2]]
            drawn[name[-1], codon] = panel.height(piece)
    return drawn


def test_each_piece_of_a_column_is_as_high_as_its_rscu(report):
    expected = {key: naive.rscu(*key) for key in naive.by_letter()}
    assert read_rscu(report["rscu.svg"]) == close(expected)


def test_each_groups_rscu_is_its_own(report):
    for number, group in enumerate(naive.GROUPS, start=1):
        expected = {key: naive.rscu(*key, [group]) for key in naive.by_letter([group])}
        assert read_rscu(report[f"group_{number:02}_rscu.svg"]) == close(expected)


def test_each_stop_is_split_by_what_it_is_read_as(report):
    (panel,) = panels(report["stop_codons.svg"].decode())
    seen = set()
    for text, pieces in panel.columns().items():
        codon, *labels = text.split("\n")
        read = {letter: n for (letter, each), n in naive.by_letter().items() if each == codon}
        rates = {naive.name_of(letter): 1000 * n / naive.TOTAL for letter, n in read.items()}
        assert labels == [f"{name} {rates[name]:.2f}" for name in sorted(rates, key=lambda n: n != "stop")]
        for label, piece in zip(labels, pieces, strict=True):
            name = label.split()[0]
            assert panel.height(piece) == pytest.approx(rates[name], abs=0.01)
            assert piece.colour == (BAR if name == "stop" else QUIET)
        seen.add(codon)
    assert seen == {"TAA", "TAG", "TGA", "AGA", "AGG"}


# GC, frames, groups, batches


def test_each_bar_of_gc_is_over_its_position(report):
    (panel,) = panels(report["gc.svg"].decode())
    pooled = {name: naive.gc_percent(naive.POOLED, *at) for name, at in POSITIONS.items()}
    pooled["third,\nsynonymous"] = naive.gc3s_percent(*naive.GROUPS)
    columns = {name: bar for name, (bar,) in panel.columns().items()}
    assert {name: panel.height(bar) for name, bar in columns.items()} == close(pooled)
    written = [label.text for label in sorted(panel.labels, key=lambda label: label.x)]
    assert written == [f"{pooled[name]:.1f}" for name in columns]
    for name, dots in zip(columns, panel.points, strict=True):
        expected = [
            naive.gc_percent(counts, *POSITIONS[name]) if name in POSITIONS else naive.gc3s_percent(group)
            for group, (counts, _) in naive.GROUPS.items()
        ]
        assert [panel.value(y) for _, y in dots] == pytest.approx(expected, abs=0.01)


def test_each_frames_bar_and_mark_are_its_own(report):
    (panel,) = panels(report["six_frames.svg"].decode())
    names = {
        f"{'−' if strand == '-' else '+'}{frame}": key for key in naive.frames() for strand, frame in [key]
    }
    columns = {name: bar for name, (bar,) in panel.columns().items()}
    assert list(columns) == ["+0", "+1", "+2", "−0", "−1", "−2"]
    rates = {
        name: [1000 * n / naive.frames()[key][1] for n in naive.frames()[key]] for name, key in names.items()
    }
    assert {name: panel.height(bar) for name, bar in columns.items()} == close(
        {name: stops for name, (stops, _, _) in rates.items()}
    )
    assert panel.marks() == close({name: expected for name, (_, _, expected) in rates.items()})
    colours = {"+": BAR, "−": BASE_COLOURS["A"]}
    assert [bar.colour for bar in columns.values()] == [colours[name[0]] for name in columns]


def test_each_bar_of_the_spread_is_over_its_bin(report):
    for panel, expected in zip(panels(report["spread.svg"].decode()), (OF_GC3, OF_ENC), strict=True):
        (x0, low), *_, (x1, high) = ((tick.place, float(tick.text)) for tick in panel.across)
        shown = {
            round(low + (bar.left - x0) * (high - low) / (x1 - x0), 2): round(panel.height(bar), 3)
            for bar in panel.shapes
            if bar.top != bar.bottom
        }
        assert shown == expected


def test_sequences_without_a_value_are_stated(report):
    assert (
        "GC3 of 11 sequences, without a value 2; the fullest bin is 0.5 to 0.52. "
        "effective number of codons of 7 sequences, without a value 6; the fullest bin is 41 to 42."
    ) in report["spread.svg"].decode()
    caption = " ".join(report["index.html"].decode().split())
    assert "2 have no GC3, 6 no effective number." in caption


def test_each_groups_point_has_its_gc3s_and_name(report):
    (panel,) = panels(report["groups.svg"].decode())
    (points,) = filter(None, panel.points)
    (x0, low), *_, (x1, high) = ((tick.place, float(tick.text)) for tick in panel.across)
    shown = [low + (x - x0) * (high - low) / (x1 - x0) for x, _ in points]
    assert shown == pytest.approx([naive.gc3s_percent(group) / 100 for group in naive.GROUPS], abs=1e-4)
    # The names beside the axes are in the order of the points' heights.
    (_, evil), (_, plastids) = points
    named = [label.text for label in sorted(panel.labels, key=lambda label: label.y)]
    assert [name.startswith("<script>") for name in named] == [evil < plastids, plastids < evil]
    assert "plastids" in named


def test_each_batchs_bar_and_point_are_its_bases_and_speed(report):
    bases, speeds = panels(report["batches.svg"].decode())
    keys = [tick.text for tick in speeds.across]
    assert keys == BATCHES["key"].to_pylist()
    bars = sorted(bases.shapes, key=lambda bar: bar.x)
    assert [bases.height(bar) for bar in bars] == pytest.approx([10, 11, 4], abs=0.001)
    (points,) = filter(None, speeds.points)
    assert [speeds.value(y) for _, y in points] == pytest.approx([20, 11], abs=0.001)
    for (x, _), bar in zip(points, bars, strict=False):
        assert bar.left < x < bar.right
