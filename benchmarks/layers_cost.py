"""What each encoder layer costs compared with all of NER, and the size of a top: the costs for `layers.py`.

    python -m benchmarks.layers_cost DATA [--count 120] [--rounds 5] [--json FILE]

Seconds are CPU time of one thread for 1,000 tokens, the best of the rounds, in which all measurements take turns. The
encoder is litmine's, cut after 0 to 6 layers and computed for every token; the cost of a layer is the slope. NER is the
built-in tagger from text to entities. Texts are the dev documents of StudyType. The share of their tokens in sentences
with two mentions shows how much a relations top reads if it reads only those sentences.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.layers import write
from benchmarks.layers_read import LONGEST, InputTokenizer, Json, lines
from benchmarks.layers_top import CPU, LAYERS, LayerVariant, TrainedTop, load_encoder
from litmine.nn.devices import bfloat16_is_fast
from litmine.nn.encoder import BertEncoder, PackedEncoder
from litmine.nn.kernel_selection import fastest_kernels
from litmine.nn.kernels import PLAIN, WindowBounds
from litmine.nn.references import builtin_folder
from litmine.nn.weights import WEIGHTS_FILE, save_weights
from litmine.specs import BUILTIN
from litmine.tasks.ner.folder import load_folder
from litmine.tasks.ner.tagger import Tagger
from litmine.text.sentences import split_sentences

# Windows of 128 tokens in a row: about a batch of litmine, and a multiple of its kernels' row size.
WINDOWS = 15
GENES = frozenset({"Gene", "Protein"})
BOTH = {
    "a chemical and a gene": (frozenset({"Chemical"}), GENES),
    "a chemical and a disease": (frozenset({"Chemical"}), frozenset({"Disease"})),
    "a gene and a disease": (GENES, frozenset({"Disease"})),
}
Run = Callable[[], object]


def main() -> None:
    """Measure, print, and add the figures to those of `layers.py`."""
    options = _options()
    torch.set_num_threads(1)
    encoder = load_encoder()
    reader = InputTokenizer(builtin_folder(BUILTIN), encoder.config)
    records = list(lines(options.data / "classification" / "StudyType" / "dev.jsonl.gz"))[: options.count]
    texts = [f"{record['title']} {record['abstract']}" for record in records]
    figures: Json = {"texts": len(texts), "rounds": options.rounds, "bytes of a top in int8": _sizes(encoder)}
    for precision in ["float32"] + ["bf16"] * bfloat16_is_fast(CPU):
        figures[precision] = _compare(encoder, reader, texts, precision, options.rounds)
        print(precision, figures[precision], flush=True)
    tagger = load_folder(builtin_folder(BUILTIN), BUILTIN, "cpu", "auto")
    figures["share of tokens in sentences with"] = _shares(tagger, reader, texts)
    print(figures)
    if options.json:
        known = json.loads(options.json.read_text(encoding="utf-8")) if options.json.exists() else {}
        write(options.json, known | {"cost": figures})


def _sizes(encoder: BertEncoder) -> Json:
    """File size of a top with 1, 2 and 3 layers and fourteen labels."""
    found: Json = {}
    for layers in (1, 2, 3):
        with tempfile.TemporaryDirectory() as folder:
            top = TrainedTop(LayerVariant((LAYERS - layers,), layers), encoder, 1, 14)
            save_weights(top.state_dict(), Path(folder), int8=True)
            found[str(layers)] = (Path(folder) / WEIGHTS_FILE).stat().st_size
    return found


def _compare(encoder: BertEncoder, reader: InputTokenizer, texts: list[str], precision: str, rounds: int) -> Json:
    dtype = {"float32": torch.float32, "bf16": torch.bfloat16}[precision]
    tagger = load_folder(builtin_folder(BUILTIN), BUILTIN, "cpu", precision)
    pieces = [ids for ids in (reader.read(text)[0] for text in texts) if len(ids) == LONGEST]
    pieces = pieces[: len(pieces) // WINDOWS * WINDOWS]
    tokens = len(pieces) * LONGEST
    all_tokens = sum(reader.count(text) for text in texts)
    kinds: dict[str, tuple[Run, int]] = {"NER": (lambda: tagger.annotate(texts), all_tokens)}
    for layers in range(LAYERS + 1):
        kinds[str(layers)] = (_cut(encoder, layers, pieces, dtype), tokens)
    seconds = dict.fromkeys(kinds, float("inf"))
    with torch.inference_mode():
        for _ in range(rounds + 1):
            for kind, (run, count) in kinds.items():
                started = time.process_time()
                run()
                seconds[kind] = min(seconds[kind], (time.process_time() - started) * 1000 / count)
    layer, bottom = np.polyfit(range(LAYERS + 1), [seconds[str(n)] for n in range(LAYERS + 1)], 1).tolist()
    return {
        "seconds per 1,000 tokens": {
            "NER, text to entities": round(seconds["NER"], 4),
            "encoder cut after layer": {str(n): round(seconds[str(n)], 4) for n in range(LAYERS + 1)},
            "embeddings": round(float(bottom), 4),
            "a layer": round(float(layer), 4),
        },
        "trunk, of NER": {str(k): round((bottom + (LAYERS - k) * layer) / seconds["NER"], 3) for k in (0, 1, 2, 3)},
        "a top more, of NER": {str(k): round(k * layer / seconds["NER"], 3) for k in (1, 2, 3)},
        "NER and four tops, of NER": {str(k): round(1 + 4 * k * layer / seconds["NER"], 2) for k in (1, 2, 3)},
    }


def _cut(encoder: BertEncoder, layers: int, windows: list[list[int]], dtype: torch.dtype) -> Run:
    """A function that runs the first `layers` layers on all windows."""
    shape = replace(encoder.config, num_hidden_layers=layers)
    kernels = fastest_kernels(CPU, dtype, shape.num_attention_heads, shape.hidden_size) or PLAIN
    cut_encoder = BertEncoder.from_weights(shape, encoder.state_dict()).requires_grad_(False).to(dtype)
    packed = PackedEncoder(cut_encoder, kernels)
    places = torch.arange(LONGEST).repeat(WINDOWS)
    edges = torch.arange(0, (WINDOWS + 1) * LONGEST, LONGEST, dtype=torch.int32)
    bounds, all_tokens = WindowBounds([LONGEST] * WINDOWS, edges, LONGEST), torch.arange(len(places))
    rows = [torch.tensor(windows[i : i + WINDOWS]).flatten() for i in range(0, len(windows), WINDOWS)]
    return lambda: [packed(row, places, bounds, all_tokens) for row in rows]


def _shares(tagger: Tagger, reader: InputTokenizer, texts: list[str]) -> dict[str, float]:
    inside, total = dict.fromkeys(BOTH, 0), 0
    for text, entities in zip(texts, tagger.annotate(texts), strict=True):
        for start, end in split_sentences(text):
            count = reader.count(text[start:end])
            kinds = {entity.entity_type for entity in entities if start <= entity.start_char < end}
            total += count
            for name, (left, right) in BOTH.items():
                inside[name] += count * bool(kinds & left and kinds & right)
    return {name: round(count / total, 3) for name, count in inside.items()}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the two sets")
    parser.add_argument("--count", type=int, default=120, help="number of documents (default: 120)")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5, after a warm-up round")
    parser.add_argument("--json", type=Path, help="the file of layers.py's figures, to which these are added")
    return parser.parse_args()


if __name__ == "__main__":
    main()
