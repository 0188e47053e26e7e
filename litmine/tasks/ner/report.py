"""What is told of a model on one corpus: predictions in, scores with intervals, mistakes and a comparison out."""

from dataclasses import dataclass, field

from litmine.tasks.ner.comparison import Comparison, compare
from litmine.tasks.ner.error_analysis import Mistake, find_mistakes
from litmine.tasks.ner.evaluate import Predictions
from litmine.tasks.ner.intervals import RESAMPLES, Interval, bootstrap
from litmine.tasks.ner.metrics import Scores


@dataclass(frozen=True, slots=True)
class Report:
    """Scores (percent) and their 95 % intervals by type and `micro`, every mistake, and the other model, if any."""

    ours: Predictions
    theirs: Predictions | None
    scores: Scores
    intervals: dict[str, dict[str, Interval]]
    mistakes: tuple[Mistake, ...] = field(repr=False)
    comparison: Comparison | None

    @property
    def unit(self) -> str:
        """What is drawn for the intervals."""
        return "sentences" if self.ours.corpus.continuous else "documents"


def make_report(ours: Predictions, theirs: Predictions | None = None, resamples: int = RESAMPLES) -> Report:
    """Judge predictions; `theirs` are another model's on the same corpus."""
    return Report(
        ours,
        theirs,
        ours.scores,
        bootstrap(ours.counts, ours.corpus.entity_types, resamples),
        tuple(find_mistakes(ours.corpus.passages, ours.spans)),
        compare(ours, theirs, resamples) if theirs else None,
    )
