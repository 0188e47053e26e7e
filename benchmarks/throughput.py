"""How fast `litmine annotate` reads, beside what the machine can do at most and beside others on the same weights.

    python -m benchmarks.throughput [--abstracts FILE] [--count 300] [--model bert-base|builtin] [--json FILE]

One run on one machine. In this order: the hardware's limit (a matrix product at the model's shapes, a copy); the bare
encoder over full windows of random tokens; litmine from Parquet to Parquet, loading and planning included, and where
its seconds go; the share of its spans that bf16 and float32 have in common; the Hugging Face pipeline at its best batch
size, in float32 and where bf16 is fast in that; Ray Data around the pipeline, OpenVINO and ONNX Runtime where they are
installed. On a GPU also batches of several sizes, its kernels, several processes that share it, and how busy it is.
`--growth 1 2` reads 1,000, 2,000, ... abstracts instead with one worker and with two, copies of those at hand, and says
what time and memory do.

A machine without Ray, DuckDB and Biopython runs it on a lake that was made elsewhere: `--make-lake DIR` there,
`--lake DIR` here, where `--parts N` reads its parts again and again as if there were N. `--model` takes "bert-base",
random weights of that size, "thin", random weights that cost nothing, "builtin", or a folder. `--only` names what to
measure of it. What cannot be measured is said, and the rest goes on.
"""

import argparse
import json
import multiprocessing
import os
import resource
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

from benchmarks import bare
from benchmarks.busy import Busy
from benchmarks.given import THIN, make_lake, random_bert
from benchmarks.machine import machine
from litmine import load_model
from litmine.lake.articles import new_texts, parts
from litmine.nn.batches import pieces_of
from litmine.nn.devices import bfloat16_is_fast
from litmine.nn.tokenizer import Words
from litmine.pipeline.annotation_plan import group, plan, steps_of
from litmine.runtime.executor import run_local
from litmine.tasks.contract import Loading, Unit, UnitResult
from litmine.tasks.registry import identify
from litmine.types import Entity

SAMPLE = Path(__file__).parent.parent / "sample_data" / "pubmed"
# Batch sizes of the pipeline that are tried, on so many texts.
SIZES = {"cpu": (1, 4, 8, 16), "cuda": (16, 64, 256)}
TRIED_ON = {"cpu": 12, "cuda": 256}
# Tokens a batch that are tried where texts are packed.
BATCHES = {"cpu": (1_024, 2_048, 4_096, 8_192), "cuda": (8_192, 16_384, 32_768, 65_536, 131_072)}
# Parts of which half are enough to tell a rate by.
_MANY = 20
# All of PubMed: 38 million records of 237 tokens.
PUBMED = 9.0e9
MEASURES = ("limit", "kernels", "litmine", "agreement", "turns", "peers", "compile")
ROUNDS = 5
# Models with random weights.
RANDOM: dict[str, dict[str, int]] = {"bert-base": {}, "thin": THIN}
_STEADY = "tokens/s from the first part on"
Figures = dict[str, Any]


