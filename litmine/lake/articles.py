"""Article parts as workers see them: which there are, and the texts of one that no earlier part holds."""

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow.compute as pc

from litmine.lake.listing import live
from litmine.lake.parquet import read, read_footer, reading
from litmine.lake.paths import Place
from litmine.types import join_text


@dataclass(frozen=True, slots=True)
class NewTexts:
    """The texts of a part that a model reads, with the PMID and the hash of each, in the part's order."""

    pmids: list[int]
    text_hashes: list[int]
    texts: list[str]

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True)
class PartSummary:
    """What a part's footer says: its rows, how many of them carry a new text, and where they came from."""

    rows: int
    texts: int
    source: str


def parts(lake: Place) -> list[Place]:
    """The article parts that count, by name. Raises as `live`."""
    return list(live(lake, "articles").values())


def new_texts(path: Place) -> NewTexts:
    """The new texts of a part. Raises LakeError when the file is damaged."""
    rows = read(path, ["pmid", "text_hash", "new_text", "title", "abstract"])
    with reading(path):
        rows = rows.filter(pc.field("new_text"))
        titles, abstracts = rows.column("title").to_pylist(), rows.column("abstract").to_pylist()
    return NewTexts(
        rows.column("pmid").to_pylist(),
        rows.column("text_hash").to_pylist(),
        [join_text(title, abstract) for title, abstract in zip(titles, abstracts, strict=True)],
    )


def texts_of(path: Place, wanted: Collection[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Some of the new texts of a part, by PMID and hash of the text. Raises LakeError when the file is damaged."""
    rows = read(path, ["pmid", "text_hash", "new_text", "title", "abstract"])
    with reading(path):
        rows = rows.filter(pc.field("new_text") & pc.field("pmid").isin(sorted({pmid for pmid, _ in wanted})))
        return {
            (row["pmid"], row["text_hash"]): join_text(row["title"], row["abstract"])
            for row in rows.to_pylist()
            if (row["pmid"], row["text_hash"]) in wanted
        }


def part_summary(path: Place) -> PartSummary:
    """The footer of a part. Raises LakeError when the file is damaged."""
    footer = read_footer(path)
    with reading(path):
        return PartSummary(footer["rows"], footer["texts"], footer["source"])
