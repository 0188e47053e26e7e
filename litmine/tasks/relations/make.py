"""Make the folder of a relation model from a recipe: read corpora, train, choose thresholds, score, write the card."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from litmine.corpora.documents import AnnotatedDocument
from litmine.specs import TrainingContext, import_object
from litmine.tasks.relations.card import write_card
from litmine.tasks.relations.folder import load_top, save_top
from litmine.tasks.relations.found_mentions import TextTagger, extend_document
from litmine.tasks.relations.heads import judging_head, learnt_types
from litmine.tasks.relations.judged_scores import CorpusScores, judge_corpus, write_scores
from litmine.tasks.relations.metrics import gold_keys
from litmine.tasks.relations.predict import ScoredKey, score_documents
from litmine.tasks.relations.prepare import DividedCorpus, TrainingCorpora, entity_types_of, read_corpora
from litmine.tasks.relations.recipe import RECIPE_FILE, RelationRecipe
from litmine.tasks.relations.settings import RelationHead, RelationSettings
from litmine.tasks.relations.thresholds import best_threshold
from litmine.tasks.relations.train import train_top
from litmine.training.checkpoint import delete_checkpoint, model_write_errors

# The training of all layers: (recipe, context) -> None.
_MARKED_TRAINING = "litmine.tasks.relations.marked.train:train_marked"

Log = Callable[[str], None]


def run_training(recipe: RelationRecipe, context: TrainingContext) -> None:
    """Run `litmine train relations`. Raises as `make_top`, or as `train_marked` for a recipe with a base."""
    if recipe.base:
        import_object(_MARKED_TRAINING)(recipe, context)
        return
    if not context.resume:
        delete_checkpoint(context.folder)
    make_top(recipe, context.folder, context.report)


def make_top(recipe: RelationRecipe, folder: Path, log: Log) -> dict[str, CorpusScores]:
    """Train a top, choose its thresholds, score it, and write the card; returns the scores by corpus.

    Raises CorpusError for a file that cannot be read or teaches nothing, ModelError for a trunk or tagger that cannot
    be loaded, a training that diverges, and a folder that cannot be written.
    """
    corpora = read_corpora(recipe, log)
    with model_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    tagger = TextTagger(recipe.tagger)
    network, settings, summary = train_top(recipe, corpora.train, tagger, folder, log)
    with model_write_errors(folder):
        save_top(folder, network, settings, recipe.int8)
        recipe.save(folder / RECIPE_FILE)
    # The saved model, whose weights are rounded.
    settings = choose_thresholds(folder, settings, tagger, corpora.train, log)
    with model_write_errors(folder):
        settings.save(folder)
    scores = score_dev(folder, settings, tagger, corpora, log)
    with model_write_errors(folder):
        write_scores(folder, scores)
        write_card(folder, recipe, settings, corpora, summary, scores)
    delete_checkpoint(folder)
    return scores


def choose_thresholds(
    folder: Path, settings: RelationSettings, tagger: TextTagger, corpora: Sequence[DividedCorpus], log: Log
) -> RelationSettings:
    """The settings with the threshold of each head that is best on the tenths that were not learnt from."""
    heads = []
    for head in settings.heads:
        model = load_top(folder, precision="float32", heads=[head.name])
        gold, scored = set(), list[ScoredKey]()
        for one in corpora:
            if one.corpus.name not in head.corpora or not one.thresholds:
                continue
            documents = with_found_mentions(one.corpus.name, one.thresholds, tagger)
            taught = learnt_types(one.corpus)
            gold |= _learnt_gold(head, documents, taught)
            scored += score_documents(model, head, documents, taught)
        threshold = best_threshold(gold, scored, head.threshold)
        log(f"{head.name}: threshold {threshold:.2f}, from {len(gold):,} relations")
        heads.append(replace(head, threshold=threshold))
    return replace(settings, heads=tuple(heads))


def score_dev(
    folder: Path, settings: RelationSettings, tagger: TextTagger, corpora: TrainingCorpora, log: Log
) -> dict[str, CorpusScores]:
    """The scores of the saved model on each dev corpus, by the head of the corpus' guideline."""
    scores: dict[str, CorpusScores] = {}
    for dev in corpora.dev:
        head = judging_head(settings.heads, dev)
        if head is None:
            log(f"{dev.name} is not scored: no head finds its relations")
            continue
        model = load_top(folder, precision="float32", heads=[head.name])
        documents = with_found_mentions(dev.name, dev.documents, tagger)
        taught = learnt_types(dev)
        # A corpus that is learnt from under another name gives the baseline too.
        train = [document for one in corpora.train if one.corpus.name in head.corpora for document in one.train]
        scores[dev.name] = judge_corpus(
            head,
            documents,
            _learnt_gold(head, documents, taught),
            score_documents(model, head, documents, taught),
            train,
        )
        log(f"{dev.name}: {scores[dev.name].line()}")
    return scores


def with_found_mentions(
    name: str, documents: Sequence[AnnotatedDocument], tagger: TextTagger
) -> list[AnnotatedDocument]:
    """The documents, with the mentions that a tagger finds where a corpus marks only those of adverse events."""
    annotated = entity_types_of(name, documents)
    if "AdverseEffect" not in annotated:
        return list(documents)
    found = tagger.tag([one.text for one in documents])
    return [extend_document(one, of, annotated).document for one, of in zip(documents, found, strict=True)]


def _learnt_gold(head: RelationHead, documents: Sequence[AnnotatedDocument], taught: frozenset[str]) -> set[Any]:
    symmetric = {one.name for one in head.relations if one.symmetric}
    return {one for one in gold_keys(documents, symmetric) if one.relation_type in taught}
