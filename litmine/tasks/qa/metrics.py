"""BioASQ's official measures of exact answers: gold and given answers in, percent out.

As its program computes them (github.com/BioASQ/Evaluation-Measures, EvaluatorTask1b, the version since BioASQ 5):
answers are compared lower-cased and otherwise as they stand; a given one is right when it equals any synonym of any
gold answer (Balikas et al. 2013, "Evaluation Framework Specifications"). A question without an answer given is wrong.

SQuAD's exact match and F1 (Rajpurkar et al. 2016), as the official program of version 2.0 computes them.

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


FACTOID_ANSWERS = 5

# Each answer with its synonyms.
Gold = Sequence[Sequence[str]]


def score_factoids(pairs: Iterable[tuple[Gold, Sequence[str]]]) -> dict[str, float]:
    """strict_accuracy, lenient_accuracy and mrr over (gold, given) pairs; of what is given the first five count."""
    ranks = [_rank(gold, given) for gold, given in pairs]
    return {
        "strict_accuracy": _mean([rank == 1 for rank in ranks]),
        "lenient_accuracy": _mean([rank > 0 for rank in ranks]),
        "mrr": _mean([1 / rank if rank else 0.0 for rank in ranks]),
    }


def score_lists(pairs: Iterable[tuple[Gold, Sequence[str]]]) -> dict[str, float]:
    """list_precision, list_recall and list_f1: the means of the questions' own, over (gold, given) pairs."""
    figures = [_list_figures(gold, given) for gold, given in pairs]
    columns = list(zip(*figures, strict=True)) or [(), (), ()]
    return {f"list_{name}": _mean(column) for name, column in zip(("precision", "recall", "f1"), columns, strict=True)}


def score_verdicts(pairs: Iterable[tuple[bool, bool | None]]) -> dict[str, float]:
    """yesno_accuracy and yesno_macro_f1, the mean of the F1 of yes and that of no, over (gold, given) pairs."""
    told = list(pairs)
    return {
        "yesno_accuracy": _mean([gold == given for gold, given in told]),
        "yesno_macro_f1": (_label_f1(told, label=True) + _label_f1(told, label=False)) / 2,
    }


def _rank(gold: Gold, given: Sequence[str]) -> int:
    """Of the first right answer, from 1; 0 when there is none."""
    right = {name.lower() for answer in gold for name in answer}
    return next((rank for rank, answer in enumerate(given[:FACTOID_ANSWERS], 1) if answer.lower() in right), 0)


def _list_figures(gold: Gold, given: Sequence[str]) -> tuple[float, float, float]:
    """Precision, recall and F1 of one question; a gold answer can be given once, whichever synonym says it."""
    left = [{name.lower() for name in answer} for answer in gold]
    right = 0
    for answer in given:
        found = next((i for i, names in enumerate(left) if answer.lower() in names), None)
        if found is not None:
            del left[found]
            right += 1
    # What the program calls missed: gold answers that nothing given says, one given answer excusing one of them.
    said = [answer.lower() for answer in given]
    missed = 0
    for names in left:
        excuse = next((i for i, answer in enumerate(said) if answer in names), None)
        missed += excuse is None
        if excuse is not None:
            del said[excuse]
    precision = right / len(given) if given else 0.0
    recall = right / (right + missed) if right + missed else 0.0
    return precision, recall, 2 * precision * recall / (precision + recall) if right else 0.0


def _label_f1(told: Sequence[tuple[bool, bool | None]], *, label: bool) -> float:
    right = sum(gold == given == label for gold, given in told)
    # In the program a wrong answer to a question of this label, or one that is wrongly given it.
    wrong = sum(gold != given for gold, given in told)
    return 200 * right / (2 * right + wrong) if right + wrong else 0.0


def _mean(values: Sequence[float]) -> float:
    return 100 * sum(values) / len(values) if values else 0.0
