"""What the Hugging Face hub says when it refuses, in one line that tells what to do."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from opengenome_assets.errors import FetchError, first_line


@contextmanager
def hub_errors(repository: str, path: str, revision: str | None) -> Iterator[None]:
    """Raise whatever the hub's client raises as one line; faults of the local disk stay what they are.

    Args:
        repository: as the catalogue names it.
        path: as the catalogue names it.
        revision: that is asked for; None for the newest.

    Raises:
        FetchError: the hub refused, or cannot be reached.
    """
    from httpx2 import HTTPError
    from huggingface_hub import errors

    try:
        yield
    except (
        HTTPError,
        errors.OfflineModeIsEnabled,
        errors.LocalEntryNotFoundError,
        errors.RevisionResolutionError,
        errors.FileMetadataError,
        errors.HFValidationError,
        json.JSONDecodeError,
    ) as error:
        raise FetchError(_explain(error, repository, path, revision)) from error


def _explain(error: Exception, repository: str, path: str, revision: str | None) -> str:
    from huggingface_hub import constants, errors

    # The client says "not in the cache", and keeps the reason why it could not ask as the cause.
    wraps = isinstance(error, errors.LocalEntryNotFoundError | errors.RevisionResolutionError)
    cause = error.__cause__ if wraps and isinstance(error.__cause__, Exception) else error
    page = f"{constants.ENDPOINT}/datasets/{repository}"
    status = cause.response.status_code if isinstance(cause, errors.HfHubHTTPError) else None
    no_repository = (
        f"{page}: there is no such data set, or it is private ({status}). Mend `repository` in the catalogue's entry; "
        "for a private one set HF_TOKEN to a token that may read it."
    )
    reasons: list[tuple[type[Exception], str]] = [
        (
            errors.GatedRepoError,
            f"{page}: the data set is gated ({status}). Accept its conditions on that page, and set HF_TOKEN to a "
            "token of the account that did.",
        ),
        (
            errors.RevisionNotFoundError,
            f"{page}: there is no revision '{revision}'. Mend or remove `revision` in the catalogue's entry.",
        ),
        (
            errors.RemoteEntryNotFoundError,
            f"{page}: there is no file {path} at revision {revision or 'main'}. Mend `path` in the catalogue's entry.",
        ),
        (errors.RepositoryNotFoundError, no_repository),
        (
            errors.HFValidationError,
            f"'{repository}' is no name of a data set on the hub. Mend `repository` in the catalogue's entry: owner/name.",
        ),
        (
            errors.OfflineModeIsEnabled,
            f"{page}: is not in the cache, and HF_HUB_OFFLINE forbids to ask the hub. Unset it, or name a file that "
            "is there with OPENGENOME_INPUT.",
        ),
        (
            json.JSONDecodeError,
            f"{page}: what answers is not the hub (a login page of the network?). Check HTTPS_PROXY and HF_ENDPOINT.",
        ),
        (errors.HfHubHTTPError, _refused(page, status, no_repository)),
    ]
    unreachable = (
        f"{page}: the hub cannot be reached ({first_line(cause)}). Check the network, HTTPS_PROXY and HF_ENDPOINT, and "
        "run again: what has been fetched stays. Without a network, name a file that is there with OPENGENOME_INPUT."
    )
    return next((text for kind, text in reasons if isinstance(cause, kind)), unreachable)


def _refused(page: str, status: int | None, no_repository: str) -> str:
    if status == 401:
        # Whom it does not know, the hub does not tell what is private and what is not there at all.
        return no_repository
    if status == 403:
        return f"{page}: access is refused (403). Set HF_TOKEN to a token that may read it."
    return f"{page}: the hub answers {status}. Run again later: what has been fetched stays."
