"""What a GPU records by shape is what the encoder computes, whatever is padded; the recording itself needs a GPU."""

import pytest
import torch
from torch import Tensor, nn
from transformers import BertConfig

from litmine.nn.encoder import BertEncoder
from litmine.training.cuda_graphs import Graphs, graphed


@pytest.fixture
def encoder() -> BertEncoder:
    torch.manual_seed(0)
    return BertEncoder(
        BertConfig(
            vocab_size=50,
            hidden_size=8,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=16,
            max_position_embeddings=96,
        )
    ).eval()


@pytest.mark.parametrize("texts", [1, 2, 3, 5, 6, 7, 13])
@pytest.mark.parametrize("tokens", [1, 31, 32, 33])
def test_padding_changes_nothing(encoder: BertEncoder, texts: int, tokens: int) -> None:
    ids = torch.randint(50, (texts, tokens))
    mask = torch.arange(tokens) < torch.randint(1, tokens + 1, (texts, 1))
    types = torch.randint(2, ids.shape)
    played = Graphs(encoder, lambda module, _given: module)
    for given in ({"attention_mask": mask}, {"attention_mask": mask, "token_type_ids": types}):
        found, expected = played(ids, **given).last_hidden_state, encoder(ids, **given).last_hidden_state
        assert found.shape == expected.shape
        torch.testing.assert_close(found[mask], expected[mask], atol=1e-5, rtol=1e-5)
        gradients = [
            torch.autograd.grad(one[mask].square().sum(), list(encoder.parameters())) for one in (found, expected)
        ]
        for ours, theirs in zip(*gradients, strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_each_shape_is_recorded_once(encoder: BertEncoder) -> None:
    recorded: list[tuple[int, ...]] = []

    def record(module: nn.Module, given: tuple[Tensor, ...]) -> nn.Module:
        recorded.append(tuple(given[0].shape))
        assert {id(one) for one in module.parameters()} == {id(one) for one in encoder.parameters()}
        return module

    played = Graphs(encoder, record)
    for texts, tokens in [(5, 20), (6, 32), (5, 33), (7, 20), (6, 1)]:
        played(torch.ones(texts, tokens, dtype=torch.int64))
    assert recorded == [(6, 32), (6, 64), (8, 32)]


def test_a_cpu_records_nothing(encoder: BertEncoder) -> None:
    with graphed(encoder):
        assert "forward" not in vars(encoder)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_learns_the_same(encoder: BertEncoder) -> None:
    encoder.cuda().train().requires_grad_()
    ids = torch.randint(50, (5, 20), device="cuda")
    expected = torch.autograd.grad(encoder.eval()(ids).last_hidden_state.square().sum(), list(encoder.parameters()))
    with graphed(encoder):
        for module in encoder.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        found = torch.autograd.grad(encoder.train()(ids).last_hidden_state.square().sum(), list(encoder.parameters()))
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=1e-3)
