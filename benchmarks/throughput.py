"""Speed of `litmine annotate`, compared with the limit of the hardware and other libraries on the same weights.

    python -m benchmarks.throughput [--abstracts FILE] [--count 300] [--model bert-base|builtin] [--json FILE]

One run on one machine measures, in this order:

- the limit of the hardware: matrix products with the model's shapes, and a copy;
- the bare encoder on full windows of random tokens;
- litmine from Parquet to Parquet, loading and planning included, and its time by stage;
- the share of spans that bf16 and float32 have in common;
- the Hugging Face pipeline at its best batch size, in float32 and, where it is fast, in bf16;
- Ray Data around the pipeline, OpenVINO and ONNX Runtime, where they are installed;
- on a GPU also several batch sizes, the kernels, several processes that share the GPU, and its utilisation.

`--growth 1 2` measures instead how time and memory grow: it reads 1,000, 2,000, ... copied abstracts with one worker
and with two. A machine without Ray, DuckDB and Biopython can use a lake from another machine: `--make-lake DIR` there,
`--lake DIR` here. `--parts N` then reads the lake's parts repeatedly, as if there were N. `--model` takes "bert-base"
(random weights of that size), "thin" (random weights that cost almost nothing), "builtin", or a folder. `--only`
selects measurements. A measurement that fails is reported, and the others continue.
"""

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import bare_encoder
from benchmarks.gpu_usage import GpuUsage
from benchmarks.machine import describe_machine
from benchmarks.random_inputs import THIN, make_copied_lake, random_bert
from litmine import load_model
from litmine.lake.articles import list_parts, read_new_texts
from litmine.nn.batches import text_windows
from litmine.nn.devices import bfloat16_is_fast
from litmine.nn.tokenizer import TokenizedText
from litmine.pipeline.annotation_plan import build_steps, group_steps, plan_units
from litmine.runtime.local_executor import run_local
from litmine.tasks.contract import ModelSpec, Unit, UnitResult
from litmine.tasks.registry import identify
from litmine.types import Entity

SAMPLE = Path(__file__).parent.parent / "sample_data" / "pubmed"
# Batch sizes to try with the pipeline, and the number of texts to try them on.
PIPELINE_BATCHES = {"cpu": (1, 4, 8, 16), "cuda": (16, 64, 256)}
TRIAL_TEXTS = {"cpu": 12, "cuda": 256}
# Tokens of a batch to try with the packed encoder.
BATCH_TOKENS = {"cpu": (1_024, 2_048, 4_096, 8_192), "cuda": (8_192, 16_384, 32_768, 65_536, 131_072)}
# Number of parts from which the middle half gives a reliable rate.
_MANY = 20
# All of PubMed: 38 million records of 237 tokens on average.
PUBMED_TOKENS = 9.0e9
MEASURES = ("limit", "kernels", "litmine", "agreement", "turns", "peers", "compile")
ROUNDS = 5
# Models with random weights.
RANDOM: dict[str, dict[str, int]] = {"bert-base": {}, "thin": THIN}
_STEADY = "tokens/s from the first part on"
Figures = dict[str, Any]


