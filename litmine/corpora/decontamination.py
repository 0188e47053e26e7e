"""Texts that stand in two places: training passages that an evaluation split holds, and passages taught twice.

Texts are compared without white space and case, so that a sentence of tokens equals the same words of an abstract.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from litmine.corpora.corpus import Corpus
from litmine.corpora.formats import Passage
from litmine.errors import CorpusError

# Code points, white space apart, from which a text that stands twice is no coincidence: about eight words. What is
# shorter is a number, a heading or a stock phrase (figures: docs/decisions.md).
LONG = 40

# A corpus and one of its passages, by index.
_Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """Passage `index` of `corpus` also stands in `other`: how it was found, and how it begins."""

    corpus: str
    index: int
    other: str
    by: str
    begins: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many passages of a training corpus another split holds, and one of them."""

    corpus: str
    other: str
    pmids: int
    sentences: int
    example: str

    def __str__(self) -> str:
        return f"{self.corpus}: {self.pmids:,} by PMID and {self.sentences:,} by text in {self.other} ({self.example})"


def separate(
    train: Sequence[Corpus],
    evaluation: Sequence[Corpus],
    apart: Sequence[str],
    strict: bool,
    say: Callable[[str], None],
) -> list[Corpus]:
    """The training corpora without leaks and repeats, which are told; CorpusError for a leak when `strict`."""
    leaks = find_leaks(train, evaluation)
    if strict:
        refuse(leaks)
    for overlap in overlaps(leaks):
        say(f"leak, left out of training: {overlap}")
    kept = without(train, leaks)
    repeats = find_repeats(kept, apart)
    for overlap in overlaps(repeats):
        say(f"taught twice, left out the second time: {overlap}")
    return without(kept, repeats)


def find_leaks(train: Sequence[Corpus], evaluation: Sequence[Corpus]) -> list[Found]:
    """The training passages that an evaluation split holds: the same PMID, the same text, or one inside the other.

    Texts count from `LONG` code points, white space apart. A PMID is believed only where the texts share as many, for
    full texts carry PMC numbers. A passage that several splits hold is found in each.
    """
    ours, theirs = _Texts(train), _Texts(evaluation)
    ways: dict[tuple[_Place, int], str] = dict.fromkeys(_numbered(ours, theirs), "PMID")
    for inner, outer in _contained(ours, theirs):
        ways.setdefault((inner, outer[0]), "inside")
    for inner, outer in _contained(theirs, ours):
        place = (outer, inner[0])
        ways[place] = "text" if ways.get(place) == "inside" else ways.get(place, "around")
    return [
        Found(train[i].name, index, f"{evaluation[split].name} dev", by, train[i].passages[index].text[:80])
        for ((i, index), split), by in sorted(ways.items(), key=lambda item: (item[0][1], item[0][0]))
    ]


def find_repeats(train: Sequence[Corpus], apart: Sequence[str] = ()) -> list[Found]:
    """The passages that teach no head anything: for each of their heads, an earlier corpus has the PMID or the text.

    PMIDs and texts count as they do for leaks. Corpora in `apart` have heads of their own. A document that an earlier
    corpus annotates with other types is none, and within one corpus nothing is.
    """
    found: list[Found] = []
    taught: dict[str, dict[object, tuple[str, str]]] = {}
    for corpus in train:
        own = corpus.name if corpus.name in apart else ""
        heads = [f"{entity_type} {own}" for entity_type in corpus.entity_types]
        keys = [key_of(passage.text) for passage in corpus.passages]
        for index, (passage, key) in enumerate(zip(corpus.passages, keys, strict=True)):
            if other := _taught(taught, heads, passage, key):
                found.append(Found(corpus.name, index, *other, passage.text[:80]))
        for head in heads:
            known = taught.setdefault(head, {})
            for passage, key in zip(corpus.passages, keys, strict=True):
                known.setdefault(key, (corpus.name, ""))
                if passage.pmid is not None:
                    known.setdefault(passage.pmid, (corpus.name, key))
    return found


