"""One pass of a trunk serves the tops of all models on it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from litmine.nn.batches import TextRow, TokenRow
from litmine.nn.engine import Engine, Top, check_finite
from litmine.nn.failure_isolation import FailedItem
from litmine.nn.hidden_states import HiddenStates
from litmine.nn.trunk import Trunk
from litmine.tasks.registry import load_model

TEXTS = [
    "An allergy to penicillin can cause an anaphylactic reaction.",
    "",
    "Familial adenomatous polyposis and hypotension. " * 60,
    "aspirin and a disease",
    "\ud800",
    "tumours of no kind",
]


class CountingTrunk:
    """A trunk that counts its passes."""

    def __init__(self, trunk: Trunk) -> None:
        self._trunk, self.passes = trunk, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trunk, name)

    def states(self, row: TokenRow, depth: int | None = None) -> HiddenStates:
        self.passes += 1
        return self._trunk.states(row, depth)


class NormTop:
    """A top that returns the norm of each word's state, and fails on texts with the token `rejected`."""

    name = "norms@0"

    def __init__(self, trunk: Trunk, rejected: int = -1) -> None:
        self._layers, self._rejected = trunk.layers(), rejected

    def begin(self, states: HiddenStates) -> Sequence[Tensor]:
        row = states.row
        assert isinstance(row, TextRow)
        norms = self._layers(states, row.at).norm(dim=1)
        rejected = states.to_device(row.ids[row.at] == self._rejected)
        return [norms.masked_fill(rejected, torch.nan)]

    def collect(self, row: TextRow, found: Sequence[Tensor]) -> list[tuple[int, float]]:
        check_finite(bool(found[0].isfinite().all()))
        return list(zip(row.text.tolist(), found[0].tolist(), strict=True))

    def join(
        self, parts: Sequence[list[tuple[int, float]]], failed: Mapping[int, FailedItem], texts: int
    ) -> list[list[float] | FailedItem]:
        rows = [pair for part in parts for pair in part]
        return [failed.get(i) or [norm for text, norm in rows if text == i] for i in range(texts)]


@pytest.fixture(params=["tiny_model", "bert_classifier", "roberta_classifier"])
def folder(request: pytest.FixtureRequest) -> Path:
    return Path(request.getfixturevalue(request.param))


@pytest.mark.parametrize("batch_tokens", [1, 200, 4096])
def test_two_tops_share_one_pass(folder: Path, batch_tokens: int) -> None:
    tagger = load_model(str(folder), precision="float32")

    def label(*tops: Top) -> tuple[list[Any], int]:
        trunk: Any = CountingTrunk(tagger.trunk)
        engine = Engine(trunk, tops, batch_tokens)
        read = engine.read(TEXTS)
        assert [isinstance(one, FailedItem) for one in read] == [text == "\ud800" for text in TEXTS]
        return engine.label(read), trunk.passes

    norms = NormTop(tagger.trunk)
    (output,), alone = label(tagger.top)
    (theirs,), other = label(norms)
    (ours, both_norms), both = label(tagger.top, norms)
    assert alone == other == both > 0
    assert both_norms == theirs
    assert [len(one) for one in theirs if not isinstance(one, FailedItem)] == [
        len(one) for one in tagger.read(TEXTS) if not isinstance(one, FailedItem)
    ]
    words = tagger.read(TEXTS)
    found, expected = (tagger.decode(TEXTS, words, one) for one in (ours, output))
    assert found == expected
    assert any(found)


def test_a_text_that_fails_in_one_top_fails_in_all(tiny_model: Path) -> None:
    tagger = load_model(str(tiny_model), precision="float32")
    (words,) = tagger.read(["disease"])
    assert not isinstance(words, FailedItem)
    failing_top = NormTop(tagger.trunk, int(words.ids[0]))
    engine = Engine(tagger.trunk, [tagger.top, failing_top], 4096)
    read = engine.read(TEXTS)
    output, norms = engine.label(read)
    expected = tagger.decode(TEXTS, read, tagger.label(read))
    found = tagger.decode(TEXTS, read, output)
    failed = [3, 4]
    assert [i for i, one in enumerate(norms) if isinstance(one, FailedItem)] == failed
    assert [i for i, one in enumerate(found) if isinstance(one, FailedItem)] == failed
    assert found[3] == norms[3] == FailedItem("ModelError: the model's output is not a number")
    assert [one for i, one in enumerate(found) if i not in failed] == [
        one for i, one in enumerate(expected) if i not in failed
    ]


def test_no_texts(tiny_model: Path) -> None:
    tagger = load_model(str(tiny_model), precision="float32")
    output, norms = Engine(tagger.trunk, [tagger.top, NormTop(tagger.trunk)]).label([])
    assert norms == []
    assert output.failed == {}
    assert len(output.candidates.text) == 0
