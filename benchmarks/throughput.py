"""How fast `litmine annotate` reads, beside what the machine can do at most and beside others on the same weights.

    python -m benchmarks.throughput [--abstracts FILE] [--count 300] [--model bert-base|builtin] [--json FILE]

One run on one machine. In this order: the hardware's limit (a matrix product at the model's shapes, a copy); the bare
encoder, full windows of random tokens without padding; litmine from Parquet to Parquet, loading and planning included,
and where its seconds go; the Hugging Face pipeline at its best batch size, in float32 and where bf16 is fast in that;
Ray Data around the pipeline, OpenVINO and ONNX Runtime where they are installed. `--growth` reads 1,000, 2,000, ...
abstracts instead, copies of those at hand, and says what time and memory do.

A machine without Ray, DuckDB and Biopython runs it on a lake that was made elsewhere: `--make-lake DIR` there,
`--lake DIR` here. `--model` takes "bert-base", random weights of that size, or "builtin".
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

from benchmarks import peers
from benchmarks.machine import best_seconds, copy_bandwidth, machine, matrix_limit
from litmine import Lake, load_model
from litmine.lake.articles import new_texts, parts
from litmine.models.home import BUILTIN, builtin_folder
from litmine.models.identity import identify
from litmine.models.network import bfloat16_is_fast
from litmine.sources.files import find_files, read_file
from litmine.types import Article, Observed
from litmine.work.local import run_here
from litmine.work.plan import plan
from litmine.work.task import Done, Loading, Task

SAMPLE = Path(__file__).parent.parent / "sample_data" / "pubmed"
SIZES = (1, 4, 8, 16)
TRIED_ON = 24
Figures = dict[str, Any]


def main() -> None:
    """Measure, print, and write the figures if asked."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        lake = options.lake or options.make_lake or Path(folder) / "lake"
        if not options.lake:
            make_lake(lake, options.abstracts, options.count)
        if options.make_lake:
            return
        figures = measure(lake, options.model, Path(folder), options.growth, options.peers)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def measure(lake: Path, name: str, folder: Path, growth: bool, beside: bool) -> Figures:
    """All figures of one model over a lake; `beside` others, too."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    ref = str(random_bert_base(folder / "random-bert-base")) if name == "bert-base" else name
    figures: Figures = machine(device) | {"model": name}
    say(f"{figures['device']}, {figures['threads']} threads; {figures['versions']}")
    if growth:
        return figures | {"growth": _growth(lake, ref, folder)}
    texts = [text for part in parts(lake) for text in new_texts(part).texts]
    precisions = ["float32", *(["bf16"] if bfloat16_is_fast(device) else [])]
    for precision in precisions:
        figures[f"limit {precision}"] = _limit(ref, device, precision)
        figures[f"litmine {precision}"] = _litmine(lake, ref, precision, folder / precision)
        ours, bare = figures[f"litmine {precision}"], figures[f"limit {precision}"]
        ours["of the bare encoder"] = round(ours["tokens/s"] / bare["bare encoder, tokens/s"], 3)
        say(f"litmine {precision}: {ours}")
    if beside and name == "bert-base":
        figures |= _peers(Path(ref), texts, device, precisions, folder)
        slow = figures["pipeline float32"]["seconds"]
        for one in figures.values():
            if isinstance(one, dict) and "seconds" in one:
                one["times the float32 pipeline"] = round(slow / one["seconds"], 2)
                say(f"{one}")
    return figures


def make_lake(place: Path, abstracts: Path, count: int) -> None:
    """`count` articles with an abstract; copies get PMIDs of their own and a last sentence that says which they are."""
    now = datetime.now(UTC)
    found: dict[int, Article] = {}
    for file in find_files([abstracts]):
        for observed in read_file(file, now):
            if isinstance(observed, Observed) and isinstance(observed.record, Article) and observed.record.abstract:
                found.setdefault(observed.record.pmid, observed.record)
    articles = list(found.values())
    chosen = (articles[i % len(articles)] for i in range(count))
    Lake.create(place).add((_numbered(one, i, now) for i, one in enumerate(chosen)), source="benchmark", part_size=1000)


def _numbered(article: Article, number: int, now: datetime) -> Observed:
    return Observed(Article(number + 1, article.title, f"{article.abstract} Copy {number}."), now)


def random_bert_base(folder: Path) -> Path:
    """BERT-base with random weights and the built-in model's vocabulary."""
    torch.manual_seed(0)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(builtin_folder(BUILTIN) / "tokenizer.json"), model_max_length=512, pad_token="[PAD]"
    )
    labels = {0: "O", 1: "B-Disease", 2: "I-Disease"}
    config = BertConfig(vocab_size=len(tokenizer), id2label=labels, label2id={v: k for k, v in labels.items()})
    BertForTokenClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _limit(ref: str, device: torch.device, precision: str) -> Figures:
    """What the processor multiplies and copies, and what the network alone reads of full windows."""
    tagger = load_model(ref, str(device), precision)
    network: Any = tagger._network
    config, dtype = network.config, torch.bfloat16 if precision == "bf16" else torch.float32
    length = min(256, tagger.settings.window)
    texts = max(1, tagger.batch_tokens // length)
    ids = torch.randint(1000, config.vocab_size, (texts, length), device=device)
    with torch.inference_mode():
        seconds = best_seconds(lambda: network(ids, None), device)
    width, inner = config.hidden_size, config.intermediate_size
    # A token's products with the weights, and its two with the window's other tokens.
    a_token = config.num_hidden_layers * 2 * (4 * width**2 + 2 * width * inner + 2 * length * width)
    limit = matrix_limit(device, dtype, texts * length, width, inner)
    figures = {
        "matrix product, GFLOP/s": round(limit / 1e9),
        "copy, GB/s": round(copy_bandwidth(device) / 1e9, 1),
        "bare encoder, tokens/s": round(texts * length / seconds),
        "bare encoder, share of the matrix product": round(a_token * texts * length / seconds / limit, 3),
        "window": length,
    }
    say(f"{precision}: {figures}")
    return figures


def _litmine(lake: Path, ref: str, precision: str, target: Path) -> Figures:
    """Planning, loading, reading Parquet, writing Parquet: nothing is ready when the clock starts."""
    # The lake's parts beside targets of this run's own.
    target.mkdir()
    (target / "articles").symlink_to((lake / "articles").absolute())
    started = time.perf_counter()
    tasks, _ = plan(target, [Loading(ref, identify(ref), precision=precision)])
    done = list(run_here(tasks, _unwatched))
    seconds = time.perf_counter() - started
    return _account(done, seconds)


def _account(done: Sequence[Done], seconds: float) -> Figures:
    tokens = sum(one.tokens for one in done)
    stages = {stage: round(sum(asdict(one.stages)[stage] for one in done), 2) for stage in asdict(done[0].stages)}
    return {
        "seconds": round(seconds, 2),
        "abstracts/s": round(sum(one.items for one in done) / seconds, 2),
        "tokens": tokens,
        "tokens/s": round(tokens / seconds),
        "computing, share of the time": round(stages["compute"] / seconds, 3),
        "seconds by stage (three run side by side)": stages,
        "peak memory, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _peers(model: Path, texts: Sequence[str], device: torch.device, precisions: Sequence[str], folder: Path) -> Figures:
    figures: Figures = {}
    threads = torch.get_num_threads()
    for precision in precisions:
        run = peers.hugging_face(model, torch.bfloat16 if precision == "bf16" else torch.float32, device)
        tried = {size: run(texts[:TRIED_ON], size) for size in SIZES}
        best = min(tried, key=lambda size: tried[size])
        figures[f"pipeline {precision}"] = {"seconds": round(run(texts, best), 2), "batch size": best}
    size = figures["pipeline float32"]["batch size"]
    if device.type == "cuda":
        return figures
    others: dict[str, Callable[[], float]] = {
        "Ray Data around the pipeline": lambda: peers.ray_data(model, texts, size, threads),
        "OpenVINO float32": lambda: peers.openvino(model, texts, 16, threads, "f32"),
        "ONNX Runtime float32": lambda: peers.onnx_runtime(model, texts, 16, threads, folder, int8=False),
        "ONNX Runtime int8": lambda: peers.onnx_runtime(model, texts, 16, threads, folder, int8=True),
    }
    if "bf16" in precisions:
        others["OpenVINO bf16"] = lambda: peers.openvino(model, texts, 16, threads, "bf16")
    for name, seconds in others.items():
        try:
            figures[name] = {"seconds": round(seconds(), 2)}
        except ImportError as error:
            say(f"{name}: not measured ({error})")
    return figures


def _growth(lake: Path, ref: str, folder: Path) -> list[Figures]:
    """The first 1, 2, 4, ... parts of the lake, each in a process of its own: what time and memory do."""
    from multiprocessing import get_context

    found = []
    many = sorted(parts(lake))
    taken = 1
    while taken <= len(many):
        some = folder / f"first-{taken}"
        (some / "articles").mkdir(parents=True)
        for part in many[:taken]:
            (some / "articles" / part.name).symlink_to(Path(str(part)).absolute())
        with get_context("spawn").Pool(1) as pool:
            found.append({"parts": taken} | pool.apply(_litmine, (some, ref, "auto", folder / f"of-{taken}")))
        say(f"{found[-1]}")
        taken *= 2
    return found


def _unwatched(_task: Task, _share: float) -> None:
    """Nobody watches."""


def say(line: str) -> None:
    """Print it at once."""
    print(line, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--abstracts", type=Path, default=SAMPLE, help="PubMed XML or JSON lines (default: the sample data)"
    )
    parser.add_argument("--count", type=int, default=300, help="how many abstracts (default: 300)")
    parser.add_argument("--model", default="bert-base", help="bert-base, builtin, or a model (default: bert-base)")
    parser.add_argument("--lake", type=Path, help="read this lake, made elsewhere with --make-lake")
    parser.add_argument("--make-lake", type=Path, help="make a lake there, and nothing else")
    parser.add_argument("--growth", action="store_true", help="read 1, 2, 4, ... thousand abstracts")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="litmine and the hardware alone")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
