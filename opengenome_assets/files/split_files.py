"""Files that were split into parts, such as ``x.fa.gz.partaa``, ``x.fa.gz.partab``: one location means all parts.

``x.fa.gz.part{aa..ac}`` is the location of three parts, in the order of ``split``: letters or digits, which become longer
where ``split`` makes them longer (``yz``, ``zaaa``; ``89``, ``9000``).
"""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_MARK = r"(?P<mark>(?:(?:part|split|chunk)[._-]?)?)"
_PART = re.compile(rf"(?P<whole>.+?)\.{_MARK}(?P<suffix>[a-z]{{2,8}}|[0-9]{{1,8}})")
_LOCATION = re.compile(rf"(?P<whole>.+?)\.{_MARK}\{{(?P<first>[a-z]+|[0-9]+)\.\.(?P<last>[a-z]+|[0-9]+)\}}")


@dataclass(frozen=True)
class SplitPart:
    """The name of a part.

    Attributes:
        whole: path of the file that was split.
        mark: what is between the dot and the suffix: ``part`` or nothing.
        suffix: letters or digits.
    """

    whole: str
    mark: str
    suffix: str

    @property
    def path(self) -> str:
        return f"{self.whole}.{self.mark}{self.suffix}"

    @property
    def order(self) -> tuple[int, str]:
        return (int(self.suffix) if self.suffix.isdigit() else 0, self.suffix)

    @property
    def is_early(self) -> bool:
        """Whether it is one of the first parts. Without these, other extensions would look like parts."""
        if self.suffix.isdigit():
            return int(self.suffix) <= 2 and (len(self.suffix) > 1 or self.mark != "")
        return re.fullmatch("a+[a-z]", self.suffix) is not None

    @property
    def begin(self) -> str:
        """The suffix of the first part, if this one is the first that was found."""
        if self.suffix.isdigit():
            return self.suffix if int(self.suffix) <= 1 else "1".zfill(len(self.suffix))
        return "a" * len(self.suffix)


def split_part(path: str) -> SplitPart | None:
    """The name of a part; None for other names."""
    folder, slash, name = path.rpartition("/")
    found = _PART.fullmatch(name)
    return SplitPart(f"{folder}{slash}{found['whole']}", found["mark"], found["suffix"]) if found else None


def whole_of_part(path: str) -> str:
    """The path of the file that was split into this part and others; another path is unchanged."""
    part = split_part(path)
    return path if part is None else part.whole


def location_of(first: SplitPart, last: SplitPart) -> str:
    """The location of all parts from one to another."""
    return f"{first.whole}.{first.mark}{{{first.suffix}..{last.suffix}}}"


def whole_of(location: str) -> str:
    """The path of the file that was split; another location is unchanged."""
    found = _LOCATION.fullmatch(location)
    return found["whole"] if found else location


def parts_of(location: str) -> Iterator[str]:
    """The paths of the parts; nothing if it is the location of a single file."""
    found = _LOCATION.fullmatch(location)
    if found:
        for suffix in suffixes(found["first"], found["last"]):
            yield f"{found['whole']}.{found['mark']}{suffix}"


def suffixes(first: str, last: str) -> Iterator[str]:
    """The suffixes from one to another, or to the end of those of this length."""
    suffix: str | None = first
    while suffix is not None:
        yield suffix
        if suffix == last:
            return
        suffix = _next(suffix, len(first), len(last))


def _next(suffix: str, first_length: int, last_length: int) -> str | None:
    low, high = ("0", "9") if suffix.isdigit() else ("a", "z")
    rest = suffix.lstrip(high)
    front = len(suffix) - len(rest)
    # `split` lengthens by two, and begins then with one more of the last letter.
    is_long = rest == chr(ord(high) - 1) + high * (front + 1)
    if first_length > 1 and is_long and last_length >= len(suffix) + 2:
        return high * (front + 1) + low * (len(suffix) + 1 - front)
    if suffix.isdigit():
        return str(int(suffix) + 1).zfill(len(suffix)) if len(suffix) <= last_length else None
    bare = suffix.rstrip("z")
    return bare[:-1] + chr(ord(bare[-1]) + 1) + "a" * (len(suffix) - len(bare)) if bare else None


class JoinedParts(io.RawIOBase):
    """The bytes of all parts, one after the other."""

    def __init__(self, paths: Iterator[str], open_part: Callable[[str], io.BufferedReader]) -> None:
        self._paths = paths
        self._open_part = open_part
        self._part: io.BufferedReader | None = open_part(next(paths))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # BufferedReader gives a memoryview
        while self._part is not None:
            count = self._part.readinto(buffer)
            if count:
                return count
            self._part.close()
            path = next(self._paths, None)
            self._part = None if path is None else self._open_part(path)
        return 0

    def close(self) -> None:
        if self._part is not None:
            self._part.close()
        super().close()