def without(corpora: Sequence[Corpus], found: Sequence[Found]) -> list[Corpus]:
    """The corpora without those passages (CorpusError when nothing of one is left)."""
    dropped = {(one.corpus, one.index) for one in found}
    kept = []
    for corpus in corpora:
        passages = tuple(
            passage for index, passage in enumerate(corpus.passages) if (corpus.name, index) not in dropped
        )
        if not passages:
            raise CorpusError(
                f"{corpus.name} has no passage of its own left: all of them stand in {_others(found, corpus.name)};"
                " leave it out"
            )
        kept.append(replace(corpus, passages=passages))
    return kept


def overlaps(found: Sequence[Found]) -> list[Overlap]:
    """The findings counted by pair of corpora, in order."""
    pairs: dict[tuple[str, str], list[Found]] = {}
    for one in found:
        pairs.setdefault((one.corpus, one.other), []).append(one)
    return [
        Overlap(corpus, other, sum(one.by == "PMID" for one in ones), sum(one.by != "PMID" for one in ones), _say(ones))
        for (corpus, other), ones in pairs.items()
    ]


def refuse(found: Sequence[Found]) -> None:
    """CorpusError when anything was found, for those who want no leak at all."""
    if found:
        raise CorpusError(
            f"{len({(one.corpus, one.index) for one in found}):,} training passages also stand in an evaluation split"
            f" ({'; '.join(map(str, overlaps(found)))}); take them out, or have them dropped without --strict-leaks"
        )


def key_of(text: str) -> str:
    """The text without white space and case."""
    return "".join(text.split()).casefold()


class _Texts:
    """The keys of the passages of several corpora, and their PMIDs, by (corpus, passage)."""

    def __init__(self, corpora: Sequence[Corpus]) -> None:
        self.keys: dict[_Place, str] = {}
        self.numbered: dict[int, list[_Place]] = {}
        for i, corpus in enumerate(corpora):
            for index, passage in enumerate(corpus.passages):
                self.keys[i, index] = key_of(passage.text)
                if passage.pmid is not None:
                    self.numbered.setdefault(passage.pmid, []).append((i, index))


def _numbered(ours: _Texts, theirs: _Texts) -> Iterator[tuple[_Place, int]]:
    """Our passages that are documents of theirs, with the corpus in which they are."""
    for pmid in ours.numbered.keys() & theirs.numbered.keys():
        for place, other in product(ours.numbered[pmid], theirs.numbered[pmid]):
            if _share(ours.keys[place], theirs.keys[other]):
                yield place, other[0]


def _contained(inner: _Texts, outer: _Texts) -> Iterator[tuple[_Place, _Place]]:
    """Which texts of `inner` stand in which of `outer`, or are equal; those shorter than `LONG` are passed over."""
    beginnings: dict[str, list[_Place]] = {}
    for place, key in inner.keys.items():
        if len(key) >= LONG:
            beginnings.setdefault(key[:LONG], []).append(place)
    for place, key in outer.keys.items():
        for start in range(len(key) - LONG + 1):
            for candidate in beginnings.get(key[start : start + LONG], ()):
                if key.startswith(inner.keys[candidate], start):
                    yield candidate, place


def _share(key: str, other: str) -> bool:
    """Whether two texts share a stretch of `LONG` code points, or are equal."""
    return key == other or any(key[at : at + LONG] in other for at in range(0, len(key) - LONG + 1, LONG))


def _taught(
    taught: dict[str, dict[object, tuple[str, str]]], heads: Sequence[str], passage: Passage, key: str
) -> tuple[str, str] | None:
    """The corpus that taught every one of the heads this passage, and how that is known."""
    places: list[tuple[str, str]] = []
    for head in heads:
        known = taught.get(head, {})
        numbered = known.get(passage.pmid) if passage.pmid is not None else None
        if numbered is not None and _share(key, numbered[1]):
            places.append((numbered[0], "PMID"))
        elif len(key) >= LONG and key in known:
            places.append((known[key][0], "text"))
        else:
            return None
    return places[0] if places else None


def _say(ones: Sequence[Found]) -> str:
    return f"{ones[0].by}: {ones[0].begins!r}"


def _others(found: Sequence[Found], name: str) -> str:
    return ", ".join(sorted({one.other for one in found if one.corpus == name}))
