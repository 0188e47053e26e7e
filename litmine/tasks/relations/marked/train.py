"""Make the folder of a classifier of marked texts: train all layers, save, score on dev, write the card."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from litmine.corpora.relation_corpus import RelationCorpus
from litmine.errors import ModelError
from litmine.nn.failure_isolation import FailedItem
from litmine.specs import TrainingContext, import_object
from litmine.tasks.relations.judged_scores import CorpusScores, corpus_scores, score_table, write_scores
from litmine.tasks.relations.marked.folder import load_folder, save_folder
from litmine.tasks.relations.marked.input import group_by_identifiers, judged_pairs
from litmine.tasks.relations.marked.layers import MarkedTraining, TrainedMarked, train_layers
from litmine.tasks.relations.marked.scorer import MarkedScorer, TextPairs, best_relations
from litmine.tasks.relations.marked.settings import MarkedOptions
from litmine.tasks.relations.metrics import RelationKey, all_pairs_baseline, gold_keys, relation_key
from litmine.tasks.relations.pairs import candidate_pairs, most_frequent_types, rule_for, sentence_spans
from litmine.tasks.relations.predict import ScoredKey
from litmine.tasks.relations.thresholds import best_threshold
from litmine.training.base_licence import base_licence
from litmine.training.card_text import format_duration
from litmine.training.checkpoint import delete_checkpoint, model_write_errors
from litmine.training.trainer import OptimizerSettings
from litmine.versions import __version__

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

{scores}

The threshold is {least:.2f}.

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
) -> dict[str, CorpusScores]:
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
        log(f"{name}: {one.line()}")
    with model_write_errors(folder):
        write_scores(folder, scores)
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


def score_corpus(model: MarkedScorer, corpus: RelationCorpus, train: Sequence[RelationCorpus]) -> CorpusScores:
    """The scores at the model's threshold. train: what was learnt, for the baseline."""
    assert corpus.declaration is not None
    frequent = most_frequent_types(document for one in train if one.name == corpus.name for document in one.documents)
    return corpus_scores(
        corpus.documents,
        gold_keys(corpus.documents, corpus.declaration.symmetric_types),
        scored_keys(model, corpus),
        model.settings.least,
        all_pairs_baseline(corpus.documents, corpus.declaration, rule_for(corpus.declaration), frequent),
    )


def _card(
    training: MarkedTraining,
    trained: TrainedMarked,
    train: Sequence[RelationCorpus],
    scores: Mapping[str, CorpusScores],
    least: float,
) -> str:
    return _CARD.format(
        name=training.name,
        types=", ".join(dict.fromkeys(one for one in trained.settings.relation_types if one)),
        base=Path(training.base).name,
        version=__version__,
        data="\n".join(f"| {one.name} | {len(one.documents):,} |" for one in train),
        examples=trained.examples,
        related=trained.related,
        licence=base_licence(training.base),
        scores=score_table(scores),
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
