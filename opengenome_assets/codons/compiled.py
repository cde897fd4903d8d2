"""Compiles functions of numbers and arrays to machine code."""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as machine code that runs in parallel to other threads.

    The machine code is kept in the package's folder, in the user's cache or where NUMBA_CACHE_DIR says, and compiled by
    each process where none of them can be written.
    """
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)
