"""Two models on one corpus: both predictions in, the difference of their F1 and what each alone has right out."""

from collections import Counter
from dataclasses import dataclass

from litmine.tasks.ner.evaluate import Predictions
from litmine.tasks.ner.intervals import RESAMPLES, SEED, Difference, paired_bootstrap


@dataclass(frozen=True, slots=True)
class Comparison:
    """Our F1 less theirs by type and `micro`, and the gold mentions that only one of the two finds.

    The mentions are counted by (mention, type), the most frequent first, the case of letters as it stands first.
    """

    differences: dict[str, Difference]
    only_ours: Counter[tuple[str, str]]
    only_theirs: Counter[tuple[str, str]]


def compare(ours: Predictions, theirs: Predictions, resamples: int = RESAMPLES, seed: int = SEED) -> Comparison:
    """Compare two models' predictions on the same corpus; `litmine.tasks.ner.intervals` says by whose method."""
    entity_types = ours.corpus.entity_types
    return Comparison(
        paired_bootstrap(ours.counts, theirs.counts, entity_types, resamples, seed),
        _right_alone(ours, theirs),
        _right_alone(theirs, ours),
    )


def _right_alone(one: Predictions, other: Predictions) -> Counter[tuple[str, str]]:
    spelt: dict[tuple[str, str], tuple[str, str]] = {}
    alone: Counter[tuple[str, str]] = Counter()
    for passage, found, others in zip(one.corpus.passages, one.spans, other.spans, strict=True):
        for span in sorted(set(passage.spans).intersection(found).difference(others), key=lambda span: span.start_char):
            mention = passage.text[span.start_char : span.end_char]
            alone[spelt.setdefault((mention.casefold(), span.entity_type), (mention, span.entity_type))] += 1
    return Counter(dict(alone.most_common()))
