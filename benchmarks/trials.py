"""A baseline for trial mentions: a bag of the words in a window, with logistic regression on the tags of each word.

    python benchmarks/trials.py EBM-NLP=FOLDER EvidenceOutcomes=FOLDER PICO-sections=FOLDER PICO-Corpus=FOLDER

For each corpus it trains on the train split and prints, for its dev split, micro F1 of exact mentions and mean F1 of
words with 95 % intervals (bootstrap over documents), as `litmine evaluate trials` does. One seed.
"""

import json
import re
import sys
from collections.abc import Sequence
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from litmine.corpora.corpus import Corpus, Passage, open_corpus
from litmine.corpora.registry import registry
from litmine.tasks.ner.confidence import bootstrap
from litmine.tasks.ner.evaluate import Predictions, count_spans, score_counts
from litmine.tasks.trials.word_scores import MACRO, count_words, macro_interval, word_record
from litmine.text.tags import OUTSIDE, tags_to_spans
from litmine.types import Span

WINDOW = 3
BUCKETS = 1 << 18
EPOCHS, BATCH, LEARNING_RATE = 3, 256, 5e-3
_WORD = re.compile(r"\w+|[^\w\s]")


def words_of(text: str) -> list[re.Match[str]]:
    """The words and punctuation marks of a text."""
    return list(_WORD.finditer(text))


def features_of(words: Sequence[str]) -> NDArray[np.int64]:
    """Feature numbers, (words, features): the words in the window by their place, and the word's shape and ending."""
    padded = [*["<>"] * WINDOW, *(word.casefold() for word in words), *["<>"] * WINDOW]
    shapes = [re.sub(r"[a-z]+", "x", re.sub(r"[A-Z]+", "X", re.sub(r"\d+", "0", word))) for word in words]
    rows = []
    for i, word in enumerate(words):
        names = [f"{place} {padded[i + place]}" for place in range(2 * WINDOW + 1)]
        names += [f"bag {one}" for one in padded[i : i + 2 * WINDOW + 1]]
        names += [f"shape {shapes[i]}", f"end {word[-3:].casefold()}"]
        rows.append([crc32(name.encode()) % BUCKETS for name in names])
    return np.array(rows, dtype=np.int64).reshape(len(words), 4 * WINDOW + 4)


def tags_of(passage: Passage, words: Sequence[re.Match[str]]) -> list[str]:
    """The IOB2 tag of each word; of mentions that overlap, the later one counts."""
    tags = [OUTSIDE] * len(words)
    for span in passage.spans:
        inside = [i for i, word in enumerate(words) if word.start() < span.end_char and word.end() > span.start_char]
        for i in inside:
            tags[i] = f"{'B' if i == inside[0] else 'I'}-{span.entity_type}"
    return tags


def train(corpus: Corpus) -> tuple[list[str], torch.nn.EmbeddingBag]:
    """The tags, and the logistic regression: the sum of the weights of a word's features, (features, tags)."""
    torch.manual_seed(1)
    texts = [words_of(passage.text) for passage in corpus.passages]
    tags = [tags_of(passage, words) for passage, words in zip(corpus.passages, texts, strict=True)]
    labels = sorted({tag for of_text in tags for tag in of_text})
    features = torch.from_numpy(np.concatenate([features_of([word[0] for word in words]) for words in texts]))
    targets = torch.tensor([labels.index(tag) for of_text in tags for tag in of_text])
    weights = torch.nn.EmbeddingBag(BUCKETS, len(labels), mode="sum", sparse=True)
    torch.nn.init.zeros_(weights.weight)
    optimizer = torch.optim.SparseAdam(list(weights.parameters()), LEARNING_RATE)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(targets)).split(BATCH):
            loss = cross_entropy(weights(features[batch]), targets[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return labels, weights


@torch.no_grad()
def tag(labels: list[str], weights: torch.nn.EmbeddingBag, corpus: Corpus) -> Predictions:
    """The mentions that the regression finds."""
    found = []
    for passage in corpus.passages:
        words = words_of(passage.text)
        best = weights(torch.from_numpy(features_of([word[0] for word in words]))).argmax(1).tolist()
        spans = tags_to_spans([labels[i] for i in best])
        found.append(tuple(Span(words[start].start(), words[end - 1].end(), kind) for start, end, kind in spans))
    counts = count_spans(((p.spans, f) for p, f in zip(corpus.passages, found, strict=True)), corpus.entity_types)
    return Predictions("bag of words", corpus, tuple(found), counts)


def main(references: Sequence[str]) -> None:
    """Print the scores of each corpus as a line of JSON."""
    for reference in references:
        name = reference.partition("=")[0]
        train_split, dev = (open_corpus(reference, split, registry()[name].types) for split in ("train", "dev"))
        if train_split is None or dev is None:
            raise SystemExit(f"{reference} has no train or no dev split")
        predictions = tag(*train(train_split), dev)
        micro = score_counts(predictions.counts, dev.entity_types)["micro"]
        interval = bootstrap(predictions.counts, dev.entity_types)["micro"]["f1"]
        record = {
            "corpus": name,
            "documents": len(dev.passages),
            "micro_f1": round(micro["f1"], 1),
            "micro_f1_interval": [round(one, 1) for one in interval],
            "word_macro_f1": round(word_record(predictions)[MACRO], 1),
            "word_macro_f1_interval": [round(one, 1) for one in macro_interval(count_words(predictions))],
        }
        print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
