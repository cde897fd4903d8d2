"""Compiles a function with numba, and keeps the result where there is a place for it."""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as machine code that other threads run beside.

    The machine code is kept in the package's folder, in the user's cache or where NUMBA_CACHE_DIR says, and compiled by
    each process where none of them can be written.
    """
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)