def main() -> None:
    """Measure, print, and write the figures if asked."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        lake = options.lake or options.make_lake or Path(folder) / "lake"
        if not options.lake:
            make_lake(lake, options.abstracts, options.count, options.part_size)
        if options.make_lake:
            return
        for name in options.model:
            within = Path(folder) / name.replace("/", "-")
            within.mkdir()
            file = options.json
            if file and len(options.model) > 1:
                file = file.with_stem(f"{file.stem}-{within.name}")
            Measured(lake, name, within, options, file).all()


class Measured:
    """The figures of one model over a lake; `file` has each as soon as it is there."""

    def __init__(
        self, lake: Path, name: str, folder: Path, options: argparse.Namespace, file: Path | None = None
    ) -> None:
        self._file = file
        self._lake, self._name, self._folder, self._options = lake, name, folder, options
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        shape = RANDOM.get(name)
        self._ref = name if shape is None else str(random_bert(folder / f"random-{name}", **shape))
        self._precisions = ["float32", *(["bf16"] if bfloat16_is_fast(self._device) else [])]
        self.figures: Figures = machine(self._device) | {"cores": os.cpu_count(), "model": name}

    def all(self) -> None:
        """Measure what was asked for."""
        say(f"{self._name} on {self.figures}")
        if self._options.growth:
            for workers in self._options.growth:
                found = _growth(self._lake, self._ref, self._folder, self._options.parts, workers)
                self._note(f"growth, {workers} workers", found)
            return
        for name in self._options.only:
            started = time.perf_counter()
            try:
                getattr(self, f"_{name}")()
            except Exception as error:  # noqa: BLE001 - one figure may fail, the others are wanted
                say(f"{name} could not be measured: {error}\n{traceback.format_exc(limit=-4)}")
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
            say(f"[{name}: {time.perf_counter() - started:.1f} s]")

    def _limit(self) -> None:
        for precision in reversed(self._precisions):
            tagger = load_model(self._ref, str(self._device), precision)
            found = bare.hardware(tagger)
            self._note(f"hardware {precision}", found)
            limit = found["matrix product, GFLOP/s"]
            sizes = BATCHES[self._device.type] if tagger.packs else [tagger.batch_tokens]
            for tokens in sizes:
                window = bare.window_of(tagger)
                self._note(f"bare encoder {precision} {tokens}", bare.encoder(tagger, tokens, limit, window))
            # A longer window costs a token more attention.
            alike = bare.encoder(tagger, tagger.batch_tokens, limit, self._windows[1])
            self._note(f"bare encoder {precision}, windows like the texts'", alike)

    def _kernels(self) -> None:
        if self._device.type == "cuda":
            tagger = load_model(self._ref, str(self._device))
            self._note("kernels", bare.kernels(tagger, tagger.batch_tokens))

    def _compile(self) -> None:
        tagger = load_model(self._ref, str(self._device))
        if tagger.packs:
            self._note("fused by others", bare.compiled(self._ref, tagger, tagger.batch_tokens))

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
                    # About as long whatever the speed, of which float32 has a tenth.
                    many = max(1, many * processes // (8 if gpu else 24))
                # A machine that others use is not the same for long: what it is held against is measured on both sides.
                around = [self._alone(precision)]
                try:
                    found = _apart(
                        self._lake, self._ref, precision, folder, many, processes, self._options.batch_tokens
                    )
                except Exception as error:  # noqa: BLE001 - more processes may not fit
                    say(f"{run} could not be measured: {error}")
                    continue
                around.append(self._alone(precision))
                found["bare encoder before and after, tokens/s"] = [round(rate) for rate in around]
                for name, rate in (("", found["tokens/s"]), (", from the first part on", found.get(_STEADY))):
                    if rate:
                        shares = [rate / np.mean(around), rate * self._windows[0] / np.mean(around)]
                        found[f"of the bare encoder{name}; with what windows share"] = [
                            round(float(one), 3) for one in shares
                        ]
                self._note(run, found)

    def _alone(self, precision: str) -> float:
        """Tokens/s of the bare encoder over windows like the texts', for as long as tells."""
        tagger = load_model(self._ref, str(self._device), precision, batch_tokens=self._options.batch_tokens)
        return bare.sustained(tagger, self._windows[1])

    @cached_property
    def _windows(self) -> tuple[float, int]:
        """Tokens that the network reads for one of a text, with what windows share; and a window's mean, to 16."""
        tagger = load_model(self._ref, "cpu", "float32")
        read = [words for words in tagger.read(list(islice(self._texts(), 1_000))) if isinstance(words, Words)]
        window, overlap = tagger.settings.window, tagger.settings.overlap
        pieces = [piece.tokens for words in read for piece in pieces_of(0, words, window, overlap)]
        computed = sum(pieces) / sum(len(words.ids) for words in read)
        mean = round(sum(pieces) / len(pieces) / 16) * 16 or 16
        self._note("tokens read for one of a text, and a window's on average", [round(computed, 3), mean])
        return computed, mean

    def _agreement(self) -> None:
        """Of the spans of both precisions; against the padded float32 of the same device."""
        texts = list(islice(self._texts(), 2_000 if self._device.type == "cuda" else 100))
        wide, narrow = (load_model(self._ref, str(self._device), one).annotate(texts) for one in ("float32", "bf16"))
        ours, theirs = _spans(wide), _spans(narrow)
        shared = 2 * len(ours & theirs) / (len(ours) + len(theirs))
        self._note(
            "agreement of bf16 and float32", {"texts": len(texts), "spans": len(ours), "shared": round(shared, 5)}
        )

    def _turns(self) -> None:
        """The pipeline and `Tagger.annotate` in turn: a machine that others use is not the same for long."""
        if self._name not in RANDOM:
            return
        from benchmarks import peers

        texts = list(islice(self._texts(), TRIED_ON[self._device.type]))
        for precision in self._precisions:
            tagger = load_model(self._ref, str(self._device), precision)
            tokens = sum(len(one.ids) for one in tagger.read(texts) if isinstance(one, Words))
            run = peers.hugging_face(Path(self._ref), peers.DTYPES[precision], self._device)
            seconds = [[run(texts, 1), peers.timed(lambda: tagger.annotate(texts))] for _ in range(ROUNDS)]  # noqa: B023
            theirs, ours = np.array(seconds).T
            rates = {"pipeline, tokens/s": theirs, "litmine, tokens/s": ours}
            found = {name: [round(tokens / one) for one in of] for name, of in rates.items()}
            times = round(float(np.median(theirs / ours)), 2)
            self._note(f"in turn, {precision}", {"texts": len(texts)} | found | {"times as fast, median": times})

    def _peers(self) -> None:
        if self._name != "bert-base":
            return
        texts = list(islice(self._texts(), self._options.peer_texts))
        tagger = load_model(self._ref, "cpu", "float32")
        tokens = sum(len(one.ids) for one in tagger.read(texts) if isinstance(one, Words))
        for name, seconds, size in _peers(Path(self._ref), texts, self._device, self._precisions, self._folder):
            found = {"seconds": round(seconds, 2), "batch size": size, "tokens/s": round(tokens / seconds)}
            for ours, figures in self.figures.items():
                if ours.startswith("litmine"):
                    found[f"times as fast is {ours}"] = round(figures["tokens/s"] / found["tokens/s"], 2)
            self._note(name, found)

    def _texts(self) -> Iterator[str]:
        return (text for part in parts(self._lake) for text in new_texts(part).texts)

    def _note(self, name: str, found: Any) -> None:
        self.figures[name] = found
        lines = "\n    ".join(["", *map(str, found)]) if isinstance(found, list) else json.dumps(found)
        say(f"{name}: {lines}")
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
    """Planning, loading, reading Parquet, writing Parquet: nothing is ready when the clock starts.

    `many` parts, the lake's own again and again if it has fewer. `processes` share the GPU if there are several.
    """
    # The lake's parts beside targets of this run's own.
    (target / "articles").mkdir(parents=True)
    own = sorted(Path(str(part)) for part in parts(lake))
    for i in range(many or len(own)):
        part = own[i % len(own)]
        (target / "articles" / f"{part.stem}{f'-{i}' if many else ''}.parquet").symlink_to(part.absolute())
    on_gpu = torch.cuda.is_available()
    started = time.perf_counter()
    done, times = [], []
    with Busy() as busy:
        loading = Loading(ref, identify(ref), precision=precision, batch_tokens=batch_tokens)
        units, unreadable = plan(target, group(steps_of([loading], {})))
        assert not unreadable, unreadable
        for one in run_local(units, _unwatched, processes):
            assert one.made, one
            done.append(one)
            times.append(time.perf_counter())
        ended = time.time()
        seconds = time.perf_counter() - started
    found = _account(done, seconds)
    read = np.cumsum([one.tokens for one in done])
    if len(done) > 1:
        rate = (read[-1] - read[0]) / (times[-1] - times[0])
        found |= {"first part after, s": round(times[0] - started, 2), _STEADY: round(rate)}
    if len(done) >= _MANY:
        # All are at work then, and none is idle yet.
        quarter, three = (int(np.searchsorted(read, share * read[-1])) for share in (0.25, 0.75))
        rate = (read[three] - read[quarter]) / (times[three] - times[quarter])
        found |= {"tokens/s of the middle half": round(rate), "hours for all of PubMed": round(PUBMED / rate / 3600, 2)}
    if on_gpu:
        between = ended - (times[-1] - times[0]), ended
        found |= {"GPU busy from the first part on": busy.share(*between), "GPU, watts": busy.power(*between)}
    return found


