"""Make the folder of a classifier of marked texts: train all layers, save, score on dev, write the card."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from litmine.corpora.relation_corpus import RelationCorpus
from litmine.errors import ModelError
from litmine.nn.failure_isolation import FailedItem
from litmine.specs import TrainingContext, import_object
from litmine.tasks.linking.bootstrap import Interval, f1, interval
from litmine.tasks.relations.marked_folder import load_folder, save_folder
from litmine.tasks.relations.marked_input import group_by_identifiers, judged_pairs
from litmine.tasks.relations.marked_layers import MarkedTraining, TrainedMarked, train_layers
from litmine.tasks.relations.marked_scorer import MarkedScorer, TextPairs, best_relations
from litmine.tasks.relations.marked_settings import MarkedOptions
from litmine.tasks.relations.metrics import (
    MICRO,
    RelationKey,
    all_pairs_baseline,
    gold_keys,
    relation_key,
    relation_scores,
)
from litmine.tasks.relations.pairs import candidate_pairs, most_frequent_types, rule_for, sentence_spans
from litmine.tasks.relations.predict import ScoredKey
from litmine.tasks.relations.thresholds import best_threshold
from litmine.training.base_licence import base_licence
from litmine.training.card_text import format_duration
from litmine.training.checkpoint import delete_checkpoint, model_write_errors
from litmine.training.trainer import OptimizerSettings
from litmine.versions import __version__

SCORES_FILE = "scores.json"
# Reads and divides the corpora of a recipe: (recipe, log) -> what is learnt, and what is scored.
_READ_CORPORA = "litmine.tasks.relations.prepare:read_corpora"


class MarkedRecipe(OptimizerSettings, Protocol):
    """The settings of a recipe that a training of all layers uses; `litmine.training.recipe` documents them."""

    @property
    def name(self) -> str: ...
    @property
    def base(self) -> str: ...
    @property
    def epochs(self) -> int: ...

    def save(self, file: Path) -> None:
        """Write all settings as JSON."""
        ...


_CARD = """\
# {name}

Finds relations between mentions that taggers found. `{base}`, with all layers trained as a
`BertForSequenceClassification` over one pair at a time; litmine {version}.

Relation types: {types}.

`AutoModelForSequenceClassification` loads it; `litmine.json` says how the mentions of a pair are marked.

## Data

| corpus | documents |
|---|---|
{data}

{examples:,} pairs, {related:,} of them related. The terms of the data and of the base ({licence}) also apply to users
of the model. A corpus teaches only the relations that it annotates.

## Scores

Micro F1 in percent over pairs of gold mentions, or of identifiers where the corpus relates these (the best of their
pairs of mentions counts), at the threshold {least:.2f}. The baseline gives each pair of a sentence the most frequent
relation of its types. Intervals: 95 %, bootstrap over documents.

| corpus | precision | recall | F1 | 95 % interval | baseline |
|---|---|---|---|---|---|
{scores}

## Recipe

{epochs} passes, {steps:,} steps, {tokens:,} tokens; AdamW with a learning rate of {rate:g}, dropout {dropout:g}, seed
{seed}. {duration} on {device}, in {precision}. One run, one seed.
"""


def train_marked(recipe: MarkedRecipe, context: TrainingContext) -> None:
    """Run `litmine train relations --base REF`. Raises as `make_marked`, and CorpusError for unreadable data."""
    if not context.resume:
        delete_checkpoint(context.folder)
    corpora = import_object(_READ_CORPORA)(recipe, context.report)
    train = [replace(one.corpus, documents=one.train) for one in corpora.train]
    tenth = [replace(one.corpus, documents=one.thresholds) for one in corpora.train]
    options = recipe if isinstance(recipe, MarkedOptions) else MarkedOptions()
    training = MarkedTraining(
        recipe.name, recipe.base, options, recipe.epochs, recipe.warmup, recipe.weight_decay, recipe.clip,
        recipe.dropout, recipe.seed,
    )  # fmt: skip
    make_marked(training, train, corpora.dev, context.folder, context.report, tenth)
    with model_write_errors(context.folder):
        recipe.save(context.folder / "recipe.json")


def make_marked(
    training: MarkedTraining,
    train: Sequence[RelationCorpus],
    dev: Sequence[RelationCorpus],
    folder: Path,
    log: Callable[[str], None],
    held_out: Sequence[RelationCorpus] = (),
) -> dict[str, dict[str, Any]]:
    """Train on `train`, save, choose the threshold, score on `dev` and write the card; returns the scores by corpus.

    held_out: documents that choose the threshold; without them it is 0.5. No document of them or of `dev` may be in
    `train` (`litmine.corpora.relation_leaks`). Raises as `train_layers`.
    """
    trained = train_layers(training, train, folder, log)
    with model_write_errors(folder):
        save_folder(folder, trained.network, trained.tokenizer, trained.settings)
    model = load_folder(folder, training.name, precision="float32")
    if held_out:
        settings = replace(trained.settings, least=choose_threshold(model, held_out))
        log(f"threshold {settings.least:.2f}")
        with model_write_errors(folder):
            settings.save(folder)
        model = load_folder(folder, training.name, precision="float32")
    scores = {one.name: score_corpus(model, one, train) for one in dev if one.declaration is not None}
    for name, one in scores.items():
        log(f"{name}: F1 {one[MICRO]['f1']:.1f}, baseline {one[MICRO]['baseline']:.1f}")
    with model_write_errors(folder):
        (folder / SCORES_FILE).write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
        (folder / "README.md").write_text(
            _card(training, trained, train, scores, model.settings.least), encoding="utf-8"
        )
    delete_checkpoint(folder)
    return scores


def scored_keys(model: MarkedScorer, corpus: RelationCorpus) -> list[ScoredKey]:
    """The best relation type of each pair of gold mentions of a corpus, and its probability, whatever that is.

    Of the pairs of mentions of two identifiers, the one with the highest probability counts. Raises ModelError when the
    model fails on a document.
    """
    assert corpus.declaration is not None
    symmetric, of_identifiers = corpus.declaration.symmetric_types, corpus.declaration.level == "identifiers"
    texts = []
    for document in corpus.documents:
        sentences = sentence_spans(document)
        pairs = candidate_pairs(document.entities, sentences, model.settings.rule)
        kept = judged_pairs(pairs, model.settings.nearest) if of_identifiers else pairs
        texts.append(TextPairs(document.text, kept, sentences))
    found: list[ScoredKey] = []
    for document, judged, scores in zip(corpus.documents, texts, model.probabilities(texts), strict=True):
        if isinstance(scores, FailedItem):
            raise ModelError(f"{model.name} fails on {document.identifier} ({scores.why}); leave it out")
        best = best_relations(scores, model.settings.relation_types)
        if of_identifiers:
            groups = group_by_identifiers(judged.pairs)
        else:
            groups = {(one.subject.entity_id, one.object.entity_id): [i] for i, one in enumerate(judged.pairs)}
        for (first, second), places in groups.items():
            score, name = max(best[i] for i in places)
            found.append(ScoredKey(relation_key(document.identifier, name, first, second, symmetric), score))
    return found


def related_keys(model: MarkedScorer, corpus: RelationCorpus, least: float | None = None) -> set[RelationKey]:
    """The relations between gold mentions with a probability of at least `least`, by default the model's."""
    threshold = model.settings.least if least is None else least
    return {one.key for one in scored_keys(model, corpus) if one.score >= threshold}


