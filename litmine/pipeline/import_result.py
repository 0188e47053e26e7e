"""What an import did: the result for one file, and the sum over all files with the messages for the user."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from litmine.lake.article_writer import ImportCounts
from litmine.lake.file_writer import escape_surrogates
from litmine.lake.runs import Gap
from litmine.pipeline.count_format import format_count, format_nonzero
from litmine.pipeline.import_trials import TrialCounts
from litmine.sources.files import UNLISTED, file_of_location
from litmine.types import SourceNote


@dataclass(slots=True)
class FileImportResult:
    """The result for one file.

    status: "read": the file was read as far as possible. "skipped": it was imported before. "refused": it does not
        match its `.md5`. "claimed": another process is importing it.
    trials: counts of the registrations of trials in the file.
    recorded: whether the lake's log has the file, so that it need not be imported again.
    """

    file: Path
    status: Literal["read", "skipped", "refused", "claimed"]
    trials: TrialCounts = field(default_factory=TrialCounts)
    added: ImportCounts = field(default_factory=ImportCounts)
    gaps: list[Gap] = field(default_factory=list)
    notes: list[SourceNote] = field(default_factory=list)
    recorded: bool = False

    def gaps_read(self, gaps: Sequence[Gap]) -> list[Gap]:
        """Those of earlier gaps that this import of the file has read, so that they are none any more.

        A file that is damaged, or has more unreadable records than are listed, was not read at each of their places.
        """
        name = escape_surrogates(str(self.file))
        of_file = [gap for gap in gaps if gap not in self.gaps and file_of_location(gap.where) == name]
        if self.status == "skipped":
            return [gap for gap in of_file if gap.where == name]
        places = {gap.where for gap in self.gaps}
        is_partial = self.status != "read" or not places.isdisjoint((name, f"{name}, {UNLISTED}"))
        return [gap for gap in of_file if not is_partial or gap.where in places]


@dataclass(slots=True)
class ImportResult:
    """The result of an import.

    `files` counts the files that were read, `skipped` those imported before, `refused` those that do not match their
    `.md5`. `notes` tell which keys and values the file readers ignored. `added` counts the records of the files that
    were read, `trials` the registrations of trials. `new_gaps` are the gaps that no earlier run reported, or that were
    settled since; `settled` are gaps of earlier imports whose places were read.
    """

    files: int = 0
    skipped: int = 0
    refused: int = 0
    recorded: int = 0
    trials: TrialCounts = field(default_factory=TrialCounts)
    added: ImportCounts = field(default_factory=ImportCounts)
    gaps: list[Gap] = field(default_factory=list)
    new_gaps: list[Gap] = field(default_factory=list)
    settled: list[Gap] = field(default_factory=list)
    notes: list[SourceNote] = field(default_factory=list)

    def add(self, result: FileImportResult) -> None:
        """Add the result of one file."""
        self.files += result.status == "read"
        self.skipped += result.status == "skipped"
        self.refused += result.status == "refused"
        self.recorded += result.recorded
        self.trials.add(result.trials)
        self.added += result.added
        self.gaps += result.gaps
        self.notes += result.notes

    @property
    def changed(self) -> bool:
        """Whether any article in the lake is new, revised or deleted."""
        return bool(self.added.new or self.added.revised or self.added.deletions)

    def summary_lines(self) -> list[str]:
        """The result as lines for the user: counts that are not zero, then what could not be read."""
        added, trials, lines = self.added, self.trials, []
        if added.read:
            counts = {
                "new": added.new,
                "revised": added.revised,
                "deleted": added.deletions,
                "already present": added.repeated + added.unchanged,
                "superseded within their file": added.superseded,
                "not shown": added.hidden,
            }
            totals = f"{format_count(added.read, 'records')} from {format_count(self.files, 'files')}"
            lines.append(f"{format_nonzero(counts)} ({totals})")
        elif self.files and not trials.read:
            lines.append(f"no records in {format_count(self.files, 'files')}")
        elif not (self.skipped or trials.read):
            lines.append("no files imported")
        lines += trials.summary_lines()
        if added.hidden:
            lines.append(
                f"{format_count(added.hidden, 'texts')} kept but not shown: the lake has PubMed's own record or"
                " deletion of these PMIDs, which takes precedence"
            )
        if added.narrowed:
            fields = ", ".join(sorted(set(added.lost_fields)))
            lines.append(
                f"{format_count(added.narrowed, 'texts')} replaced others that had fields which the new ones lack"
                f" ({fields}): the newest text of a PMID counts as it is"
            )
        if self.skipped:
            lines.append(f"{format_count(self.skipped, 'files')} skipped: already imported")
        if added.mended:
            lines.append(f"{format_count(added.mended, 'lone surrogates')} replaced by U+FFFD")
        lines += [f"{note.where}: {note.what}" for note in self.notes]
        for gap in dict.fromkeys(self.gaps):
            reported = "" if gap in self.new_gaps else " (reported before)"
            lines.append(f"could not be read{reported}: {gap}")
        return lines

    def counts(self) -> dict[str, int]:
        """The counts for the run log."""
        added = self.added
        return {
            "files": self.files,
            "skipped": self.skipped,
            "refused": self.refused,
            "read": added.read,
            "new": added.new,
            "revised": added.revised,
            "repeated": added.repeated,
            "deletions": added.deletions,
            "unchanged": added.unchanged,
            "superseded": added.superseded,
            "hidden": added.hidden,
            "narrowed": added.narrowed,
            "mended": added.mended,
            "registered_trials": self.trials.new + self.trials.revised,
            "texts": added.texts,
            "parts": len(added.parts),
        }
