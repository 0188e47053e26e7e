"""Models that are rules: the digest names what they find."""

import json
from hashlib import blake2b
from pathlib import Path

import pytest

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
