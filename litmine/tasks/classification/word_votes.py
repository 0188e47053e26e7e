"""What the words of a text say of its labels: logistic regression over words and pairs of neighbouring words.

With some dozens of labelled texts, two words of a title may tell what a network on hidden states cannot learn yet.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from litmine.tasks.classification.pooling import Floats

# Beside the weights of the heads, so that the digest of the folder covers it.
WORDS_FILE = "words.safetensors"
_WORD = re.compile(r"[a-z]+|\d+|[^\sa-z\d]")
_PARTS = ("features", "rarity", "weights", "bias")


def feature_places(text: str) -> list[tuple[int, int]]:
    """Number and first character of each word of a text in lower case, and of each pair of neighbouring words."""
    words = [(one[0], one.start()) for one in _WORD.finditer(text.lower())]
    single = [(_number(word), start) for word, start in words]
    return single + [(_number(f"{first} {second}"), start) for (first, start), (second, _) in pairwise(words)]


def feature_counts(text: str) -> Counter[int]:
    """How often a text has each word and each pair of neighbouring words, by number."""
    return Counter(number for number, _ in feature_places(text))


@dataclass(frozen=True, slots=True)
class WordVotes:
    """The votes of words for the labels of a scheme.

    features (n,): the numbers of the known words and pairs, ascending. rarity (n,): log(texts / texts with it).
    weights (n, labels), bias (labels,): those of the logistic regression. A text has the value
    (1 + log(count)) * rarity for each feature, divided by the length of the vector of these values.
    """

    features: NDArray[np.int64] = field(repr=False)
    rarity: Floats = field(repr=False)
    weights: Floats = field(repr=False)
    bias: Floats

    def logits(self, text: str) -> Floats:
        """Logits (1, labels) of a text."""
        places, values = self.values(feature_counts(text))
        found: Floats = (values @ self.weights[places] + self.bias)[None]
        return found

    def by_sentence(self, text: str, sentences: Sequence[tuple[int, int]]) -> Floats:
        """What each sentence adds to the logits of its text, (sentences, labels); their sum lacks the bias only.

        A word before the first sentence counts as in the first.
        """
        found = np.zeros((len(sentences), len(self.bias)), dtype=np.float32)
        occurrences = feature_places(text)
        counts = Counter(number for number, _ in occurrences)
        places, values = self.values(counts)
        numbers = self.features[places].tolist()
        added = {
            number: value / counts[number] * self.weights[place]
            for number, place, value in zip(numbers, places.tolist(), values, strict=True)
        }
        starts = np.array([start for start, _ in sentences])
        for number, start in occurrences:
            if number in added:
                found[max(int(np.searchsorted(starts, start, side="right")) - 1, 0)] += added[number]
        return found

    def values(self, counts: Counter[int]) -> tuple[NDArray[np.int64], Floats]:
        """Places among the features, and values, of the known features of a text with these counts."""
        numbers = np.array(sorted(counts), dtype=np.int64)
        places = np.searchsorted(self.features, numbers)
        known = places < len(self.features)
        known[known] = self.features[places[known]] == numbers[known]
        places = places[known]
        often = np.array([counts[one] for one in numbers[known].tolist()], dtype=np.float32)
        values = (1 + np.log(often)) * self.rarity[places]
        length = float(np.sqrt((values**2).sum())) or 1.0
        return places, np.asarray(values / length, dtype=np.float32)

    def times(self, factor: float) -> "WordVotes":
        """The same votes with another weight."""
        scaled = np.float32(factor)
        return WordVotes(self.features, self.rarity, self.weights * scaled, self.bias * scaled)


def save_words(folder: Path, votes: Mapping[str, WordVotes]) -> None:
    """Write the votes of each scheme, by its name; without any, there is no file."""
    from safetensors.numpy import save

    file = folder / WORDS_FILE
    file.unlink(missing_ok=True)
    if votes:
        stored = {f"{name}.{part}": getattr(one, part) for name, one in votes.items() for part in _PARTS}
        file.write_bytes(save(stored))


def load_words(folder: Path, schemes: Sequence[str]) -> dict[str, WordVotes]:
    """The votes of the schemes that have any. Raises OSError, SafetensorError or KeyError for a damaged file."""
    from safetensors.numpy import load_file

    if not (folder / WORDS_FILE).exists():
        return {}
    stored = load_file(folder / WORDS_FILE)
    return {
        name: WordVotes(*(stored[f"{name}.{part}"] for part in _PARTS))
        for name in schemes
        if f"{name}.features" in stored
    }


def _number(words: str) -> int:
    return crc32(words.encode("utf-8", "surrogatepass"))
