"""Turns what the user can mend into Dagster failures: one line, and no retry, which would not help."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from opengenome_assets.errors import OpengenomeError


@contextmanager
def failing_clearly() -> Iterator[None]:
    """Raise ``dg.Failure`` with the error's own words."""
    try:
        yield
    except OpengenomeError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None
