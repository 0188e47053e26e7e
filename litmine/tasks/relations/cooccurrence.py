"""Relate every candidate pair: the baseline that learns nothing, as a model without a network.

Its folder has only `litmine.json`:

    {"task": "relations", "kind": "cooccurrence", "network": false, "max_sentences": 0,
     "relations": [{"subject_type": "Chemical", "object_type": "Gene", "relation_type": "inhibits"}]}
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litmine.atomic_write import open_atomic
from litmine.corpora.documents import AnnotatedEntity
from litmine.corpora.relation_declarations import TypePair, oriented
from litmine.errors import ModelError
from litmine.lake.targets import UpstreamRows
from litmine.nn.references import SETTINGS_FILE, read_settings
from litmine.tasks.relations.found import ROWS_VERSION, FoundRelation, ScoredPair, found_relations
from litmine.tasks.relations.mentions import mentions_by_text
from litmine.tasks.relations.pairs import PairRule, candidate_pairs
from litmine.text.sentences import split_sentences

KIND = "cooccurrence"
_COLUMNS = "subject_type", "object_type", "relation_type"


@dataclass(frozen=True, slots=True)
class CooccurrenceSettings:
    """What the model relates: the relation type of each pair of entity types, subject first.

    max_sentences: largest distance in sentences, 0 for the same one, None for no limit.
    """

    relation_types: Mapping[TypePair, str]
    max_sentences: int | None = 0

    @property
    def rule(self) -> PairRule:
        return PairRule(tuple(self.relation_types), self.max_sentences)

    def content(self) -> dict[str, Any]:
        """The settings as `litmine.json` has them."""
        relations = [dict(zip(_COLUMNS, (*pair, name), strict=True)) for pair, name in self.relation_types.items()]
        return {"max_sentences": self.max_sentences, "relations": relations}

    def model_name(self, name: str) -> str:
        """`name@digest`; the order of the pairs has no effect."""
        content = [
            ROWS_VERSION,
            self.max_sentences,
            sorted([*pair, kind] for pair, kind in self.relation_types.items()),
        ]
        return f"{name}@{hashlib.sha256(json.dumps([KIND, *content]).encode()).hexdigest()[:12]}"


class CooccurrenceModel:
    """A loaded model: a `litmine.tasks.contract.StepModel` without a network."""

    def __init__(self, name: str, settings: CooccurrenceSettings) -> None:
        self.name = name
        self._settings = settings

    def decode(
        self, items: Sequence[str], _read: Sequence[Any], _labels: Any, inputs: Sequence[UpstreamRows]
    ) -> list[list[FoundRelation]]:
        """The relations of each text between the mentions of the inputs."""
        return [
            found_relations(text, sentences, self.score_pairs(mentions, sentences))
            for text, mentions in zip(items, mentions_by_text(inputs), strict=True)
            for sentences in [split_sentences(text)]
        ]

    def score_pairs(
        self, mentions: Sequence[AnnotatedEntity], sentences: Sequence[tuple[int, int]]
    ) -> list[ScoredPair]:
        """Every candidate pair of a text with the relation type of its types, and the score 1."""
        known = {one for pair in self._settings.relation_types for one in pair}
        pairs = candidate_pairs([one for one in mentions if one.entity_type in known], sentences, self._settings.rule)
        types = self._settings.relation_types
        return [ScoredPair(one, types[one.subject.entity_type, one.object.entity_type], 1.0) for one in pairs]


def read_cooccurrence(folder: Path) -> CooccurrenceSettings:
    """The settings of the model in a folder. Raises ModelError for settings that are none, OSError and ValueError."""
    settings = read_settings(folder)
    relations, max_sentences = settings.get("relations"), settings.get("max_sentences", 0)
    if not (max_sentences is None or (type(max_sentences) is int and max_sentences >= 0)):
        raise ModelError(f"{folder}: max_sentences is {max_sentences!r}; give a number from 0, or null for no limit")
    types: dict[TypePair, str] = {}
    for one in relations if isinstance(relations, list) else ():
        if not isinstance(one, dict) or not all(isinstance(one.get(name), str) and one[name] for name in _COLUMNS):
            raise ModelError(f"{folder}: {one!r} is no relation; each needs {', '.join(_COLUMNS)}")
        pair = one["subject_type"], one["object_type"]
        if not oriented(*pair):
            raise ModelError(f"{folder}: {' and '.join(pair)} are in the wrong order; make {pair[1]} the subject")
        if pair in types:
            raise ModelError(f"{folder}: {' and '.join(pair)} have two relation types; give one")
        types[pair] = one["relation_type"]
    if not types:
        raise ModelError(f"{folder} relates nothing; list pairs of types under `relations` in {SETTINGS_FILE}")
    return CooccurrenceSettings(types, max_sentences)


def save_cooccurrence(folder: Path, settings: CooccurrenceSettings) -> None:
    """Write a model's folder. Raises LitmineError if it cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"task": "relations", "kind": KIND, "network": False, **settings.content()}
    with open_atomic(folder / SETTINGS_FILE) as stream:
        stream.write(json.dumps(content, indent=1).encode() + b"\n")
