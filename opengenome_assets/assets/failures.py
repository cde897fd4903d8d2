"""Turns errors into Dagster failures: one line, and a retry only where one may help."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from opengenome_assets.errors import OpengenomeError

# For a fault of machines: executors that were lost are replaced within a minute.
RETRIES = dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL)


@contextmanager
def failing_clearly() -> Iterator[None]:
    """Raise ``dg.Failure`` with the error's own words."""
    try:
        yield
    except OpengenomeError as error:
        raise dg.Failure(description=str(error), allow_retries=error.is_worth_retrying) from None
