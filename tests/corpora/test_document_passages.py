"""Annotated documents as passages of mentions: splits by article, leaks by article, types and offsets."""

import gzip
import json
from pathlib import Path

import pytest

from litmine.corpora.corpus import open_corpus, read_corpus
from litmine.corpora.decontamination import find_leaks
from litmine.corpora.held_out import held_out
from litmine.errors import CorpusError
from litmine.types import Span

TYPES = {"Drug": "-", "Dose": "-"}


def ade(folder: Path, articles: int = 60) -> Path:
    """A folder in ADE's form: a sentence with an effect and one without, for each article."""
    folder.mkdir(parents=True)
    positive = [f"{pmid}|Rash{pmid} after A.|Rash{pmid}|50|{54 + len(str(pmid))}|A|61|62" for pmid in numbers(articles)]
    (folder / "DRUG-AE.rel").write_text("\n".join(positive) + "\n", encoding="utf-8")
    negative = [f"{pmid} NEG Nothing happened to number {pmid}." for pmid in numbers(articles)]
    (folder / "ADE-NEG.txt").write_text("\n".join(negative) + "\n", encoding="utf-8")
    return folder


def numbers(count: int) -> range:
    return range(1000, 1000 + count)


def phee(file: Path, pmid: int, text: str = "Rash after A.") -> Path:
    event = {
        "event_id": "E1",
        "event_type": "Adverse_event",
        "Treatment": {"Drug": {"text": [["A"]], "start": [[11]]}},
        "Effect": {"text": [["Rash"]], "start": [[0]]},
    }
    line = {"id": f"{pmid}_3", "context": text, "annotations": [{"events": [event]}]}
    file.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(file, "wt", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")
    return file


def test_ade_is_divided_by_article(tmp_path: Path) -> None:
    folder = ade(tmp_path / "ADE-corpus-v2")
    train, dev = (open_corpus(f"ADE={folder}", split, TYPES) for split in ("train", "dev"))
    assert train is not None
    assert dev is not None
    of_dev = {one.pmid for one in dev.passages}
    assert of_dev == {pmid for pmid in numbers(60) if held_out(str(pmid))}
    assert of_dev
    assert of_dev.isdisjoint({one.pmid for one in train.passages})
    assert len(train.passages) + len(dev.passages) == 120
    assert (train.entity_types, train.continuous, train.by_article) == (("AdverseEffect",), True, True)
    # The sentences of an article follow each other.
    pmids = [one.pmid for one in train.passages]
    assert [pmids[i] for i in range(0, len(pmids), 2)] == [pmids[i] for i in range(1, len(pmids), 2)]
    with_effect = next(one for one in train.passages if one.spans)
    (span,) = with_effect.spans
    assert with_effect.text[span.start_char : span.end_char] == f"Rash{with_effect.pmid}"
    whole = read_corpus(folder, "any name", TYPES)
    assert len(whole.passages) == 120


def test_a_tenth_of_the_articles_is_held_out() -> None:
    share = sum(held_out(str(pmid)) for pmid in range(10_000_000, 10_010_000)) / 10_000
    assert 0.09 < share < 0.11
    assert [held_out(str(pmid)) for pmid in range(1030, 1040)] == [held_out(str(pmid)) for pmid in range(1030, 1040)]


def test_a_sentence_of_an_article_of_a_dev_split_is_a_leak(tmp_path: Path) -> None:
    folder = ade(tmp_path / "ADE")
    phee(tmp_path / "PHEE" / "train.jsonl.gz", 7)
    pmid = next(one for one in numbers(60) if not held_out(str(one)))
    phee(tmp_path / "PHEE" / "dev.jsonl.gz", pmid)
    train = open_corpus(f"ADE={folder}", "train", TYPES)
    dev = open_corpus(f"PHEE={tmp_path / 'PHEE'}", "dev", TYPES)
    assert train is not None
    assert dev is not None
    assert dev.passages[0].spans == (Span(0, 4, "AdverseEffect"),)
    # The sentences differ and are short: only the article is the same.
    leaks = find_leaks([train], [dev])
    assert {train.passages[one.index].pmid for one in leaks} == {pmid}
    assert {one.by for one in leaks} == {"PMID"}


def test_documents_in_litmines_form_are_passages(tmp_path: Path) -> None:
    file = tmp_path / "mine" / "train.jsonl"
    file.parent.mkdir()
    entities = [
        {"id": "T1", "type": "Chemical", "start": 2, "end": 9},
        {"id": "T2", "type": "Chemical", "start": 2, "end": 9},
    ]
    document = {"id": "7", "text": "😀 Lithium.", "entities": entities}
    file.write_text(json.dumps(document) + "\n", encoding="utf-8")
    corpus = open_corpus(str(file.parent), "train")
    assert corpus is not None
    assert [(one.text, one.spans, one.pmid) for one in corpus.passages] == [
        ("😀 Lithium.", (Span(2, 9, "Chemical"),), 7)
    ]
    assert (corpus.name, corpus.continuous, corpus.by_article) == ("mine", False, False)
    assert open_corpus(str(file.parent), "dev") is None


def test_offsets_that_do_not_hold_are_listed_by_line(tmp_path: Path) -> None:
    entities = [{"id": f"T{start}", "type": "Chemical", "start": start, "end": start + 1} for start in range(30)]
    good = json.dumps({"id": "1", "text": "a" * 40, "entities": entities})
    bad = json.dumps(
        {"id": "2", "text": "short", "entities": [{"id": "T1", "type": "Chemical", "start": 3, "end": 90}]}
    )
    file = tmp_path / "x.jsonl"
    file.write_text(f"{good}\n{bad}\n", encoding="utf-8")
    assert read_corpus(file, "x").misplaced == (2,)
    file.write_text(f"{bad}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="1 of 1 mentions are not at their offsets, first in line 1"):
        read_corpus(file, "x")
