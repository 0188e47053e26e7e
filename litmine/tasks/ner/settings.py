"""The settings of a tagger in `litmine.json`: heads, window, decoding, rules; its identity and entity types.

Nothing here reads the weights, so that models can be listed quickly.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from litmine.errors import ModelError
from litmine.nn.hugging_face_folder import DEFAULT_OVERLAP, describe_plain_bert
from litmine.nn.references import SETTINGS_FILE, folder_digest, is_litmine_model, read_settings
from litmine.nn.trunk_folder import TrunkLink, TrunkSettings, find_trunk
from litmine.settings import check_types
from litmine.tasks.ner.type_rules import PERSON, SPECIES
from litmine.text.tags import TagSet

# The `task` in a tagger's `litmine.json`; the oldest models have none. Models of another task may be taggers too.
TASK = "ner"

# How logits become labels; the number is part of a model's digest and increases whenever the same weights would give
# other entities. PER_WORD: each word independently. CRF: the best label sequence of each head. PER_WORD_FULL_WINDOWS:
# each word independently, in windows of full size only, for the oldest models.
PER_WORD_FULL_WINDOWS, CRF, PER_WORD = 1, 2, 3
# The rules that correct the mentions of a text: MENTION_RULES are those of `litmine.tasks.ner.mention_rules`, and
# TYPE_RULES also those between types (`litmine.tasks.ner.type_rules`). The number is part of a model's digest and
# increases whenever the rules would give other entities. Models without the setting have NO_RULES.
NO_RULES, MENTION_RULES, TYPE_RULES = 0, 2, 5
_KNOWN_RULES = (NO_RULES, MENTION_RULES, TYPE_RULES)


@dataclass(frozen=True, slots=True)
class Head:
    """One classifier over the words: its labels (O, B, I), and the corpora, that is, the guideline, it learnt from.

    `annotate` uses the `default` heads, one for each entity type. An evaluation uses a `judged` head in place of the
    default one of its type: the shared head of a type on corpora from which the default one did not learn, and a
    separate one on its own corpora.
    """

    name: str
    labels: tuple[str, ...]
    default: bool = True
    corpora: tuple[str, ...] = ()
    judged: bool = False


@dataclass(frozen=True, slots=True)
class TaggerSettings:
    """The settings of a tagger: its heads in the order of the logits, and window and overlap in tokens.

    `window` includes the special tokens; `overlap` is the minimum overlap of two windows of a text. `decoding` is
    PER_WORD, CRF or PER_WORD_FULL_WINDOWS, and `rules` is NO_RULES, MENTION_RULES or TYPE_RULES. `trunk` names the
    shared lower layers of a model without an encoder of its own; window and overlap are then the trunk's. `task` is
    the task that loads the model.
    """

    name: str
    heads: tuple[Head, ...]
    window: int
    overlap: int
    decoding: int = PER_WORD
    trunk: TrunkLink | None = None
    rules: int = NO_RULES
    task: str = TASK

    def save(self, folder: Path) -> None:
        """Write `litmine.json`."""
        omitted = {"task", *({"trunk"} if self.trunk is None else {"window", "overlap"})}
        if self.rules == NO_RULES:
            omitted.add("rules")
        stored = {"task": self.task} | {name: value for name, value in asdict(self).items() if name not in omitted}
        text = json.dumps(stored, indent=2, ensure_ascii=False)
        (folder / SETTINGS_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "TaggerSettings":
        """Read `litmine.json`. Raises ModelError when it is not valid or needs another version of litmine."""
        try:
            read = read_settings(folder)
            heads = tuple(
                Head(**{**head, "labels": tuple(head["labels"]), "corpora": tuple(head["corpora"])})
                for head in read.pop("heads")
            )
            trunk = TrunkLink.from_settings(read)
            if trunk is not None:
                trunk_settings = TrunkSettings.load(find_trunk(folder, trunk))
                read |= {"trunk": trunk, "window": trunk_settings.window, "overlap": trunk_settings.overlap}
            settings = cls(heads=heads, **read)
            check_types(settings)
            if not any(head.default for head in heads):
                raise ValueError("it has no default head")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise ModelError(
                f"{folder / SETTINGS_FILE} is not a valid settings file ({reason}); train or copy the model again"
            ) from error
        if settings.decoding not in {PER_WORD_FULL_WINDOWS, CRF, PER_WORD}:
            raise ModelError(
                f"the model in {folder} needs decoding version {settings.decoding}, and this litmine supports"
                f" {PER_WORD_FULL_WINDOWS} to {PER_WORD}; install the version of litmine that trained the model"
            )
        if settings.rules not in _KNOWN_RULES:
            raise ModelError(
                f"the model in {folder} needs version {settings.rules} of the rules for mentions, and this litmine"
                f" supports {', '.join(map(str, _KNOWN_RULES))}; set rules to {MENTION_RULES} in its {SETTINGS_FILE},"
                " and it gets another digest"
            )
        if settings.decoding == CRF and any(len(head.labels) != 3 for head in settings.heads):
            raise ModelError(
                f"{folder / SETTINGS_FILE} sets CRF decoding for heads without exactly three labels (O, B, I); train or"
                " copy the model again"
            )
        return settings


def default_heads(settings: TaggerSettings) -> list[Head]:
    """The heads that `annotate` uses."""
    return [head for head in settings.heads if head.default]


def used_heads(settings: TaggerSettings) -> list[Head]:
    """The default heads, and those that only evaluations use, in the order of the settings."""
    return [head for head in settings.heads if head.default or head.judged]


def tagger_digest(folder: Path, settings: TaggerSettings, heads: Sequence[Head]) -> str:
    """The digest of weights, tokenizer or trunk, the labels of the heads in use, window, overlap, decoding and rules.

    Raises ValueError when the folder has no weights.
    """
    labels = [[head.name, head.labels] for head in heads]
    trunk = [] if settings.trunk is None else settings.trunk.digest_parts
    # Models from before the rules keep their digest.
    rules = [] if settings.rules == NO_RULES else [{"rules": settings.rules}]
    return folder_digest(folder, [labels, settings.window, settings.overlap, settings.decoding, *trunk, *rules])


def identify(folder: Path, name: str) -> str:
    """`name@digest` of the tagger in a folder. Raises ModelError, OSError or ValueError when the folder holds none."""
    settings = _read_settings(folder, name)
    return f"{settings.name}@{tagger_digest(folder, settings, default_heads(settings))}"


def entity_types(folder: Path, name: str) -> tuple[str, ...]:
    """The entity types of the tagger's default heads, sorted. Raises as `identify`."""
    settings = _read_settings(folder, name)
    found = {kind for head in default_heads(settings) for kind in TagSet(head.labels).entity_types}
    return tuple(sorted(found | ({PERSON} if settings.rules == TYPE_RULES and SPECIES in found else set())))


def plain_settings(folder: Path, name: str) -> TaggerSettings:
    """The settings of a Hugging Face token classifier. Raises ValueError when its labels have no names."""
    plain = describe_plain_bert(folder)
    if plain is not None and plain.labels is not None:
        labels, window = plain.labels, plain.window
    else:
        # It imports transformers, which takes seconds.
        from litmine.nn.loading import hugging_face_labels, hugging_face_window

        labels, window = hugging_face_labels(folder), hugging_face_window(folder)
    if all(label.startswith("LABEL_") for label in labels):
        raise ValueError("its labels have numbers instead of names; name them in id2label of its config.json")
    return TaggerSettings(name, (Head("labels", labels),), window, min(DEFAULT_OVERLAP, window // 4))


def _read_settings(folder: Path, name: str) -> TaggerSettings:
    return TaggerSettings.load(folder) if is_litmine_model(folder) else plain_settings(folder, name)
