"""The settings of a relation model in `litmine.json`: its heads, thresholds and trunk; and its identity.

Nothing here reads the weights, so that models can be listed quickly.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from litmine.corpora.relation_declarations import TypePair
from litmine.errors import ModelError
from litmine.nn.references import SETTINGS_FILE, folder_digest, read_settings
from litmine.nn.trunk_folder import TrunkLink, find_trunk
from litmine.settings import check_types
from litmine.tasks.relations.found import ROWS_VERSION
from litmine.tasks.relations.pairs import PairRule

# The `task` in the `litmine.json`.
TASK = "relations"
# The kind of a model whose head reads all pairs of a stretch at once, on a shared trunk.
SHARED_TOP = "top"
# The version of the way from logits to rows; part of the digest.
DECODING = 2


@dataclass(frozen=True, slots=True)
class HeadRelation:
    """A relation type of a head, the pairs of entity types that it may join, and whether both orders mean the same."""

    name: str
    pairs: tuple[TypePair, ...]
    symmetric: bool = False


@dataclass(frozen=True, slots=True)
class RelationHead:
    """A classifier of pairs by one guideline: no relation, or one of `relations`.

    corpora: where it learnt. level: `mentions` or `identifiers`, what these relate. max_sentences: largest distance of
    the mentions of a pair. default: whether `annotate` uses it. threshold: the least probability of a relation that is
    stored.
    """

    name: str
    corpora: tuple[str, ...]
    relations: tuple[HeadRelation, ...]
    level: str = "mentions"
    max_sentences: int = 0
    default: bool = True
    threshold: float = 0.5

    @property
    def outputs(self) -> int:
        """Number of logits: no relation, then each relation."""
        return 1 + len(self.relations)

    @property
    def rule(self) -> PairRule:
        """The pairs that the head judges."""
        pairs = dict.fromkeys(pair for one in self.relations for pair in one.pairs)
        return PairRule(tuple(pairs), self.max_sentences)


@dataclass(frozen=True, slots=True)
class RelationSettings:
    """The settings of a shared top.

    heads: in the order of the logits. entity_types: in the order of the embeddings. inner: width of the head.
    max_tokens: of a stretch.
    """

    name: str
    heads: tuple[RelationHead, ...]
    entity_types: tuple[str, ...]
    inner: int
    max_tokens: int
    trunk: TrunkLink
    kind: str = SHARED_TOP
    decoding: int = DECODING

    @property
    def default_heads(self) -> tuple[RelationHead, ...]:
        """The heads that `annotate` uses."""
        return tuple(one for one in self.heads if one.default)

    def after(self, depth: int) -> int:
        """Number of trunk layers below the top. depth: all layers of the trunk."""
        return depth if self.trunk.after is None else self.trunk.after

    @property
    def outputs(self) -> int:
        """Number of logits of all heads."""
        return sum(one.outputs for one in self.heads)

    def first_output(self, head: RelationHead) -> int:
        """The number of the head's first logit."""
        return sum(one.outputs for one in self.heads[: self.heads.index(head)])

    @property
    def type_numbers(self) -> dict[str, int]:
        """Each entity type and its number."""
        return {one: number for number, one in enumerate(self.entity_types)}

    def save(self, folder: Path) -> None:
        """Write `litmine.json`."""
        text = json.dumps({"task": TASK, **asdict(self)}, indent=2, ensure_ascii=False)
        (folder / SETTINGS_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "RelationSettings":
        """Read `litmine.json`. Raises ModelError when it is not valid or needs another version of litmine."""
        try:
            read = read_settings(folder)
            read.pop("task", None)
            heads = tuple(_head(one) for one in read.pop("heads"))
            trunk = TrunkLink.from_settings(read)
            if trunk is None:
                raise ValueError("it names no trunk")
            settings = cls(heads=heads, **{**read, "trunk": trunk, "entity_types": tuple(read["entity_types"])})
            check_types(settings)
            settings._check()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise ModelError(
                f"{folder / SETTINGS_FILE} is not a valid settings file ({reason}); train or copy the model again"
            ) from error
        if settings.decoding != DECODING:
            raise ModelError(
                f"the model in {folder} needs decoding version {settings.decoding}, and this litmine supports"
                f" {DECODING}; install the version of litmine that trained the model"
            )
        return settings

    def _check(self) -> None:
        """Raise ValueError for values that no training writes."""
        if not self.default_heads:
            raise ValueError("it has no default head")
        if self.kind != SHARED_TOP:
            raise ValueError(f"kind is {self.kind!r}, not {SHARED_TOP!r}")
        if self.max_tokens < 3 or self.inner < 1:
            raise ValueError("max_tokens and inner must be positive")
        known = set(self.entity_types)
        for head in self.heads:
            if not 0 <= head.threshold <= 1:
                raise ValueError(f"the threshold of {head.name} is {head.threshold}, not from 0 to 1")
            if unknown := {kind for pair in head.rule.type_pairs for kind in pair} - known:
                raise ValueError(f"{head.name} relates {', '.join(sorted(unknown))}, which is not in entity_types")


def _head(read: Mapping[str, Any]) -> RelationHead:
    relations = tuple(
        HeadRelation(one["name"], tuple((first, second) for first, second in one["pairs"]), one["symmetric"])
        for one in read["relations"]
    )
    return RelationHead(**{**read, "corpora": tuple(read["corpora"]), "relations": relations})


def relation_digest(folder: Path, settings: RelationSettings, heads: Sequence[RelationHead]) -> str:
    """The digest of weights, trunk, rules, relations and thresholds of the heads in use, and of the way to rows.

    Raises ValueError when the folder has no weights.
    """
    rules = [[one.name, one.level, one.max_sentences, one.threshold, asdict(one)["relations"]] for one in heads]
    parts = [rules, settings.entity_types, settings.inner, settings.max_tokens, settings.decoding, ROWS_VERSION]
    return folder_digest(folder, [*parts, *settings.trunk.digest_parts])


def identify_top(folder: Path) -> str:
    """`name@digest` of the shared top in a folder. Raises ModelError, OSError or ValueError when it holds none."""
    settings = RelationSettings.load(folder)
    find_trunk(folder, settings.trunk)
    return f"{settings.name}@{relation_digest(folder, settings, settings.default_heads)}"
