"""A bad text costs only itself; a model that fails on every text is an error."""

import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import ModelError
from litmine.nn.failure_isolation import FailedItem, isolate_failures
from litmine.nn.loading import read_tokenizer
from litmine.tasks.ner.tagger import Tagger
from litmine.tasks.registry import load_model
from litmine.types import Entity

EMBEDDINGS = "encoder.embeddings.word_embeddings.weight"
Rewrite = Callable[[Path, Callable[[dict[str, torch.Tensor]], None]], None]


@given(st.lists(st.booleans()))
def test_only_the_poisoned_items_fail(poisoned: list[bool]) -> None:
    def compute(items: Sequence[int]) -> list[int]:
        if any(poisoned[i] for i in items):
            raise ValueError("poison")
        return [i * i for i in items]

    results = isolate_failures(compute, range(len(poisoned)), lambda: None)
    assert results == [FailedItem("ValueError: poison") if bad else i * i for i, bad in enumerate(poisoned)]


def test_few_computations_find_one_poisoned_item_in_many() -> None:
    calls = 0

    def compute(items: Sequence[int]) -> list[int]:
        nonlocal calls
        calls += 1
        if 700 in items:
            raise ValueError("poison")
        return list(items)

    results = isolate_failures(compute, range(1024), lambda: None)
    assert [i for i, result in enumerate(results) if isinstance(result, FailedItem)] == [700]
    assert calls == 21


def test_a_broken_device_is_noticed_at_the_first_item() -> None:
    calls = 0

    def compute(_: Sequence[int]) -> list[int]:
        nonlocal calls
        calls += 1
        raise RuntimeError("device lost")

    def still_works() -> None:
        raise ModelError("the device is lost")

    with pytest.raises(ModelError, match="the device is lost"):
        isolate_failures(compute, range(1024), still_works)
    assert calls == 11


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError(), "bytes"])
def test_full_memory_is_not_the_fault_of_a_text(error: Exception | str) -> None:
    """Smaller batches may fit; if a single text does not fit, the error is MemoryError."""

    def compute(items: Sequence[int]) -> list[int]:
        if len(items) > room:
            if isinstance(error, Exception):
                raise error
            torch.empty(2**60, dtype=torch.uint8)
        return list(items)

    room = 3
    assert isolate_failures(compute, range(10), lambda: None) == list(range(10))
    room = 0
    with pytest.raises(MemoryError):
        isolate_failures(compute, range(10), lambda: None)


def test_an_interruption_does_not_blame_a_text() -> None:
    def compute(_: Sequence[int]) -> list[int]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        isolate_failures(compute, [1, 2], lambda: None)


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that tests may damage."""
    return Path(shutil.copytree(tiny_model, tmp_path / "spoilt"))


def token_id(folder: Path, token: str) -> int:
    """The token id of a word that is one token."""
    (only,) = read_tokenizer(folder).encode(token, add_special_tokens=False).ids
    return int(only)


def annotate_each(tagger: Tagger, texts: Sequence[str]) -> list[list[Entity] | FailedItem]:
    """Annotate in one batch, as a worker does."""
    words = tagger.read(texts)
    labels = tagger.label(words)
    return tagger.decode(texts, words, labels)


TEXTS = [
    *(f"{word} allergy to penicillin" for word in ("an", "the", "some", "no", "one")),
    "what a disease is",
    *(f"{word} hypotension and tumours" for word in ("an", "the", "some", "no", "one")),
]
POISONED = 5


def not_a_number(folder: Path, token: str) -> Callable[[dict[str, torch.Tensor]], None]:
    def change(weights: dict[str, torch.Tensor]) -> None:
        weights[EMBEDDINGS][token_id(folder, token)] = math.nan

    return change


def test_a_text_whose_output_is_not_a_number_fails_alone(
    tiny_model: Path, copy: Path, rewrite_weights: Rewrite
) -> None:
    rewrite_weights(copy, not_a_number(copy, "disease"))
    spoilt = load_model(str(copy), precision="float32")
    results = annotate_each(spoilt, TEXTS)
    expected = annotate_each(load_model(str(tiny_model), precision="float32"), TEXTS)
    assert results[POISONED] == FailedItem("ModelError: the model's output is not a number")
    assert results[:POISONED] + results[POISONED + 1 :] == expected[:POISONED] + expected[POISONED + 1 :]
    assert any(expected)
    with pytest.raises(ModelError, match=r"tiny@\w+ fails on text 5 .*not a number.*; leave it out"):
        spoilt.annotate(TEXTS)


def test_one_bad_window_fails_its_text_and_no_other(copy: Path, rewrite_weights: Rewrite) -> None:
    rewrite_weights(copy, not_a_number(copy, "disease"))
    long = "an allergy to penicillin . " * 200
    results = annotate_each(load_model(str(copy)), [long, f"{long} disease {long}", long])
    assert [isinstance(result, FailedItem) for result in results] == [False, True, False]


def test_a_token_outside_the_vocabulary_fails_its_text(copy: Path, rewrite_weights: Rewrite) -> None:
    """The check runs before a GPU sees the token, because an index error would break the GPU for the process."""

    def shrink(weights: dict[str, torch.Tensor]) -> None:
        weights[EMBEDDINGS] = weights[EMBEDDINGS][:-1].clone()

    tokenizer = read_tokenizer(copy)
    last = tokenizer.id_to_token(tokenizer.get_vocab_size() - 1)
    config = copy / "config.json"
    size = tokenizer.get_vocab_size()
    config.write_text(config.read_text().replace(f'"vocab_size": {size}', f'"vocab_size": {size - 1}'))
    rewrite_weights(copy, shrink)
    results = annotate_each(load_model(str(copy)), ["an allergy", f"an {last} allergy", "a tumour"])
    assert [isinstance(result, FailedItem) for result in results] == [False, True, False]
    assert isinstance(results[1], FailedItem)
    assert results[1].why == "ModelError: the tokenizer has a token that is not in the model's vocabulary"


def test_a_lone_surrogate_fails_its_text(tiny_model: Path) -> None:
    results = annotate_each(load_model(str(tiny_model)), ["an allergy", "\ud800", "a tumour"])
    assert [isinstance(result, FailedItem) for result in results] == [False, True, False]


@pytest.mark.parametrize("weight", ["heads.bias", "encoder.embeddings.LayerNorm.weight"])
def test_a_model_that_fails_on_everything_is_an_error(copy: Path, rewrite_weights: Rewrite, weight: str) -> None:
    def change(weights: dict[str, torch.Tensor]) -> None:
        weights[weight].fill_(math.nan)

    rewrite_weights(copy, change)
    tagger = load_model(str(copy))
    with pytest.raises(ModelError, match=r"tiny@\w+ fails on every text on cpu: .*not a number"):
        tagger.label(tagger.read(TEXTS))
