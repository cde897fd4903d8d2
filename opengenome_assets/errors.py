"""What can go wrong for a user: one class per kind of failure.

Every message names what it is about (file, record, batch or setting), what was found, what is allowed
and what to do. Faults of the machine (a killed worker, a full disk) keep their own exceptions.
"""

import reprlib


def first_line(error: BaseException) -> str:
    """The first line of an error's text, for a message of one line."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def first_fault(error: Exception) -> str:
    """What is wrong in a file, in one line; of pydantic's list, the first field, and what was found in it."""
    if not hasattr(error, "errors"):
        return first_line(error)
    fault = error.errors()[0]
    # pydantic also names the alternative of a union, which is no part of the path.
    place = ".".join(str(part) for part in fault["loc"] if part not in ("int", "str")) or "the whole"
    return f"{place}: {fault['msg']}, found {reprlib.repr(fault['input'])}"


class OpengenomeError(Exception):
    """Base of everything that the user can mend; its text is shown without a traceback."""

    # Of the command line.
    exit_code = 2
    # Only where doing the same again may help.
    is_worth_retrying = False


class SettingError(OpengenomeError):
    """An environment variable, an option or a run config value is outside of what is allowed."""


class InstanceError(OpengenomeError):
    """Dagster's home, its settings file or its records cannot be used."""


class JavaError(OpengenomeError):
    """Java is missing or too old for Spark."""


class SparkUnreachableError(OpengenomeError):
    """Nothing answers at the address of Spark's master."""


class SparkSessionError(OpengenomeError):
    """Spark is there, and gives no session: another secret, another version, or no memory for its JVM."""


class InputNotFoundError(OpengenomeError):
    """The input names no file, or a folder without FASTA or Parquet files."""


class LostConnectionError(OpengenomeError):
    """A server stopped sending in the middle of a file; the message says after how many bytes."""

    is_worth_retrying = True


class FetchError(OpengenomeError):
    """A data set of the catalogue cannot be fetched, or is not what its server states."""


class WarehouseError(OpengenomeError, OSError):
    """The object store of the warehouse cannot be used: its package, address or access is missing.

    An ``OSError`` too, since it may concern one file only, and whoever goes on after those goes on after this.
    """


class InputFormatError(OpengenomeError):
    """A file is not what its name says, or lacks what is needed (a column, a header line)."""


class TruncatedInputError(InputFormatError):
    """A compressed file ends before its data do; the message says how far it was good."""


class InvalidLetterError(InputFormatError):
    """A record holds a byte that is no nucleotide letter."""


class RecordTooLongError(InputFormatError):
    """A record is longer than one value of a Parquet column can be (2 GiB)."""


class InputChangedError(OpengenomeError):
    """The input is not the one that was registered."""


class NotRegisteredError(OpengenomeError):
    """There is no manifest for the data set yet."""


class PlanConflictError(OpengenomeError):
    """The name is taken: another input, batch size or row count is registered under it."""


class ManifestError(OpengenomeError):
    """The manifest cannot be read, or was written by a newer version."""


class BatchFileError(OpengenomeError):
    """A file of a batch is missing, damaged, or of another data set, plan or input."""


class BatchFileMissingError(BatchFileError):
    """A file of a batch is not there.

    Attributes:
        location: of the file.
    """

    def __init__(self, message: str, location: str) -> None:
        super().__init__(message)
        self.location = location


class NewerFormatError(OpengenomeError):
    """A file of a batch was written by a newer version: neither read nor done again, which would write over it."""


class EmptyPlanError(OpengenomeError):
    """The plan has no batches, so there is nothing that a table could be made of."""


class BatchesFailedError(OpengenomeError):
    """Some batches of a run failed; the others are finished and stay so.

    Attributes:
        is_worth_retrying: all of them failed by a fault of machines, which may be over soon.
    """

    def __init__(self, message: str, *, is_worth_retrying: bool) -> None:
        super().__init__(message)
        self.is_worth_retrying = is_worth_retrying


class RunFailedError(OpengenomeError):
    """A run failed; the message is the first reason, in the words of the step that failed.

    Attributes:
        is_worth_retrying: machines failed, which may work again soon.
        has_no_session: Spark gave no session that can count, and would give none to the next run either.
    """

    exit_code = 1

    def __init__(
        self, message: str, *, is_worth_retrying: bool = False, has_no_session: bool = False
    ) -> None:
        super().__init__(message)
        self.is_worth_retrying = is_worth_retrying
        self.has_no_session = has_no_session
