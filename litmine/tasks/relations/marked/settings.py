"""The settings of a classifier of marked texts: how a model folder declares them, and how a recipe sets them.

A model that litmine trained has them in `litmine.json`. A classifier from elsewhere needs them in `relations.json`
beside its `config.json`, since its folder says neither how it wants mentions marked nor what its labels mean.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from litmine.corpora.relation_declarations import TypePair
from litmine.errors import ModelError
from litmine.nn.references import SETTINGS_FILE, folder_digest, is_litmine_model
from litmine.settings import check_types, setting
from litmine.tasks.relations.found import ROWS_VERSION
from litmine.tasks.relations.marked.text import MARKERS, MASKS, Marking
from litmine.tasks.relations.pairs import PairRule

TASK, KIND = "relations", "marked"
# The declaration of a classifier that litmine did not train.
DECLARATION_FILE = "relations.json"
EXAMPLE = (
    '{"labels": {"LABEL_0": "", "LABEL_1": "associated_with"}, "pairs": [["Gene", "Disease"]], "subject": "@{type}$",'
    ' "object": "@{type}$"}'
)
# Part of the digest: increases whenever the same logits would give other relations.
MARKED_VERSION = 1
MARKINGS: Mapping[str, Marking] = {"markers": MARKERS, "masks": MASKS}


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedOptions:
    """The settings of a training of all layers that a recipe has beside those of every training of relations."""

    marking: Literal["masks", "markers"] = setting(
        "With --base, how the mentions of a pair are shown: masks hide their words behind @TYPE$, markers keep them"
        " between [S1] [S2] and [O1] [O2].",
        "masks",
    )
    window: int = setting("With --base, most tokens around a pair; longer stretches are cut.", 96, at_least=16)
    nearest: int = setting(
        "With --base, pairs of mentions to judge for each pair of identifiers, the nearest first; 0 judges all.",
        2,
        at_least=0,
    )
    unrelated: float = setting(
        "With --base, pairs without a relation that an epoch reads for each related one, drawn anew; 0 reads all.",
        2.0,
        at_least=0,
    )
    base_learning_rate: float = setting("With --base, peak learning rate of all layers.", 2e-4, above=0)
    base_batch_tokens: int = setting("With --base, tokens per step, with padding.", 2_048, at_least=1)


@dataclass(frozen=True, slots=True)
class MarkedSettings:
    """What a classifier of marked texts judges, and how.

    name: of the model. labels: (label of config.json, relation type) in the order of the outputs; an empty type means
    that the pair is not related. pairs: subject and object types that it judges. marking: how it wants mentions shown.
    max_sentences, max_characters: as in `PairRule`. nearest: as in `judged_pairs`. window: most tokens it reads. least:
    relations with a lower score are not stored.
    """

    name: str
    labels: tuple[tuple[str, str], ...]
    pairs: tuple[TypePair, ...]
    marking: Marking
    window: int
    max_sentences: int | None = 0
    max_characters: int | None = None
    nearest: int = 0
    least: float = 0.5

    def __post_init__(self) -> None:
        if not any(not meant for _, meant in self.labels) or not any(meant for _, meant in self.labels):
            raise ValueError('its labels must have a relation type each, and at least one of them "" for no relation')
        if not self.pairs:
            raise ValueError('its pairs must name the entity types that it judges, as [["Chemical", "Gene"]]')
        if self.window < 16 or self.nearest < 0 or not 0 <= self.least < 1:
            raise ValueError("window must be 16 or more, nearest 0 or more, and least from 0 to below 1")

    @property
    def rule(self) -> PairRule:
        """Which pairs it judges."""
        return PairRule(self.pairs, self.max_sentences, self.max_characters)

    @property
    def relation_types(self) -> tuple[str, ...]:
        """The relation type of each output; empty where a pair is not related."""
        return tuple(meant for _, meant in self.labels)

    def as_json(self) -> dict[str, Any]:
        """The settings without the name, as both files have them."""
        return {
            "labels": dict(self.labels),
            "pairs": [list(pair) for pair in self.pairs],
            "subject": self.marking.subject,
            "object": self.marking.object,
            "type_names": dict(self.marking.type_names),
            "window": self.window,
            "max_sentences": self.max_sentences,
            "max_characters": self.max_characters,
            "nearest": self.nearest,
            "least": self.least,
        }

    def save(self, folder: Path) -> None:
        """Write `litmine.json`."""
        text = json.dumps(
            {"task": TASK, "kind": KIND, "name": self.name, **self.as_json()}, indent=2, ensure_ascii=False
        )
        (folder / SETTINGS_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, name: str) -> "MarkedSettings":
        """Read `litmine.json`, or `relations.json` of a classifier that litmine did not train; its name is `name`.

        Raises ModelError when the file is missing or not valid.
        """
        file = folder / (SETTINGS_FILE if is_litmine_model(folder) else DECLARATION_FILE)
        try:
            declared = json.loads(file.read_text(encoding="utf-8"))
            settings = _parse(declared, name)
            check_types(settings)
            return settings
        except FileNotFoundError:
            raise ModelError(
                f"{folder} holds a classifier of texts; to find relations with it, add {DECLARATION_FILE} to the"
                f" folder, which says how it wants mentions marked and what its labels mean, such as {EXAMPLE}"
            ) from None
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
            raise ModelError(f"{file} is not valid: {reason}; a valid one is {EXAMPLE}") from error


# The keys of both files beside labels, pairs, subject and object, with their types.
_OPTIONAL: dict[str, tuple[type, ...]] = {
    "window": (int,),
    "max_sentences": (int, type(None)),
    "max_characters": (int, type(None)),
    "nearest": (int,),
    "least": (int, float),
}


def _parse(declared: Any, name: str) -> MarkedSettings:
    """The settings in a file. Raises ValueError, TypeError, KeyError or AttributeError when they are not valid."""
    known = {*_OPTIONAL, "task", "kind", "name", "labels", "pairs", "subject", "object", "type_names"}
    if unknown := sorted(set(declared) - known):
        raise ValueError(f"{unknown[0]!r} is not a setting of it")
    labels, names = declared["labels"].items(), declared.get("type_names", {}).items()
    strings = [*(text for pair in [*labels, *names] for text in pair), declared["subject"], declared["object"]]
    pairs = tuple((first, second) for first, second in declared["pairs"])
    strings += [one for pair in pairs for one in pair]
    if not all(isinstance(one, str) for one in strings):
        raise ValueError("labels, types, subject and object must be strings")
    optional = {key: declared[key] for key in _OPTIONAL if key in declared}
    for key, value in optional.items():
        if not isinstance(value, _OPTIONAL[key]) or isinstance(value, bool):
            raise ValueError(f"{key} must be a number, not {value!r}")
    marking = Marking(declared["subject"], declared["object"], tuple(names))
    return MarkedSettings(declared.get("name", name), tuple(labels), pairs, marking, **{"window": 512} | optional)


def marked_digest(folder: Path, settings: MarkedSettings) -> str:
    """The digest of weights, tokenizer and all settings but the name. Raises ValueError without weights."""
    return folder_digest(folder, [TASK, KIND, MARKED_VERSION, ROWS_VERSION, settings.as_json()])


def identify(folder: Path, name: str) -> str:
    """`name@digest` of the classifier in a folder. Raises ModelError, OSError or ValueError when it holds none."""
    settings = MarkedSettings.load(folder, name)
    return f"{settings.name}@{marked_digest(folder, settings)}"
