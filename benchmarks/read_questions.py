"""litmine's reader and a plain transformers loop on the same weights and pairs of question and abstract.

    python benchmarks/read_questions.py [--abstracts FILE.jsonl[.gz]] [--count 64] [--rounds 3]
        [--model REF] [--json FILE]

The loop follows the guides of transformers: batches of 16 pairs in their order, padded to the longest, long texts in
windows with the same stride, and the best start and end chosen with numpy. Both tokenize, read and decode, with
everything loaded, in float32, and in bf16 where the CPU multiplies it in hardware. The measure is CPU time on one core;
rounds alternate, and a reader's time is that of its best round. `--model` is a plain Hugging Face question answerer.
Without it, the models are the built-in reader without its yes/no head, and a BERT-base with random weights.
"""

import argparse
import json
import multiprocessing
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from transformers import (
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    BertConfig,
    BertForQuestionAnswering,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

from litmine.nn.devices import bfloat16_is_fast
from litmine.nn.references import builtin_folder, locate
from litmine.sources.files import find_files, read_file
from litmine.specs import BUILTIN_READER
from litmine.tasks.qa.folder import read_network
from litmine.tasks.qa.settings import ReaderSettings
from litmine.tasks.registry import load_reader
from litmine.types import Article, SourceRecord

SAMPLE = Path(__file__).parent.parent / "sample_data" / "pubmed"
QUESTIONS = (
    "What can cause an anaphylactic reaction?",
    "Which gene is mutated in the disease?",
    "Is the drug effective in patients with hypertension?",
    "How many patients were treated?",
)
BATCH_SIZE = 16

Pairs = Sequence[tuple[str, str]]


def main() -> None:
    """Measure, print, and optionally write the figures."""
    options = _options()
    texts = _texts(options.abstracts, options.count)
    pairs = [(QUESTIONS[i % len(QUESTIONS)], text) for i, text in enumerate(texts)]
    figures: dict[str, Any] = {
        "machine": f"{_processor()}, one core",
        "versions": {
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "python": platform.python_version(),
        },
        "pairs": len(pairs),
        "rounds": options.rounds,
    }
    print(
        f"{figures['machine']}; torch {torch.__version__}, transformers {transformers.__version__}; {len(pairs)} pairs"
    )
    with tempfile.TemporaryDirectory() as folder:
        models = (
            {options.model: locate(options.model)[0]}
            if options.model
            else {name: make(Path(folder) / name) for name, make in MODELS.items()}
        )
        for name, model in models.items():
            figures[name] = _compare(name, model, pairs, options.rounds)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--abstracts", type=Path, default=SAMPLE, help="PubMed XML or JSON lines (default: the sample data)"
    )
    parser.add_argument("--count", type=int, default=64, help="number of abstracts (default: 64)")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--model", help="a plain question answerer, in place of both models")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def _texts(path: Path, count: int) -> list[str]:
    now = datetime.now(UTC)
    found: dict[int, str] = {}
    for observed in (observed for file in find_files([path]) for observed in read_file(file, now)):
        if isinstance(observed, SourceRecord) and isinstance(observed.record, Article) and observed.record.abstract:
            found[observed.record.pmid] = observed.record.text
        if len(found) == count:
            break
    return list(found.values())


def _builtin(folder: Path) -> Path:
    """The built-in reader as a plain question answerer."""
    reader = builtin_folder(BUILTIN_READER)
    network = read_network(reader, ReaderSettings.load(reader))
    plain = BertForQuestionAnswering(BertConfig.from_dict(network.config.to_dict()))
    plain.bert.load_state_dict(network.encoder.state_dict())
    plain.qa_outputs.load_state_dict(network.span.state_dict())
    return _save(plain, folder)


def _bert_base(folder: Path) -> Path:
    """A question answerer of BERT-base's size with random weights and the built-in reader's vocabulary."""
    torch.manual_seed(0)
    return _save(BertForQuestionAnswering(BertConfig(vocab_size=len(_tokenizer()))), folder)


