"""What can go wrong, as sentences that say what to do about it.

The command line prints an `LitmineError` as its sentence and leaves with its `exit_code`. Anything else is a bug and
keeps its traceback.
"""

from typing import ClassVar

DONE = 0
FAILED = 1
WRONG_USAGE = 2
NEW_GAPS = 3
LOCKED = 75
INTERRUPTED = 130


class LitmineError(Exception):
    """An error that its user can do something about."""

    exit_code: ClassVar[int] = FAILED


class LakeError(LitmineError):
    """The lake is not one, is empty, is damaged, or cannot be written."""


class LakeLockedError(LitmineError):
    """Another run holds the lock that this one needs."""

    exit_code: ClassVar[int] = LOCKED


class SchemaError(LitmineError):
    """A table or a row is not what `schemas/` declares."""


class QueryError(LitmineError):
    """A query that DuckDB refuses, or that does more than read the lake."""


class SourceError(LitmineError):
    """A file that cannot be read as PubMed records."""


class ModelError(LitmineError):
    """A model that cannot be had, loaded or used."""


class CorpusError(LitmineError):
    """A corpus file that cannot be read, or does not annotate what was asked."""


class QuestionError(LitmineError):
    """A question that cannot be asked, or a file of questions that cannot be read."""


class SettingError(LitmineError):
    """An option or a setting with a value that makes no sense."""


class UnknownNameError(LitmineError):
    """A name of something that does not exist. The message lists what exists."""

    exit_code: ClassVar[int] = WRONG_USAGE


class UnknownModelError(UnknownNameError, ModelError):
    """A reference to a model that does not exist."""


class UnknownTypeError(UnknownNameError, ModelError):
    """A type that no model in question finds."""


class UnknownViewError(UnknownNameError, QueryError):
    """A view or table that a lake does not have."""
