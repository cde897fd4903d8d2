"""Errors that users can meet, one class per kind of failure.

Every message names the file, record, batch or setting, what was found, what is allowed and what to do. Machine faults
(a killed worker, a full disk) keep their own exceptions.
"""

import reprlib


def first_line(error: BaseException) -> str:
    """The first line of an error's text, for a message of one line."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def first_fault(error: Exception) -> str:
    """The first error of a file in one line. From pydantic's list: the field and the value that was found."""
    if not hasattr(error, "errors"):
        return first_line(error)
    fault = error.errors()[0]
    # pydantic also names the alternative of a union, which is not part of the path.
    place = ".".join(str(part) for part in fault["loc"] if part not in ("int", "str")) or "the whole"
    return f"{place}: {fault['msg']}, found {reprlib.repr(fault['input'])}"


class OpengenomeError(Exception):
    """Base class of all errors that the user can fix. The message is shown without a traceback."""

    # Exit code of the command line.
    exit_code = 2
    # True only if a retry may help.
    is_worth_retrying = False


class SettingError(OpengenomeError):
    """The value of an environment variable, an option or a run config field is not allowed."""


class InstanceError(OpengenomeError):
    """Dagster's home, its settings file or its records cannot be used."""


class JavaError(OpengenomeError):
    """Java is missing or too old for Spark."""


class SparkUnreachableError(OpengenomeError):
    """No server answers at the address of Spark's master."""


class SparkSessionError(OpengenomeError):
    """Spark does not start a session, for example because of a wrong secret, another version or too little memory."""


class TasksFailedError(OpengenomeError):
    """Tasks on a cluster failed because of machine faults.

    Attributes:
        is_worth_retrying: the fault may be temporary.
    """

    def __init__(self, message: str, *, is_worth_retrying: bool) -> None:
        super().__init__(message)
        self.is_worth_retrying = is_worth_retrying


class InputNotFoundError(OpengenomeError):
    """The input names no file, or a folder without FASTA or Parquet files."""


class LostConnectionError(OpengenomeError):
    """A server stopped sending in the middle of a file. The message gives the number of bytes received."""

    is_worth_retrying = True


class FetchError(OpengenomeError):
    """A data set of the catalogue cannot be fetched, or differs from what its server states."""


class NcbiError(OpengenomeError):
    """NCBI cannot be reached or refuses a request, or its answers cannot be kept."""


class WarehouseError(OpengenomeError, OSError):
    """The object store of the warehouse cannot be used: its package, address or access is missing.

    It is also an ``OSError``, because it may concern a single file: code that continues after one continues after this.
    """


class InputFormatError(OpengenomeError):
    """A file does not have the format of its name, or lacks a required part (a column, a header line)."""


class TruncatedInputError(InputFormatError):
    """A compressed file ends too early. The message says how far its data are valid."""


class InvalidLetterError(InputFormatError):
    """A record contains a byte that is not a nucleotide letter."""


class RecordTooLongError(InputFormatError):
    """A record is longer than the limit of a Parquet value (2 GiB)."""


class InputChangedError(OpengenomeError):
    """The input differs from the registered one."""


class NotRegisteredError(OpengenomeError):
    """The data set has no manifest yet."""


class PlanConflictError(OpengenomeError):
    """Another input, batch size or row count is registered under this name."""


class ManifestError(OpengenomeError):
    """The manifest cannot be read, or was written by a newer version."""


class BatchFileError(OpengenomeError):
    """A batch file is missing or damaged, or belongs to another data set, plan or input."""


class BatchFileMissingError(BatchFileError):
    """A batch file is missing.

    Attributes:
        location: path or URI of the file.
    """

    def __init__(self, message: str, location: str) -> None:
        super().__init__(message)
        self.location = location

    def __reduce__(self) -> tuple[type["BatchFileMissingError"], tuple[str, str]]:
        """How it is pickled in Spark's tasks."""
        return type(self), (str(self), self.location)


class NewerFormatError(OpengenomeError):
    """A newer version wrote a batch file. The file is not read, and not overwritten."""


class EmptyPlanError(OpengenomeError):
    """The input has no records, so there is nothing to plan."""


class BatchesFailedError(OpengenomeError):
    """Some batches of a run failed; the others are finished and are kept.

    Attributes:
        is_worth_retrying: all of them failed because of machine faults, which may be temporary.
    """

    def __init__(self, message: str, *, is_worth_retrying: bool) -> None:
        super().__init__(message)
        self.is_worth_retrying = is_worth_retrying


class RunFailedError(OpengenomeError):
    """A run failed. The message is that of the step that failed first.

    Attributes:
        is_worth_retrying: a machine fault, which may be temporary.
        has_no_session: Spark did not start a usable session, and would not for the next run either.
        is_of_a_check: a check could not be made, so another run would leave these batches unchecked.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        is_worth_retrying: bool = False,
        has_no_session: bool = False,
        is_of_a_check: bool = False,
    ) -> None:
        super().__init__(message)
        self.is_worth_retrying = is_worth_retrying
        self.has_no_session = has_no_session
        self.is_of_a_check = is_of_a_check
