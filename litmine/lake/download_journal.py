"""What a fetch has received and not yet put into a part: whole answers in files, safe from the moment they came.

A job is one fetch, however often it is begun again until it is complete; its folder in `.spool` on the lake's desk
goes with it. Searches are kept until then too, so that a job that was killed asks for nothing twice.
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
from litmine.lake.file_writer import unwritable, write_bytes
from litmine.lake.lock import exclusive
from litmine.lake.paths import Place, desk

_FOLDER = ".spool"
_STAMP = "%Y%m%dT%H%M%S.%fZ"


class Spool:
    """The folder of one job; see `spooling`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, body: bytes, received: datetime) -> Path:
        """Keep an answer's body, and say where. Raises LakeError when it cannot be written."""
        digest = blake2b(body, digest_size=6).hexdigest()
        path = self._folder / f"{received.astimezone(UTC).strftime(_STAMP)}-{digest}.xml"
        write_bytes(path, body)
        return path

    def bodies(self) -> list[tuple[Path, datetime]]:
        """The bodies that were kept, and when each was received (UTC), in that order."""
        stamped = [(path, path.name.partition("-")[0]) for path in sorted(self._folder.glob("*.xml"))]
        return [(path, datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)) for path, stamp in stamped]

    def note(self, question: str, answer: dict[str, Any]) -> None:
        """Keep the answer to a question of this job, as JSON. Raises LakeError when it cannot be written."""
        content = {"question": question, "answer": answer}
        write_bytes(self._noted(question), json.dumps(content).encode())

    def recall(self, question: str) -> dict[str, Any] | None:
        """The answer that was noted to the question."""
        try:
            content = json.loads(self._noted(question).read_bytes())
        except (OSError, ValueError):
            return None
        answer: dict[str, Any] | None = content["answer"] if content.get("question") == question else None
        return answer

    def forget(self, paths: Iterable[Path]) -> None:
        """Remove bodies that stand in parts now."""
        for path in paths:
            path.unlink(missing_ok=True)

    def forget_answers(self) -> None:
        """Remove what was noted."""
        self.forget(self._folder.glob("*.json"))

    def leave(self, stale: timedelta) -> None:
        """Remove what was noted longer ago than that, and the folder if nothing is left in it."""
        for path in self._folder.glob("*.json"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > stale.total_seconds():
                    path.unlink()
        with suppress(OSError):
            self._folder.rmdir()

    def close(self) -> None:
        """Remove the folder: the job is complete, and its bodies stand in parts."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _noted(self, question: str) -> Path:
        return self._folder / f"{blake2b(question.encode(), digest_size=12).hexdigest()}.json"


@contextmanager
def spooling(lake: Place, job: str) -> Iterator[Spool]:
    """Hold the spool of the job named `job` (characters that a file name takes).

    Raises LakeLockedError when another process holds it, LakeError when it cannot be made.
    """
    with ExitStack() as held:
        try:
            held.enter_context(exclusive(lake, f"fetch-{job}"))
        except LakeLockedError:
            raise LakeLockedError(
                f"the same fetch is writing to {lake} already; wait until it is done and run this again"
            ) from None
        folder = desk(lake) / _FOLDER / job
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(folder, error) from error
        yield Spool(folder)


def jobs(lake: Place) -> list[str]:
    """The jobs that are under way or were interrupted. Raises LakeError when they cannot be listed."""
    folder = desk(lake) / _FOLDER
    try:
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise LakeError(f"{folder} cannot be read ({error.strerror}); see to its permissions") from error
