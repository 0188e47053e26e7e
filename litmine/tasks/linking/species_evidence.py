"""Which species an article is about, by words such as `patients`, `mice` and `zebrafish`.

Genes of different species share their names.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

HUMAN, MOUSE, RAT, FRUIT_FLY, ZEBRAFISH, YEAST = 9606, 10090, 10116, 7227, 7955, 559292
# Any other species, for which no genes are known.
OTHER = 0
_WORDS = {
    HUMAN: (
        r"humans?|patients?|wom[ae]n|m[ae]n|child(?:ren)?|infants?|adults?|people|persons?|subjects|individuals|"
        r"homo sapiens|famil(?:y|ies)|clinical|volunteers|pedigree|male|female|cohort|"
        r"HeLa|HEK ?-?293T?|MCF-?7|HepG2|Jurkat"
    ),
    MOUSE: (
        r"mouse|mice|murine|mus musculus|C57BL|knock-?out|transgenic|NIH ?3T3|MEFs?|littermates|BALB/c"
    ),
    RAT: r"rats?|rattus|sprague-dawley|wistar",
    FRUIT_FLY: r"drosophila|(?:fruit )?fl(?:y|ies)|melanogaster|larva[el]?",
    ZEBRAFISH: r"zebrafish|danio",
    YEAST: r"yeasts?|saccharomyces|cerevisiae",
    OTHER: (
        r"arabidopsis|thaliana|xenopus|chickens?|chicks?|bovine|cattle|pigs?|porcine|elegans|coli|rabbits?|plants?|"
        r"rice|viral|virus|bacteri\w+"
    ),
}  # fmt: skip
_PATTERNS = {taxon: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for taxon, words in _WORDS.items()}
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z(])")
# A species named after a mention is further away than one named before it.
_AFTER, _AFTER_PLUS = 1.5, 20
FAR = 3000.0


@dataclass(frozen=True)
class SpeciesEvidence:
    """The places where a text names species. title: where its title ends, in code points."""

    text: str
    title: int

    @cached_property
    def places(self) -> dict[int, list[int]]:
        """Offsets of the words of each taxon."""
        return {taxon: [one.start() for one in found.finditer(self.text)] for taxon, found in _PATTERNS.items()}

    @cached_property
    def total(self) -> int:
        return sum(map(len, self.places.values()))

    @cached_property
    def first(self) -> int | None:
        """The taxon that is named first."""
        starts = [(places[0], taxon) for taxon, places in self.places.items() if places]
        return min(starts)[1] if starts else None

    def count(self, taxon: int) -> int:
        return len(self.places.get(taxon, ()))

    def share(self, taxon: int) -> float:
        """The share of a taxon among all words of species, 0 to 1."""
        return self.count(taxon) / self.total if self.total else 0.0

    def in_title(self, taxon: int) -> bool:
        return any(place < self.title for place in self.places.get(taxon, ()))

    def distance(self, taxon: int, start: int) -> float:
        """Characters from an offset to the nearest word of a taxon, at most FAR; more for words after it."""
        distances = (
            start - place if place <= start else (place - start) * _AFTER + _AFTER_PLUS
            for place in self.places.get(taxon, ())
        )
        return min(FAR, min(distances, default=FAR))

    def nearest(self, start: int) -> int | None:
        """The taxon with the nearest word."""
        if not self.total:
            return None
        return min(self.places, key=lambda taxon: self.distance(taxon, start))

    def in_sentence(self, taxon: int, start: int) -> bool:
        """Whether the sentence at an offset names the taxon."""
        sentence = bisect_right(self._sentences, start)
        return any(bisect_right(self._sentences, place) == sentence for place in self.places.get(taxon, ()))

    @cached_property
    def _sentences(self) -> Sequence[int]:
        return [0, *(end.end() for end in _SENTENCE_END.finditer(self.text))]
