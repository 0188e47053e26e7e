"""Ways to run a tagger on a CPU, in turn: speed on one thread, and the share of spans as in litmine in float32.

    python -m benchmarks.processor_paths [--abstracts FILE] [--model builtin bert-base] [--json FILE]

Ways are litmine in float32, in bf16 and with products in int8 (`benchmarks/int8_products.py`), the same network in
OpenVINO and ONNX Runtime, where they are installed, and for BERT-base with random weights the Hugging Face pipeline.
All but the pipeline share litmine's tokenizer, windows and decoding. Beside them are the bare encoder and the rate of
matrix products with the shapes of a layer.

The ways take turns, and seconds are CPU seconds, because other processes may slow the machine. A way that is more than
three times as slow as litmine in float32 runs once, on the shortest text. Spans are compared in both directions.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from benchmarks import bare_encoder, int8_products, peers
from benchmarks.machine import describe_machine, matrix_limit
from benchmarks.random_inputs import articles_with_abstracts, random_bert
from litmine import load_model
from litmine.nn.encoder import BertEncoder
from litmine.nn.hidden_states import PackedRunner, PaddedRunner, TopLayers, TrunkRunner
from litmine.nn.hugging_face import auto_classifier
from litmine.nn.kernels import Kernels
from litmine.nn.loading import read_tokenizer
from litmine.nn.references import is_litmine_model, locate
from litmine.nn.tokenizer import TokenizedText
from litmine.nn.trunk import Trunk
from litmine.tasks.ner.folder import read_network
from litmine.tasks.ner.network import MultiHeadNetwork
from litmine.tasks.ner.tagger import Tagger

CPU = torch.device("cpu")
BASELINE, BARE = "litmine float32", "bare encoder float32"
SLOW = 3
SAMPLE = Path(__file__).parent.parent / "sample_data" / "pubmed"
# Texts from which `int8_products.Calibrated` takes its ranges.
CALIBRATION_TEXTS = 20
Figures = dict[str, Any]
Spans = set[tuple[int, int, int, str]]
Find = Callable[[Sequence[str]], Spans]


class RebuiltTagger:
    """The parts of a loaded tagger, to be put together again around another way to run its encoder."""

    def __init__(self, tagger: Tagger, folder: Path) -> None:
        self._tagger = tagger
        self._tokenizer = read_tokenizer(folder)
        self.network = _whole_network(tagger, folder).eval().requires_grad_(False)

    def packed(self, kernels: Kernels) -> Tagger:
        """With litmine's packed encoder and these kernels."""
        lower, upper = self.network.encoder.split_off(1)
        runner = PackedRunner(lower, kernels, self._tagger.settings.window, self._tagger.trunk.special[2])
        return self._tagger_on(runner, runner.layers(upper, None), self.network.read_heads)

    def compiled(self, compute: peers.Compute) -> Tagger:
        """With a network of another library, whose logits take the place of hidden states."""

        def run(ids: Tensor, mask: Tensor | None, _types: Tensor | None) -> list[Tensor]:
            mask = torch.ones_like(ids) if mask is None else mask.long()
            return [torch.from_numpy(compute(ids.numpy(), mask.numpy()))]

        runner = PaddedRunner(run, self._tagger.trunk.special[2], 0)
        return self._tagger_on(runner, runner.layers((), None), lambda logits: logits)

    def _tagger_on(self, runner: TrunkRunner, layers: TopLayers, outputs: Callable[[Tensor], Tensor]) -> Tagger:
        like, chain = self._tagger, self.network.chain
        trunk = Trunk(
            runner, like.trunk.config, self._tokenizer, like.trunk.special, like.trunk.windows, like.trunk.place
        )
        transitions = None if chain is None else chain.transitions().numpy()
        return Tagger(trunk, layers, outputs, transitions, like.settings, like.heads, like.digest)


