"""Packed rows without padding give the same results as padded batches."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from litmine.nn import kernels_cpu, kernels_gpu
from litmine.nn.devices import bfloat16_is_fast
from litmine.nn.encoder import BertEncoder, PackedEncoder
from litmine.nn.kernel_selection import KernelCheck, fastest_kernels, select_cpu_kernels
from litmine.nn.kernels import PLAIN, WindowBounds
from litmine.tasks.ner.folder import load_folder
from litmine.tasks.ner.tagger import Tagger
from litmine.tasks.qa.network import SpanLogits
from litmine.tasks.qa.reader import Reader
from litmine.tasks.registry import load_reader

LONGEST = 40


@pytest.fixture(scope="module")
def encoder() -> BertEncoder:
    from transformers import BertConfig

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=40,
        max_position_embeddings=LONGEST,
    )
    encoder = BertEncoder(config).eval()
    for weight in encoder.parameters():
        weight.data.normal_(0, 0.3)
    return encoder


KERNELS = {"plain": PLAIN, "float32": kernels_cpu.FLOAT32, "bf16": kernels_cpu.BF16}


@pytest.mark.parametrize("kernels", KERNELS)
@torch.inference_mode()
@given(lengths=st.lists(st.integers(1, LONGEST), min_size=1, max_size=8), seed=st.integers(0, 99))
def test_windows_of_any_length(encoder: BertEncoder, kernels: str, lengths: list[int], seed: int) -> None:
    torch.manual_seed(seed)
    inside = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    ids = torch.randint(50, inside.shape)
    places = torch.arange(max(lengths)).expand(inside.shape)[inside]
    edges = torch.tensor([0, *lengths]).cumsum(0).to(torch.int32)
    asked = torch.randint(sum(lengths), (1 + seed % 9,))
    types = torch.randint(2, inside.shape)
    packed = PackedEncoder(encoder, KERNELS[kernels])
    bounds = WindowBounds(lengths, edges, LONGEST)
    for own, packed_types in ((None, None), (types, types[inside])):
        expected = encoder(ids, inside, own).last_hidden_state[inside]
        found = packed(ids[inside], places, bounds, asked, packed_types)
        torch.testing.assert_close(found, expected[asked], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(packed(ids[inside], places, bounds, None, types[inside]), expected, atol=1e-5, rtol=1e-5)


@pytest.fixture(params=KERNELS)
def packing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models loaded in this test pack their texts with these kernels."""
    monkeypatch.setattr("litmine.nn.trunk.fastest_kernels", lambda *_: KERNELS[request.param])


TEXTS = [
    "",
    "penicillin",
    "An allergy to penicillin can cause an anaphylactic reaction. " * 30,
    "Familial adenomatous polyposis and hypotension.",
    "aspirin " * 70,
]


@pytest.mark.parametrize("batch_tokens", [1, 100, 300, 65_536])
@pytest.mark.parametrize("model", ["tiny_model", "bert_classifier", "contextless"])
@pytest.mark.usefixtures("packing")
def test_the_same_entities(
    model: str, batch_tokens: int, request: pytest.FixtureRequest, make_contextless: Any, monkeypatch: Any
) -> None:
    folder = make_contextless(16, 4, 2) if model == "contextless" else request.getfixturevalue(model)
    packed = load(folder, batch_tokens)
    monkeypatch.setattr("litmine.nn.trunk.fastest_kernels", lambda *_: None)
    padded = load(folder, None)
    assert (packed.packs, padded.packs) == (True, False)
    found, expected = packed.annotate(TEXTS), padded.annotate(TEXTS)
    assert found == expected
    assert any(expected)
    scores = [[entity.score for entities in of for entity in entities] for of in (found, expected)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)


PIECES = st.sampled_from(
    ["penicillin", "allergy", "hypotension", "IL-2", "-", "anaphylactic reaction", "qxjqxjqxj", "β"]
)


