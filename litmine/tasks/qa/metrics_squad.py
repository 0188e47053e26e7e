"""SQuAD's exact match and F1 (Rajpurkar et al. 2016), as the official program of version 2.0 computes them.

Of answerable questions version 1.1's program gives the same.
"""

import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(answer: str) -> str:
    """Lower-cased, without ASCII punctuation, articles and superfluous white space, in this order."""
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_NO_PUNCTUATION)).split())


def score_spans(pairs: Iterable[tuple[Sequence[str], str]]) -> dict[str, float]:
    """exact_match and f1 in percent over (gold answers, given answer) pairs.

    The best of a question's gold answers counts; a question without one is answered by the empty string.
    """
    exact, f1, count = 0.0, 0.0, 0
    for answers, given in pairs:
        gold = [answer for answer in answers if normalise(answer)] or [""]
        exact += max(normalise(answer) == normalise(given) for answer in gold)
        f1 += max(word_f1(answer, given) for answer in gold)
        count += 1
    return {"exact_match": 100 * exact / count if count else 0.0, "f1": 100 * f1 / count if count else 0.0}


def word_f1(gold: str, given: str) -> float:
    """F1 of the words of two answers, from 0 to 1; where either has none, whether both have."""
    wanted, found = normalise(gold).split(), normalise(given).split()
    if not wanted or not found:
        return float(wanted == found)
    common = (Counter(wanted) & Counter(found)).total()
    return 2 * common / (len(wanted) + len(found))
