"""Damage as disks and networks do it: a byte changed, the end cut off, something put in or left out."""

from hypothesis import strategies as st


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """A file's bytes with one damage."""
    at = draw(st.integers(0, len(content) - 1))
    kind = draw(st.sampled_from(["change", "cut", "insert", "leave out"]))
    if kind == "change":
        return content[:at] + bytes([content[at] ^ draw(st.integers(1, 255))]) + content[at + 1 :]
    if kind == "cut":
        return content[:at]
    if kind == "insert":
        return content[:at] + draw(st.binary(min_size=1, max_size=8)) + content[at:]
    return content[:at] + content[at + draw(st.integers(1, 8)) :]
