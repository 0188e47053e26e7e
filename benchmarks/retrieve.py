"""Retrieval: recall on BioASQ's questions for several ways of counting words, and the costs of the search index.

    python benchmarks/retrieve.py --questions FILE --articles FILE.jsonl.gz [--clones 200000] [--json FILE]

The lake holds an article for each document with a gold snippet, whose text is the document's snippets, and the articles
of the second file. recall@k is the share of a question's documents among the first k hits. Batches 1 to 5 of the
questions compare the ways of counting words; the first way, litmine's, is also measured through litmine on batch 6.
Snippets are shorter than abstracts, and few are titles. So the figures show which way is better, not the recall on
PubMed.
"""

import argparse
import gzip
import json
import os
import platform
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from typing import Any, TypeVar

import tantivy

from litmine import Lake
from litmine.search.index import SearchIndex
from litmine.search.terms import STOP_WORDS
from litmine.types import Article, SourceRecord

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
DEPTHS = (10, 20, 50)
# Lucene's English stop words.
STOP = """
a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was
will with
"""


@dataclass(frozen=True, slots=True)
class RetrievalQuestion:
    """A question and the PMIDs of the documents that its gold snippets come from."""

    text: str
    batch: str
    gold: frozenset[int]


@dataclass(frozen=True, slots=True)
class WordCounting:
    """How words are counted. Questions lose their `stop` words; a title's words count `title` times more."""

    name: str
    stem: bool = True
    fold: bool = True
    stop: Sequence[str] = tuple(STOP_WORDS.split())
    title: float = 0


WORD_COUNTINGS = (
    WordCounting("litmine: stems, without accents, without stop words and words that ask"),
    WordCounting("words as they are", stem=False),
    WordCounting("with accents", fold=False),
    WordCounting("without Lucene's stop words only", stop=tuple(STOP.split())),
    WordCounting("with all words", stop=()),
    WordCounting("a title's words count 1.1 times", title=0.1),
    WordCounting("a title's words count 1.3 times", title=0.3),
    WordCounting("a title's words count twice", title=1),
)
Find = Callable[[str, int], list[int]]
Result = TypeVar("Result")


