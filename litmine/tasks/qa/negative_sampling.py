"""Texts that do not answer a question, from among those of the other questions: what teaches a reader to stay silent.

Half of them are drawn from the texts most like the question, such as a search would find, and half from all.
"""

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from random import Random

from litmine.tasks.qa.answer_alignment import occurrences
from litmine.tasks.qa.questions import Asked

_WORD = re.compile(r"\w+")
# A text is like a question when it is among so many that share most of its words, rare words counting more.
_ALIKE = 50
# Words that stand in more than this share of the texts tell nothing, and are left out to save time.
_COMMON = 0.05
# Draws for one text before it is given up: a question whose answer stands in nearly every text.
_TRIES = 10


class OtherTexts:
    """The texts of all questions of a file, to be drawn from for each of them."""

    def __init__(self, questions: Sequence[Asked]) -> None:
        self._texts = list(dict.fromkeys(text for asked in questions for text in asked.texts))
        holding: dict[str, list[int]] = defaultdict(list)
        for number, text in enumerate(self._texts):
            for word in _words(text):
                holding[word].append(number)
        most = max(1, _COMMON * len(self._texts))
        self._holding = {word: numbers for word, numbers in holding.items() if len(numbers) <= most}

    def draw(self, asked: Asked, count: int, random: Random) -> list[str]:
        """At most `count` texts, none twice, none of the question's own and none with one of its answers."""
        own = set(asked.texts)
        alike = self._alike(asked.question)
        names = [name for answer in asked.answers for name in answer]
        drawn: list[str] = []
        for _ in range(count):
            among = alike if alike and random.random() < 0.5 else range(len(self._texts))
            for _ in range(_TRIES):
                text = self._texts[random.choice(among)]
                if text not in own and not occurrences(names, text):
                    own.add(text)
                    drawn.append(text)
                    break
        return drawn

    def _alike(self, question: str) -> list[int]:
        """Numbers of the texts that share most of the question's words, by the sum of their inverse frequencies."""
        shared: dict[int, float] = defaultdict(float)
        for word in sorted(_words(question)):
            holding = self._holding.get(word, ())
            for number in holding:
                shared[number] += math.log(len(self._texts) / len(holding))
        return sorted(shared, key=lambda number: (-shared[number], number))[:_ALIKE]


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
