"""Responses and search results of an unfinished fetch, stored on disk so that the next run does not request them again.

A journal belongs to one fetch, which is the same however often it is interrupted and restarted. It is a folder in
`.spool` of the lake's local folder and is deleted when the fetch is complete.
"""

import json
import math
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

from litmine.atomic_write import TEMPORARY
from litmine.errors import LakeError, LakeLockedError
from litmine.lake.file_writer import delete_file, file_age, file_write_error, make_folder, write_bytes
from litmine.lake.folders import delete_in, glob_files, glob_folders, read_plain
from litmine.lake.lock import hold_lock
from litmine.lake.paths import LakePath, local_folder

# The folder of the journals in the local folder of a lake.
JOURNALS = ".spool"
# The request, for messages.
_REQUEST_FILE = "request.txt"
_TIME_FORMAT = "%Y%m%dT%H%M%S.%fZ"
_BODIES, _SEARCHES = "*.xml", "*.json"
# Beside a body with records that nobody requested.
_UNREQUESTED = ".unrequested"
# More than a search result of PubMed, or a command line, can have.
_MAX_SEARCH_BYTES = 64_000_000
_MAX_REQUEST_BYTES = 4_000_000


class DownloadJournal:
    """The journal of one fetch; `open_journal` opens it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save_response(self, body: bytes, received: datetime, unrequested: Collection[int] = ()) -> Path:
        """Save the body of a response and return its path. Raises LakeError when it cannot be written.

        unrequested: PMIDs of records in it that are not to be written to the lake.
        """
        digest = blake2b(body, digest_size=6).hexdigest()
        path = self._folder / f"{received.astimezone(UTC).strftime(_TIME_FORMAT)}-{digest}.xml"
        if unrequested:  # first: without the body, it has no effect
            write_bytes(path.with_suffix(_UNREQUESTED), json.dumps(sorted(unrequested)).encode())
        write_bytes(path, body)
        return path

    def unrequested(self, body: Path) -> set[int]:
        """The PMIDs of the records in a body that are not to be written to the lake."""
        try:
            pmids = json.loads(read_plain(body.with_suffix(_UNREQUESTED), _MAX_SEARCH_BYTES))
            return {pmid for pmid in pmids if isinstance(pmid, int)}
        except FileNotFoundError:
            return set()
        except (LakeError, OSError, ValueError, TypeError, RecursionError) as error:
            raise LakeError(
                f"{body.with_suffix(_UNREQUESTED)} cannot be read; delete it and {body.name}, and fetch again"
            ) from error

    def responses(self) -> list[tuple[Path, datetime]]:
        """The saved bodies, each with the time it was received (UTC), oldest first."""
        bodies = [(self._folder / path.name, _time_received(path)) for path in glob_files(self._folder, _BODIES)]
        return [(path, received) for path, received in bodies if received is not None]

    def delete_responses(self, paths: Iterable[Path]) -> None:
        """Delete bodies whose records are in article parts."""
        for path in paths:
            delete_file(path)
            delete_file(path.with_suffix(_UNREQUESTED))

    def save_search(self, term: str, result: dict[str, Any]) -> None:
        """Save the result of a search as JSON. Raises LakeError when it cannot be written."""
        content = {"question": term, "answer": result}
        write_bytes(self._search_file(term), json.dumps(content).encode())

    def load_search(self, term: str) -> dict[str, Any] | None:
        """The saved result of a search, if any."""
        try:
            content = json.loads(read_plain(self._search_file(term), _MAX_SEARCH_BYTES))
            is_answer = content["question"] == term and isinstance(content["answer"], dict)
        except (LakeError, OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        result: dict[str, Any] | None = content["answer"] if is_answer else None
        return result

    def delete_searches(self) -> None:
        """Delete all saved search results."""
        for path in glob_files(self._folder, _SEARCHES):
            delete_file(path)

    def clean_up(self, max_age: timedelta) -> None:
        """Delete search results older than `max_age`."""
        for path in glob_files(self._folder, _SEARCHES):
            if max_age.total_seconds() < file_age(path) < math.inf:
                delete_file(path)

    def delete(self) -> None:
        """Delete the journal. The fetch is complete, and all records are in article parts."""
        _delete(self._folder)

    def _search_file(self, term: str) -> Path:
        return self._folder / f"{blake2b(term.encode(), digest_size=12).hexdigest()}.json"


@contextmanager
def open_journal(lake: LakePath, journal_id: str, request: str = "") -> Iterator[DownloadJournal]:
    """Lock and open the journal of a fetch. `journal_id` must be a valid file name.

    `request` describes a new fetch to people. A journal that is empty at the end is deleted.

    Raises LakeLockedError when another process has it open, LakeError when it cannot be created.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(hold_lock(lake, f"fetch-{journal_id}"))
        except LakeLockedError:
            raise LakeLockedError(
                f"the same fetch is already writing to {lake}; wait until it is done and run this again"
            ) from None
        folder = local_folder(lake) / JOURNALS / journal_id
        try:
            make_folder(folder)
        except OSError as error:
            raise file_write_error(folder, error) from error
        try:
            if request:
                write_bytes(folder / _REQUEST_FILE, request.encode())
            yield DownloadJournal(folder)
        finally:
            # Without downloads there is nothing that a later fetch could use.
            if not _has_downloads(folder):
                _delete(folder)


def list_unfinished_fetches(lake: LakePath) -> dict[str, str]:
    """The fetches that have downloaded something and are running or were interrupted: their requests by journal id.

    Raises LakeError when the folder cannot be read.
    """
    folder = local_folder(lake) / JOURNALS
    try:
        journals = [path for path in glob_folders(folder, "*") if _has_downloads(path)]
    except OSError as error:
        raise LakeError(f"{folder} cannot be read ({error.strerror}); check its permissions") from error
    return {journal.name: _read_request(journal) for journal in journals}


def is_journal_file(location: str) -> bool:
    """Whether litmine may have written a file or a folder with this path relative to the folder of all journals."""
    _, _, name = location.partition("/")
    if name.endswith(".xml"):
        return _time_received(Path(name)) is not None
    return name in ("", _REQUEST_FILE) or name.endswith((".json", _UNREQUESTED, TEMPORARY))


def _delete(folder: Path) -> None:
    """Delete a journal as far as that is possible: what is left is used or deleted by the next fetch of its kind."""
    with suppress(LakeError, OSError):
        delete_in(folder.parent, folder.name)


def _has_downloads(folder: Path) -> bool:
    return bool(glob_files(folder, _BODIES) or glob_files(folder, _SEARCHES))


def _time_received(body: LakePath) -> datetime | None:
    """When a body was received, as its name says; None for a file that is not litmine's."""
    try:
        return datetime.strptime(body.name.partition("-")[0], _TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None


def _read_request(folder: Path) -> str:
    """The description of a fetch's request, or the journal id if it has none."""
    try:
        return read_plain(folder / _REQUEST_FILE, _MAX_REQUEST_BYTES).decode()
    except (LakeError, OSError, ValueError):
        return folder.name
