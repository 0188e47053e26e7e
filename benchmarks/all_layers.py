"""Sentences and randomised trials by classifiers with all layers trained, which `evaluate classification` cannot judge.

    python -m benchmarks.all_layers sentences DATA_FOLDER OUTPUT_FOLDER
    litmine train classification --data OUTPUT_FOLDER/ADE-train.csv --dev OUTPUT_FOLDER/ADE-dev.csv --base builtin ...
    python -m benchmarks.all_layers judge DATA_FOLDER FOLDER NICTA-PIBOSO|ADE|PublicationType

`train classification --base` labels texts. So `sentences` writes each sentence of NICTA-PIBOSO and of ADE as a text of
its own: its tenth of the abstract, the sentence, and the sentences before and after. ADE's sentences stand alone, so
they are written as they are, those of the held-out tenth of the articles apart.

`judge` scores a folder on these sentences, with intervals by bootstrap over articles, or a classifier of StudyType as a
ranking of randomised trials: the sum of the probabilities of the three designs of trials, on the records of
PublicationType that have an abstract. No test split is read.
"""

import argparse
import csv
import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bag_of_words import TRIAL, part, without_titles_alone
from litmine.tasks.classification.labelled_texts import LabelledFile, read_labelled
from litmine.tasks.classification.metrics import area_under_roc
from litmine.tasks.classification.pooling import probabilities
from litmine.tasks.classification.score import judge_logits
from litmine.tasks.registry import load_task_model

_RESAMPLES = 1_000


def read_part(data: Path, corpus: str, dev: bool) -> LabelledFile:
    """The training part of a corpus with labelled sentences, or what it is judged on."""
    if corpus == "ADE":
        return part(read_labelled(data / "adr" / "ADE-corpus-v2", corpus)[0], tenth=dev)
    path = data / "classification" / corpus / f"{'dev' if dev else 'train'}.jsonl.gz"
    return read_labelled(path, corpus)[0]


def sentence_texts(file: LabelledFile) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """The number of the document, the text and the labels of each labelled sentence."""
    for number, one in enumerate(file.texts):
        sentences = [one.text[start:end] for start, end in one.spans]
        for place, (sentence, labels) in enumerate(zip(sentences, one.labels, strict=True)):
            if len(sentences) == 1:
                yield number, sentence, labels
                continue
            before = sentences[place - 1] if place else "start"
            after = sentences[place + 1] if place + 1 < len(sentences) else "end"
            yield number, f"{10 * place // len(sentences)} {sentence} || {before} || {after}", labels


def write_sentences(data: Path, output: Path) -> None:
    """Write the sentences of both corpora as labelled texts."""
    output.mkdir(parents=True, exist_ok=True)
    for corpus, name in product(("NICTA-PIBOSO", "ADE"), ("train", "dev")):
        with (output / f"{corpus}-{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(["id", "text", "labels"])
            for place, (_, text, labels) in enumerate(sentence_texts(read_part(data, corpus, dev=name == "dev"))):
                rows.writerow([f"{name}-{place}", text, ";".join(labels)])


def judge_sentences(data: Path, folder: Path, corpus: str) -> dict[str, Any]:
    """The scores of a classifier on the sentences of a corpus."""
    model: Any = load_task_model(str(folder), "classification", precision="float32")
    scheme = model.settings.scheme
    documents, texts, labels = zip(*sentence_texts(read_part(data, corpus, dev=True)), strict=True)
    logits = np.concatenate(model.scores(list(texts), scheme))
    return judge_logits(scheme, logits, labels, documents, 0.95, _RESAMPLES).record()


def judge_trials(data: Path, folder: Path) -> dict[str, Any]:
    """The area under the ROC curve of a classifier of StudyType on randomised trials, and its 95 % interval."""
    path = data / "classification" / "PublicationType" / "records.medline.gz"
    file = without_titles_alone(read_labelled(path, "PublicationType", [TRIAL[1]])[0])
    model: Any = load_task_model(str(folder), "classification", precision="float32")
    scheme = model.settings.scheme
    logits = np.concatenate(model.scores([one.text for one in file.texts], scheme))
    designs = [i for i, label in enumerate(scheme.labels) if label.startswith("Human-RCT")]
    scores = probabilities(scheme, logits)[:, designs].sum(axis=1)
    positive = np.array([bool(one.labels[0]) for one in file.texts])
    drawn = np.random.default_rng(1).integers(len(positive), size=(_RESAMPLES, len(positive)))
    areas = [area_under_roc(scores[rows], positive[rows]) for rows in drawn]
    bounds = np.percentile([100 * one for one in areas if one is not None], (2.5, 97.5))
    area = area_under_roc(scores, positive)
    assert area is not None
    return {
        "records": len(positive),
        "trials": int(positive.sum()),
        "area_under_roc": round(100 * area, 2),
        "interval": [round(float(one), 2) for one in bounds],
    }


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    sentences = commands.add_parser("sentences", help="write sentences as labelled texts")
    judge = commands.add_parser("judge", help="score a classifier")
    for one in (sentences, judge):
        one.add_argument("data", type=Path, help="folder of the data, as the recipe `builtin` names the files")
        one.add_argument("folder", type=Path, help="folder of the texts, or of the classifier")
    judge.add_argument("corpus", choices=("NICTA-PIBOSO", "ADE", "PublicationType"))
    options = parser.parse_args()
    if options.command == "sentences":
        write_sentences(options.data, options.folder)
    elif options.corpus == "PublicationType":
        print(json.dumps(judge_trials(options.data, options.folder)))
    else:
        print(json.dumps(judge_sentences(options.data, options.folder, options.corpus)))


if __name__ == "__main__":
    main()
