"""Responses and search results of an unfinished fetch, stored on disk so that the next run does not request them again.

A journal belongs to one fetch, which is the same however often it is interrupted and restarted. It is a folder in
`.spool` of the lake's local folder and is deleted when the fetch is complete.
"""

import json
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

from litmine.errors import LakeError, LakeLockedError
from litmine.lake.file_writer import file_write_error, write_bytes
from litmine.lake.lock import hold_lock
from litmine.lake.paths import LakePath, local_folder

_FOLDER = ".spool"
# The request, for messages.
_REQUEST_FILE = "request.txt"
_TIME_FORMAT = "%Y%m%dT%H%M%S.%fZ"


class DownloadJournal:
    """The journal of one fetch; `open_journal` opens it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save_response(self, body: bytes, received: datetime) -> Path:
        """Save the body of a response and return its path. Raises LakeError when it cannot be written."""
        digest = blake2b(body, digest_size=6).hexdigest()
        path = self._folder / f"{received.astimezone(UTC).strftime(_TIME_FORMAT)}-{digest}.xml"
        write_bytes(path, body)
        return path

    def responses(self) -> list[tuple[Path, datetime]]:
        """The saved bodies, each with the time it was received (UTC), oldest first."""
        paths = [(path, path.name.partition("-")[0]) for path in sorted(self._folder.glob("*.xml"))]
        return [(path, datetime.strptime(stamp, _TIME_FORMAT).replace(tzinfo=UTC)) for path, stamp in paths]

    def delete_responses(self, paths: Iterable[Path]) -> None:
        """Delete bodies whose records are in article parts."""
        for path in paths:
            path.unlink(missing_ok=True)

    def save_search(self, term: str, result: dict[str, Any]) -> None:
        """Save the result of a search as JSON. Raises LakeError when it cannot be written."""
        content = {"question": term, "answer": result}
        write_bytes(self._search_file(term), json.dumps(content).encode())

    def load_search(self, term: str) -> dict[str, Any] | None:
        """The saved result of a search, if any."""
        try:
            content = json.loads(self._search_file(term).read_bytes())
        except (OSError, ValueError):
            return None
        result: dict[str, Any] | None = content["answer"] if content.get("question") == term else None
        return result

    def delete_searches(self) -> None:
        """Delete all saved search results."""
        for path in self._folder.glob("*.json"):
            path.unlink(missing_ok=True)

    def clean_up(self, max_age: timedelta) -> None:
        """Delete search results older than `max_age`."""
        for path in self._folder.glob("*.json"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > max_age.total_seconds():
                    path.unlink()

    def delete(self) -> None:
        """Delete the journal. The fetch is complete, and all records are in article parts."""
        shutil.rmtree(self._folder, ignore_errors=True)

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
        folder = local_folder(lake) / _FOLDER / journal_id
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise file_write_error(folder, error) from error
        try:
            if request:
                write_bytes(folder / _REQUEST_FILE, request.encode())
            yield DownloadJournal(folder)
        finally:
            # Without downloads there is nothing that a later fetch could use.
            if not _has_downloads(folder):
                shutil.rmtree(folder, ignore_errors=True)


def list_unfinished_fetches(lake: LakePath) -> dict[str, str]:
    """The fetches that have downloaded something and are running or were interrupted: their requests by journal id.

    Raises LakeError when the folder cannot be read.
    """
    folder = local_folder(lake) / _FOLDER
    try:
        journals = sorted(path for path in folder.iterdir() if _has_downloads(path)) if folder.is_dir() else []
    except OSError as error:
        raise LakeError(f"{folder} cannot be read ({error.strerror}); check its permissions") from error
    return {journal.name: _read_request(journal) for journal in journals}


def _has_downloads(folder: Path) -> bool:
    return any(path.suffix in (".xml", ".json") for path in folder.iterdir()) if folder.is_dir() else False


def _read_request(folder: Path) -> str:
    """The description of a fetch's request, or the journal id if it has none."""
    try:
        return (folder / _REQUEST_FILE).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return folder.name