class WaysBenchmark:
    """Measures the ways to run one model; `note` gets each group of figures as soon as it is measured."""

    def __init__(self, ref: str, folder: Path, options: argparse.Namespace, note: Callable[[str, Any], None]) -> None:
        self._random = ref == "bert-base"
        self._place = random_bert(folder / "random") if self._random else locate(ref)[0]
        self._ref = str(self._place) if self._random else ref
        self._work, self._note = folder, note
        self._rounds, self._threads, self._skipped = options.rounds, options.threads, options.skip
        count = options.texts + options.agreement + CALIBRATION_TEXTS
        texts = [article.text for article in articles_with_abstracts(options.abstracts)[:count]]
        self._calibration = texts[:CALIBRATION_TEXTS]
        self._timed = texts[CALIBRATION_TEXTS:][: options.texts]
        self._shortest = [min(self._timed, key=len)]
        self._compared = self._timed if self._random else texts[CALIBRATION_TEXTS:]
        self._tagger: Tagger = load_model(self._ref, "cpu", "float32")

    def run(self) -> None:
        """Load the ways, time them in turn, and compare their spans."""
        self._note("matrix products of a layer, GFLOP/s", limits := self._limits())
        ways = dict(self._available())
        first, slow = self._first(ways)
        of_texts, of_shortest = self._tokens(self._timed), self._tokens(self._shortest)
        window = bare_encoder.window_of(self._tagger)
        tokens = max(1, min(self._tagger.batch_tokens, of_texts) // window) * window
        calls: dict[str, Callable[[], object]] = {BARE: bare_encoder.encoding(self._tagger, tokens, window)}
        calls |= {name: partial(find, self._timed) for name, find in ways.items() if name not in slow}
        calls[BARE]()
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(self._rounds):
            for name, call in calls.items():
                seconds[name].append(_cpu_seconds(call))
        rates: Figures = {"texts": len(self._timed), "tokens": of_texts}
        for name, durations in seconds.items():
            read = tokens if name == BARE else of_texts
            rates[name] = _rate(read, durations) | _times(seconds[BASELINE], durations, name == BARE)
        bare_rate = bare_encoder.operations(self._tagger, window) * rates[BARE]["tokens/s"] / 1e9
        rates[BARE]["of the matrix products"] = round(bare_rate / limits["float32"], 2)
        for name in slow:
            rates[name] = _rate(of_shortest, [first[name]]) | _times([first[BASELINE]], [first[name]], False)
        self._note("in turn", rates)
        self._agreement(ways, slow)

    def _first(self, ways: dict[str, Find]) -> tuple[dict[str, float], set[str]]:
        """CPU seconds of the shortest text, and the ways that are slow. Each way reads it before, to be ready."""
        first = {}
        for name, find in ways.items():
            call = partial(find, self._shortest)
            call()
            first[name] = _cpu_seconds(call)
        slow = {name for name, seconds in first.items() if seconds > SLOW * first[BASELINE]}
        self._note("CPU seconds of the shortest text", {name: round(seconds, 3) for name, seconds in first.items()})
        return first, slow

    def _agreement(self, ways: dict[str, Find], slow: set[str]) -> None:
        """Compare spans; the texts are those that are timed and more, or the shortest one if a way is slow."""
        expected = {texts: ways[BASELINE](texts) for texts in (tuple(self._compared), tuple(self._shortest))}
        agreement: Figures = {}
        for name, find in ways.items():
            if name == BASELINE:
                continue
            texts = tuple(self._shortest if name in slow else self._compared)
            found, wanted = find(texts), expected[texts]
            share = 2 * len(found & wanted) / max(1, len(found) + len(wanted))
            agreement[name] = {"texts": len(texts), "spans": len(wanted), "shared": round(share, 4)}
            self._note("spans shared with litmine float32", agreement)

    def _limits(self) -> Figures:
        config, tokens = self._tagger.trunk.config, self._tagger.batch_tokens
        limit = partial(
            matrix_limit, CPU, torch.float32, tokens, config.hidden_size, config.intermediate_size,
            clock=time.process_time,
        )  # fmt: skip
        ways = {"int8, a scale a batch": int8_products.per_batch, "int8, a scale a token": int8_products.per_token}
        found = {name: limit(ways=[int8_products.int8_kernels(way).product]) for name, way in ways.items()}
        return {name: round(rate / 1e9) for name, rate in ({"float32": limit()} | found).items()}

    def _available(self) -> Iterator[tuple[str, Find]]:
        """The ways that work here, by name."""
        yield BASELINE, _spans_of(self._tagger)
        yield "litmine bf16", _spans_of(load_model(self._ref, "cpu", "bf16"))
        rebuilt = RebuiltTagger(self._tagger, self._place)
        calibrated = int8_products.Calibrated()
        rebuilt.packed(int8_products.int8_kernels(calibrated.recording)).annotate(self._calibration)
        prepared = {
            "torch fbgemm, 7 bits, a scale a batch": int8_products.dynamic("fbgemm", True),
            "torch oneDNN, 7 bits, a scale a batch": int8_products.dynamic("onednn", True),
            "oneDNN fused, a scale a batch": int8_products.per_batch,
            "oneDNN fused, calibrated": calibrated.fixed,
            "oneDNN, a scale a token": int8_products.per_token,
        }
        for name, prepare in prepared.items():
            yield f"int8, {name}", _spans_of(rebuilt.packed(int8_products.int8_kernels(prepare)))
        network = rebuilt.network
        others: dict[str, Callable[[], peers.Compute]] = {
            "OpenVINO float32": lambda: peers.openvino_network(network, self._threads, "f32"),
            "OpenVINO bf16": lambda: peers.openvino_network(network, self._threads, "bf16"),
            "ONNX Runtime float32": lambda: peers.onnx_network(network, self._threads, self._work, int8=False),
            "ONNX Runtime int8": lambda: peers.onnx_network(network, self._threads, self._work, int8=True),
        }
        for name, compile_network in others.items():
            if name.partition(" ")[0] in self._skipped:
                continue
            try:
                yield name, _spans_of(rebuilt.compiled(compile_network()))
            except ImportError as error:
                print(f"{name}: not measured ({error})", flush=True)
        if self._random:
            for precision, dtype in peers.DTYPES.items():
                run = peers.token_pipeline(self._place, dtype, CPU)
                yield f"Hugging Face pipeline {precision}", partial(_pipeline_spans, run)

    def _tokens(self, texts: Sequence[str]) -> int:
        return sum(len(words.ids) for words in self._tagger.read(texts) if isinstance(words, TokenizedText))


def _whole_network(tagger: Tagger, folder: Path) -> MultiHeadNetwork:
    """The network of a tagger with all of its layers, in float32."""
    if is_litmine_model(folder):
        return read_network(folder, tagger.settings, quick=True)
    classifier = auto_classifier(folder)
    encoder = BertEncoder.from_transformers(classifier.bert)
    network = MultiHeadNetwork(classifier.config, classifier.config.num_labels, encoder)
    network.heads.load_state_dict(classifier.classifier.state_dict())
    return network


def _spans_of(tagger: Tagger) -> Find:
    def find(texts: Sequence[str]) -> Spans:
        return {
            (i, entity.start_char, entity.end_char, entity.entity_type)
            for i, entities in enumerate(tagger.annotate(texts))
            for entity in entities
        }

    return find


def _pipeline_spans(run: Any, texts: Sequence[str]) -> Spans:
    return {
        (i, entity["start"], entity["end"], entity["entity_group"])
        for i, entities in enumerate(run(list(texts), batch_size=1))
        for entity in entities
    }


def _cpu_seconds(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


def _rate(tokens: int, seconds: Sequence[float]) -> Figures:
    return {"tokens/s": round(tokens / median(seconds)), "seconds": [round(duration, 3) for duration in seconds]}


def _times(baseline: Sequence[float], seconds: Sequence[float], other_tokens: bool) -> Figures:
    """How many times as fast as the baseline, in the median of the rounds; empty for other numbers of tokens."""
    if other_tokens:
        return {}
    ratios = [ours / theirs for ours, theirs in zip(baseline, seconds, strict=True)]
    return {"times as fast as litmine float32": round(median(ratios), 2)}


def main() -> None:
    """Measure each model, print, and optionally write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--abstracts", type=Path, default=SAMPLE, help="PubMed XML or JSON lines (default: the sample data)"
    )
    parser.add_argument("--model", nargs="+", default=["builtin", "bert-base"], help="models (default: both)")
    parser.add_argument("--texts", type=int, default=6, help="texts of a turn (default: 6)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each way (default: 5)")
    parser.add_argument("--agreement", type=int, default=40, help="more texts for spans, not with bert-base")
    parser.add_argument("--threads", type=int, default=1, help="threads of each way (default: 1)")
    parser.add_argument("--skip", nargs="*", default=[], choices=("OpenVINO", "ONNX"), help="leave these out")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    figures: Figures = describe_machine(CPU) | {"cores": os.cpu_count()}

    def note(ref: str, name: str, found: Any) -> None:
        figures.setdefault(ref, {})[name] = found
        print(f"{ref}, {name}: {json.dumps(found)}", flush=True)
        if options.json:
            figures["load of the last minute"] = round(os.getloadavg()[0], 1)
            options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")

    for ref in options.model:
        with tempfile.TemporaryDirectory() as folder:
            WaysBenchmark(ref, Path(folder), options, partial(note, ref)).run()


if __name__ == "__main__":
    main()
