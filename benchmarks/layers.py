"""How many of the tagger's layers a task of its own needs: quality on dev, and what each layer costs.

    python -m benchmarks.layers DATA [--only StudyType] [--seeds 2] [--rate R] [--epochs N] [--held-out] [--json FILE]

DATA holds `classification/StudyType` and `relations/ChemProt`, each with `train.jsonl.gz` and `dev.jsonl.gz`. The
built-in tagger's lower layers are the trunk, which is frozen: its hidden states are computed once. A top is a copy of
the last k layers and a head, and learns. The head is the same for all: it reads the mean state of some spans of tokens
through one hidden layer. A document is one span. A pair of a chemical and a gene in one sentence is three: the two
mentions, and what stands between. A probe is a head alone, on the states after some layer; `linear` has no hidden
layer. All six layers over the frozen embeddings are the ceiling.

Each text is read alone: a document up to 128 tokens, or a sentence with a candidate pair. A
relation that no sentence holds counts as missed. Nothing is chosen on dev: a training has a fixed length, and its last
weights are judged. `--held-out` takes a tenth of train for dev, to choose a rate by. Figures are written after each
training, and a run that was stopped goes on. Seconds are CPU time of one thread.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.layers_read import CLASSES, Json, Part, Reader, Text, read_documents, read_pairs
from benchmarks.layers_top import BF16, CPU, EVERY, LAYERS, Arm, Course, States, Top, judge, load_encoder, train
from benchmarks.machine import machine
from litmine.nn.encoder import BertEncoder
from litmine.nn.references import builtin_folder
from litmine.specs import BUILTIN

PROBES = (
    *(Arm((after,), hidden=False) for after in (6, 5, 4, 3)),
    *(Arm((after,)) for after in (6, 5, 4, 3, 2, 1)),
    Arm(EVERY),
)
# The last k layers; and k layers that leave the trunk lower, so that they end before the last.
TOPS = (Arm((5,), 1), Arm((3,), 1), Arm((4,), 2), Arm((3,), 3), Arm((3,), 2), Arm((2,), 2), Arm((2,), 1))
ONCE = (Arm((0,), LAYERS), Arm((4,), 2, copied=False))

READ = {"StudyType": ("classification", read_documents, 1), "ChemProt": ("relations", read_pairs, 3)}


def measure(name: str, options: argparse.Namespace, encoder: BertEncoder, figures: Json) -> None:
    """Train and judge every arm on one set, the first seed of all before the second of some."""
    kind, read, spans = READ[name]
    reader = Reader(builtin_folder(BUILTIN), encoder.config)
    parts = {split: read(options.data / kind / name, split, reader) for split in ("train", "dev")}
    if options.held_out:
        parts = _held_out(parts["train"])
    labels = 1 + max(ask.label for text in parts["train"].texts for ask in text.asks)
    own = figures.setdefault(name, {})
    own["sizes"] = {split: _sizes(part) for split, part in parts.items()}
    arms = own.setdefault("arms", {})
    todo = [
        (seed, arm)
        for seed in range(options.seeds)
        for arm in PROBES + TOPS + (ONCE if seed == 0 else ())
        if len(arms.get(arm.name, [])) <= seed and (not options.arm or arm.name in options.arm)
    ]
    needed = {level for _, arm in todo for level in arm.after}
    states = {split: States(encoder, part.texts, needed) for split, part in parts.items()} if todo else {}
    for seed, arm in todo:
        course = Course.of(arm)
        course = replace(course, epochs=options.epochs or course.epochs, slow=options.rate or course.slow)
        started = time.process_time()
        torch.manual_seed(seed)
        top = Top(arm, encoder, spans, labels)
        train(top, arm.after, states["train"], course, seed)
        judged = judge(top, arm.after, states["dev"], parts["dev"].missed, name == "ChemProt")
        taken = round(time.process_time() - started)
        told = {"epochs": course.epochs, "rate": course.rate, "rate of the layers": course.slow}
        arms.setdefault(arm.name, []).append(judged | told | {"CPU seconds": taken})
        print(name, arm.name, arms[arm.name][-1], flush=True)
        write(options.json, figures)


def _held_out(train: Part) -> dict[str, Part]:
    """Every tenth document of train for dev."""
    split: dict[bool, list[Text]] = {True: [], False: []}
    for text in train.texts:
        split[text.document % 10 == 9].append(text)
    return {"train": Part(split[False]), "dev": Part(split[True])}


def _sizes(part: Part) -> Json:
    found = {"texts": len(part.texts), "tokens": sum(len(text.ids) for text in part.texts)}
    if part.tokens:
        asks = [ask for text in part.texts for ask in text.asks]
        related = sum(ask.label < len(CLASSES) for ask in asks)
        found |= {"pairs": len(asks), "related": related, "missed": part.missed, "tokens of all sentences": part.tokens}
    return found


def write(file: Path | None, figures: Json) -> None:
    """The figures so far."""
    if file:
        file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Measure what is not in the file yet."""
    options = _options()
    torch.set_num_threads(1)
    encoder = load_encoder()
    figures = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    figures |= {"machine": machine(CPU), "precision": "bf16" if BF16 else "float32"}
    for name in options.only or READ:
        measure(name, options, encoder, figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the two sets")
    parser.add_argument("--only", action="append", choices=READ, help="one set (default: both)")
    parser.add_argument("--arm", action="append", help="some arms, by their names (default: all)")
    parser.add_argument("--seeds", type=int, default=2, help="default: 2")
    parser.add_argument("--epochs", type=int, help="instead of those chosen")
    parser.add_argument("--rate", type=float, help="of the layers, instead of those chosen")
    parser.add_argument("--held-out", action="store_true", help="judge on a tenth of train")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