def _apart(*given: Any) -> Figures:
    """`end_to_end` in a process of its own.

    In this one other threads have computed, which slows those that follow; and memory's peak is that of all before.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(end_to_end, *given).result()


def _account(done: Sequence[UnitResult], seconds: float) -> Figures:
    tokens = sum(one.tokens for one in done)
    stages = {stage: round(sum(asdict(one.stages)[stage] for one in done), 2) for stage in asdict(done[0].stages)}
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "seconds": round(seconds, 2),
        "abstracts/s": round(sum(one.items for one in done) / seconds, 2),
        "entities an abstract": round(sum(one.rows for one in done) / sum(one.items for one in done), 1),
        "tokens": tokens,
        "tokens/s": round(tokens / seconds),
        "seconds by stage, those side by side added up": stages,
        "processor seconds": round(sum(one.ru_utime + one.ru_stime for one in used), 2),
        "peak memory of a process, MB": max(one.ru_maxrss for one in used) // 1024,
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
        tried = {size: run(texts[: TRIED_ON[device.type]], size) for size in SIZES[device.type]}
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
            say(f"{name}: not measured ({error})")


def _growth(lake: Path, ref: str, folder: Path, most: int, workers: int) -> list[Figures]:
    """1, 2, 4, ... parts of the lake, each time in a process of its own: what time and memory do.

    `most` parts at the end, the lake's own again and again, from an eighth of that on; 0 for as many as it has.
    """
    found = []
    taken, most = (max(1, most // 8), most) if most else (1, len(parts(lake)))
    while taken <= most:
        given = lake, ref, "auto", folder / f"{workers}-of-{taken}", taken, workers
        found.append({"parts": taken} | _apart(*given))
        taken *= 2
    return found


def _unwatched(_task: Unit, _share: float) -> None:
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
    parser.add_argument("--part-size", type=int, default=1000, help="abstracts a part (default: 1000)")
    parser.add_argument(
        "--model", action="append", help="bert-base, thin, builtin, or a model; may be repeated (default: bert-base)"
    )
    parser.add_argument("--lake", type=Path, help="read this lake, made elsewhere with --make-lake")
    parser.add_argument("--make-lake", type=Path, help="make a lake there, and nothing else")
    parser.add_argument(
        "--parts",
        type=int,
        default=0,
        help="read so many parts, and fewer where it goes slower (default: as many as it has)",
    )
    parser.add_argument(
        "--processes", type=int, nargs="*", default=[2, 4, 8], help="how many share a GPU, beside one (default: 2 4 8)"
    )
    parser.add_argument(
        "--precision", nargs="+", default=["float32", "bf16"], help="of litmine end to end (default: float32 bf16)"
    )
    parser.add_argument("--batch-tokens", type=int, help="of litmine end to end (default: its own)")
    parser.add_argument("--peer-texts", type=int, default=1000, help="abstracts that the others read at most")
    parser.add_argument(
        "--growth",
        type=int,
        nargs="+",
        default=[],
        metavar="WORKERS",
        help="read 1, 2, 4, ... parts with so many workers, with --parts from an eighth of these on",
    )
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=MEASURES[:-1], help="measure these alone")
    parser.add_argument("--json", type=Path, help="write the figures to this file, or to one a model")
    options = parser.parse_args()
    options.model = options.model or ["bert-base"]
    return options


if __name__ == "__main__":
    main()
