"""The folder of a trained linker: `litmine.json`, the learnt names, and the rankers."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from litmine.errors import ModelError
from litmine.tasks.linking.learned_names import LearnedNames
from litmine.tasks.linking.linker import Linker
from litmine.tasks.linking.ranker import load_rankers, save_rankers
from litmine.tasks.linking.train import TrainedLinker
from litmine.tasks.linking.vocabulary_concepts import VocabularyConcepts
from litmine.vocabulary.vocabulary import Vocabulary

SETTINGS, LEARNED, RANKERS = "litmine.json", "learned_names.jsonl", "rankers.json"
TASK = "linking"
# Part of the digest: increases whenever the same files would give other links.
_RULES = 1


@dataclass(frozen=True, slots=True)
class LinkerSettings:
    """What `litmine.json` says: the linker's name, and the vocabulary (name@digest) that it was trained with."""

    name: str
    vocabulary: str


def save_linker(trained: TrainedLinker, settings: LinkerSettings, folder: Path) -> None:
    """Write the files of a linker."""
    folder.mkdir(parents=True, exist_ok=True)
    trained.learned.save(folder / LEARNED)
    save_rankers(trained.rankers, folder / RANKERS)
    stored = {
        "task": TASK,
        "name": settings.name,
        "vocabulary": settings.vocabulary,
        "thresholds": dict(sorted(trained.thresholds.items())),
    }
    (folder / SETTINGS).write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")


def load_trained(folder: Path) -> tuple[LinkerSettings, TrainedLinker]:
    """Read what `save_linker` wrote. Raises ModelError when a file is missing or damaged."""
    settings, thresholds = _read_settings(folder)
    try:
        trained = TrainedLinker(LearnedNames.load(folder / LEARNED), load_rankers(folder / RANKERS), thresholds)
    except OSError as error:
        raise ModelError(f"{folder} is not a whole linker ({error.strerror}); copy or train it again") from error
    return settings, trained


def linker_digest(folder: Path, vocabulary: str) -> str:
    """Twelve hexadecimal digits of what decides a link: learnt names, rankers, thresholds, rules and the vocabulary.

    vocabulary: name@digest of the one in use. Raises ModelError when a file is missing or damaged.
    """
    _, thresholds = _read_settings(folder)
    content = hashlib.sha256(json.dumps([_RULES, vocabulary, thresholds], sort_keys=True).encode())
    for name in (LEARNED, RANKERS):
        try:
            content.update(hashlib.sha256((folder / name).read_bytes()).digest())
        except OSError as error:
            raise ModelError(f"{folder} is not a whole linker ({error.strerror}); copy or train it again") from error
    return content.hexdigest()[:12]


def _read_settings(folder: Path) -> tuple[LinkerSettings, dict[str, float]]:
    file = folder / SETTINGS
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        settings = LinkerSettings(str(stored["name"]), str(stored["vocabulary"]))
        return settings, {str(kind): float(score) for kind, score in stored["thresholds"].items()}
    except OSError as error:
        raise ModelError(f"{file} cannot be read ({error.strerror}); copy or train the linker again") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{file} is damaged ({error}); copy or train the linker again") from error


def open_linker(folder: Path, vocabulary: Vocabulary) -> Linker:
    """The linker in a folder, over an open vocabulary."""
    from litmine.tasks.linking.name_table import word_weights
    from litmine.tasks.linking.train import VocabularyNames, count_gene_words

    _, trained = load_trained(folder)
    names = [text for one in vocabulary.iter_names() for text in one.texts.to_pylist()]
    weights = word_weights(names)
    genes: dict[int, list[str]] = {}
    for one in vocabulary.iter_names("Gene"):
        for concept, text in zip(one.concepts.tolist(), one.texts.to_pylist(), strict=True):
            genes.setdefault(concept, []).append(text)
    counts, total = count_gene_words(genes.values())
    return trained.linker(VocabularyConcepts(vocabulary), VocabularyNames(weights, counts, total))