def main() -> None:
    """Measure, print, and optionally write the figures."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        lake = options.lake or options.make_lake or Path(folder) / "lake"
        if not options.lake:
            make_copied_lake(lake, options.abstracts, options.count, options.part_size)
        if options.make_lake:
            return
        for name in options.model:
            within = Path(folder) / name.replace("/", "-")
            within.mkdir()
            file = options.json
            if file and len(options.model) > 1:
                file = file.with_stem(f"{file.stem}-{within.name}")
            ModelBenchmark(lake, name, within, options, file).run()


class ModelBenchmark:
    """Measures one model on a lake, and writes each figure to `file` as soon as it is measured."""

    def __init__(
        self, lake: Path, name: str, folder: Path, options: argparse.Namespace, file: Path | None = None
    ) -> None:
        self._file = file
        self._lake, self._name, self._folder, self._options = lake, name, folder, options
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        shape = RANDOM.get(name)
        self._ref = name if shape is None else str(random_bert(folder / f"random-{name}", **shape))
        self._precisions = ["float32", *(["bf16"] if bfloat16_is_fast(self._device) else [])]
        self.figures: Figures = describe_machine(self._device) | {"cores": os.cpu_count(), "model": name}

    def run(self) -> None:
        """Run the selected measurements."""
        log(f"{self._name} on {self.figures}")
        if self._options.growth:
            for workers in self._options.growth:
                found = _growth(self._lake, self._ref, self._folder, self._options.parts, workers)
                self._note(f"growth, {workers} workers", found)
            return
        for name in self._options.only:
            started = time.perf_counter()
            try:
                getattr(self, f"_{name}")()
            except Exception as error:  # noqa: BLE001 - the other measurements continue
                log(f"{name} failed: {error}\n{traceback.format_exc(limit=-4)}")
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
            log(f"[{name}: {time.perf_counter() - started:.1f} s]")

    def _limit(self) -> None:
        for precision in reversed(self._precisions):
            tagger = load_model(self._ref, str(self._device), precision)
            found = bare_encoder.hardware_limits(tagger)
            self._note(f"hardware {precision}", found)
            limit = found["matrix product, GFLOP/s"]
            sizes = BATCH_TOKENS[self._device.type] if tagger.packs else [tagger.batch_tokens]
            for tokens in sizes:
                window = bare_encoder.window_of(tagger)
                self._note(
                    f"bare encoder {precision} {tokens}", bare_encoder.encoder_speed(tagger, tokens, limit, window)
                )
            # Longer windows cost more attention per token.
            alike = bare_encoder.encoder_speed(tagger, tagger.batch_tokens, limit, self._windows[1])
            self._note(f"bare encoder {precision}, windows like the texts'", alike)

    def _kernels(self) -> None:
        if self._device.type == "cuda":
            tagger = load_model(self._ref, str(self._device))
            self._note("kernels", bare_encoder.kernel_shares(tagger, tagger.batch_tokens))

    def _compile(self) -> None:
        tagger = load_model(self._ref, str(self._device))
        if tagger.packs:
            self._note("fused by others", bare_encoder.compiled_speed(self._ref, tagger, tagger.batch_tokens))

    def _litmine(self) -> None:
        for precision in self._precisions if self._device.type == "cpu" else self._precisions[::-1]:
            gpu = self._device.type == "cuda" and precision == "bf16"
            if precision not in self._options.precision:
                continue
            for processes in (1, *self._options.processes) if gpu else (1,):
                run = f"litmine {precision}" + (f" {processes} processes" if gpu else "")
                folder = self._folder / run.replace(" ", "-")
                many = self._options.parts
                if many and self._device.type == "cuda":
                    # float32 has about a tenth of the speed; fewer parts keep the duration similar.
                    many = max(1, many * processes // (8 if gpu else 24))
                # Other jobs may slow the machine, so the bare encoder is measured before and after.
                around = [self._bare_rate(precision)]
                try:
                    found = _in_new_process(
                        self._lake, self._ref, precision, folder, many, processes, self._options.batch_tokens
                    )
                except Exception as error:  # noqa: BLE001 - more processes may not fit
                    log(f"{run} failed: {error}")
                    continue
                around.append(self._bare_rate(precision))
                found["bare encoder before and after, tokens/s"] = [round(rate) for rate in around]
                for name, rate in (("", found["tokens/s"]), (", from the first part on", found.get(_STEADY))):
                    if rate:
                        shares = [rate / np.mean(around), rate * self._windows[0] / np.mean(around)]
                        found[f"of the bare encoder{name}; with what windows share"] = [
                            round(float(share), 3) for share in shares
                        ]
                self._note(run, found)

    def _bare_rate(self, precision: str) -> float:
        """Mean tokens/s of the bare encoder on windows as long as those of the texts."""
        tagger = load_model(self._ref, str(self._device), precision, batch_tokens=self._options.batch_tokens)
        return bare_encoder.sustained(tagger, self._windows[1])

    @cached_property
    def _windows(self) -> tuple[float, int]:
        """Tokens computed per token of text, which counts overlaps twice, and the mean window rounded to 16."""
        tagger = load_model(self._ref, "cpu", "float32")
        read = [words for words in tagger.read(list(islice(self._texts(), 1_000))) if isinstance(words, TokenizedText)]
        window, overlap = tagger.settings.window, tagger.settings.overlap
        pieces = [piece.tokens for words in read for piece in text_windows(0, words, window, overlap)]
        computed = sum(pieces) / sum(len(words.ids) for words in read)
        mean = round(sum(pieces) / len(pieces) / 16) * 16 or 16
        self._note("tokens read for one of a text, and a window's on average", [round(computed, 3), mean])
        return computed, mean

    def _agreement(self) -> None:
        """Share of equal spans in bf16 and in padded float32 on the same device."""
        texts = list(islice(self._texts(), 2_000 if self._device.type == "cuda" else 100))
        wide, narrow = (
            _spans(load_model(self._ref, str(self._device), precision).annotate(texts))
            for precision in ("float32", "bf16")
        )
        shared = 2 * len(wide & narrow) / (len(wide) + len(narrow))
        self._note(
            "agreement of bf16 and float32", {"texts": len(texts), "spans": len(wide), "shared": round(shared, 5)}
        )

    def _turns(self) -> None:
        """Time the pipeline and `Tagger.annotate` in turn, because other jobs may slow the machine."""
        if self._name not in RANDOM:
            return
        from benchmarks import peers

        texts = list(islice(self._texts(), TRIAL_TEXTS[self._device.type]))
        for precision in self._precisions:
            tagger = load_model(self._ref, str(self._device), precision)
            tokens = sum(len(words.ids) for words in tagger.read(texts) if isinstance(words, TokenizedText))
            run = peers.hugging_face(Path(self._ref), peers.DTYPES[precision], self._device)
            seconds = [[run(texts, 1), peers.timed(lambda: tagger.annotate(texts))] for _ in range(ROUNDS)]  # noqa: B023
            theirs, ours = np.array(seconds).T
            rates = {"pipeline, tokens/s": theirs, "litmine, tokens/s": ours}
            found = {name: [round(tokens / duration) for duration in durations] for name, durations in rates.items()}
            times = round(float(np.median(theirs / ours)), 2)
            self._note(f"in turn, {precision}", {"texts": len(texts)} | found | {"times as fast, median": times})

    def _peers(self) -> None:
        if self._name != "bert-base":
            return
        texts = list(islice(self._texts(), self._options.peer_texts))
        tagger = load_model(self._ref, "cpu", "float32")
        tokens = sum(len(words.ids) for words in tagger.read(texts) if isinstance(words, TokenizedText))
        for name, seconds, size in _peers(Path(self._ref), texts, self._device, self._precisions, self._folder):
            found = {"seconds": round(seconds, 2), "batch size": size, "tokens/s": round(tokens / seconds)}
            for ours, figures in self.figures.items():
                if ours.startswith("litmine"):
                    found[f"times as fast is {ours}"] = round(figures["tokens/s"] / found["tokens/s"], 2)
            self._note(name, found)

    def _texts(self) -> Iterator[str]:
        return (text for part in list_parts(self._lake) for text in read_new_texts(part).texts)

    def _note(self, name: str, found: Any) -> None:
        self.figures[name] = found
        lines = "\n    ".join(["", *map(str, found)]) if isinstance(found, list) else json.dumps(found)
        log(f"{name}: {lines}")
        if self._file:
            self._file.write_text(json.dumps(self.figures, indent=2) + "\n", encoding="utf-8")


def end_to_end(
    lake: Path,
    ref: str,
    precision: str,
    target: Path,
    many: int | None = None,
    processes: int = 1,
    batch_tokens: int | None = None,
) -> Figures:
    """Time the whole run: planning, loading, reading and writing Parquet.

    `many`: number of parts, repeated if the lake has fewer. `processes`: number of processes that share the GPU.
    """
    # Copy the lake's parts into a folder for the targets of this run: litmine opens no links in a lake.
    (target / "articles").mkdir(parents=True)
    lake_parts = sorted(Path(str(part)) for part in list_parts(lake))
    for i in range(many or len(lake_parts)):
        part = lake_parts[i % len(lake_parts)]
        shutil.copyfile(part, target / "articles" / f"{part.stem}{f'-{i}' if many else ''}.parquet")
    on_gpu = torch.cuda.is_available()
    started = time.perf_counter()
    results, times = [], []
    with GpuUsage() as busy:
        model_spec = ModelSpec(ref, identify(ref), precision=precision, batch_tokens=batch_tokens)
        units, unreadable = plan_units(target, group_steps(build_steps([model_spec], {})))
        assert not unreadable, unreadable
        for result in run_local(units, _unwatched, processes):
            assert result.targets, result
            results.append(result)
            times.append(time.perf_counter())
        ended = time.time()
        seconds = time.perf_counter() - started
    found = _account(results, seconds)
    read = np.cumsum([result.tokens for result in results])
    if len(results) > 1:
        rate = (read[-1] - read[0]) / (times[-1] - times[0])
        found |= {"first part after, s": round(times[0] - started, 2), _STEADY: round(rate)}
    if len(results) >= _MANY:
        # In the middle half all workers are busy.
        quarter, three_quarters = (int(np.searchsorted(read, share * read[-1])) for share in (0.25, 0.75))
        rate = (read[three_quarters] - read[quarter]) / (times[three_quarters] - times[quarter])
        found |= {
            "tokens/s of the middle half": round(rate),
            "hours for all of PubMed": round(PUBMED_TOKENS / rate / 3600, 2),
        }
    if on_gpu:
        between = ended - (times[-1] - times[0]), ended
        found |= {"GPU busy from the first part on": busy.share(*between), "GPU, watts": busy.power(*between)}
    return found


def _in_new_process(*arguments: Any) -> Figures:
    """`end_to_end` in a new process.

    Threads of earlier measurements slow a process down, and its peak memory covers all of them.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(end_to_end, *arguments).result()


