"""Models that are rules: a function of a text, without weights."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RuleModel:
    """A model that applies `find` to each text: a `litmine.tasks.contract.StepModel` without a network."""

    name: str
    find: Callable[[str], Any]

    def decode(self, items: Sequence[str], _read: Sequence[Any], _labels: Any, _inputs: Sequence[Any]) -> list[Any]:
        """What the rules find in each text."""
        return [self.find(text) for text in items]


def rules_name(name: str, task: str, version: int) -> str:
    """`name@digest` of rules. `version` increases whenever the rules would find something else in the same text."""
    return f"{name}@{hashlib.sha256(json.dumps([task, version]).encode()).hexdigest()[:12]}"
