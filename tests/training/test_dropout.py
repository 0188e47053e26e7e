"""Dropout from random bytes: its rate and scale, repeatability, and where it applies."""

import pytest
import torch
from torch import nn

from litmine.training.dropout import ByteDropout, RandomBytes, set_dropout


def test_values_are_dropped_at_the_rate_and_the_mean_stays() -> None:
    dropout = ByteDropout(0.25, RandomBytes())
    values = dropout(torch.ones(100_000))
    assert values.unique().tolist() == pytest.approx([0, 256 / 192])
    assert abs((values == 0).float().mean() - 0.25) < 0.01
    assert abs(values.mean() - 1) < 0.01


def test_a_seed_repeats_the_dropped_values() -> None:
    source = RandomBytes()
    dropout = ByteDropout(0.5, source)

    def dropped(seed: int) -> list[float]:
        source.seed(seed)
        return [*dropout(torch.ones(64)).tolist(), *dropout(torch.ones(64)).tolist()]

    assert dropped(1) == dropped(1) != dropped(2)


def test_evaluation_and_rate_zero_leave_values_unchanged() -> None:
    values = torch.randn(64)
    assert ByteDropout(0.5, RandomBytes()).eval()(values) is values
    assert ByteDropout(0.0, RandomBytes())(values) is values


def test_every_dropout_of_an_encoder_is_replaced_except_in_attention() -> None:
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=10, hidden_size=8, num_hidden_layers=2, num_attention_heads=1, intermediate_size=8,
        hidden_dropout_prob=0.3, attention_probs_dropout_prob=0.3,
    )  # fmt: skip
    encoder = BertModel(config)
    set_dropout(encoder, 0.5, torch.device("cpu"))
    plain = {name: module.p for name, module in encoder.named_modules() if isinstance(module, nn.Dropout)}
    assert set(plain.values()) == {0.0}
    assert all(name.endswith("attention.self.dropout") for name in plain)
    # One after the embeddings, and two in each layer: after attention and after the feed-forward part.
    assert sum(isinstance(module, ByteDropout) for module in encoder.modules()) == 1 + 2 * 2
