"""Read article parts: list them, read their footers, and read the texts that models have not seen in earlier parts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from litmine.lake.listing import live_files
from litmine.lake.parquet import parse_footer, read_footer_text, read_table, report_read_errors
from litmine.lake.paths import LakePath
from litmine.text.sentences import Regions
from litmine.types import join_text

_TEXT_COLUMNS = ["pmid", "text_hash", "new_text", "title", "abstract", "sections"]
# The label of the title among the regions of a text.
TITLE = "TITLE"


@dataclass(frozen=True, slots=True)
class NewTexts:
    """The new texts of a part, with PMID and text hash of each, in the order of the part.

    regions: by text, the end offset and the label of its title and of each section of its abstract, in order. The label
    of the title is TITLE, and None stands for a section without a label.
    """

    pmids: list[int]
    text_hashes: list[int]
    texts: list[str]
    regions: list[Regions]

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True)
class PartSummary:
    """The footer of a part: the number of rows, the number of rows with a new text, and the source."""

    rows: int
    texts: int
    source: str


def list_parts(lake: LakePath) -> list[LakePath]:
    """The live article parts, sorted by name. Raises LakeError as `live_files` does."""
    return list(live_files(lake, "articles").values())


def read_new_texts(path: LakePath) -> NewTexts:
    """Read the new texts of a part. Raises LakeError if the file is damaged."""
    import pyarrow.compute as pc

    rows = read_table(path, _TEXT_COLUMNS)
    with report_read_errors(path):
        rows = rows.filter(pc.field("new_text"))
        titles, abstracts = rows.column("title").to_pylist(), rows.column("abstract").to_pylist()
        sections = rows.column("sections").to_pylist()
    return NewTexts(
        rows.column("pmid").to_pylist(),
        rows.column("text_hash").to_pylist(),
        [join_text(title, abstract) for title, abstract in zip(titles, abstracts, strict=True)],
        [text_regions(title, of_text) for title, of_text in zip(titles, sections, strict=True)],
    )


def text_regions(title: str | None, sections: Sequence[Mapping[str, Any]] | None) -> Regions:
    """The regions of a text, as in `NewTexts`, from the columns `title` and `sections` of `articles`."""
    of_title: list[tuple[int, str | None]] = [(len(title), TITLE)] if title else []
    return [*of_title, *((section["end_char"], section["label"]) for section in sections or ())]


class TextWithRegions(NamedTuple):
    """A text, with its regions as in `NewTexts`."""

    text: str
    regions: Regions


def read_texts(path: LakePath, wanted: Collection[tuple[int, int]]) -> dict[tuple[int, int], TextWithRegions]:
    """Read those new texts of a part that are in `wanted`, by (PMID, text hash). Raises LakeError if it is damaged."""
    import pyarrow.compute as pc

    rows = read_table(path, _TEXT_COLUMNS)
    with report_read_errors(path):
        rows = rows.filter(pc.field("new_text") & pc.field("pmid").isin(sorted({pmid for pmid, _ in wanted})))
        return {
            (row["pmid"], row["text_hash"]): TextWithRegions(
                join_text(row["title"], row["abstract"]), text_regions(row["title"], row["sections"])
            )
            for row in rows.to_pylist()
            if (row["pmid"], row["text_hash"]) in wanted
        }


def read_part_summary(path: LakePath) -> PartSummary:
    """Read the footer of a part. Raises LakeError if the file is damaged."""
    return parse_part_summary(path, read_footer_text(path))


def parse_part_summary(path: LakePath, footer: str | None) -> PartSummary:
    """The footer of a part from its text. Raises LakeError if it is damaged or missing."""
    parsed = parse_footer(path, footer)
    with report_read_errors(path):
        return PartSummary(parsed["rows"], parsed["texts"], parsed["source"])
