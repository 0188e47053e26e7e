"""How many separate encoder layers a task needs on the tagger's trunk: quality on dev for each choice.

    python -m benchmarks.layers DATA [--only StudyType] [--seeds 2] [--rate R] [--epochs N] [--held-out] [--json FILE]

DATA holds `classification/StudyType` and `relations/ChemProt`, each with `train.jsonl.gz` and `dev.jsonl.gz`. The lower
layers of the built-in tagger are the frozen trunk; its hidden states are computed once. A top is a head on a trainable
copy of the last k layers. The head is the same for all tops: the mean states of some spans of tokens, through one
hidden layer. A document is one span. A pair of a chemical and a gene in a sentence is three: the two mentions and the
text between them. A probe is a head alone, on the states after some layer; a `linear` probe has no hidden layer. All
six layers on the frozen embeddings are the upper limit.

Each input is read alone: a document of up to 128 tokens, or a sentence with a candidate pair. A relation outside of any
sentence counts as missed. Nothing is selected on dev: a training has a fixed length, and its last weights are judged.
`--held-out` takes a tenth of train in place of dev, to choose a learning rate. Figures are written after each training,
and an interrupted run continues. Seconds are CPU time of one thread.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.layers_read import CLASSES, InputTokenizer, Json, Split, TokenizedInput, read_documents, read_pairs
from benchmarks.layers_top import (
    ALL_LEVELS,
    BF16,
    CPU,
    LAYERS,
    CachedStates,
    LayerVariant,
    Schedule,
    TrainedTop,
    judge,
    load_encoder,
    train,
)
from benchmarks.machine import describe_machine
from litmine.nn.encoder import BertEncoder
from litmine.nn.references import builtin_folder
from litmine.specs import BUILTIN

PROBES = (
    *(LayerVariant((after,), hidden=False) for after in (6, 5, 4, 3)),
    *(LayerVariant((after,)) for after in (6, 5, 4, 3, 2, 1)),
    LayerVariant(ALL_LEVELS),
)
# The last k layers, and k layers that continue from a lower layer and end before the last.
TOPS = (
    LayerVariant((5,), 1),
    LayerVariant((3,), 1),
    LayerVariant((4,), 2),
    LayerVariant((3,), 3),
    LayerVariant((3,), 2),
    LayerVariant((2,), 2),
    LayerVariant((2,), 1),
)
ONCE = (LayerVariant((0,), LAYERS), LayerVariant((4,), 2, copied=False))

READ = {"StudyType": ("classification", read_documents, 1), "ChemProt": ("relations", read_pairs, 3)}


def measure(name: str, options: argparse.Namespace, encoder: BertEncoder, figures: Json) -> None:
    """Train and judge every variant on one data set, all variants with one seed before the next."""
    kind, read, spans = READ[name]
    reader = InputTokenizer(builtin_folder(BUILTIN), encoder.config)
    parts = {split: read(options.data / kind / name, split, reader) for split in ("train", "dev")}
    if options.held_out:
        parts = _held_out(parts["train"])
    labels = 1 + max(target.label for text in parts["train"].texts for target in text.targets)
    data_set = figures.setdefault(name, {})
    data_set["sizes"] = {split: _sizes(part) for split, part in parts.items()}
    arms = data_set.setdefault("arms", {})
    todo = [
        (seed, variant)
        for seed in range(options.seeds)
        for variant in PROBES + TOPS + (ONCE if seed == 0 else ())
        if len(arms.get(variant.name, [])) <= seed and (not options.arm or variant.name in options.arm)
    ]
    needed = {level for _, variant in todo for level in variant.after}
    states = {split: CachedStates(encoder, part.texts, needed) for split, part in parts.items()} if todo else {}
    for seed, variant in todo:
        schedule = Schedule.of(variant)
        schedule = replace(schedule, epochs=options.epochs or schedule.epochs, slow=options.rate or schedule.slow)
        started = time.process_time()
        torch.manual_seed(seed)
        top = TrainedTop(variant, encoder, spans, labels)
        train(top, variant.after, states["train"], schedule, seed)
        judged = judge(top, variant.after, states["dev"], parts["dev"].missed, name == "ChemProt")
        taken = round(time.process_time() - started)
        settings = {"epochs": schedule.epochs, "rate": schedule.rate, "rate of the layers": schedule.slow}
        arms.setdefault(variant.name, []).append(judged | settings | {"CPU seconds": taken})
        print(name, variant.name, arms[variant.name][-1], flush=True)
        write(options.json, figures)


def _held_out(train: Split) -> dict[str, Split]:
    """Split train: every tenth document becomes dev."""
    split: dict[bool, list[TokenizedInput]] = {True: [], False: []}
    for text in train.texts:
        split[text.document % 10 == 9].append(text)
    return {"train": Split(split[False]), "dev": Split(split[True])}


def _sizes(part: Split) -> Json:
    found = {"texts": len(part.texts), "tokens": sum(len(text.ids) for text in part.texts)}
    if part.tokens:
        targets = [target for text in part.texts for target in text.targets]
        related = sum(target.label < len(CLASSES) for target in targets)
        found |= {
            "pairs": len(targets),
            "related": related,
            "missed": part.missed,
            "tokens of all sentences": part.tokens,
        }
    return found


def write(file: Path | None, figures: Json) -> None:
    """Write the figures measured so far."""
    if file:
        file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Run the measurements that are not in the file yet."""
    options = _options()
    torch.set_num_threads(1)
    encoder = load_encoder()
    figures = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    figures |= {"machine": describe_machine(CPU), "precision": "bf16" if BF16 else "float32"}
    for name in options.only or READ:
        measure(name, options, encoder, figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the two sets")
    parser.add_argument("--only", action="append", choices=READ, help="one set (default: both)")
    parser.add_argument("--arm", action="append", help="some arms, by their names (default: all)")
    parser.add_argument("--seeds", type=int, default=2, help="default: 2")
    parser.add_argument("--epochs", type=int, help="number of epochs, in place of the chosen one")
    parser.add_argument("--rate", type=float, help="learning rate of the layers, in place of the chosen one")
    parser.add_argument("--held-out", action="store_true", help="judge on a tenth of train")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
