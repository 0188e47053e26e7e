"""`litmine annotate` beside the Hugging Face pipeline: the same weights and abstracts, one run, one machine.

    python benchmarks/annotate.py [--abstracts FILE.jsonl[.gz]] [--count 300] [--json FILE]

Two things are measured. Speed: a BERT-base of random weights reads the abstracts, once through
`pipeline("token-classification", aggregation_strategy="simple")` as a user would write it, in float32 at its best
batch size and, beside it, in bf16; and once through litmine, whose time covers planning, loading the model, reading
Parquet and writing the targets, while the pipeline's starts with everything loaded. Neither truncates: the pipeline
strides over long texts as litmine does. Agreement: the share of the built-in model's spans that bf16 and float32 have
in common.
"""

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast, pipeline

from litmine import Lake, load_model
from litmine.models.home import BUILTIN, builtin_folder
from litmine.sources.files import find_files, read_file
from litmine.types import Article, Entity, Observed
from litmine.work.annotate import annotate
from litmine.work.workforce import Workforce

SAMPLE = Path(__file__).parent.parent / "sample_data" / "pubmed"
BATCH_SIZES = (1, 4, 8, 16)
TRIED_ON = 24
WINDOW, STRIDE = 512, 128


def main() -> None:
    """Measure, print, and write the figures if asked."""
    options = _options()
    articles = _articles(options.abstracts, options.count)
    texts = [article.text for article in articles]
    figures: dict[str, Any] = {
        "machine": f"{_processor()}, {torch.get_num_threads()} threads",
        "versions": {
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "python": platform.python_version(),
        },
        "abstracts": len(texts),
        "characters": sum(map(len, texts)),
    }
    print(
        f"{figures['machine']}; torch {torch.__version__}, transformers {transformers.__version__};"
        f" {len(texts)} abstracts"
    )
    with tempfile.TemporaryDirectory() as folder:
        model = _random_bert_base(Path(folder) / "random-bert-base")
        figures["pipeline float32"] = _pipeline(model, texts, torch.float32)
        figures["pipeline bf16"] = _pipeline(model, texts, torch.bfloat16)
        for precision in ("float32", "bf16"):
            figures[f"litmine {precision}"] = _litmine(model, articles, Path(folder) / precision, precision)
    for name in ("pipeline bf16", "litmine float32", "litmine bf16"):
        ratio = figures["pipeline float32"]["seconds"] / figures[name]["seconds"]
        figures[name]["times the float32 pipeline"] = round(ratio, 2)
        print(f"{name}: {ratio:.2f} times the float32 pipeline")
    shared = _agreement(texts)
    figures["agreement of bf16 and float32, built-in model"] = round(shared, 5)
    print(f"built-in model, spans that bf16 and float32 share: {shared:.3%}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--abstracts", type=Path, default=SAMPLE, help="PubMed XML or JSON lines (default: the sample data)"
    )
    parser.add_argument("--count", type=int, default=300, help="how many abstracts (default: 300)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def _articles(path: Path, count: int) -> list[Article]:
    now = datetime.now(UTC)
    read = (observed for file in find_files([path]) for observed in read_file(file, now))
    found: dict[int, Article] = {}
    for observed in read:
        if isinstance(observed, Observed) and isinstance(observed.record, Article) and observed.record.abstract:
            found[observed.record.pmid] = observed.record
        if len(found) == count:
            break
    return list(found.values())


def _random_bert_base(folder: Path) -> Path:
    """BERT-base with random weights and the built-in model's vocabulary."""
    torch.manual_seed(0)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(builtin_folder(BUILTIN) / "tokenizer.json"), model_max_length=WINDOW, pad_token="[PAD]"
    )
    labels = {0: "O", 1: "B-Disease", 2: "I-Disease"}
    config = BertConfig(vocab_size=len(tokenizer), id2label=labels, label2id={v: k for k, v in labels.items()})
    BertForTokenClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _pipeline(model: Path, texts: Sequence[str], dtype: torch.dtype) -> dict[str, Any]:
    """Seconds of the pipeline at its best batch size, found on the first abstracts."""
    run = pipeline("token-classification", model=str(model), aggregation_strategy="simple", stride=STRIDE, dtype=dtype)
    run(list(texts[:2]), batch_size=2)
    tried = {size: _seconds(run, texts[:TRIED_ON], size) for size in BATCH_SIZES}
    best = min(tried, key=lambda size: tried[size])
    seconds = _seconds(run, texts, best)
    print(
        f"pipeline in {dtype}, batch size {best}: {seconds:.1f} s, {len(texts) / seconds:.1f} abstracts/s", flush=True
    )
    return {
        "seconds": round(seconds, 2),
        "batch size": best,
        "seconds by batch size, first abstracts": {size: round(value, 2) for size, value in tried.items()},
    }


def _seconds(run: Any, texts: Sequence[str], batch_size: int) -> float:
    started = time.monotonic()
    run(list(texts), batch_size=batch_size)
    return time.monotonic() - started


def _litmine(model: Path, articles: Sequence[Article], folder: Path, precision: str) -> dict[str, Any]:
    lake = Lake.create(folder)
    now = datetime.now(UTC)
    lake.add((Observed(article, now) for article in articles), source="benchmark")
    started = time.monotonic()
    result = annotate(lake, [str(model)], Workforce(), precision)
    seconds = time.monotonic() - started
    assert result.texts == len(articles)
    print(f"litmine in {precision}: {seconds:.1f} s, {len(articles) / seconds:.1f} abstracts/s", flush=True)
    return {"seconds": round(seconds, 2), "tokens": result.tokens, "tokens/s": round(result.tokens / seconds)}


def _agreement(texts: Sequence[str]) -> float:
    """Shared spans over all spans (Dice), types included."""
    wide, narrow = (load_model("builtin", precision=precision).annotate(texts) for precision in ("float32", "bf16"))
    ours, theirs = _spans(wide), _spans(narrow)
    return 2 * len(ours & theirs) / (len(ours) + len(theirs))


def _spans(found: Sequence[Sequence[Entity]]) -> set[tuple[int, Entity]]:
    return {(i, entity) for i, entities in enumerate(found) for entity in entities}


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
