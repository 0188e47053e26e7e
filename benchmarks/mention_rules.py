"""Measure the rules for mentions: F1 by type and consistency within a text, without rules, by rule, with all rules.

    python benchmarks/mention_rules.py CORPUS... [--model MODEL] [--head HEAD] [--map NAME=TYPE]

CORPUS is an annotated split in any format that `litmine evaluate ner` reads. Consistency: of the names of one type that
a text has at two or more places as a whole word, and that are marked at least once, the percentage that are marked at
every place. A place inside a longer mention is not a place of the name. "places" is the percentage of all these
places that are marked.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from litmine.corpora.corpus import Corpus, read_corpus
from litmine.tasks.ner.evaluate import score_spans
from litmine.tasks.ner.mention_rules import RULES, Rule, apply_rules
from litmine.tasks.ner.repeated_names import occurrences
from litmine.tasks.ner.settings import NO_RULES
from litmine.tasks.registry import load_model
from litmine.types import Entity, Span


def main() -> None:
    """Print a table for each corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path, nargs="+", metavar="CORPUS")
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--head", action="append")
    parser.add_argument("--map", action="append", default=[])
    options = parser.parse_args()
    tagger = load_model(options.model, precision="float32", heads=options.head)
    tagger.settings = replace(tagger.settings, rules=NO_RULES)
    for path in options.corpora:
        corpus = read_corpus(path, path.stem, dict(pair.split("=") for pair in options.map))
        found = tagger.annotate([passage.text for passage in corpus.passages])
        print(path)
        for name, rules in [("none", ()), *((rule.__name__, (rule,)) for rule in RULES), ("all", RULES)]:
            print(f"  {name:20}", describe(corpus, found, rules))


def describe(corpus: Corpus, found: Sequence[Sequence[Entity]], rules: Sequence[Rule]) -> str:
    """F1 by type and consistency after some rules."""
    texts = [passage.text for passage in corpus.passages]
    changed = [apply_rules(text, entities, rules) for text, entities in zip(texts, found, strict=True)]
    spans = [[Span(one.start_char, one.end_char, one.entity_type) for one in entities] for entities in changed]
    gold = [passage.spans for passage in corpus.passages]
    scores = score_spans(zip(gold, spans, strict=True), corpus.entity_types)
    f1 = ", ".join(f"{entity_type} {score['f1']:.2f}" for entity_type, score in scores.items())
    names, places = consistency(texts, changed)
    return f"{f1}; consistency {names:.1f}, places {places:.1f}"


def consistency(texts: Sequence[str], found: Sequence[Sequence[Entity]]) -> tuple[float, float]:
    """Percentage of repeated names that are marked at every place, and percentage of their places that are marked."""
    names = agreeing = places = marked = 0
    for text, entities in zip(texts, found, strict=True):
        starts: dict[tuple[str, str], set[int]] = defaultdict(set)
        for one in entities:
            starts[one.entity_type, one.mention].add(one.start_char)
        for (_, name), own in starts.items():
            counted = {at for at in occurrences(text, name) if at in own or not _inside(at, len(name), entities)}
            if len(counted) > 1:
                names += 1
                agreeing += counted <= own
                places += len(counted)
                marked += len(counted & own)
    return 100 * agreeing / max(names, 1), 100 * marked / max(places, 1)


def _inside(start: int, length: int, entities: Sequence[Entity]) -> bool:
    return any(
        one.start_char <= start and start + length <= one.end_char and one.end_char - one.start_char > length
        for one in entities
    )


if __name__ == "__main__":
    main()
