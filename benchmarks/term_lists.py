"""Measure a term list: CPU time to read and prepare it, memory, and abstracts per second on one core.

    python benchmarks/term_lists.py LIST.tsv TEXTS...

TEXTS are JSON Lines with `title` and `abstract`, plain or gzip. Times are CPU seconds of this process, so that other
work on the machine matters little; memory is the growth of the greatest resident size, which MALLOC settings affect.
"""

import argparse
import gzip
import json
import resource
import time
from pathlib import Path

from litmine.tasks.ner.term_list import read_term_list
from litmine.tasks.ner.term_tagger import TermTagger
from litmine.types import join_text


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", type=Path, metavar="LIST.tsv")
    parser.add_argument("texts", type=Path, nargs="+", metavar="TEXTS")
    options = parser.parse_args()
    texts = [text for file in options.texts for text in read_texts(file)]
    memory, started = peak_mb(), time.process_time()
    terms = read_term_list(options.list)
    read = time.process_time()
    tagger = TermTagger(terms)
    prepared, grown = time.process_time(), peak_mb() - memory
    mentions = sum(len(tagger.annotate([text])[0]) for text in texts)
    seconds = time.process_time() - prepared
    result = {
        "model": terms.model,
        "names": len(terms.terms),
        "read_s": round(read - started, 2),
        "prepare_s": round(prepared - read, 2),
        "memory_mb": round(grown),
        "texts": len(texts),
        "mean_chars": round(sum(map(len, texts)) / len(texts)),
        "mentions_per_text": round(mentions / len(texts), 2),
        "texts_per_s": round(len(texts) / seconds),
    }
    print(json.dumps(result))


def read_texts(file: Path) -> list[str]:
    """The texts of a file as litmine joins them."""
    data = file.read_bytes()
    lines = (gzip.decompress(data) if file.suffix == ".gz" else data).decode("utf-8").split("\n")
    records = [json.loads(line) for line in lines if line.strip()]
    return [join_text(record.get("title"), record.get("abstract")) for record in records]


def peak_mb() -> float:
    """The greatest resident size of this process so far, in MB (Linux counts it in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    main()
