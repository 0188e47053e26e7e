"""Make a linker's folder from a recipe: read corpora, train, score what was held out, write the model card."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from time import process_time

from litmine.errors import CorpusError, SettingError
from litmine.specs import TrainingContext
from litmine.tasks.linking.card import TrainingFacts, write_card
from litmine.tasks.linking.corpora import (
    GoldCorpus,
    LinkingCorpus,
    check_type_map,
    equivalent_identifiers,
    held_out_documents,
    read_gold,
    training_documents,
)
from litmine.tasks.linking.evaluate import LinkingJudge, LinkingScores, score
from litmine.tasks.linking.fit_ranker import FitSettings
from litmine.tasks.linking.folder import load_names, load_trained, save_linker
from litmine.tasks.linking.found_mentions import add_found_mentions
from litmine.tasks.linking.recipe import LinkerRecipe, split_reference
from litmine.tasks.linking.train import RankerSettings, train_linker
from litmine.tasks.linking.training_examples import GoldDocument
from litmine.tasks.linking.vocabulary_concepts import VocabularyConcepts
from litmine.tasks.linking.vocabulary_names import vocabulary_names
from litmine.tasks.registry import load_model
from litmine.training.checkpoint import model_write_errors
from litmine.vocabulary import open_vocabulary

SCORES_FILE, RECIPE_FILE = "scores.json", "recipe.json"
# Results of searches that a training keeps, because documents repeat their names; a linker at work keeps fewer.
_KEPT_SEARCHES = 200_000

Log = Callable[[str], None]


def run_training(recipe: LinkerRecipe, context: TrainingContext) -> None:
    """Run `litmine train linking`. Raises as `make_linker`."""
    make_linker(recipe, context.folder, context.report)


def make_linker(recipe: LinkerRecipe, folder: Path, log: Log) -> dict[str, dict[str, LinkingScores]]:
    """Train a linker, score it on dev files and held-out tenths, and write the card; returns the scores by corpus.

    Raises CorpusError for a file that cannot be read or teaches nothing, SettingError for settings that do not fit
    together, VocabularyError for an unknown or damaged vocabulary, and ModelError when the folder cannot be written.
    """
    start = process_time()
    vocabulary = open_vocabulary(recipe.vocabulary)
    equivalents = equivalent_identifiers(vocabulary)
    corpora, dev = _read_corpora(recipe, equivalents, log)
    evaluated = {one.name for corpus in dev for one in corpus.documents}
    documents = training_documents(corpora, evaluated)
    if not documents:
        raise CorpusError("every document is one of the files to score; give other documents with --data")
    mentions = sum(len(one.mentions) for one in documents)
    left_out = sum(len(corpus.gold) for corpus in corpora) - len(documents)
    log(f"{len(documents):,} documents with {mentions:,} mentions; {left_out:,} that are scored are left out")
    concepts, names = VocabularyConcepts(vocabulary, _KEPT_SEARCHES), vocabulary_names(vocabulary)
    trained = train_linker(
        _with_found_mentions(documents, corpora, recipe.tagger, log),
        concepts,
        names,
        report=log,
        settings=ranker_settings(recipe),
    )
    if not trained.rankers:
        raise CorpusError(
            f"none of the gold identifiers is among the concepts of {vocabulary.reference} that the mentions may refer"
            " to; check the form of the identifiers, such as MESH:D003920 or NCBIGene:7157"
        )
    with model_write_errors(folder):
        save_linker(trained, names, recipe.name, vocabulary.reference, folder)
        recipe.save(folder / RECIPE_FILE)
    # The saved linker, whose numbers are rounded.
    judge = LinkingJudge(load_trained(folder)[1], concepts, load_names(folder))
    scores: dict[str, dict[str, LinkingScores]] = {}
    for name, found in _to_score(corpora, dev).items():
        scores[name] = score(judge.judge(found))
        log(f"{name}: " + ", ".join(f"{kind} {one.accuracy:.1f}" for kind, one in scores[name].items()))
    facts = TrainingFacts(
        vocabulary.reference,
        {corpus.corpus.name: _counts(corpus, documents) for corpus in corpora},
        process_time() - start,
    )
    with model_write_errors(folder):
        record = {name: {kind: one.record() for kind, one in found.items()} for name, found in scores.items()}
        (folder / SCORES_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        write_card(folder, recipe, trained, facts, scores)
    return scores


def _with_found_mentions(
    documents: list[GoldDocument], corpora: list[GoldCorpus], tagger: str, log: Log
) -> list[GoldDocument]:
    """The documents with the mentions that a tagger finds, if a corpus says which types it annotates wholly."""
    whole_types = {one.name: corpus.corpus.whole_types for corpus in corpora for one in corpus.documents}
    if not any(whole_types.values()):
        return documents
    more = add_found_mentions(documents, whole_types, load_model(tagger))
    unlinked = sum(not gold for one in more for gold in one.gold)
    found = sum(len(one.mentions) for one in more) - sum(len(one.mentions) for one in documents)
    log(f"{tagger} finds {found:,} further mentions in a tenth of the documents; {unlinked:,} refer to no concept")
    return more


def ranker_settings(recipe: LinkerRecipe) -> RankerSettings:
    """The settings of the rankers' training."""
    fitting = FitSettings(
        units=recipe.units,
        epochs=recipe.epochs,
        dropout=recipe.dropout,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        seed=recipe.seed,
        averaged=recipe.averaged,
    )
    return RankerSettings(fitting, recipe.gene_epochs)


def _read_corpora(
    recipe: LinkerRecipe, equivalents: Mapping[str, str], log: Log
) -> tuple[list[GoldCorpus], list[GoldCorpus]]:
    """The files to learn from, and those to score."""
    types = dict(recipe.type_map)
    places = [
        LinkingCorpus(name, recipe.path(file), one.held_out, one.panel_digits, one.whole_types, types)
        for one in recipe.corpora
        for name, file in map(split_reference, one.data)
    ]
    dev = [LinkingCorpus(name, recipe.path(file), type_map=types) for name, file in map(split_reference, recipe.dev)]
    if missing := [str(one.path) for one in (*places, *dev) if not one.path.is_file()]:
        verb = "does" if len(missing) == 1 else "do"
        raise CorpusError(
            f"{', '.join(missing)} {verb} not exist; name the folder of the recipe's files with --data-folder"
        )
    for kind in (places, dev):
        names = [one.name for one in kind]
        if len(set(names)) < len(names):
            raise SettingError(f"the files {', '.join(names)} need different names; use NAME=FILE")
    read = []
    for place in (*places, *dev):
        corpus = read_gold(place, equivalents)
        if corpus.misplaced:
            log(f"{place.path}: skipped {len(corpus.misplaced):,} mentions that are not at their offsets")
        read.append(corpus)
    check_type_map(types, read)
    return read[: len(places)], read[len(places) :]


def _to_score(corpora: list[GoldCorpus], dev: list[GoldCorpus]) -> dict[str, list[GoldDocument]]:
    """The documents to score, by what the card calls them."""
    found = {f"{corpus.corpus.name} dev": corpus.gold for corpus in dev}
    for corpus in corpora:
        held_out = [one for one in held_out_documents(corpus) if one.mentions]
        if held_out:
            found[f"{corpus.corpus.name} held-out tenth"] = held_out
    return found


def _counts(corpus: GoldCorpus, documents: list[GoldDocument]) -> tuple[int, int]:
    """The documents of a corpus that were learnt from, and their mentions."""
    learnt = {id(one) for one in documents}
    used = [one for one in corpus.gold if id(one) in learnt]
    return len(used), sum(len(one.mentions) for one in used)
