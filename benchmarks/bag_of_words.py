"""A bag of words with logistic regression: the baseline of the classifiers, beside which their figures stand.

    python -m benchmarks.bag_of_words DATA_FOLDER [--json FILE]

Words and pairs of neighbouring words, in lower case, that at least two texts of the training have; tf-idf (1 + log of
the count, times log(texts / texts with the word)), rows of length 1; logistic regression with an L2 penalty, whose
weight is the best of a few on a tenth of the training articles, and then all training texts. Sentences also have the
words of the sentences before and after as features of their own, and their place in the text. Where labels are judged
each by itself, the threshold of each is the one with the best F1 on another tenth of the training articles, by a model
that learnt from the others.

It scores StudyType, NICTA-PIBOSO and HoC's documents on their dev splits, the held-out tenth of ADE's articles, and
randomised trials among the records of PublicationType that have an abstract. No test split is read.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from litmine.corpora.document_files import open_plain_or_gzip
from litmine.corpora.held_out import held_out
from litmine.sources.medline import read_medline
from litmine.sources.read_record import ReadRecord
from litmine.tasks.classification.labelled_texts import LabelledFile, read_labelled
from litmine.tasks.classification.make import best_f1_threshold
from litmine.tasks.classification.metrics import area_under_roc, label_scores
from litmine.types import Article

_WORD = re.compile(r"[a-z]+|\d+|[^\sa-z\d]")
_PENALTIES = (1e-5, 1e-4, 1e-3)
# Whether a text reports a randomised trial, by the labels of StudyType and by NLM's publication types.
TRIAL = ("trial=Human-RCT*", "trial=Randomized Controlled Trial")


class BagOfWords:
    """Logistic regression over the tf-idf of features; `several` labels are judged each by itself."""

    def __init__(self, labels: Sequence[str], several: bool) -> None:
        self.labels, self.several = list(labels), several

    def fit(self, texts: Sequence[Counter[str]], targets: np.ndarray, articles: Sequence[str]) -> None:
        """targets: 0 or 1, (texts, labels)."""
        known = Counter(feature for one in texts for feature in one)
        kept = [feature for feature, count in known.items() if count > 1]
        self._place = {feature: i for i, feature in enumerate(kept)}
        self._weight = np.log(len(texts) / np.array([known[one] for one in kept]))
        inputs = self._inputs(texts)
        tenth = np.array([held_out(f"{article} penalty") for article in articles])
        wanted = torch.from_numpy(targets).float()
        rest, chosen = np.flatnonzero(~tenth), np.flatnonzero(tenth)
        losses = []
        for penalty in _PENALTIES:
            model = self._train(_rows(inputs, rest), wanted[rest], penalty)
            losses.append(float(self._loss(_rows(inputs, chosen), wanted[chosen], *model)))
        self._model = self._train(inputs, wanted, _PENALTIES[int(np.argmin(losses))])

    def scores(self, texts: Sequence[Counter[str]]) -> np.ndarray:
        """Logits (texts, labels)."""
        weights, bias = self._model
        return np.asarray(torch.sparse.mm(self._inputs(texts), weights) + bias)

    def _inputs(self, texts: Sequence[Counter[str]]) -> torch.Tensor:
        rows, columns, values = [], [], []
        for row, one in enumerate(texts):
            places = [(self._place[feature], count) for feature, count in one.items() if feature in self._place]
            own = np.array([(1 + np.log(count)) * self._weight[place] for place, count in places])
            length = np.sqrt((own**2).sum()) or 1.0
            rows += [row] * len(places)
            columns += [place for place, _ in places]
            values += (own / length).tolist()
        index = torch.tensor([rows, columns])
        return torch.sparse_coo_tensor(index, torch.tensor(values).float(), (len(texts), len(self._place))).coalesce()

    def _loss(
        self, inputs: torch.Tensor, wanted: torch.Tensor, weights: torch.Tensor, bias: torch.Tensor
    ) -> torch.Tensor:
        logits = torch.sparse.mm(inputs, weights) + bias
        if self.several:
            return binary_cross_entropy_with_logits(logits, wanted)
        return cross_entropy(logits, wanted.argmax(1))

    def _train(self, inputs: torch.Tensor, wanted: torch.Tensor, penalty: float) -> tuple[torch.Tensor, torch.Tensor]:
        weights = torch.zeros(inputs.shape[1], len(self.labels), requires_grad=True)
        bias = torch.zeros(len(self.labels), requires_grad=True)
        optimizer = torch.optim.LBFGS([weights, bias], max_iter=80, history_size=10, line_search_fn="strong_wolfe")

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            loss = self._loss(inputs, wanted, weights, bias) + penalty * (weights**2).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        return weights.detach(), bias.detach()


def words_of(text: str, prefix: str = "") -> Counter[str]:
    """The words and the pairs of neighbouring words of a text."""
    words = _WORD.findall(text.lower())
    pairs = [f"{first} {second}" for first, second in pairwise(words)]
    return Counter(f"{prefix}{one}" for one in (*words, *pairs))


def features_of(file: LabelledFile) -> list[Counter[str]]:
    """The features of each labelled span of a file."""
    if not file.sentences:
        return [words_of(one.text) for one in file.texts for _ in one.spans]
    found = []
    for one in file.texts:
        sentences = [one.text[start:end] for start, end in one.spans]
        for place, sentence in enumerate(sentences):
            own = words_of(sentence)
            if len(sentences) > 1:
                own[f"place {5 * place // len(sentences)}"] = 3
                own += words_of(sentences[place - 1], "before ") if place else Counter(["first"])
                own += words_of(sentences[place + 1], "after ") if place + 1 < len(sentences) else Counter(["last"])
            found.append(own)
    return found


def targets_of(file: LabelledFile, labels: Sequence[str]) -> np.ndarray:
    """0 or 1, (spans, labels)."""
    return np.array([[float(one in of) for one in labels] for text in file.texts for of in text.labels])


def score(train: LabelledFile, dev: LabelledFile) -> dict[str, Any]:
    """Fit on one file, score on another."""
    labels = train.labels
    model = BagOfWords(labels, train.several)
    articles = [one.article for one in train.texts for _ in one.spans]
    features, targets = features_of(train), targets_of(train, labels)
    marks = _thresholds(model, features, targets, articles) if train.several else np.zeros(len(labels))
    model.fit(features, targets, articles)
    logits, wanted = model.scores(features_of(dev)), targets_of(dev, labels)
    found = (_probabilities(logits) >= marks).astype(float) if train.several else np.eye(len(labels))[logits.argmax(1)]
    documents = [i for i, one in enumerate(dev.texts) for _ in one.spans]
    scores = label_scores(labels, wanted, found, documents)
    record: dict[str, Any] = {"micro_f1": scores.by_label["micro"]["f1"], "macro_f1": round(scores.macro_f1, 2)}
    record["intervals"] = {key: [round(one, 1) for one in of] for key, of in scores.intervals.items()}
    if len(labels) == 1:
        area = area_under_roc(logits[:, 0], wanted[:, 0])
        record["area_under_roc"] = None if area is None else round(100 * area, 2)
    return record


def _thresholds(
    model: BagOfWords, features: Sequence[Counter[str]], targets: np.ndarray, articles: Sequence[str]
) -> np.ndarray:
    """The probability of each label with the best F1 on a tenth of the articles that the model did not learn from."""
    tenth = np.array([held_out(f"{article} calibrates") for article in articles])
    rest = np.flatnonzero(~tenth).tolist()
    model.fit([features[i] for i in rest], targets[rest], [articles[i] for i in rest])
    chosen = np.flatnonzero(tenth).tolist()
    found = _probabilities(model.scores([features[i] for i in chosen]))
    return np.array([best_f1_threshold(found[:, i], targets[chosen, i] > 0) for i in range(len(model.labels))])


def _probabilities(logits: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-logits)))


def part(file: LabelledFile, tenth: bool) -> LabelledFile:
    """The held-out tenth of the articles of a file, or the others."""
    return replace(file, texts=tuple(one for one in file.texts if held_out(one.article) == tenth))


def _rows(matrix: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
    return matrix.index_select(0, torch.from_numpy(rows)).coalesce()


def without_titles_alone(file: LabelledFile) -> LabelledFile:
    """A file of MEDLINE text without the records that have no abstract."""
    with open_plain_or_gzip(file.path) as stream:
        records = [one.record for one in read_medline(stream) if isinstance(one, ReadRecord)]
    kept = {str(one.pmid) for one in records if isinstance(one, Article) and one.abstract}
    return replace(file, texts=tuple(one for one in file.texts if one.name in kept))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of the data, as the recipe `builtin` names the files")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = options.folder / "classification"
    results: dict[str, Any] = {}
    for name in ("StudyType", "NICTA-PIBOSO", "HoC"):
        train, dev = (read_labelled(folder / name / f"{split}.jsonl.gz", name)[0] for split in ("train", "dev"))
        results[name] = score(train, dev)
        print(name, results[name], flush=True)
    effects = read_labelled(options.folder / "adr" / "ADE-corpus-v2", "ADE")[0]
    results["ADE"] = score(part(effects, tenth=False), part(effects, tenth=True))
    print("ADE", results["ADE"], flush=True)
    train = read_labelled(folder / "StudyType" / "train.jsonl.gz", "StudyType", [TRIAL[0]])[0]
    records = read_labelled(folder / "PublicationType" / "records.medline.gz", "PublicationType", [TRIAL[1]])[0]
    results["PublicationType, randomised trials"] = score(train, without_titles_alone(records))
    print("PublicationType", results["PublicationType, randomised trials"], flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
