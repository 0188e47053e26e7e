"""A simulated screening: how much reading a classifier saves, beside a bag of words.

    python -m benchmarks.screening DATA_FOLDER [--question LABEL] [--json FILE]

One design of StudyType's train file is the question of a review: its texts are in, all others out. In each of five
random splits, half of the texts are judged and learnt from, and the other half is ranked. Measured is the work saved
over sampling at a recall of 95 % (Cohen et al. 2006) with the ranking read from the top, and the area under the ROC
curve. The classifier is that of `litmine train classification` with its defaults, on two labels: heads on the trunk and
words, whose weight beside the heads comes from cross-validation among the judged texts. The heads and the words alone
stand beside it.
"""

import argparse
import json
import random
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from benchmarks.bag_of_words import BagOfWords, features_of, targets_of
from litmine.tasks.classification.labelled_texts import read_labelled
from litmine.tasks.classification.make import cross_validate
from litmine.tasks.classification.metrics import area_under_roc, screen
from litmine.tasks.classification.prepare import Example, TrainingTexts
from litmine.tasks.classification.recipe import ClassifierRecipe, LabelData
from litmine.tasks.classification.settings import Scheme
from litmine.tasks.classification.train import TopTraining
from litmine.tasks.classification.train_words import WordTraining, word_shares

QUESTION = "Human-systematic-review"
SPLITS, RECALL = 5, 0.95


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of the data, as the recipe `builtin` names the files")
    parser.add_argument("--question", default=QUESTION, help="the design that is in (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    path = options.folder / "classification" / "StudyType" / "train.jsonl.gz"
    file, _ = read_labelled(path, "StudyType")
    labels = tuple((("in" if options.question in of[0] else "out"),) for of in (one.labels for one in file.texts))
    texts = tuple(replace(one, labels=(label,)) for one, label in zip(file.texts, labels, strict=True))
    binary = replace(file, texts=texts)
    positive = np.array([label == ("in",) for label in labels])
    examples = tuple(Example(0, 0, one, ((0 if one.labels == (("in",),) else 1,),)) for one in texts)
    recipe = ClassifierRecipe("screen", (LabelData((str(path),)),))
    scheme = Scheme("screen", ("in", "out"), queries=recipe.queries)
    prepared = TrainingTexts((scheme,), ((recipe.corpora[0], binary),), examples, frozenset(), ())
    features, targets = features_of(binary), targets_of(binary, ["in", "out"])
    results: dict[str, list[dict[str, Any]]] = {"litmine": [], "heads alone": [], "words alone": [], "bag of words": []}
    with TemporaryDirectory() as folder:
        training, word_training = TopTraining(recipe, prepared, Path(folder), _quiet), WordTraining((scheme,), examples)
        for split in range(SPLITS):
            order = list(range(len(texts)))
            random.Random(split).shuffle(order)
            judged, rest = sorted(order[::2]), sorted(order[1::2])
            held_out = cross_validate(recipe, training, word_training, judged, _quiet)
            share = word_shares((scheme,), examples, *held_out)[scheme.name]
            network, _ = training.train(judged, f"split {split}")
            heads = training.scores(network, rest)
            by_words = word_training.scores(word_training.train(judged), rest)
            for name, of_heads, of_words in (
                ("litmine", 1.0, share),
                ("heads alone", 1.0, 0.0),
                ("words alone", 0.0, 1.0),
            ):
                logits = np.concatenate([of_heads * heads[i] + of_words * by_words[i] for i in rest])
                results[name].append(_figures(logits[:, 0] - logits[:, 1], positive[rest]))
            words = BagOfWords(["in", "out"], several=False)
            words.fit([features[i] for i in judged], targets[judged], [texts[i].article for i in judged])
            logits = words.scores([features[i] for i in rest])
            results["bag of words"].append(_figures(logits[:, 0] - logits[:, 1], positive[rest]))
            print(split, {name: of[-1] for name, of in results.items()}, flush=True)
    summary = {
        name: {key: round(float(np.mean([one[key] for one in of])), 2) for key in of[0]} for name, of in results.items()
    }
    print(json.dumps(summary))
    if options.json:
        record = {"question": options.question, "mean": summary, "splits": results}
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _quiet(_: str) -> None:
    """Report nothing of the trainings."""


def _figures(scores: np.ndarray, positive: np.ndarray) -> dict[str, float]:
    found, area = screen(scores, positive, RECALL), area_under_roc(scores, positive)
    assert found is not None
    assert area is not None
    return {
        "work_saved": round(100 * found.saved, 2),
        "precision": round(100 * found.precision, 2),
        "area_under_roc": round(100 * area, 2),
        "positive": int(positive.sum()),
        "texts": len(positive),
    }


if __name__ == "__main__":
    main()