def _account(results: Sequence[UnitResult], seconds: float) -> Figures:
    tokens = sum(result.tokens for result in results)
    stages = {
        stage: round(sum(asdict(result.timings)[stage] for result in results), 2)
        for stage in asdict(results[0].timings)
    }
    used = [resource.getrusage(processes) for processes in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "seconds": round(seconds, 2),
        "abstracts/s": round(sum(result.items for result in results) / seconds, 2),
        "entities an abstract": round(
            sum(result.rows for result in results) / sum(result.items for result in results), 1
        ),
        "tokens": tokens,
        "tokens/s": round(tokens / seconds),
        "seconds by stage, those side by side added up": stages,
        "processor seconds": round(sum(usage.ru_utime + usage.ru_stime for usage in used), 2),
        "peak memory of a process, MB": max(usage.ru_maxrss for usage in used) // 1024,
    }


def _spans(found: Sequence[Sequence[Entity]]) -> set[tuple[int, Entity]]:
    return {(i, entity) for i, entities in enumerate(found) for entity in entities}


def _peers(
    model: Path, texts: Sequence[str], device: torch.device, precisions: Sequence[str], folder: Path
) -> Iterator[tuple[str, float, int]]:
    from benchmarks import peers

    threads, size = torch.get_num_threads(), 16
    for precision in precisions:
        run = peers.hugging_face(model, peers.DTYPES[precision], device)
        tried = {size: run(texts[: TRIAL_TEXTS[device.type]], size) for size in PIPELINE_BATCHES[device.type]}
        size = min(tried, key=lambda size: tried[size])
        yield f"pipeline {precision}", run(texts, size), size
    if device.type == "cuda":
        return
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
            yield name, seconds(), 16
        except ImportError as error:
            log(f"{name}: not measured ({error})")


