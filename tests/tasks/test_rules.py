"""Models that are rules: the digest names what they find."""

import json
from hashlib import blake2b
from pathlib import Path

import pytest

from litmine import load_terms
from litmine.lake.articles import read_new_texts
from litmine.lake.lake import Lake
from litmine.specs import import_object, spec_by_name
from litmine.tasks.registry import identify, load_task_model


@pytest.mark.parametrize(
    ("task", "model", "count", "digest"),
    [
        ("sentences", "builtin-sentences@2211775ea581", 1046, "8dead7fd57b3"),
        ("abbreviations", "builtin-abbreviations@0d23ea488921", 175, "10c5900c2504"),
    ],
)
def test_a_change_of_the_rules_changes_the_digest(
    task: str, model: str, count: int, digest: str, imported_lake: Path
) -> None:
    """If this fails because the rules find something else in the sample, increase `_RULES` and record all anew."""
    spec = spec_by_name(task)
    rules = load_task_model(spec.builtin, task)
    rows: list[tuple[object, ...]] = []
    for part in Lake(imported_lake).parts():
        texts = read_new_texts(imported_lake / "articles" / f"{part}.parquet")
        rows += import_object(spec.rows)(texts, rules.decode(texts.texts, (), None, ()))
    found = blake2b(json.dumps(sorted(rows, key=lambda row: row[:3])).encode(), digest_size=6).hexdigest()
    assert (identify(spec.builtin), len(rows), found) == (model, count, digest)


def test_a_change_of_the_rules_for_variants_changes_the_digest(imported_lake: Path) -> None:
    """If this fails because the rules find something else here, increase `RULES_VERSION` and record all anew."""
    variants = load_task_model("builtin-variants", "ner")
    texts = [text for (text,) in Lake(imported_lake).rows("select text from articles order by pmid")]
    texts += [
        "p.Val600Glu, C677T and 35delG; IVS2+1G>A",
        "delta F508, a 32-bp deletion",
        "valine to methionine at codon 66",
    ]
    rows = [(one.start_char, one.end_char, one.identifier) for found in variants.annotate(texts) for one in found]
    digest = blake2b(json.dumps(rows).encode(), digest_size=6).hexdigest()
    assert (variants.name, len(rows), digest) == ("builtin-variants@694c33b18c37", 14, "abc17957a0cd")


def test_a_change_of_the_matcher_changes_the_digest_of_a_list(
    imported_lake: Path, sample_data: Path, tmp_path: Path
) -> None:
    """If this fails because a list finds something else in the sample, increase `MATCHER_VERSION`, record all anew."""
    lake, file = Lake(imported_lake), tmp_path / "mine.tsv"
    header = "name\ttype\tidentifier\n"
    names = lake.rows("select distinct unnest(mesh).name as name from articles order by 1")
    genes = ["IL-6", "TNF", "p53", "CD4", "TNF-alpha", "can", "beta-catenin", "5-HT", "interleukin-2", "GABA"]
    lines = [f"{name}\tThing\tX:{number}\n" for number, (name,) in enumerate(names)]
    file.write_text(header + "".join(lines) + "".join(f"{name}\tGene\t\n" for name in genes), encoding="utf-8")
    terms = load_terms(file)
    texts = [text for (text,) in lake.rows("select text from articles order by pmid")]
    rows = [(one.start_char, one.end_char, one.identifier) for found in terms.annotate(texts) for one in found]
    digest = blake2b(json.dumps(rows).encode(), digest_size=6).hexdigest()
    assert (load_terms(sample_data / "watchlist.tsv").name, terms.name, len(rows), digest) == (
        "watchlist@6e2773991e5d",
        "mine@2e4bbfee9b51",
        307,
        "2bf661cde481",
    )
