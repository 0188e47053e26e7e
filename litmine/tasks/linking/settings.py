"""A linker's settings, stored in `litmine.json`, and its digest, computed without loading the learnt parts."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from litmine.errors import ModelError
from litmine.nn.references import SETTINGS_FILE, read_settings
from litmine.settings import check_types

# The `task` in a linker's `litmine.json`.
TASK = "linking"
LEARNED_FILE, RANKERS_FILE, WORDS_FILE = "learned_names.jsonl", "rankers.json", "words.parquet"
# Part of a linker's digest: increases whenever the same files would give other links.
RULES_VERSION = 3


@dataclass(frozen=True, slots=True)
class LinkerSettings:
    """The settings of a linker.

    vocabulary: name@digest of the vocabulary that it was trained over; it links to another one as well. thresholds: the
    least score of a link, by entity type.
    """

    name: str
    vocabulary: str
    thresholds: Mapping[str, float]
    rules: int = RULES_VERSION

    def save(self, folder: Path) -> None:
        """Write `litmine.json`."""
        stored = {"task": TASK, **asdict(self), "thresholds": dict(sorted(self.thresholds.items()))}
        (folder / SETTINGS_FILE).write_text(json.dumps(stored, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    def is_of(self, vocabulary: str) -> bool:
        """Whether the linker was trained over a vocabulary, name@digest, of which only the digest counts."""
        return self.vocabulary.rpartition("@")[2] == vocabulary.rpartition("@")[2]

    @classmethod
    def load(cls, folder: Path) -> "LinkerSettings":
        """Read `litmine.json`. Raises ModelError when it is not valid or needs another version of litmine."""
        file = folder / SETTINGS_FILE
        try:
            read = read_settings(folder)
            if read.pop("task") != TASK:
                raise ValueError("it is not that of a linker")
            stored = read.pop("thresholds").items()
            thresholds = {kind: float(score) if isinstance(score, int) else score for kind, score in stored}
            settings = cls(read["name"], read["vocabulary"], thresholds, read["rules"])
            check_types(settings)
        except OSError as error:
            raise ModelError(f"{file} cannot be read ({error.strerror}); copy or train the linker again") from error
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise ModelError(
                f"{file} is not a valid settings file ({reason}); copy or train the linker again"
            ) from error
        if settings.rules != RULES_VERSION:
            raise ModelError(
                f"the linker in {folder} needs version {settings.rules} of the rules for links, and this litmine"
                f" supports {RULES_VERSION}; install the version of litmine that trained the linker"
            )
        return settings


def linker_digest(folder: Path, settings: LinkerSettings, vocabulary: str) -> str:
    """Twelve hex digits of all that decides a link: learnt names, rankers, words, thresholds, rules, vocabulary.

    vocabulary: name@digest of the one in use, of which only the digest counts. Raises ModelError when a file is
    missing.
    """
    decisive = [TASK, settings.rules, dict(settings.thresholds), vocabulary.rpartition("@")[2]]
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode())
    for name in (LEARNED_FILE, RANKERS_FILE, WORDS_FILE):
        try:
            digest.update(hashlib.sha256((folder / name).read_bytes()).digest())
        except OSError as error:
            raise incomplete(folder, error) from error
    return digest.hexdigest()[:12]


def identify(folder: Path, name: str, vocabulary: str) -> str:
    """`name@digest` of the linker in a folder when it links to `vocabulary` (name@digest).

    The name is that in its settings; `name`, that of the folder, is for linkers whose settings have none. Raises
    ModelError when the folder holds no whole linker.
    """
    settings = LinkerSettings.load(folder)
    return f"{settings.name or name}@{linker_digest(folder, settings, vocabulary)}"


def incomplete(folder: Path, error: OSError) -> ModelError:
    """The error for a folder without one of a linker's files."""
    return ModelError(f"{folder} is not a whole linker ({error.strerror}); copy or train it again")
