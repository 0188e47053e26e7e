"""Errors of requests as an HTTP status and one sentence without folders of this machine."""

import sys
import traceback

from litmine.errors import (
    DiscoveryError,
    LitmineError,
    QueryError,
    QueryLimitError,
    QuestionError,
    SettingError,
    UnknownNameError,
)
from litmine.explore.long_work import RunningError
from litmine.explore.queries import BusyError
from litmine.explore.shared import PreparingError
from litmine.output.hidden_paths import HiddenPaths


class NotFoundError(LitmineError):
    """The lake does not have what a request names."""


_STATUSES: tuple[tuple[type[LitmineError], int], ...] = (
    (NotFoundError, 404),
    (BusyError, 503),
    (RunningError, 202),
    (PreparingError, 503),
    (QueryLimitError, 422),
    (QueryError, 400),
    (DiscoveryError, 400),
    (QuestionError, 400),
    (SettingError, 400),
    (UnknownNameError, 400),
)

# A page that waits for what the server is preparing comes again after so many seconds, in the browser too; sooner if it
# waits for its own result.
RETRY_SECONDS, RETRY_RUNNING_SECONDS = 5, 1


def retry_headers(error: Exception) -> dict[str, str]:
    """The headers of the answer that make a program or a browser send the request again, if that helps."""
    if not isinstance(error, PreparingError):
        return {}
    seconds = str(RETRY_RUNNING_SECONDS if isinstance(error, RunningError) else RETRY_SECONDS)
    return {"Retry-After": seconds, "Refresh": seconds}


def status_and_message(error: Exception, hidden: HiddenPaths) -> tuple[int, str]:
    """The status and the sentence of an error. A bug is printed on stderr, and the answer does not show it."""
    if isinstance(error, LitmineError):
        status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
        return status, hidden.text(str(error))
    traceback.print_exception(error, file=sys.stderr)
    return 500, "litmine has a bug here; the terminal where `litmine explore` runs shows it, please report it"
