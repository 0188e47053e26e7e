"""Inputs of the throughput benchmark: a lake of copied abstracts, and BERT models with random weights."""

from datetime import UTC, datetime
from pathlib import Path

import torch

from litmine import Lake
from litmine.nn.references import BUILTIN_TRUNK, builtin_folder
from litmine.types import Article, SourceRecord

# Bias for O. Without it, a random classifier would mark most words; with it, about as many as real models mark.
OUTSIDE = 1.2


def make_copied_lake(place: Path, abstracts: Path, count: int, part_size: int) -> None:
    """Create a lake of `count` articles with abstracts; copies have their own PMIDs and a numbered last sentence."""
    now = datetime.now(UTC)
    articles = articles_with_abstracts(abstracts)
    chosen = (articles[i % len(articles)] for i in range(count))
    Lake.create(place).add(
        (_numbered(article, i, now) for i, article in enumerate(chosen)), source="benchmark", part_size=part_size
    )


def articles_with_abstracts(place: Path) -> list[Article]:
    """The articles of PubMed XML or JSON lines that have an abstract, each PMID once."""
    # This imports lxml, which a machine with a ready lake may lack.
    from litmine.sources.files import find_files, read_file

    now = datetime.now(UTC)
    found: dict[int, Article] = {}
    for file in find_files([place]):
        for observed in read_file(file, now):
            if isinstance(observed, SourceRecord) and isinstance(observed.record, Article) and observed.record.abstract:
                found.setdefault(observed.record.pmid, observed.record)
    return list(found.values())


def _numbered(article: Article, number: int, now: datetime) -> SourceRecord:
    return SourceRecord(Article(number + 1, article.title, f"{article.abstract} Copy {number}."), now)


# One narrow layer costs almost nothing, so that what remains is the cost of litmine without the network.
THIN = {"num_hidden_layers": 1, "hidden_size": 64, "num_attention_heads": 2, "intermediate_size": 64}


def random_bert(folder: Path, **shape: int) -> Path:
    """Save a BERT-base, or one of another shape, with random weights and the built-in model's vocabulary."""
    # Processes that share a GPU import this module too, but not for this function.
    from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

    torch.manual_seed(0)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(builtin_folder(BUILTIN_TRUNK) / "tokenizer.json"), model_max_length=512, pad_token="[PAD]"
    )
    labels = {0: "O", 1: "B-Disease", 2: "I-Disease"}
    config = BertConfig(vocab_size=len(tokenizer), id2label=labels, label2id={v: k for k, v in labels.items()})
    config.update(shape)
    classifier = BertForTokenClassification(config)
    with torch.no_grad():
        classifier.classifier.bias[0] = OUTSIDE
    classifier.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
