"""2010 i2b2/VA concept files to passages: `c="..." LINE:TOKEN LINE:TOKEN||t="problem"`, and the record in a `.txt`.

Lines count from 1, tokens between white space from 0, the last one included. Written from the format's description;
untried on the real records, which each user must obtain.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from litmine.corpora.formats.passage import Passage
from litmine.errors import CorpusError
from litmine.types import Span

SUFFIX = ".con"

_CONCEPT = re.compile(r'c="(.*)" (\d+):(\d+) (\d+):(\d+)\|\|t="([^"]+)"')


def read_concepts(path: Path, misplaced: list[int]) -> Iterator[Passage]:
    """Yield each line of the records as a passage; `path` is a `.con` file or a folder that holds some, at any depth.

    The record `NAME.txt` stands beside `NAME.con`, or in a folder `txt` beside the folder of `NAME.con`. Lines of
    concepts whose words stand elsewhere, or that run over a line's end, are added to `misplaced`. Raises CorpusError
    for a line that is no concept, and for a record that is missing.
    """
    for file in sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]:
        places = (file.with_suffix(".txt"), file.parent.parent / "txt" / f"{file.stem}.txt")
        record = next((place for place in places if place.is_file()), None)
        if record is None:
            raise CorpusError(f"{file} has no record: neither {places[0]} nor {places[1]} exists")
        yield from _record(record, file, misplaced)


def _record(record: Path, concepts: Path, misplaced: list[int]) -> Iterator[Passage]:
    lines = record.read_text(encoding="utf-8").split("\n")
    words = [list(re.finditer(r"\S+", line)) for line in lines]
    spans: dict[int, set[Span]] = {}
    for number, line in enumerate(concepts.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        concept = _CONCEPT.fullmatch(line.strip())
        if concept is None:
            raise CorpusError(f'{concepts}, line {number}: not c="..." LINE:TOKEN LINE:TOKEN||t="...": {line[:60]!r}')
        row, first, end_row, last = (int(concept[group]) for group in range(2, 6))
        marked = words[row - 1][first : last + 1] if 0 < row <= len(words) and row == end_row else []
        if " ".join(word.group() for word in marked).casefold() != " ".join(concept[1].split()).casefold():
            misplaced.append(number)
        else:
            spans.setdefault(row, set()).add(Span(marked[0].start(), marked[-1].end(), concept[6]))
    for row, line in enumerate(lines, 1):
        if line.strip():
            ordered = sorted(spans.get(row, ()), key=lambda span: (span.start_char, span.end_char, span.entity_type))
            yield Passage(line.rstrip("\r"), tuple(ordered))