def _growth(lake: Path, ref: str, folder: Path, most: int, workers: int) -> list[Figures]:
    """Time and memory for 1, 2, 4, ... parts of the lake, each in a new process.

    With `most`, from an eighth of it up to `most` parts, repeated if the lake has fewer; 0 for the parts of the lake.
    """
    found = []
    parts, most = (max(1, most // 8), most) if most else (1, len(list_parts(lake)))
    while parts <= most:
        arguments = lake, ref, "auto", folder / f"{workers}-of-{parts}", parts, workers
        found.append({"parts": parts} | _in_new_process(*arguments))
        parts *= 2
    return found


def _unwatched(_task: Unit, _share: float) -> None:
    """Ignore progress."""


def log(line: str) -> None:
    """Print a line without buffering."""
    print(line, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--abstracts", type=Path, default=SAMPLE, help="PubMed XML or JSON lines (default: the sample data)"
    )
    parser.add_argument("--count", type=int, default=300, help="number of abstracts (default: 300)")
    parser.add_argument("--part-size", type=int, default=1000, help="abstracts in each part (default: 1000)")
    parser.add_argument(
        "--model", action="append", help="bert-base, thin, builtin, or a model; may be repeated (default: bert-base)"
    )
    parser.add_argument("--lake", type=Path, help="read this lake, created with --make-lake")
    parser.add_argument("--make-lake", type=Path, help="only create a lake in this folder")
    parser.add_argument(
        "--parts",
        type=int,
        default=0,
        help="number of parts to read, fewer in slower runs (default: the parts of the lake)",
    )
    parser.add_argument(
        "--processes",
        type=int,
        nargs="*",
        default=[2, 4, 8],
        help="processes that share a GPU, besides one",
    )
    parser.add_argument(
        "--precision",
        nargs="+",
        default=["float32", "bf16"],
        help="of litmine end to end (default: both)",
    )
    parser.add_argument("--batch-tokens", type=int, help="tokens of a batch of litmine end to end (default: its own)")
    parser.add_argument("--peer-texts", type=int, default=1000, help="most abstracts for other libraries")
    parser.add_argument(
        "--growth",
        type=int,
        nargs="+",
        default=[],
        metavar="WORKERS",
        help="read 1, 2, 4, ... parts with these numbers of workers; with --parts, from an eighth of it on",
    )
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=MEASURES[:-1], help="measure only these")
    parser.add_argument("--json", type=Path, help="write the figures to this file, or to one file per model")
    options = parser.parse_args()
    options.model = options.model or ["bert-base"]
    return options


if __name__ == "__main__":
    main()
