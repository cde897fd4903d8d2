"""Turns errors into Dagster failures: one line, and another attempt only where it may help."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from opengenome_assets.errors import OpengenomeError

# For faults of machines: executors that were lost are replaced within a minute. Asked for attempt by attempt, since
# Dagster's retry policy would also try again what Ctrl-C has interrupted.
MORE_ATTEMPTS = 2
SECONDS_BETWEEN = 15
# In a failure's metadata: the class of the error, and whether another attempt may help.
ERROR = "error"
IS_WORTH_RETRYING = "another_attempt_may_help"


@contextmanager
def failing_clearly(attempts_before: int | None = None) -> Iterator[None]:
    """Raise ``dg.Failure`` with the error's own words, or ask for another attempt.

    Args:
        attempts_before: of this step; None where this step is not to be tried again by itself.
    """
    try:
        yield
    except OpengenomeError as error:
        if error.is_worth_retrying and attempts_before is not None and attempts_before < MORE_ATTEMPTS:
            raise dg.RetryRequested(MORE_ATTEMPTS, SECONDS_BETWEEN) from error
        said: dict[str, Any] = {ERROR: type(error).__name__, IS_WORTH_RETRYING: error.is_worth_retrying}
        raise dg.Failure(str(error), said, allow_retries=False) from None
