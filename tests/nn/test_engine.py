"""One pass of a trunk serves the tops of all models on it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from litmine.nn.batches import Row, TextRow
from litmine.nn.engine import Engine, Top, check_numbers
from litmine.nn.failure_isolation import Failed
from litmine.nn.hidden_states import States
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


class Counting:
    """A trunk that counts its passes."""

    def __init__(self, trunk: Trunk) -> None:
        self._trunk, self.passes = trunk, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trunk, name)

    def states(self, row: Row) -> States:
        self.passes += 1
        return self._trunk.states(row)


class Lengths:
    """A top that asks for something else: the norm of each word's state, and fails at a word that it does not like."""

    name = "lengths@0"

    def __init__(self, trunk: Trunk, disliked: int = -1) -> None:
        self._layers, self._disliked = trunk.layers(), disliked

    def begin(self, states: States) -> Sequence[Tensor]:
        row = states.row
        assert isinstance(row, TextRow)
        norms = self._layers(states, row.at).norm(dim=1)
        disliked = states.sent(row.ids[row.at] == self._disliked)
        return [norms.masked_fill(disliked, torch.nan)]

    def collect(self, row: TextRow, found: Sequence[Tensor]) -> list[tuple[int, float]]:
        check_numbers(bool(found[0].isfinite().all()))
        return list(zip(row.text.tolist(), found[0].tolist(), strict=True))

    def join(
        self, parts: Sequence[list[tuple[int, float]]], failed: Mapping[int, Failed], texts: int
    ) -> list[list[float] | Failed]:
        rows = [pair for part in parts for pair in part]
        return [failed.get(i) or [norm for text, norm in rows if text == i] for i in range(texts)]


@pytest.fixture(params=["tiny_model", "bert_classifier", "roberta_classifier"])
def folder(request: pytest.FixtureRequest) -> Path:
    return Path(request.getfixturevalue(request.param))


@pytest.mark.parametrize("batch_tokens", [1, 200, 4096])
def test_two_tops_share_one_pass(folder: Path, batch_tokens: int) -> None:
    tagger = load_model(str(folder), precision="float32")

    def label(*tops: Top) -> tuple[list[Any], int]:
        trunk: Any = Counting(tagger.trunk)
        engine = Engine(trunk, tops, batch_tokens)
        read = engine.read(TEXTS)
        assert [isinstance(one, Failed) for one in read] == [text == "\ud800" for text in TEXTS]
        return engine.label(read), trunk.passes

    norms = Lengths(tagger.trunk)
    (said,), alone = label(tagger.top)
    (theirs,), other = label(norms)
    (ours, both_norms), both = label(tagger.top, norms)
    assert alone == other == both > 0
    assert both_norms == theirs
    assert [len(one) for one in theirs if not isinstance(one, Failed)] == [
        len(one) for one in tagger.read(TEXTS) if not isinstance(one, Failed)
    ]
    words = tagger.read(TEXTS)
    found, expected = (tagger.decode(TEXTS, words, one) for one in (ours, said))
    assert found == expected
    assert any(found)


def test_a_text_that_one_top_fails_on_fails_for_all_and_no_other_does(tiny_model: Path) -> None:
    tagger = load_model(str(tiny_model), precision="float32")
    (words,) = tagger.read(["disease"])
    assert not isinstance(words, Failed)
    picky = Lengths(tagger.trunk, int(words.ids[0]))
    engine = Engine(tagger.trunk, [tagger.top, picky], 4096)
    read = engine.read(TEXTS)
    said, norms = engine.label(read)
    expected = tagger.decode(TEXTS, read, tagger.label(read))
    found = tagger.decode(TEXTS, read, said)
    failed = [3, 4]
    assert [i for i, one in enumerate(norms) if isinstance(one, Failed)] == failed
    assert [i for i, one in enumerate(found) if isinstance(one, Failed)] == failed
    assert found[3] == norms[3] == Failed("ModelError: the model's output is not a number")
    assert [one for i, one in enumerate(found) if i not in failed] == [
        one for i, one in enumerate(expected) if i not in failed
    ]


def test_nothing_to_read(tiny_model: Path) -> None:
    tagger = load_model(str(tiny_model), precision="float32")
    said, norms = Engine(tagger.trunk, [tagger.top, Lengths(tagger.trunk)]).label([])
    assert norms == []
    assert said.failed == {}
    assert len(said.open.text) == 0
