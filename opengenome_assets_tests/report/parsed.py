"""The tables of the page, as a reader finds them."""

from html.parser import HTMLParser

_CELLS = ("td", "th", "dt", "dd")


class Page(HTMLParser):
    """What a browser would find: tags with their attributes, ids, tables as rows of texts, and tiles."""

    def __init__(self, html):
        super().__init__()
        self.tags = []
        self.tables = []
        self.terms = []
        self._cell = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in _CELLS:
            self._cell = []

    def handle_endtag(self, tag):
        if tag in _CELLS:
            row = self.terms if tag in ("dt", "dd") else self.tables[-1][-1]
            row.append(" ".join("".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data):
        if self._cell is not None:
            self._cell.append(data)

    @property
    def tiles(self):
        """Name → figure, of those at the top of the page."""
        return dict(zip(self.terms[::2], self.terms[1::2], strict=True))

    def ids(self, tag=None):
        return [attrs["id"] for name, attrs in self.tags if "id" in attrs and tag in (None, name)]

    def table(self, *first):
        """The rows below the heading of the one table whose heading begins so, each as a mapping."""
        (found,) = (rows for rows in self.tables if tuple(rows[0][: len(first)]) == first)
        heading, *rows = found
        return [dict(zip(heading, row, strict=True)) for row in rows]
