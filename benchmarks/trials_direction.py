"""A baseline for the direction of an outcome: a bag of the evidence's words, with logistic regression.

    python benchmarks/trials_direction.py EvidenceInference/annotations.jsonl.gz

Evidence Inference says of an intervention, a comparator and an outcome whether the outcome increased, decreased or did
not differ, with the sentence that says so. The words of the three are replaced by their roles in that sentence. The
articles are divided by the hash of their number. Prints accuracy and mean F1 of the three directions on the held-out
tenth, with 95 % intervals over articles. A tagger would have to find the three and the sentence first.
"""

import gzip
import json
import re
import sys
from itertools import pairwise
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from litmine.corpora.held_out import held_out
from litmine.tasks.ner.evaluate import precision_recall_f1

BUCKETS, EPOCHS, BATCH, LEARNING_RATE, RESAMPLES = 1 << 18, 5, 64, 3e-3, 1_000
ROLES = ("intervention", "comparator", "outcome")
_WORD = re.compile(r"[A-Za-z]+|\d+|[^\w\s]")


def features_of(judgement: dict[str, str]) -> list[int]:
    """Numbers of the words and pairs of words of the evidence, with roles in place of names."""
    text = judgement["evidence"]
    for role in ROLES:
        text = re.sub(re.escape(judgement[role]), f" {role.upper()} ", text, flags=re.IGNORECASE)
    words = [word if word.isupper() else word.casefold() for word in _WORD.findall(text)]
    names = [*words, *(f"{one} {other}" for one, other in pairwise(words))]
    return [crc32(name.encode()) % BUCKETS for name in names] or [0]


def scores(gold: NDArray[np.int64], found: NDArray[np.int64], labels: int) -> tuple[float, float]:
    """Accuracy and mean F1 of the labels, in percent."""
    counts = [((gold == i) & (found == i), found == i, gold == i) for i in range(labels)]
    totals = np.array([[int(one.sum()) for one in row] for row in counts])
    return 100 * float((gold == found).mean()), float(precision_recall_f1(totals)[:, 2].mean())


def main(file: Path) -> None:
    """Train, and print the scores as a line of JSON."""
    torch.manual_seed(1)
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        read = [json.loads(line) for line in stream]
    judged = (one for one in read if one["evidence"] and one["label_code"] in {"-1", "0", "1"})
    judgements = {(one["prompt"], one["label_code"]): one for one in judged}
    labels = sorted({label for _, label in judgements})
    train, dev = ([one for one in judgements.values() if held_out(one["pmcid"]) == side] for side in (False, True))
    weights = torch.nn.EmbeddingBag(BUCKETS, len(labels), mode="mean", sparse=True)
    torch.nn.init.zeros_(weights.weight)
    optimizer = torch.optim.SparseAdam(list(weights.parameters()), LEARNING_RATE * 30)
    features = [torch.tensor(features_of(one)) for one in train]
    targets = torch.tensor([labels.index(one["label_code"]) for one in train])
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(train)).split(BATCH):
            chosen = [features[i] for i in batch.tolist()]
            offsets = torch.tensor([0, *np.cumsum([len(one) for one in chosen])[:-1].tolist()])
            loss = cross_entropy(weights(torch.cat(chosen), offsets), targets[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        found = np.array([int(weights(torch.tensor([features_of(one)])).argmax()) for one in dev])
    gold = np.array([labels.index(one["label_code"]) for one in dev])
    articles = sorted({one["pmcid"] for one in dev})
    rows = {article: [i for i, one in enumerate(dev) if one["pmcid"] == article] for article in articles}
    random = np.random.default_rng(1)
    draws = []
    for _ in range(RESAMPLES):
        drawn = [i for j in random.integers(len(articles), size=len(articles)) for i in rows[articles[j]]]
        draws.append(scores(gold[drawn], found[drawn], len(labels)))
    low, high = np.percentile(draws, (2.5, 97.5), axis=0).round(1).tolist()
    accuracy, macro = scores(gold, found, len(labels))
    record = {"judgements": len(dev), "articles": len(articles), "labels": np.bincount(gold).tolist()}
    record |= {"accuracy": [round(accuracy, 1), low[0], high[0]], "macro_f1": [round(macro, 1), low[1], high[1]]}
    print(json.dumps(record))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
