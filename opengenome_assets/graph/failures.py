"""Turns errors into Dagster failures: one line, and another attempt only where it may help."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from opengenome_assets.errors import OpengenomeError

# For faults of machines: executors that were lost are replaced within a minute. Asked for attempt by attempt, since
# Dagster's retry policy would also try again what Ctrl-C has interrupted.
MORE_ATTEMPTS = 2
SECONDS_BETWEEN = 15
# Under which a failure's metadata name the class of the error.
ERROR = "error"


@contextmanager
def failing_clearly(attempts_before: int | None = None) -> Iterator[None]:
    """Raise ``dg.Failure`` with the error's own words, or ask for another attempt.

    Args:
        attempts_before: of this step; None where it is not to be tried again.
    """
    try:
        yield
    except OpengenomeError as error:
        if error.is_worth_retrying and attempts_before is not None and attempts_before < MORE_ATTEMPTS:
            raise dg.RetryRequested(MORE_ATTEMPTS, SECONDS_BETWEEN) from error
        raise dg.Failure(str(error), {ERROR: type(error).__name__}, allow_retries=False) from None