def main() -> None:
    """Measure, print, and optionally write the figures."""
    options = _options()
    questions, articles = read_questions(options.questions)
    others = list(read_articles(options.articles))
    everything = merge_articles(articles, others)
    chosen_on = [question for question in questions if question.batch[0] in "12345"]
    reported_on = [question for question in questions if question.batch[0] == "6"]
    figures: dict[str, Any] = {
        "machine": f"{processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start",
        "versions": {name: version(name) for name in ("litmine", "tantivy", "duckdb")},
        "articles": len(everything),
        "questions, batches 1 to 5": len(chosen_on),
        "questions, batch 6": len(reported_on),
        "recall, batches 1 to 5": {
            way.name: _show(way.name, recall(_counted(everything, way), chosen_on)) for way in WORD_COUNTINGS
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        index = SearchIndex.open(make_article_lake(Path(folder), everything))
        figures["recall of litmine, batches 1 to 5"] = recall(search_with(index), chosen_on)
        figures["recall of litmine, batch 6"] = _show("litmine, batch 6", recall(search_with(index), reported_on))
    figures["abstracts"] = _costs(others, questions)
    if options.clones:
        figures["clones"] = _costs(list(_clones(others, options.clones)), questions)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=Path, required=True, help="BioASQ's JSON with `batch` for each question")
    parser.add_argument("--articles", type=Path, required=True, help="JSON Lines with pmid, title, abstract; gzip")
    parser.add_argument("--clones", type=int, default=0, help="also measure costs on this many copies of articles")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def read_questions(path: Path) -> tuple[list[RetrievalQuestion], list[Article]]:
    """The questions with snippets, and the articles made from the snippets."""
    titles: dict[int, list[str]] = {}
    abstracts: dict[int, list[str]] = {}
    gold_questions = []
    for question in json.loads(path.read_text(encoding="utf-8"))["questions"]:
        gold = set()
        for snippet in question.get("snippets", ()):
            pmid = int(snippet["document"].rsplit("/", 1)[1])
            gold.add(pmid)
            part = titles if snippet["beginSection"] == "title" else abstracts
            if snippet["text"] not in part.setdefault(pmid, []):
                part[pmid].append(snippet["text"])
        if gold:
            gold_questions.append(RetrievalQuestion(question["body"], question["batch"], frozenset(gold)))
    joined = [
        Article(pmid, " ".join(titles.get(pmid, ())) or None, " ".join(abstracts.get(pmid, ())) or None)
        for pmid in sorted(titles.keys() | abstracts.keys())
    ]
    return gold_questions, joined


def read_articles(path: Path) -> Iterator[Article]:
    """The articles of a gzipped JSON Lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            yield Article(int(record["pmid"]), record["title"] or None, record["abstract"] or None)


def merge_articles(articles: Sequence[Article], others: Sequence[Article]) -> list[Article]:
    """The articles from snippets, and those of the others that are not among them."""
    gold = {article.pmid for article in articles}
    return [*articles, *(article for article in others if article.pmid not in gold)]


def _clones(articles: Sequence[Article], count: int) -> Iterator[Article]:
    for number, article in enumerate(islice(cycle(articles), count), 1):
        yield replace(article, pmid=number)


def _counted(articles: Sequence[Article], way: WordCounting) -> Find:
    """Search with tantivy alone, with this way of counting words."""
    fields = tantivy.SchemaBuilder().add_integer_field("pmid", fast=True)
    for name in ("text", "title"):
        fields.add_text_field(name, tokenizer_name="way", index_option="freq")
    schema = fields.build()
    index = tantivy.Index(schema)
    index.register_tokenizer("way", _analyzer(way, ()))
    writer = index.writer(256 << 20, 1)
    for article in articles:
        writer.add_document(tantivy.Document(pmid=article.pmid, text=article.text, title=article.title or ""))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher, analyzer = index.searcher(), _analyzer(way, way.stop)
    weights = {"text": 1.0, "title": way.title} if way.title else {"text": 1.0}

    def find(question: str, top_k: int) -> list[int]:
        words = Counter(analyzer.analyze(question))
        clauses = [
            (tantivy.Occur.Should, tantivy.Query.boost_query(_term(schema, field, word), times * weight))
            for word, times in words.items()
            for field, weight in weights.items()
        ]
        hits = searcher.search(tantivy.Query.boolean_query(clauses), top_k, count=False).hits
        return [int(pmid or 0) for pmid in searcher.fast_field_values("pmid", [place for _, place in hits])]

    return find


def _term(schema: tantivy.Schema, field: str, word: str) -> tantivy.Query:
    return tantivy.Query.term_query(schema, field, word, "freq")


def _analyzer(way: WordCounting, stop: Sequence[str]) -> tantivy.TextAnalyzer:
    words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    words = words.filter(tantivy.Filter.remove_long(40)).filter(tantivy.Filter.lowercase())
    if way.fold:
        words = words.filter(tantivy.Filter.ascii_fold())
    words = words.filter(tantivy.Filter.custom_stopword(list(stop)))
    return (words.filter(tantivy.Filter.stemmer("english")) if way.stem else words).build()


def search_with(index: SearchIndex) -> Find:
    """Search with litmine's index."""
    return lambda question, top_k: [hit.pmid for hit in index.search(question, top_k)]


def recall(find: Find, questions: Sequence[RetrievalQuestion]) -> dict[str, float]:
    """Mean recall over the questions at each depth, in percent."""
    shares: dict[int, list[float]] = {depth: [] for depth in DEPTHS}
    for question in questions:
        found = find(question.text, max(DEPTHS))
        for depth, values in shares.items():
            values.append(len(question.gold.intersection(found[:depth])) / len(question.gold))
    return {f"recall@{depth}": round(100 * sum(values) / len(values), 1) for depth, values in shares.items()}


def _show(name: str, shares: dict[str, float]) -> dict[str, float]:
    print(f"{name}: " + ", ".join(f"{depth} {share}" for depth, share in shares.items()), flush=True)
    return shares


def _costs(articles: Sequence[Article], questions: Sequence[RetrievalQuestion]) -> dict[str, float]:
    """Costs to build, store, search and update an index of the articles, in seconds and bytes."""
    texts = [question.text for question in islice(cycle(questions), 1000)]
    with tempfile.TemporaryDirectory() as folder:
        lake = make_article_lake(Path(folder), articles)
        computed = time.process_time()
        build, index = _timed(lambda: SearchIndex.open(lake))
        computed = time.process_time() - computed
        size = sum(path.stat().st_size for path in (lake.path / "search").rglob("*") if path.is_file())
        ask, _ = _timed(lambda: [index.search(question, 10) for question in texts])
        lake.add(
            [SourceRecord(replace(article, pmid=10**9 + article.pmid), AS_OF) for article in articles[:80]], source="x"
        )
        more, _ = _timed(lambda: SearchIndex.open(lake))
        again, _ = _timed(lambda: SearchIndex.open(lake))
    millions = len(articles) / 1e6
    figures = {
        "articles": len(articles),
        "build s": round(build, 2),
        "build CPU s": round(computed, 2),
        "build CPU s per million": round(computed / millions),
        "index MB": round(size / 1e6, 1),
        "index MB per million": round(size / 1e6 / millions),
        "1,000 questions s": round(ask, 2),
        "80 articles more s": round(more, 2),
        "nothing new s": round(again, 4),
        "peak memory of this process so far MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
    }
    print(", ".join(f"{name} {value:,}" for name, value in figures.items()), flush=True)
    return figures


def make_article_lake(folder: Path, articles: Sequence[Article]) -> Lake:
    """Create a lake of these articles."""
    lake = Lake.create(folder / "lake")
    lake.add((SourceRecord(article, AS_OF) for article in articles), source="articles")
    return lake


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def processor() -> str:
    """Name of the CPU."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
