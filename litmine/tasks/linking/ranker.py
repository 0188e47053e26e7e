"""Rank the candidates of a mention by their features, with a small network, and say how sure the best one is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from litmine.errors import ModelError


@dataclass(frozen=True, slots=True)
class Ranker:
    """A network with one hidden layer beside a linear model; features are scaled to mean 0 and deviation 1.

    features: the names of the features, in the order of the columns. mean, deviation, linear: float64, one number per
    feature. hidden: float64, features x units. hidden_bias, output: one number per unit. slope, certainty, offset: the
    probability that the best candidate is right is `1 / (1 + exp(-z))` with z = slope * log-odds of its share +
    certainty . its scaled features + offset. The share alone does not tell whether any candidate is right.
    """

    features: tuple[str, ...]
    mean: np.ndarray
    deviation: np.ndarray
    linear: np.ndarray
    hidden: np.ndarray
    hidden_bias: np.ndarray
    output: np.ndarray
    certainty: np.ndarray
    slope: float = 1.0
    offset: float = 0.0

    def scores(self, table: np.ndarray) -> np.ndarray:
        """A score for each row of features; only differences between the rows of one mention mean something."""
        scaled = self.scaled(table)
        units = np.maximum(scaled @ self.hidden + self.hidden_bias, 0)
        scores: np.ndarray = scaled @ self.linear + units @ self.output
        return scores

    def shares(self, table: np.ndarray) -> np.ndarray:
        """The scores as shares of the candidates, which sum to 1."""
        scores = self.scores(table)
        weights = np.exp(scores - scores.max())
        shares: np.ndarray = weights / weights.sum()
        return shares

    def best(self, table: np.ndarray) -> tuple[int, float]:
        """The row of the best candidate, and the probability that it is right. `table` has at least one row."""
        shares = self.shares(table)
        row = int(np.argmax(shares))
        sure = self.slope * log_odds(float(shares[row])) + float(self.scaled(table[row]) @ self.certainty) + self.offset
        return row, float(1 / (1 + np.exp(-sure)))

    def scaled(self, table: np.ndarray) -> np.ndarray:
        """Features with mean 0 and deviation 1."""
        scaled: np.ndarray = (table - self.mean) / self.deviation
        return scaled

    def as_json(self) -> dict[str, Any]:
        """The parameters for a JSON file."""
        arrays = {name: np.round(getattr(self, name), 5).tolist() for name in _ARRAYS}
        return {"features": list(self.features), **arrays, "slope": self.slope, "offset": self.offset}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Ranker":
        """Read `as_json`. Raises ValueError, KeyError or TypeError when it is damaged."""
        arrays = {name: np.array(stored[name], dtype=np.float64) for name in _ARRAYS}
        ranker = cls(
            features=tuple(stored["features"]), slope=float(stored["slope"]), offset=float(stored["offset"]), **arrays
        )
        count, units = len(ranker.features), len(ranker.hidden_bias)
        shapes = {"mean": (count,), "deviation": (count,), "linear": (count,), "hidden": (count, units)}
        shapes |= {"hidden_bias": (units,), "output": (units,), "certainty": (count,)}
        wrong = [name for name in _ARRAYS if arrays[name].shape != shapes[name]]
        if wrong:
            raise ValueError(f"{' and '.join(wrong)} of a ranker does not fit its features")
        return ranker


_ARRAYS = ("mean", "deviation", "linear", "hidden", "hidden_bias", "output", "certainty")


def log_odds(share: float) -> float:
    """The logarithm of the odds of a share, within +-10."""
    share = min(max(share, 1e-9), 1 - 1e-9)
    return float(np.clip(np.log(share / (1 - share)), -10, 10))


def save_rankers(rankers: Mapping[str, Ranker], file: Path) -> None:
    """Write rankers by entity type as JSON."""
    stored = {name: ranker.as_json() for name, ranker in sorted(rankers.items())}
    file.write_text(json.dumps(stored) + "\n", encoding="utf-8")


def load_rankers(file: Path) -> dict[str, Ranker]:
    """Read what `save_rankers` wrote. Raises ModelError when the file is damaged."""
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        return {str(name): Ranker.from_json(one) for name, one in stored.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{file} is damaged ({error}); copy or train the linker again") from error
