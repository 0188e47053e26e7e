"""Tiny networks with random weights: plain Hugging Face token classifiers, and one of ours that knows no context."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import (
    BertConfig,
    BertForTokenClassification,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForTokenClassification,
)
from transformers.utils import logging

from litmine.models.folder import read_tokenizer, save_folder
from litmine.models.heads import Head, Settings
from litmine.models.network import MultiHeadNetwork

TYPED = ("O", "B-Disease", "I-Disease", "B-Chemical", "I-Chemical")
UNTYPED = ("O", "B", "I")

SMALL: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
}  # fmt: skip


def save_classifier(classifier: Any, tokenizer: Tokenizer, folder: Path, **special: str) -> Path:
    """A plain token classifier with spread out logits, so that its labels vary from word to word."""
    with torch.no_grad():
        classifier.classifier.weight.normal_(0, 2)
    logging.disable_progress_bar()
    classifier.save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **special).save_pretrained(folder)
    return folder


def names(labels: Sequence[str]) -> dict[str, Any]:
    """The two ways in which a configuration names its labels."""
    return {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}


@pytest.fixture(scope="session")
def bert_classifier(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Path:
    """A BertForTokenClassification with typed labels and a window of 64 tokens."""
    torch.manual_seed(1)
    tokenizer = read_tokenizer(tiny_base)
    config = BertConfig(vocab_size=tokenizer.get_vocab_size(), **SMALL, **names(TYPED))
    folder = tmp_path_factory.mktemp("models") / "bert-classifier"
    return save_classifier(BertForTokenClassification(config), tokenizer, folder, pad_token="[PAD]", unk_token="[UNK]")


@pytest.fixture(scope="session")
def roberta_classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A RobertaForTokenClassification with untyped labels over a byte-level vocabulary."""
    torch.manual_seed(2)
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = BpeTrainer(vocab_size=300, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(["An allergy to penicillin can cause an anaphylactic reaction."], trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    config = RobertaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        max_position_embeddings=66,
        pad_token_id=1,
        **SMALL,
        **names(UNTYPED),
    )
    folder = tmp_path_factory.mktemp("models") / "roberta-classifier"
    return save_classifier(
        RobertaForTokenClassification(config), tokenizer, folder, pad_token="<pad>", unk_token="<unk>"
    )


@pytest.fixture(scope="session")
def make_contextless(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Callable[[int, int], Path]:
    """`make_contextless(window, overlap)`: a model without layers or positions, whose labels depend on the word alone.

    Its weights are the same whatever the window, so long texts must give the same in windows of any size.
    """

    def make(window: int, overlap: int) -> Path:
        torch.manual_seed(3)
        tokenizer = read_tokenizer(tiny_base)
        heads = tuple(Head(kind, ("O", f"B-{kind}", f"I-{kind}")) for kind in ("Disease", "Chemical"))
        config = BertConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=8,
            num_hidden_layers=0,
            num_attention_heads=1,
            intermediate_size=8,
            max_position_embeddings=4096,
        )
        network = MultiHeadNetwork(config, 6)
        with torch.no_grad():
            network.encoder.embeddings.position_embeddings.weight.zero_()
            network.heads.weight.normal_(0, 2)
        folder = tmp_path_factory.mktemp("models") / "contextless"
        save_folder(folder, network, tokenizer, Settings("contextless", heads, window, overlap))
        return folder

    return make
