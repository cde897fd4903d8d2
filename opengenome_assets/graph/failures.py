"""Turns errors into Dagster failures with a one-line message. Retries only where that may help."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from opengenome_assets.errors import OpengenomeError

# For machine faults: lost executors are replaced within a minute. Each retry is requested separately, because
# Dagster's retry policy would also retry after Ctrl-C.
MORE_ATTEMPTS = 2
SECONDS_BETWEEN = 15
# Metadata of a failure: the class of the error, and whether a retry may help.
ERROR = "error"
IS_WORTH_RETRYING = "another_attempt_may_help"


@contextmanager
def failing_clearly(attempts_before: int | None = None) -> Iterator[None]:
    """Raise ``dg.Failure`` with the text of the error, or request a retry.

    Args:
        attempts_before: number of earlier attempts at this step; None turns retries off.
    """
    try:
        yield
    except OpengenomeError as error:
        if error.is_worth_retrying and attempts_before is not None and attempts_before < MORE_ATTEMPTS:
            raise dg.RetryRequested(MORE_ATTEMPTS, SECONDS_BETWEEN) from error
        metadata: dict[str, Any] = {ERROR: type(error).__name__, IS_WORTH_RETRYING: error.is_worth_retrying}
        raise dg.Failure(str(error), metadata, allow_retries=False) from None
