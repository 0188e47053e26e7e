"""The official measures of SQuAD and BioASQ: gold and predicted answers in, percent out.

SQuAD: exact match and F1 (Rajpurkar et al. 2016), computed as by the official program of version 2.0. On answerable
questions, version 1.1's program gives the same values.

BioASQ, exact answers: computed as by the official program (github.com/BioASQ/Evaluation-Measures, EvaluatorTask1b, the
version since BioASQ 5). Answers are compared in lower case and otherwise unchanged. A predicted answer is correct when
it equals any synonym of any gold answer (Balikas et al. 2013, "Evaluation Framework Specifications"). A missing answer
is wrong.
"""

import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence

# SQuAD

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(answer: str) -> str:
    """Lower-case an answer, then remove ASCII punctuation, articles and repeated white space, in this order."""
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_NO_PUNCTUATION)).split())


def score_spans(pairs: Iterable[tuple[Sequence[str], str]]) -> dict[str, float]:
    """`exact_match` and `f1` in percent, from (gold answers, predicted answer) pairs.

    The best match among a question's gold answers counts; a question without any has the empty string as its answer.
    """
    exact, f1, count = 0.0, 0.0, 0
    for answers, predicted in pairs:
        gold = [answer for answer in answers if normalise(answer)] or [""]
        exact += max(normalise(answer) == normalise(predicted) for answer in gold)
        f1 += max(word_f1(answer, predicted) for answer in gold)
        count += 1
    return {"exact_match": 100 * exact / count if count else 0.0, "f1": 100 * f1 / count if count else 0.0}


def word_f1(gold: str, predicted: str) -> float:
    """F1 of the words of two answers, 0 to 1. If one has no words, 1 if neither has, else 0."""
    gold_words, predicted_words = normalise(gold).split(), normalise(predicted).split()
    if not gold_words or not predicted_words:
        return float(gold_words == predicted_words)
    common = (Counter(gold_words) & Counter(predicted_words)).total()
    return 2 * common / (len(gold_words) + len(predicted_words))


# BioASQ

# Number of answers to a factoid question that count.
FACTOID_ANSWERS = 5

# The gold answers of a question, each with its synonyms.
GoldAnswers = Sequence[Sequence[str]]


def score_factoids(pairs: Iterable[tuple[GoldAnswers, Sequence[str]]]) -> dict[str, float]:
    """`strict_accuracy`, `lenient_accuracy` and `mrr`, from (gold, predicted) pairs; five predictions count."""
    ranks = [_rank(gold, predicted) for gold, predicted in pairs]
    return {
        "strict_accuracy": _mean([rank == 1 for rank in ranks]),
        "lenient_accuracy": _mean([rank > 0 for rank in ranks]),
        "mrr": _mean([1 / rank if rank else 0.0 for rank in ranks]),
    }


def score_lists(pairs: Iterable[tuple[GoldAnswers, Sequence[str]]]) -> dict[str, float]:
    """`list_precision`, `list_recall` and `list_f1`, each a mean over the questions, from (gold, predicted) pairs."""
    figures = [_list_figures(gold, predicted) for gold, predicted in pairs]
    columns = list(zip(*figures, strict=True)) or [(), (), ()]
    return {f"list_{name}": _mean(column) for name, column in zip(("precision", "recall", "f1"), columns, strict=True)}


def score_verdicts(pairs: Iterable[tuple[bool, bool | None]]) -> dict[str, float]:
    """`yesno_accuracy` and `yesno_macro_f1` (the mean of the F1 of yes and of no), from (gold, predicted) pairs."""
    verdicts = list(pairs)
    return {
        "yesno_accuracy": _mean([gold == predicted for gold, predicted in verdicts]),
        "yesno_macro_f1": (_label_f1(verdicts, label=True) + _label_f1(verdicts, label=False)) / 2,
    }


def _rank(gold: GoldAnswers, predicted: Sequence[str]) -> int:
    """The rank of the first correct answer, from 1; 0 if there is none."""
    correct = {name.lower() for answer in gold for name in answer}
    return next((rank for rank, answer in enumerate(predicted[:FACTOID_ANSWERS], 1) if answer.lower() in correct), 0)


def _list_figures(gold: GoldAnswers, predicted: Sequence[str]) -> tuple[float, float, float]:
    """Precision, recall and F1 of one question, 0 to 1; each gold answer is matched at most once, by any synonym."""
    unmatched = [{name.lower() for name in answer} for answer in gold]
    correct = 0
    for answer in predicted:
        match = next((i for i, names in enumerate(unmatched) if answer.lower() in names), None)
        if match is not None:
            del unmatched[match]
            correct += 1
    # As in the official program: unmatched gold answers are missed unless a predicted answer, each used once, names
    # them.
    unused = [answer.lower() for answer in predicted]
    missed = 0
    for names in unmatched:
        match = next((i for i, answer in enumerate(unused) if answer in names), None)
        missed += match is None
        if match is not None:
            del unused[match]
    precision = correct / len(predicted) if predicted else 0.0
    recall = correct / (correct + missed) if correct + missed else 0.0
    return precision, recall, 2 * precision * recall / (precision + recall) if correct else 0.0


def _label_f1(verdicts: Sequence[tuple[bool, bool | None]], *, label: bool) -> float:
    correct = sum(gold == predicted == label for gold, predicted in verdicts)
    # With two labels, a wrong answer is a false negative of one and a false positive of the other.
    wrong = sum(gold != predicted for gold, predicted in verdicts)
    return 200 * correct / (2 * correct + wrong) if correct + wrong else 0.0


def _mean(values: Sequence[float]) -> float:
    """The mean in percent; 0 without values."""
    return 100 * sum(values) / len(values) if values else 0.0