MODELS = {BUILTIN_READER: _builtin, "BERT-base": _bert_base}


def _save(plain: BertForQuestionAnswering, folder: Path) -> Path:
    logging.disable_progress_bar()
    plain.save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    return folder


def _tokenizer() -> PreTrainedTokenizerFast:
    file = builtin_folder(BUILTIN_READER) / "tokenizer.json"
    return PreTrainedTokenizerFast(tokenizer_file=str(file), model_max_length=512, pad_token="[PAD]")


def _compare(name: str, model: Path, pairs: Pairs, rounds: int) -> dict[str, Any]:
    precisions = ["float32"] + ["bf16"] * bfloat16_is_fast(torch.device("cpu"))
    kinds = [(system, precision) for precision in precisions for system in ("loop", "litmine")]
    best = dict.fromkeys(kinds, float("inf"))
    with ExitStack() as stack:
        # litmine changes the memory allocator of its process, which would also speed up the loop.
        spawn = multiprocessing.get_context("spawn")
        processes = {kind: stack.enter_context(ProcessPoolExecutor(1, spawn)) for kind in kinds}
        for _ in range(rounds):
            for kind, process in processes.items():
                best[kind] = min(best[kind], process.submit(_seconds, *kind, model, pairs).result())
    figures: dict[str, Any] = {}
    for (system, precision), seconds in best.items():
        found = {"pairs/s": round(len(pairs) / seconds, 2)}
        if (system, precision) != kinds[0]:
            found["times the float32 loop"] = round(best[kinds[0]] / seconds, 2)
        figures[f"{system} {precision}"] = found
        print(f"{name}, {system} {precision}: {found}", flush=True)
    return figures


def _seconds(system: str, precision: str, model: Path, pairs: Pairs) -> float:
    """CPU seconds for all pairs, on one core."""
    read = _reading(system, precision, model)
    read(pairs[:4])
    started = time.process_time()
    read(pairs)
    return time.process_time() - started


@cache
def _reading(system: str, precision: str, model: Path) -> Callable[[Pairs], object]:
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    if system == "litmine":
        return load_reader(str(model), "cpu", precision).answer
    return _loop(model, {"float32": torch.float32, "bf16": torch.bfloat16}[precision])


def _loop(model: Path, dtype: torch.dtype) -> Callable[[Pairs], list[str]]:
    """The loop of the transformers guides, with litmine's window, overlap and longest answer."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForQuestionAnswering.from_pretrained(model, dtype=dtype).eval()
    settings = ReaderSettings.load(model)

    @torch.inference_mode()
    def read(pairs: Pairs) -> list[str]:
        best = [(-float("inf"), "")] * len(pairs)
        for first in range(0, len(pairs), BATCH_SIZE):
            batch = pairs[first : first + BATCH_SIZE]
            inputs = tokenizer(
                [question for question, _ in batch],
                [text for _, text in batch],
                truncation="only_second",
                max_length=settings.window,
                stride=settings.overlap,
                return_overflowing_tokens=True,
                return_offsets_mapping=True,
                padding=True,
                return_tensors="pt",
            )
            offsets, samples = inputs.pop("offset_mapping").numpy(), inputs.pop("overflow_to_sample_mapping").tolist()
            output = network(**inputs)
            starts, ends = output.start_logits.float().numpy(), output.end_logits.float().numpy()
            for row, sample in enumerate(samples):
                outside = np.array([sequence != 1 for sequence in inputs.sequence_ids(row)])
                starts[row][outside] = ends[row][outside] = -1e9
                length = np.arange(len(outside))[None, :] - np.arange(len(outside))[:, None]
                scores = starts[row][:, None] + ends[row][None, :]
                scores[(length < 0) | (length >= settings.most_words)] = -2e9
                start, end = divmod(int(scores.argmax()), scores.shape[1])
                text = batch[sample][1][offsets[row][start][0] : offsets[row][end][1]]
                best[first + sample] = max(best[first + sample], (float(scores[start, end]), text))
        return [text for _, text in best]

    return read


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
