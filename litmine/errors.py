"""Exceptions that users can act on, and the exit codes of the command line.

The message of a `LitmineError` is one sentence with the remedy. The command line prints it without a traceback and
exits with its `exit_code`. Any other exception is a bug and keeps its traceback.
"""

from typing import ClassVar

DONE = 0
FAILED = 1
WRONG_USAGE = 2
NEW_GAPS = 3
LOCKED = 75
INTERRUPTED = 130


class LitmineError(Exception):
    """Base class of the errors that a user can fix."""

    exit_code: ClassVar[int] = FAILED


class LakeError(LitmineError):
    """The folder is not a lake, or the lake is empty, damaged or not writable."""


class LakeLockedError(LitmineError):
    """Another run holds the lock that this run needs."""

    exit_code: ClassVar[int] = LOCKED


class SchemaError(LitmineError):
    """A table or a row differs from its declaration in `schemas/`."""


class QueryError(LitmineError):
    """DuckDB rejects the query, or the query does more than read the lake."""


class QueryLimitError(QueryError):
    """The query needs more memory or temporary disk space than it may use (`litmine.lake.query_limits`)."""


class SourceError(LitmineError):
    """A file cannot be read as PubMed records. `remedy` is what to do, where the message does not say it."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class ModelError(LitmineError):
    """A model is not available, or it cannot be loaded or used."""


class TermListError(ModelError):
    """A term list cannot be read, or it holds something that is no name with a type."""


class CorpusError(LitmineError):
    """A corpus file cannot be read, or it does not annotate the requested types."""


class VocabularyError(LitmineError):
    """A vocabulary, or a file that one is built from, cannot be read, or it contradicts itself."""


class QuestionError(LitmineError):
    """A question is empty or invalid, or a question file cannot be read."""


class DiscoveryError(LitmineError):
    """A search for connections that the lake cannot answer, such as a concept without articles or one concept twice."""


class SettingError(LitmineError):
    """An option or a setting with a value that makes no sense."""


class JobFileError(SettingError):
    """A job that does not exist, or a job file with a mistake in it; nothing of it has run."""

    exit_code: ClassVar[int] = WRONG_USAGE


class UnknownNameError(LitmineError):
    """A name of something that does not exist. The message lists what exists."""

    exit_code: ClassVar[int] = WRONG_USAGE


class UnknownModelError(UnknownNameError, ModelError):
    """A reference to a model that does not exist."""


class UnknownVocabularyError(UnknownNameError, VocabularyError):
    """A vocabulary that does not exist."""


class UnknownConceptError(UnknownNameError, VocabularyError):
    """An identifier or a name that the vocabulary does not have."""


class UnknownTypeError(UnknownNameError, ModelError):
    """An entity type that none of the models finds."""


class UnknownViewError(UnknownNameError, QueryError):
    """A view or table that a lake does not have."""
