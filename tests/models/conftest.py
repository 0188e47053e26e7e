"""Tiny networks with random weights: taggers and readers, plain Hugging Face ones, and ours that know no context."""

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
    BertForQuestionAnswering,
    BertForTokenClassification,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForQuestionAnswering,
    RobertaForTokenClassification,
)
from transformers.utils import logging

from litmine.nn.loading import read_tokenizer
from litmine.tasks.ner.folder import save_folder
from litmine.tasks.ner.network import MultiHeadNetwork
from litmine.tasks.ner.settings import CHAINED, Head, Settings
from litmine.tasks.qa.folder import save_reader
from litmine.tasks.qa.network import SpanNetwork
from litmine.tasks.qa.settings import ReaderSettings

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
def byte_level() -> Tokenizer:
    """A byte-level vocabulary as RoBERTa's."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = BpeTrainer(vocab_size=300, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(["An allergy to penicillin can cause an anaphylactic reaction."], trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer


@pytest.fixture(scope="session")
def roberta_classifier(tmp_path_factory: pytest.TempPathFactory, byte_level: Tokenizer) -> Path:
    """A RobertaForTokenClassification with untyped labels over a byte-level vocabulary."""
    torch.manual_seed(2)
    config = RobertaConfig(
        vocab_size=byte_level.get_vocab_size(),
        max_position_embeddings=66,
        pad_token_id=1,
        **SMALL,
        **names(UNTYPED),
    )
    folder = tmp_path_factory.mktemp("models") / "roberta-classifier"
    return save_classifier(
        RobertaForTokenClassification(config), byte_level, folder, pad_token="<pad>", unk_token="<unk>"
    )


@pytest.fixture(scope="session")
def make_contextless(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Callable[[int, int, int], Path]:
    """`make_contextless(window, overlap, decoding)`: no layers, no positions, so logits that depend on the word alone.

    Its weights are the same whatever the window, so long texts must give the same in windows of any size.
    """

    def make(window: int, overlap: int, decoding: int) -> Path:
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
        network = MultiHeadNetwork(config, 6, chained=decoding == CHAINED)
        with torch.no_grad():
            network.encoder.embeddings.position_embeddings.weight.zero_()
            network.heads.weight.normal_(0, 2)
            if network.chain is not None:
                network.chain.weight.normal_(0, 0.05)
        folder = tmp_path_factory.mktemp("models") / "contextless"
        save_folder(folder, network, tokenizer, Settings("contextless", heads, window, overlap, decoding))
        return folder

    return make


def tiny_config(tokenizer: Tokenizer, layers: int) -> BertConfig:
    """Of a reader: windows of up to 4096 tokens."""
    return BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=4096,
    )


MakeReader = Callable[..., Path]


@pytest.fixture(scope="session")
def make_reader(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> MakeReader:
    """`make_reader(layers=1, int8=False, **settings)`: a reader with a yes/no head and spread out logits.

    Without layers it has no positions either, and its scores depend on the word alone. Its weights are the same
    whatever the settings.
    """

    def make(layers: int = 1, int8: bool = False, **settings: Any) -> Path:
        torch.manual_seed(5)
        tokenizer = read_tokenizer(tiny_base)
        network = SpanNetwork(tiny_config(tokenizer, layers), yes_no=True)
        with torch.no_grad():
            if not layers:
                network.encoder.embeddings.position_embeddings.weight.zero_()
            network.span.weight.normal_(0, 1)
        folder = tmp_path_factory.mktemp("models") / "reader"
        given = {"window": 64, "overlap": 16, "least": 0.0, "yes_no": True} | settings
        save_reader(folder, network, tokenizer, ReaderSettings("reader", **given), int8)
        return folder

    return make


@pytest.fixture(scope="session")
def reader_folder(make_reader: MakeReader) -> Path:
    """A reader of ours with windows of 64 tokens. To be copied, not changed."""
    return make_reader()


def save_answerer(answerer: Any, tokenizer: Tokenizer, folder: Path, inputs: Sequence[str], **special: str) -> Path:
    """A plain question answerer with spread out logits, which takes these inputs beside the ids."""
    with torch.no_grad():
        answerer.qa_outputs.weight.normal_(0, 2)
    logging.disable_progress_bar()
    answerer.save_pretrained(folder)
    names = {"model_input_names": ["input_ids", "attention_mask", *inputs]}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **names, **special).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def bert_answerer(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Path:
    """A BertForQuestionAnswering with a window of 64 tokens."""
    torch.manual_seed(6)
    tokenizer = read_tokenizer(tiny_base)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    folder = tmp_path_factory.mktemp("models") / "bert-answerer"
    return save_answerer(
        BertForQuestionAnswering(config), tokenizer, folder, ["token_type_ids"], pad_token="[PAD]", unk_token="[UNK]"
    )


@pytest.fixture(scope="session")
def roberta_answerer(tmp_path_factory: pytest.TempPathFactory, byte_level: Tokenizer) -> Path:
    """A RobertaForQuestionAnswering with a window of 64 tokens over a byte-level vocabulary."""
    torch.manual_seed(7)
    config = RobertaConfig(
        vocab_size=byte_level.get_vocab_size(),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=66,
        pad_token_id=1,
        type_vocab_size=1,
    )
    folder = tmp_path_factory.mktemp("models") / "roberta-answerer"
    return save_answerer(
        RobertaForQuestionAnswering(config), byte_level, folder, [], pad_token="<pad>", unk_token="<unk>"
    )
