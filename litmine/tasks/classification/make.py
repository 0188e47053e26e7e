"""Make the folder of a classifier from a recipe: read texts, train, calibrate, score, write the card."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from litmine.specs import TrainingContext, import_object
from litmine.tasks.classification.calibration import calibrate
from litmine.tasks.classification.card import write_card
from litmine.tasks.classification.folder import load_top, save_top
from litmine.tasks.classification.metrics import screen
from litmine.tasks.classification.pooling import Floats, probabilities
from litmine.tasks.classification.prepare import Example, TrainingTexts, folds_of, read_texts
from litmine.tasks.classification.recipe import RECIPE_FILE, ClassifierRecipe
from litmine.tasks.classification.score import JudgedLabels, judge_file, judge_logits
from litmine.tasks.classification.settings import ONE, SEVERAL, Scheme
from litmine.tasks.classification.train import TopTraining, TrainingSummary, scheme_examples
from litmine.tasks.classification.train_words import WordTraining, word_shares
from litmine.training.checkpoint import delete_checkpoint, model_write_errors

SCORES_FILE = "scores.json"
# The training of all layers: (recipe, context) -> None.
_WHOLE_TRAINING = "litmine.tasks.classification.whole_train:train_whole"

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class HeldOutScores:
    """Logits of examples by models that did not learn from them, by number of the example.

    words: those of the votes of words, which count by the share of their scheme.
    """

    logits: Mapping[int, Floats]
    words: Mapping[int, Floats] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)

    def of(
        self, scheme: str, examples: Sequence[Example], chosen: Sequence[int]
    ) -> tuple[Floats, list[tuple[int, ...]], list[int]]:
        """Logits (spans, labels), targets and documents of the spans of some examples of a scheme."""
        own = [i for i in chosen if i in self.logits]
        share = np.float32(self.shares.get(scheme, 0.0))
        joined = [self.logits[i] + share * self.words[i] if i in self.words else self.logits[i] for i in own]
        logits = np.concatenate(joined) if own else np.zeros((0, 1), dtype=np.float32)
        targets = [target for i in own for target in examples[i].targets]
        return logits, targets, [i for i in own for _ in examples[i].targets]


def run_training(recipe: ClassifierRecipe, context: TrainingContext) -> None:
    """Run `litmine train classification`. Raises as `make_top`, or as `train_whole` for a recipe with a base."""
    if not context.resume:
        delete_checkpoint(context.folder)
    if recipe.base:
        import_object(_WHOLE_TRAINING)(recipe, context)
        return
    make_top(recipe, context.folder, context.report)


def make_top(recipe: ClassifierRecipe, folder: Path, log: Log) -> dict[str, JudgedLabels]:
    """Train a top, calibrate it, score it, and write the card; returns the scores by name of what was scored.

    Raises CorpusError for a file that cannot be read or learnt from, ModelError for a trunk that cannot be loaded, a
    training that diverges, and a folder that cannot be written.
    """
    texts = read_texts(recipe, log)
    with model_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    training = TopTraining(recipe, texts, folder, log)
    words = WordTraining(texts.schemes, texts.examples if recipe.words else ())
    try:
        heads, by_words = cross_validate(recipe, training, words, range(len(texts.examples)), log)
        learnt = [i for i in range(len(texts.examples)) if i not in texts.calibrating]
        network, summary = training.train(learnt, "all")
        votes = words.train(learnt)
        if not recipe.folds:
            heads = training.scores(network, sorted(texts.calibrating))
            by_words = words.scores(votes, sorted(texts.calibrating))
    finally:
        training.close()
    shares = word_shares(texts.schemes, texts.examples, heads, by_words)
    votes = {name: one.times(shares.get(name, 0.0)) for name, one in votes.items()}
    schemes, scores = finish_schemes(recipe, texts, HeldOutScores(heads, by_words, shares), log)
    settings = replace(training.settings, schemes=schemes)
    with model_write_errors(folder):
        save_top(folder, network, settings, recipe.int8, votes)
        recipe.save(folder / RECIPE_FILE)
    if texts.dev:
        model = load_top(folder, precision="float32")
        for dev in texts.dev:
            scores[dev.name] = judge_file(model, settings.scheme(dev.scheme), dev.file, recipe.recall)
            log(score_line(dev.name, scores[dev.name]))
    write_results(folder, recipe, schemes, texts, summary, scores)
    return scores


def write_results(
    folder: Path,
    recipe: ClassifierRecipe,
    schemes: Sequence[Scheme],
    texts: TrainingTexts,
    summary: TrainingSummary,
    scores: Mapping[str, JudgedLabels],
) -> None:
    """Write the scores and the card, and delete the checkpoint."""
    with model_write_errors(folder):
        record = {name: one.record() for name, one in scores.items()}
        (folder / SCORES_FILE).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        write_card(folder, recipe, schemes, texts, summary, scores)
    delete_checkpoint(folder)


def finish_schemes(
    recipe: ClassifierRecipe, texts: TrainingTexts, held_out: HeldOutScores, log: Log
) -> tuple[tuple[Scheme, ...], dict[str, JudgedLabels]]:
    """The schemes, calibrated and with thresholds by texts that were not learnt from; with folds, also their scores."""
    schemes, scores = [], {}
    for scheme in texts.schemes:
        chosen = scheme_examples(texts.examples, texts.schemes, scheme.name)
        logits, targets, documents = held_out.of(scheme.name, texts.examples, chosen)
        finished = scheme
        if len(targets):
            finished = with_thresholds(calibrate(scheme, logits, targets), logits, targets, recipe.recall)
            if recipe.folds:
                wanted = [[scheme.labels[i] for i in of] for of in targets]
                name = f"{scheme.name}, cross-validated"
                scores[name] = judge_logits(finished, logits, wanted, documents, recipe.recall)
                log(score_line(name, scores[name]))
        schemes.append(finished)
    return tuple(schemes), scores


def with_thresholds(scheme: Scheme, logits: Floats, targets: Sequence[Sequence[int]], recall: float) -> Scheme:
    """The scheme with its thresholds: by recall with two labels of which one is chosen, else by F1 of each label."""
    found = probabilities(scheme, logits)
    if scheme.choice == ONE:
        if len(scheme.labels) != 2:
            return scheme
        mark = screen(found[:, 0], np.array([0 in of for of in targets]), recall)
        # A mark of 0 or 1 would give all texts one label, whatever their score.
        threshold = 0.5 if mark is None else min(max(mark.threshold, 1e-4), 1 - 1e-4)
        return replace(scheme, thresholds=(round(threshold, 6), round(1 - threshold, 6)))
    assert scheme.choice == SEVERAL
    thresholds = tuple(
        best_f1_threshold(found[:, label], np.array([label in of for of in targets]))
        for label in range(len(scheme.labels))
    )
    return replace(scheme, thresholds=thresholds)


def best_f1_threshold(scores: Floats, positive: np.ndarray) -> float:
    """The least score that gives the best F1, half way to the next lower one; 0.5 without a positive span."""
    if not positive.any():
        return 0.5
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(positive[order])
    f1 = 2 * right / (np.arange(1, len(order) + 1) + positive.sum())
    best = int(f1.argmax())
    below = float(scores[order[best + 1]]) if best + 1 < len(order) else 0.0
    return round((float(scores[order[best]]) + below) / 2, 6)


def score_line(name: str, one: JudgedLabels) -> str:
    """Scores in a line of text."""
    micro = one.scores.by_label["micro"]["f1"]
    line = f"{name}: micro F1 {micro:.1f}, macro F1 {one.scores.macro_f1:.1f}"
    if one.area is not None:
        line += f", area under ROC {100 * one.area:.1f}"
    if one.screening is not None:
        found = one.screening
        line += (
            f"; at recall {100 * found.recall:.1f}: precision {100 * found.precision:.1f}, work saved"
            f" {100 * found.saved:.1f} % (score {found.threshold:.3f} or more)"
        )
    return line


def cross_validate(
    recipe: ClassifierRecipe, training: TopTraining, words: WordTraining, chosen: Sequence[int], log: Log
) -> tuple[dict[int, Floats], dict[int, Floats]]:
    """Logits of some examples by heads and by words that did not learn from their parts; empty without folds."""
    heads: dict[int, Floats] = {}
    by_words: dict[int, Floats] = {}
    parts = dict(zip(chosen, folds_of([training.examples[i] for i in chosen], max(recipe.folds, 1)), strict=True))
    for part in range(recipe.folds):
        log(f"part {part + 1} of {recipe.folds}: train without it, then score it")
        learnt, scored = [i for i in chosen if parts[i] != part], [i for i in chosen if parts[i] == part]
        network, _ = training.train(learnt, f"part {part + 1}")
        heads |= training.scores(network, scored)
        by_words |= words.scores(words.train(learnt), scored)
    return heads, by_words
