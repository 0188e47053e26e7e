"""The settings of a classifier on a shared trunk: its schemes in `litmine.json`, and its identity.

Nothing here reads the weights, so that models can be listed quickly.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from litmine.errors import ModelError
from litmine.nn.references import SETTINGS_FILE, folder_digest, read_settings
from litmine.nn.trunk_folder import TrunkLink, find_trunk
from litmine.tasks.classification.found import ROWS_VERSION

# The `task` in the `litmine.json`.
TASK = "classification"
# The kind of a model on a shared trunk.
SHARED_TOP = "top"
# What a scheme labels.
TEXT, SENTENCE = "text", "sentence"
# Each text gets exactly one of the labels, or each label is judged by itself.
ONE, SEVERAL = "one", "several"


@dataclass(frozen=True, slots=True)
class Scheme:
    """A set of labels for texts or for sentences.

    unit: `text` or `sentence`, what is labelled. choice: `one` label for each, or `several`, each judged by itself.
    queries: number of attention queries that pool the words. scale, shifts (labels,): the calibrated logit of a label
    is `scale * logit + shift`. thresholds (labels,): with `several`, the least probability of a label that is stored;
    with `one`, the label with the greatest ratio of probability and threshold is chosen. evidence: number of sentences
    that are stored as evidence for the label of a text. every: store all labels with their scores, not only chosen
    ones.
    """

    name: str
    labels: tuple[str, ...]
    unit: str = TEXT
    choice: str = ONE
    queries: int = 2
    scale: float = 1.0
    shifts: tuple[float, ...] = ()
    thresholds: tuple[float, ...] = ()
    evidence: int = 0
    every: bool = False

    def __post_init__(self) -> None:
        if self.unit not in {TEXT, SENTENCE} or self.choice not in {ONE, SEVERAL}:
            raise ValueError(f"{self.name}: unit is {TEXT} or {SENTENCE}, and choice {ONE} or {SEVERAL}")
        if not self.labels or len(set(self.labels)) < len(self.labels) or self.queries < 1 or self.scale <= 0:
            raise ValueError(f"{self.name}: labels must differ, queries must be 1 or more, and scale above 0")
        for values in (self.shifts, self.thresholds):
            if values and len(values) != len(self.labels):
                raise ValueError(f"{self.name} has {len(self.labels)} labels, and {len(values)} shifts or thresholds")

    @property
    def outputs(self) -> int:
        """Number of the network's outputs for a word: for each query its weight, then its vote for each label."""
        return self.queries * (1 + len(self.labels))

    @property
    def needs_sentences(self) -> bool:
        """Whether the sentences of a text matter, beside the text as a whole."""
        return self.unit == SENTENCE or self.evidence > 0


@dataclass(frozen=True, slots=True)
class ClassifierSettings:
    """The settings of a classifier: its schemes, in the order of the network's outputs, and its trunk."""

    name: str
    schemes: tuple[Scheme, ...]
    trunk: TrunkLink
    kind: str = SHARED_TOP
    rows: int = ROWS_VERSION

    @property
    def outputs(self) -> int:
        """Number of the network's outputs for a word."""
        return sum(one.outputs for one in self.schemes)

    def first_output(self, scheme: Scheme) -> int:
        """The number of the scheme's first output."""
        return sum(one.outputs for one in self.schemes[: self.schemes.index(scheme)])

    def scheme(self, name: str) -> Scheme:
        """The scheme with this name. Raises ModelError when there is none."""
        for one in self.schemes:
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.schemes)
        raise ModelError(f"{self.name} has no scheme {name!r}; it has {known}")

    def save(self, folder: Path) -> None:
        """Write `litmine.json`."""
        text = json.dumps({"task": TASK, **asdict(self)}, indent=2, ensure_ascii=False)
        (folder / SETTINGS_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "ClassifierSettings":
        """Read `litmine.json`. Raises ModelError when it is not valid or needs another version of litmine."""
        try:
            read = read_settings(folder)
            read.pop("task", None)
            trunk = TrunkLink.from_settings(read)
            if trunk is None:
                raise ValueError("it names no trunk")
            schemes = tuple(_scheme(one) for one in read.pop("schemes"))
            settings = cls(schemes=schemes, **{**read, "trunk": trunk})
            if not schemes or len({one.name for one in schemes}) < len(schemes):
                raise ValueError("it needs schemes with different names")
        except (ValueError, KeyError, TypeError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise ModelError(
                f"{folder / SETTINGS_FILE} is not a valid settings file ({reason}); train or copy the model again"
            ) from error
        if settings.rows != ROWS_VERSION:
            raise ModelError(
                f"the model in {folder} needs version {settings.rows} of the labels, and this litmine supports"
                f" {ROWS_VERSION}; install the version of litmine that trained the model"
            )
        return settings


def _scheme(read: Mapping[str, Any]) -> Scheme:
    lists = {key: tuple(read[key]) for key in ("labels", "shifts", "thresholds") if key in read}
    return Scheme(**{**read, **lists})


def classifier_digest(folder: Path, settings: ClassifierSettings, schemes: Sequence[Scheme]) -> str:
    """The digest of weights, trunk and the schemes in use. Raises ValueError when the folder has no weights."""
    return folder_digest(folder, [[asdict(one) for one in schemes], settings.rows, *settings.trunk.digest_parts])


def identify_top(folder: Path) -> str:
    """`name@digest` of the classifier in a folder. Raises ModelError, OSError or ValueError when it holds none."""
    settings = ClassifierSettings.load(folder)
    find_trunk(folder, settings.trunk)
    return f"{settings.name}@{classifier_digest(folder, settings, settings.schemes)}"
