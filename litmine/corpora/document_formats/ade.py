"""ADE corpus, version 2: `DRUG-AE.rel`, `DRUG-DOSE.rel` and `ADE-NEG.txt`, sentences of case reports by PMID.

A line of a relation file is `PMID|sentence|effect or dose|start|end|drug|start|end`. The offsets count in the document
`PMID, blank line, title, blank line, abstract`, which the corpus does not contain. All mentions of a sentence share one
shift from the document to the sentence, so the words of the sentence that fit them all are the mentions. Source:
Gurulingappa et al., Development of a benchmark corpus to support the automatic extraction of drug-related adverse
effects from medical case reports, J Biomed Inform 2012.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from litmine.corpora.document_checks import CorpusReport, Finding
from litmine.corpora.documents import AnnotatedSentence, RawDocument, RawEntity, RawRelation
from litmine.errors import CorpusError

POSITIVE = "adverse_effect"
RELATION_FILES = {"DRUG-AE.rel": ("AdverseEffect", "adverse_effect"), "DRUG-DOSE.rel": ("Dose", "dose")}
NEGATIVE_FILE = "ADE-NEG.txt"

_NEGATIVE = re.compile(r"(\d+) NEG (.*)")


@dataclass(frozen=True, slots=True)
class _Mention:
    entity_type: str
    words: str
    start: int
    end: int


@dataclass(slots=True)
class _Sentence:
    pmid: str
    text: str
    pairs: list[tuple[str, _Mention, _Mention, str]] = field(default_factory=list)
    negative: str = ""


def is_ade_folder(folder: Path) -> bool:
    """Whether a folder has one of the corpus' relation files."""
    return folder.is_dir() and any((folder / name).is_file() for name in RELATION_FILES)


def read_ade(folder: Path, report: CorpusReport) -> Iterator[RawDocument]:
    """Yield each sentence as a document `PMID-N`, its number among the sentences of that article here.

    A sentence with an adverse effect has the label `adverse_effect`; one of the negative file has none. Sentences of
    DRUG-DOSE.rel alone have no labels and are not marked. Raises CorpusError, with the line number, for other lines.
    """
    sentences: dict[tuple[str, str], _Sentence] = {}
    for name, (entity_type, relation) in RELATION_FILES.items():
        for where, columns in _lines(folder / name, 8):
            pmid, text, words, start, end, drug, drug_start, drug_end = columns
            try:
                other = _Mention(entity_type, words, int(start), int(end))
                subject = _Mention("Drug", drug, int(drug_start), int(drug_end))
            except ValueError as error:
                raise CorpusError(f"{folder / name}, {where}: {error}; offsets are whole numbers") from error
            sentence = sentences.setdefault((pmid, text), _Sentence(pmid, text))
            sentence.pairs.append((relation, subject, other, where))
    for where, (pmid, text) in _negatives(folder / NEGATIVE_FILE):
        sentence = sentences.setdefault((pmid, text), _Sentence(pmid, text))
        if sentence.pairs:
            report.add(Finding.CONTRADICTION, where, f"{pmid}: {text}")
        elif sentence.negative:
            report.add(Finding.REPEATED_DOCUMENT, where, f"{pmid}: {text}")
        else:
            sentence.negative = where
    numbers: Counter[str] = Counter()
    for sentence in sentences.values():
        numbers[sentence.pmid] += 1
        yield _document(sentence, f"{sentence.pmid}-{numbers[sentence.pmid]}", report)


def _lines(file: Path, columns: int) -> Iterator[tuple[str, list[str]]]:
    for number, line in _numbered(file):
        found = line.split("|")
        if len(found) != columns:
            raise CorpusError(f"{file}, line {number}: {len(found)} columns divided by | instead of {columns}")
        yield f"{file.name}, line {number}", found


def _negatives(file: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    for number, line in _numbered(file):
        found = _NEGATIVE.fullmatch(line)
        if found is None:
            raise CorpusError(f"{file}, line {number}: expected PMID NEG sentence, not {line[:60]!r}")
        yield f"{file.name}, line {number}", (found[1], found[2])


def _numbered(file: Path) -> Iterator[tuple[int, str]]:
    if not file.is_file():
        return
    try:
        lines = file.read_bytes().decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{file}: not UTF-8 ({error}); save it as UTF-8") from error
    yield from ((number, line.rstrip("\r")) for number, line in enumerate(lines, 1) if line.strip())


def _document(sentence: _Sentence, identifier: str, report: CorpusReport) -> RawDocument:
    text = sentence.text
    where = sentence.pairs[0][3] if sentence.pairs else sentence.negative
    raw = RawDocument(identifier, text, where)
    positive = any(relation == POSITIVE for relation, *_ in sentence.pairs)
    if text and (positive or sentence.negative):
        raw.sentences = [AnnotatedSentence(0, len(text), (POSITIVE,) if positive else ())]
    mentions = dict.fromkeys(one for _, first, second, _ in sentence.pairs for one in (first, second))
    shift = _shift(text, mentions)
    ids: dict[_Mention, str] = {}
    for number, mention in enumerate(mentions, 1):
        ids[mention] = f"T{number}"
        place = next(at for _, first, second, at in sentence.pairs if mention in (first, second))
        span = _span(text, mention, shift)
        if span is None:
            span = (-1, -1)
        elif span[0] != mention.start - shift:
            report.add(Finding.RELOCATED, place, f"{mention.words!r} in {text}")
        raw.entities.append(RawEntity(ids[mention], mention.entity_type, (span,), mention.words, "", place))
    for relation, first, second, place in sentence.pairs:
        raw.relations.append(RawRelation(relation, ids[first], ids[second], place))
    return raw


def _shift(text: str, mentions: Iterable[_Mention]) -> int:
    """The start of the sentence in its document: the place that fits most mentions; of several, the first."""
    votes: Counter[int] = Counter()
    for mention in mentions:
        votes.update({mention.start - place for place in _places(text, mention.words)})
    return min(votes, key=lambda shift: (-votes[shift], shift)) if votes else 0


def _span(text: str, mention: _Mention, shift: int) -> tuple[int, int] | None:
    """Where a mention is in the sentence: at its shifted offsets, else where its words are, if they occur once."""
    start = mention.start - shift
    places = _places(text, mention.words)
    if start not in places:
        if len(places) != 1:
            return None
        start = places[0]
    return start, start + len(mention.words)


def _places(text: str, words: str) -> list[int]:
    return [found.start() for found in re.finditer(f"(?={re.escape(words)})", text)] if words else []
