"""Decontamination: find and remove training passages that are in an evaluation split or in an earlier corpus.

Texts are compared without white space and case, so that a tokenised sentence equals the same words of an abstract.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from litmine.corpora.corpus import Corpus
from litmine.corpora.formats import Passage
from litmine.corpora.guidelines import guideline_of
from litmine.errors import CorpusError

# Texts that match are leaks only from this length on, in code points without white space (about eight words). Shorter
# matches are numbers, headings or stock phrases (docs/decisions/0044-leak-threshold.md).
MIN_SHARED_LENGTH = 40

# Index of a corpus, and of a passage in it.
_PassageId = tuple[int, int]


@dataclass(frozen=True, slots=True)
class DuplicatePassage:
    """Passage `index` of `corpus` is also in `other`.

    `by`: the kind of match, PMID, text (equal texts), inside or around (one text contains the other). `start`: the
    first 80 characters of the passage.
    """

    corpus: str
    index: int
    other: str
    by: str
    start: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """The number of passages of a training corpus that another corpus has too, by kind of match, and an example."""

    corpus: str
    other: str
    by_pmid: int
    by_text: int
    example: str

    def __str__(self) -> str:
        counts = ((self.by_pmid, "PMID"), (self.by_text, "text"))
        shown = " and ".join(f"{count:,} by {kind}" for count, kind in counts if count)
        return f"{self.corpus}: {shown} in {self.other} ({self.example})"


def remove_leaks_and_repeats(
    train: Sequence[Corpus],
    evaluation: Sequence[Corpus],
    separate_heads: Sequence[str],
    strict: bool,
    log: Callable[[str], None],
) -> list[Corpus]:
    """The training corpora without leaks and repeats, which are logged. Raises CorpusError for a leak if `strict`."""
    leaks = find_leaks(train, evaluation)
    if strict:
        refuse_leaks(leaks)
    for overlap in count_overlaps(leaks):
        log(f"removed from training, because a dev split has them: {overlap}")
    clean = remove_passages(train, leaks)
    repeats = find_repeats(clean, separate_heads)
    for overlap in count_overlaps(repeats):
        log(f"removed from training, because an earlier corpus has them: {overlap}")
    return remove_passages(clean, repeats)


def find_leaks(train: Sequence[Corpus], evaluation: Sequence[Corpus]) -> list[DuplicatePassage]:
    """The training passages that are in an evaluation split: same PMID, same text, or one text inside the other.

    Texts match only if they have at least `MIN_SHARED_LENGTH` code points without white space. Passages with the same
    PMID must share that much text too: in corpora of full texts, the number may be a PMC number. Sentences of an
    article in the split match by its PMID alone if both corpora divide by article (`Corpus.by_article`). A passage is
    listed once for each split that has it.
    """
    training, held_out = _PassageIndex(train), _PassageIndex(evaluation)
    matches: dict[tuple[_PassageId, int], str] = dict.fromkeys(_same_pmid(training, held_out), "PMID")
    for inner, outer in _contained(training, held_out):
        matches.setdefault((inner, outer[0]), "inside")
    for inner, outer in _contained(held_out, training):
        match = (outer, inner[0])
        matches[match] = "text" if matches.get(match) == "inside" else matches.get(match, "around")
    return [
        DuplicatePassage(train[i].name, index, f"{evaluation[split].name} dev", by, train[i].passages[index].text[:80])
        for ((i, index), split), by in sorted(matches.items(), key=lambda item: (item[0][1], item[0][0]))
    ]


def find_repeats(train: Sequence[Corpus], separate_heads: Sequence[str] = ()) -> list[DuplicatePassage]:
    """The redundant passages: for each head that they train, an earlier corpus has the PMID or the text.

    PMIDs and texts match as for leaks. `separate_heads` as in `litmine.corpora.guidelines`. A document is not a repeat
    if an earlier corpus annotates other types in it. Equal passages within one corpus are not repeats either.
    """
    repeats: list[DuplicatePassage] = []
    # For each head: maps a text key or a PMID to the corpus that has it; for a PMID also to the passage's text key.
    seen: dict[str, dict[object, tuple[str, str]]] = {}
    for corpus in train:
        heads = [f"{kind} {guideline_of(separate_heads, corpus.name, kind)}" for kind in corpus.entity_types]
        keys = [text_key(passage.text) for passage in corpus.passages]
        for index, (passage, key) in enumerate(zip(corpus.passages, keys, strict=True)):
            if match := _seen_by_all_heads(seen, heads, passage, key):
                repeats.append(DuplicatePassage(corpus.name, index, *match, passage.text[:80]))
        for head in heads:
            seen_by_head = seen.setdefault(head, {})
            for passage, key in zip(corpus.passages, keys, strict=True):
                seen_by_head.setdefault(key, (corpus.name, ""))
                if passage.pmid is not None:
                    seen_by_head.setdefault(passage.pmid, (corpus.name, key))
    return repeats


def remove_passages(corpora: Sequence[Corpus], duplicates: Sequence[DuplicatePassage]) -> list[Corpus]:
    """The corpora without the duplicates. Raises CorpusError when a corpus has no passage left."""
    dropped = {(duplicate.corpus, duplicate.index) for duplicate in duplicates}
    remaining = []
    for corpus in corpora:
        passages = tuple(
            passage for index, passage in enumerate(corpus.passages) if (corpus.name, index) not in dropped
        )
        if not passages:
            others = ", ".join(sorted({duplicate.other for duplicate in duplicates if duplicate.corpus == corpus.name}))
            raise CorpusError(f"all passages of {corpus.name} are also in {others}; leave {corpus.name} out")
        remaining.append(replace(corpus, passages=passages))
    return remaining


def count_overlaps(duplicates: Sequence[DuplicatePassage]) -> list[Overlap]:
    """Count the duplicates by pair of corpora, in order."""
    pairs: dict[tuple[str, str], list[DuplicatePassage]] = {}
    for duplicate in duplicates:
        pairs.setdefault((duplicate.corpus, duplicate.other), []).append(duplicate)
    return [
        Overlap(
            corpus,
            other,
            sum(duplicate.by == "PMID" for duplicate in group),
            sum(duplicate.by != "PMID" for duplicate in group),
            f"{group[0].by}: {group[0].start!r}",
        )
        for (corpus, other), group in pairs.items()
    ]


def refuse_leaks(leaks: Sequence[DuplicatePassage]) -> None:
    """Raise CorpusError if there is any leak."""
    if leaks:
        raise CorpusError(
            f"{len({(leak.corpus, leak.index) for leak in leaks}):,} training passages are also in an evaluation split"
            f" ({'; '.join(map(str, count_overlaps(leaks)))}); remove them, or omit --strict-leaks to drop them"
        )


def text_key(text: str) -> str:
    """The text without white space and case."""
    return "".join(text.split()).casefold()


class _PassageIndex:
    """The text keys of the passages of several corpora, and the passages by PMID."""

    def __init__(self, corpora: Sequence[Corpus]) -> None:
        self.keys: dict[_PassageId, str] = {}
        self.by_pmid: dict[int, list[_PassageId]] = {}
        self.by_article = [corpus.by_article for corpus in corpora]
        for i, corpus in enumerate(corpora):
            for index, passage in enumerate(corpus.passages):
                self.keys[i, index] = text_key(passage.text)
                if passage.pmid is not None:
                    self.by_pmid.setdefault(passage.pmid, []).append((i, index))


def _same_pmid(training: _PassageIndex, held_out: _PassageIndex) -> Iterator[tuple[_PassageId, int]]:
    """Training passages that share the PMID, and the text unless both corpora divide by article, with a split.

    Each comes with the index of the split.
    """
    for pmid in training.by_pmid.keys() & held_out.by_pmid.keys():
        for passage, other in product(training.by_pmid[pmid], held_out.by_pmid[pmid]):
            same_article = training.by_article[passage[0]] and held_out.by_article[other[0]]
            if same_article or _share_text(training.keys[passage], held_out.keys[other]):
                yield passage, other[0]


def _contained(inner: _PassageIndex, outer: _PassageIndex) -> Iterator[tuple[_PassageId, _PassageId]]:
    """Pairs of passages where the text of `inner` is in or equal to that of `outer`; short texts are skipped."""
    by_prefix: dict[str, list[_PassageId]] = {}
    for passage, key in inner.keys.items():
        if len(key) >= MIN_SHARED_LENGTH:
            by_prefix.setdefault(key[:MIN_SHARED_LENGTH], []).append(passage)
    for passage, key in outer.keys.items():
        for start in range(len(key) - MIN_SHARED_LENGTH + 1):
            for candidate in by_prefix.get(key[start : start + MIN_SHARED_LENGTH], ()):
                if key.startswith(inner.keys[candidate], start):
                    yield candidate, passage


def _share_text(key: str, other: str) -> bool:
    """Whether two texts are equal or share a stretch of `MIN_SHARED_LENGTH` code points."""
    starts = range(0, len(key) - MIN_SHARED_LENGTH + 1, MIN_SHARED_LENGTH)
    return key == other or any(key[start : start + MIN_SHARED_LENGTH] in other for start in starts)


def _seen_by_all_heads(
    seen: dict[str, dict[object, tuple[str, str]]], heads: Sequence[str], passage: Passage, key: str
) -> tuple[str, str] | None:
    """The earlier corpus that has the passage, and the kind of match; None if the passage is new for a head."""
    matches: list[tuple[str, str]] = []
    for head in heads:
        seen_by_head = seen.get(head, {})
        same_pmid = seen_by_head.get(passage.pmid) if passage.pmid is not None else None
        if same_pmid is not None and _share_text(key, same_pmid[1]):
            matches.append((same_pmid[0], "PMID"))
        elif len(key) >= MIN_SHARED_LENGTH and key in seen_by_head:
            matches.append((seen_by_head[key][0], "text"))
        else:
            return None
    return matches[0] if matches else None