def choose_threshold(model: MarkedScorer, corpora: Sequence[RelationCorpus]) -> float:
    """The least probability with the best micro F1 on some documents; the model's own if they have no relations."""
    gold: set[RelationKey] = set()
    scored: list[ScoredKey] = []
    for one in corpora:
        if one.documents and one.declaration is not None:
            gold |= gold_keys(one.documents, one.declaration.symmetric_types)
            scored += scored_keys(model, one)
    return best_threshold(gold, scored, model.settings.least)


def score_corpus(model: MarkedScorer, corpus: RelationCorpus, train: Sequence[RelationCorpus]) -> dict[str, Any]:
    """Precision, recall, F1 and support by relation type and micro, which also has `interval` and `baseline`."""
    assert corpus.declaration is not None
    gold = gold_keys(corpus.documents, corpus.declaration.symmetric_types)
    found = related_keys(model, corpus)
    frequent = most_frequent_types(document for one in train if one.name == corpus.name for document in one.documents)
    guessed = all_pairs_baseline(corpus.documents, corpus.declaration, rule_for(corpus.declaration), frequent)
    scores: dict[str, Any] = relation_scores(gold, found)
    scores[MICRO] |= {
        "interval": list(_interval(corpus, gold, found)),
        "baseline": relation_scores(gold, guessed)[MICRO]["f1"],
    }
    return scores


def _interval(corpus: RelationCorpus, gold: set[RelationKey], found: set[RelationKey]) -> Interval:
    place = {one.identifier: i for i, one in enumerate(corpus.documents)}
    counts = np.zeros((len(place), 3))
    for column, keys in enumerate((gold, found, gold & found)):
        for key in keys:
            counts[place[key.document], column] += 1
    return interval(counts, f1) if counts[:, :2].any() else (0.0, 0.0)


def _card(
    training: MarkedTraining,
    trained: TrainedMarked,
    train: Sequence[RelationCorpus],
    scores: dict[str, dict[str, Any]],
    least: float,
) -> str:
    micro = {name: one[MICRO] for name, one in scores.items()}
    rows = [
        f"| {name} | {one['precision']:.1f} | {one['recall']:.1f} | {one['f1']:.1f} | {one['interval'][0]:.1f} to"
        f" {one['interval'][1]:.1f} | {one['baseline']:.1f} |"
        for name, one in micro.items()
    ]
    return _CARD.format(
        name=training.name,
        types=", ".join(dict.fromkeys(one for one in trained.settings.relation_types if one)),
        base=Path(training.base).name,
        version=__version__,
        data="\n".join(f"| {one.name} | {len(one.documents):,} |" for one in train),
        examples=trained.examples,
        related=trained.related,
        licence=base_licence(training.base),
        scores="\n".join(rows),
        least=least,
        epochs=training.epochs,
        steps=trained.steps,
        tokens=trained.tokens,
        rate=training.learning_rate,
        dropout=training.dropout,
        seed=training.seed,
        duration=format_duration(trained.seconds),
        device=trained.device,
        precision=trained.precision,
    )
