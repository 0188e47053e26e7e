"""A graphed encoder computes the same as the encoder, whatever the padding. Recording itself needs a GPU."""

import pytest
import torch
from torch import Tensor, nn

from litmine.nn.encoder import BertEncoder
from litmine.training.cuda_graphs import GraphedEncoder, use_cuda_graphs


@pytest.fixture
def encoder() -> BertEncoder:
    from transformers import BertConfig

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
def test_padding_does_not_change_the_output_or_the_gradients(encoder: BertEncoder, texts: int, tokens: int) -> None:
    ids = torch.randint(50, (texts, tokens))
    mask = torch.arange(tokens) < torch.randint(1, tokens + 1, (texts, 1))
    types = torch.randint(2, ids.shape)
    graphed = GraphedEncoder(encoder, lambda module, _inputs: module)
    for arguments in ({"attention_mask": mask}, {"attention_mask": mask, "token_type_ids": types}):
        actual, expected = graphed(ids, **arguments).last_hidden_state, encoder(ids, **arguments).last_hidden_state
        assert actual.shape == expected.shape
        torch.testing.assert_close(actual[mask], expected[mask], atol=1e-5, rtol=1e-5)
        gradients = [
            torch.autograd.grad(output[mask].square().sum(), list(encoder.parameters()))
            for output in (actual, expected)
        ]
        for ours, theirs in zip(*gradients, strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_each_shape_is_recorded_once(encoder: BertEncoder) -> None:
    recorded: list[tuple[int, ...]] = []

    def record(module: nn.Module, inputs: tuple[Tensor, ...]) -> nn.Module:
        recorded.append(tuple(inputs[0].shape))
        assert {id(p) for p in module.parameters()} == {id(p) for p in encoder.parameters()}
        return module

    graphed = GraphedEncoder(encoder, record)
    for texts, tokens in [(5, 20), (6, 32), (5, 33), (7, 20), (6, 1)]:
        graphed(torch.ones(texts, tokens, dtype=torch.int64))
    assert recorded == [(6, 32), (6, 64), (8, 32)]


def test_no_graphs_are_used_on_a_cpu(encoder: BertEncoder) -> None:
    with use_cuda_graphs(encoder):
        assert "forward" not in vars(encoder)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_gradients_are_the_same_on_a_gpu(encoder: BertEncoder) -> None:
    encoder.cuda().train().requires_grad_()
    ids = torch.randint(50, (5, 20), device="cuda")
    expected = torch.autograd.grad(encoder.eval()(ids).last_hidden_state.square().sum(), list(encoder.parameters()))
    with use_cuda_graphs(encoder):
        for module in encoder.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        actual = torch.autograd.grad(encoder.train()(ids).last_hidden_state.square().sum(), list(encoder.parameters()))
    for ours, theirs in zip(actual, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=1e-3)
