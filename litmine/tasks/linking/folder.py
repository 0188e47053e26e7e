"""The folder of a trained linker: settings, learnt names, rankers, words. Opening it imports no torch."""

from dataclasses import replace
from pathlib import Path

from litmine.tasks.linking.learned_names import LearnedNames
from litmine.tasks.linking.linker import Linker
from litmine.tasks.linking.ranker import load_rankers, save_rankers
from litmine.tasks.linking.settings import LEARNED_FILE, RANKERS_FILE, WORDS_FILE, LinkerSettings, incomplete
from litmine.tasks.linking.stored_words import load_words, save_words
from litmine.tasks.linking.trained_linker import TrainedLinker
from litmine.tasks.linking.vocabulary_concepts import VocabularyConcepts
from litmine.tasks.linking.vocabulary_names import VocabularyNames
from litmine.vocabulary import Vocabulary


def open_linker(folder: Path, vocabulary: Vocabulary) -> Linker:
    """The linker in a folder, linking to a vocabulary.

    Names learnt in training may have concepts that the vocabulary of the training lacks, such as a species of an
    article. They count with that vocabulary. Of another one, only its own concepts are linked to, and only where a name
    is near the mention's, because it may lack the right concept. Raises ModelError when a file of the folder is missing
    or damaged, and VocabularyError for a damaged vocabulary.
    """
    settings, trained = load_trained(folder)
    own = settings.is_of(vocabulary.reference)
    if not own:
        known = trained.learned.only(lambda one: vocabulary.find_or_none(one) is not None)
        trained = replace(trained, learned=known)
    return trained.linker(VocabularyConcepts(vocabulary), load_names(folder), calibrated=own)


def learned_concepts(folder: Path, vocabulary: Vocabulary) -> dict[str, tuple[str, list[str]]]:
    """The concepts that `open_linker` knows from training only, each with its type and names. Raises as it does."""
    settings, trained = load_trained(folder)
    if not settings.is_of(vocabulary.reference):
        return {}
    return {one: found for one, found in trained.learned.concepts().items() if vocabulary.find_or_none(one) is None}


def save_linker(trained: TrainedLinker, names: VocabularyNames, name: str, vocabulary: str, folder: Path) -> None:
    """Write the files of a linker.

    vocabulary: name@digest of the one that it was trained over. names: the words of its names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trained.learned.save(folder / LEARNED_FILE)
    save_rankers(trained.rankers, folder / RANKERS_FILE)
    save_words(names.word_weights, names.gene_words, names.genes, folder / WORDS_FILE)
    LinkerSettings(name, vocabulary, trained.thresholds).save(folder)


def load_trained(folder: Path) -> tuple[LinkerSettings, TrainedLinker]:
    """Read what `save_linker` wrote. Raises ModelError when a file is missing or damaged."""
    settings = LinkerSettings.load(folder)
    try:
        learned, rankers = LearnedNames.load(folder / LEARNED_FILE), load_rankers(folder / RANKERS_FILE)
    except OSError as error:
        raise incomplete(folder, error) from error
    return settings, TrainedLinker(learned, rankers, settings.thresholds)


def load_names(folder: Path) -> VocabularyNames:
    """The words that `save_linker` wrote. Raises ModelError when the file is missing or damaged."""
    try:
        return VocabularyNames(*load_words(folder / WORDS_FILE))
    except OSError as error:
        raise incomplete(folder, error) from error