@pytest.fixture(scope="module", params=["reader_folder", "bert_answerer"])
def readers(request: pytest.FixtureRequest) -> dict[str, Reader]:
    """The same reader, padded and with each set of kernels."""
    folder, made = request.getfixturevalue(request.param), {}
    for name, kernels in {"padded": None, **KERNELS}.items():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("litmine.nn.trunk.fastest_kernels", lambda *_, kernels=kernels: kernels)
            made[name] = load_reader(str(folder), "cpu", "float32", 300)
        assert made[name].trunk.packs == (kernels is not None)
    return made


@given(texts=st.lists(st.lists(PIECES, max_size=90).map(" ".join), min_size=1, max_size=5))
def test_the_same_answers(readers: dict[str, Reader], texts: list[str]) -> None:
    pairs = [(question, text) for text in texts for question in ("Which allergy?", "Is IL-2 a qxj?")]
    read = readers["padded"].read(pairs)
    expected = readers["padded"].label(read)
    for kernels in KERNELS:
        for ours, theirs in zip(readers[kernels].label(read), expected, strict=True):
            assert isinstance(ours, SpanLogits)
            assert isinstance(theirs, SpanLogits)
            assert ours.start == pytest.approx(theirs.start, abs=1e-4)
            assert ours.end == pytest.approx(theirs.end, abs=1e-4)
            assert ours.null == pytest.approx(theirs.null, abs=1e-4)
            assert (ours.verdict is None) == (theirs.verdict is None)
            if ours.verdict is not None and theirs.verdict is not None:
                assert ours.verdict == pytest.approx(theirs.verdict, abs=1e-4)


@pytest.mark.usefixtures("packing")
def test_other_readers_are_padded(roberta_answerer: Path) -> None:
    assert not load_reader(str(roberta_answerer)).trunk.packs


@pytest.mark.usefixtures("packing")
def test_other_networks_are_padded(roberta_classifier: Path) -> None:
    assert not load(roberta_classifier, None).packs


def test_a_cpu_packs_precisions_that_it_multiplies(bert_classifier: Path) -> None:
    device = torch.device("cpu")
    assert (fastest_kernels(device, torch.bfloat16, 2, 16) is not None) == bfloat16_is_fast(device)
    assert fastest_kernels(device, torch.float16, 2, 16) is None
    assert load(bert_classifier, None).packs


def load(folder: Path, batch_tokens: int | None) -> Tagger:
    return load_folder(folder, "a name", "cpu", "float32", batch_tokens=batch_tokens)


def test_selected_cpu_kernels_agree_with_plain_ones(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    check, fast = KernelCheck(torch.device("cpu"), torch.float32, 2, 16), kernels_cpu.FLOAT32
    assert select_cpu_kernels(check, fast) == fast
    assert select_cpu_kernels(check, replace(fast, attention=lambda query, *_: torch.zeros_like(query))) == PLAIN
    assert "runs more slowly on this CPU, without attention by window length: " in capsys.readouterr().err
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert select_cpu_kernels(check, fast) == replace(PLAIN, attention=fast.attention)
    assert capsys.readouterr().err == ""


def test_a_kernel_that_fails_or_differs_is_not_used(capsys: pytest.CaptureFixture[str]) -> None:
    check = KernelCheck(torch.device("cpu"), torch.bfloat16, 2, 16)

    def failing(*_: object) -> torch.Tensor:
        raise RuntimeError("no kernel image\nis available")

    assert check.agrees("this", PLAIN.add_norm, PLAIN.add_norm, check.add_norm)
    assert check.product_agrees("GELU by tanh", kernels_gpu.product_gelu, PLAIN.product_gelu)
    assert capsys.readouterr().err == ""
    assert not check.agrees("that", failing, PLAIN.attention, check.attention)
    assert not check.agrees("it", lambda inner, *_: inner, PLAIN.add_norm, check.add_norm)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("litmine runs more slowly on this CPU, without that: RuntimeError: no kernel image is")
    assert "litmine runs more slowly on this CPU, without it: its error is " in second
