"""Import registrations of trials, and count what they change in the view `registered_trials`."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from litmine.lake.lake import Lake
from litmine.lake.lock import hold_lock
from litmine.lake.registered_trials import content_hash, write_registered_trials
from litmine.lake.sql_text import sql_string
from litmine.pipeline.count_format import format_count, format_nonzero
from litmine.types import RegisteredTrial

# So many studies are asked for by one query, because queries have a largest length.
_ASKED = 10_000


@dataclass(slots=True)
class TrialCounts:
    """What the registrations of a file, or of several, did.

    read: registrations that were read; the sum of the others. new: studies that the lake did not have. revised: studies
    that the view shows otherwise now. present: registrations that the lake had. superseded: those of a study that has
    another in the same file. not_shown: those of which the lake has a later or fuller version. files: files written.
    """

    read: int = 0
    new: int = 0
    revised: int = 0
    present: int = 0
    superseded: int = 0
    not_shown: int = 0
    files: int = 0

    def add(self, other: "TrialCounts") -> None:
        """Add the counts of another file."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    def summary_lines(self) -> list[str]:
        """The counts that are not zero, for the user; no line without registrations."""
        if not self.read:
            return []
        counts = {
            "new": self.new,
            "revised": self.revised,
            "already present": self.present,
            "superseded within their file": self.superseded,
            "not shown": self.not_shown,
        }
        lines = [f"{format_nonzero(counts)} ({format_count(self.read, 'registrations')} of ClinicalTrials.gov)"]
        if self.not_shown:
            kept = format_count(self.not_shown, "registrations")
            lines.append(f"{kept} kept but not shown: the lake has a later or fuller version of the same study")
        return lines


def import_trials(
    lake: Lake, trials: Sequence[RegisteredTrial], source: str, as_of: datetime, dated: bool
) -> TrialCounts:
    """Write the registrations of a file and count what they changed. Raises as `write_registered_trials`."""
    if not trials:
        return TrialCounts()
    versions: dict[str, set[int]] = {}
    for trial in trials:
        versions.setdefault(trial.registry_id, set()).add(content_hash(trial))
    # Without the lock, two processes could count the same study as new.
    with hold_lock(lake.location, "registered-trials", wait=True):
        before = _shown(lake, versions)
        if not write_registered_trials(lake.location, trials, source, as_of, dated):
            return TrialCounts(read=len(trials), present=len(trials))
        after = _shown(lake, versions)
    counts = TrialCounts(read=len(trials), superseded=len(trials) - len(versions), files=1)
    for number, hashes in versions.items():
        counts.new += number not in before
        if number in before:
            revised, present = before[number] != after[number], after[number] in hashes
            counts.revised += revised
            counts.present += present and not revised
            counts.not_shown += not (revised or present)
    return counts


def _shown(lake: Lake, numbers: Collection[str]) -> dict[str, int]:
    """The content of the version of each of these studies that the view shows."""
    found: dict[str, int] = {}
    for some in _chunks(sorted(numbers)):
        listed = ", ".join(map(sql_string, some))
        rows = lake.sql(f"SELECT * FROM registered_trials WHERE registry_id IN ({listed})").to_pylist()
        found |= {row["registry_id"]: content_hash(row) for row in rows}
    return found


def _chunks(numbers: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(numbers), _ASKED):
        yield numbers[start : start + _ASKED]
