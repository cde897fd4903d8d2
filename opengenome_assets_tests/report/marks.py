"""What a picture shows, read back from its SVG: bars, cells, points and texts, where they are and in which colour."""

import re
from typing import NamedTuple
from xml.etree import ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"


class Label(NamedTuple):
    """A text, and where it is anchored."""

    text: str
    x: float
    y: float
    colour: str


class Shape(NamedTuple):
    """A filled outline."""

    points: list[tuple[float, float]]
    colour: str

    @property
    def left(self):
        return min(x for x, _ in self.points)

    @property
    def right(self):
        return max(x for x, _ in self.points)

    @property
    def top(self):
        return min(y for _, y in self.points)

    @property
    def bottom(self):
        return max(y for _, y in self.points)

    @property
    def x(self):
        return (self.left + self.right) / 2

    @property
    def y(self):
        return (self.top + self.bottom) / 2

    def holds(self, label):
        return self.left <= label.x <= self.right and self.top <= label.y <= self.bottom


class Tick(NamedTuple):
    """A label of an axis, and its place along it."""

    text: str
    place: float


class Panel:
    """One pair of axes.

    Attributes:
        shapes: bars and wedges.
        cells: of a heat map.
        points: of scatters and lines, one list for each call.
        labels: texts within the axes.
        across, down: ticks of the x axis and of the y axis.
    """

    def __init__(self, axes):
        self.shapes = []
        self.cells = []
        self.points = []
        self.labels = []
        self.across = []
        self.down = []
        for group in axes:
            kind = group.get("id", "").rpartition("-")[2]
            if kind.startswith("patch_"):
                self.shapes += _shapes(group)
            elif kind.startswith("QuadMesh_"):
                self.cells += _shapes(group)
            elif kind.startswith(("PathCollection_", "line2d_")):
                self.points.append([_place(use) for use in group.iter(f"{SVG}use")])
            elif kind.startswith("text_"):
                self.labels += _labels(group)
            elif kind.startswith("matplotlib.axis_"):
                self.across += _ticks(group, "xtick", 0)
                self.down += _ticks(group, "ytick", 1)

    def columns(self):
        """Label of the x axis → the bars above it, from the bottom up."""
        stacks = {}
        for bar in self.shapes:
            stacks.setdefault(round(bar.x, 3), []).append(bar)
        places = sorted(stacks)
        ticks = sorted(self.across, key=lambda tick: tick.place)
        assert len(places) == len(ticks)
        return {
            tick.text: sorted(stacks[place], key=lambda bar: -bar.bottom)
            for tick, place in zip(ticks, places, strict=True)
        }

    def lines(self):
        """Label of the y axis → the one bar beside it, from the top down."""
        bars = sorted(self.shapes, key=lambda bar: bar.y)
        ticks = sorted(self.down, key=lambda tick: tick.place)
        return {tick.text: bar for tick, bar in zip(ticks, bars, strict=True)}

    def height(self, bar):
        """A bar's height in the units of the y axis."""
        return self.value(bar.top) - self.value(bar.bottom)

    def width(self, bar):
        """A bar's length in the units of the x axis."""
        return _value(self.across, bar.right) - _value(self.across, bar.left)

    def value(self, y):
        """A place in the units of the y axis."""
        return _value(self.down, y)

    def marks(self, at=0):
        """Label of the x axis → the value of the point above or below it."""
        ticks = sorted(self.across, key=lambda tick: tick.place)
        return {tick.text: self.value(y) for tick, (_, y) in zip(ticks, sorted(self.points[at]), strict=True)}


def panels(svg):
    """The axes of a picture, in the order in which they were drawn."""
    root = ET.fromstring(svg)  # noqa: S314 (drawn by the project)
    return [Panel(group) for group in root.iter(f"{SVG}g") if re.search(r"-axes_\d+$", group.get("id", ""))]


def texts(svg):
    """Every piece of text that a picture shows."""
    root = ET.fromstring(svg)  # noqa: S314 (drawn by the project)
    return ["".join(element.itertext()).strip() for element in root.iter(f"{SVG}text")]


def _value(ticks, place):
    """Read off two numbers of an axis."""
    (low, start), *_, (high, end) = ((float(text.replace("−", "-")), place) for text, place in ticks)
    return low + (place - start) * (high - low) / (end - start)


def _shapes(group):
    found = []
    for path in group.iter(f"{SVG}path"):
        colour = _fill(path)
        if colour not in (None, "none"):
            numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", path.get("d"))]
            found.append(Shape(list(zip(numbers[::2], numbers[1::2], strict=True)), colour))
    return found


def _ticks(axis, kind, along):
    found = []
    for tick in axis:
        if f"-{kind}_" in tick.get("id", ""):
            labels = _labels(tick)
            if labels:
                marks = [_place(use) for use in tick.iter(f"{SVG}use")]
                place = marks[0][along] if marks else (labels[0].x, labels[0].y)[along]
                found.append(Tick("\n".join(label.text for label in labels), place))
    return found


def _labels(group):
    return [
        Label("".join(text.itertext()).strip(), *_place(text), _fill(text))
        for text in group.iter(f"{SVG}text")
    ]


def _place(element):
    if element.get("x") is not None:
        return float(element.get("x")), float(element.get("y"))
    x, y = re.match(r"translate\((\S+) (\S+)\)", element.get("transform")).groups()
    return float(x), float(y)


def _fill(element):
    found = re.search(r"(?:^|; )fill: ([^;]+)", element.get("style", ""))
    return found and found[1]
