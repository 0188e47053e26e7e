"""The built-in reader gives the expected answers, also from a lake of real records."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine import Lake
from litmine.errors import DONE
from litmine.nn.references import builtin_folder
from litmine.sources.files import read_file
from litmine.specs import BUILTIN_READER, spec_by_name
from litmine.tasks.qa.reader import Reader
from litmine.tasks.registry import identify, load_reader
from litmine.types import Article, ReaderOutput, SourceRecord

Run = Callable[..., CompletedProcess[str]]
PMID = 1
SENTENCE = "An allergy to penicillin can cause an anaphylactic reaction."
QUESTION = "What can cause an anaphylactic reaction?"
UNRELATED = "The strain grew at 37 degrees in a medium of agar and was isolated from sediment of a lake."
RIGHT = {"penicillin", "allergy", "an allergy", "allergy to penicillin", "an allergy to penicillin"}


@pytest.fixture(scope="module")
def reader() -> Reader:
    return load_reader(BUILTIN_READER, precision="float32")


def test_ask_finds_the_answer_among_real_records(run: Run, reader: Reader, sample_data: Path, tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    lake.add([SourceRecord(Article(PMID, SENTENCE), datetime.now(UTC))], source="made")
    assert run("import", sample_data / "pubmed", "--lake", lake.path).returncode == DONE
    assert lake.rows("select count(*) from articles") == [(392,)]

    ran = run("ask", QUESTION, "--lake", lake.path, "--precision", "float32", "--format", "json")
    assert ran.returncode == DONE, ran.stderr
    result = json.loads(ran.stdout)
    assert result["model"] == reader.name
    first = result["answers"][0]
    assert first["papers"][0]["pmid"] == PMID
    assert first["answer"].lower() in RIGHT
    texts = dict(lake.rows("select pmid, text from articles"))
    for paper in (paper for answer in result["answers"] for paper in answer["papers"]):
        assert texts[paper["pmid"]][paper["start_char"] : paper["end_char"]] == paper["answer"]


def test_an_unrelated_text_has_no_answer(reader: Reader) -> None:
    related, unrelated = reader.answer([(QUESTION, SENTENCE), (QUESTION, UNRELATED)])
    assert related.no_answer < unrelated.no_answer
    assert max(span.score for span in related.spans) > max((span.score for span in unrelated.spans), default=0.0)


def test_unrelated_articles_answer_neither_yes_nor_no(reader: Reader, sample_data: Path) -> None:
    seen = read_file(sample_data / "pubmed" / "pubmedsample19n0001.xml.gz", datetime.now(UTC))
    articles = [one.record for one in seen if isinstance(one, SourceRecord) and isinstance(one.record, Article)]
    # Titles without an abstract are more often taken for relevant.
    texts = [article.text for article in articles if article.abstract][:25]
    question = "Can penicillin cause an anaphylactic reaction?"
    first, *others = reader.answer([(question, text) for text in (SENTENCE, *texts)])
    assert yes_or_no(first) > 0.5
    assert len(others) > 20
    assert sum(yes_or_no(other) > 0.5 for other in others) <= len(others) // 20


def yes_or_no(output: ReaderOutput) -> float:
    """The probability of yes or no."""
    assert output.yes is not None
    assert output.no is not None
    return output.yes + output.no


def test_the_reader_is_small_and_its_card_matches_the_weights(reader: Reader) -> None:
    folder = builtin_folder(BUILTIN_READER)
    assert sum(file.stat().st_size for file in folder.iterdir()) < 25_000_000
    assert reader.name == identify(BUILTIN_READER) == identify("builtin", [spec_by_name("qa")])
    assert load_reader("builtin").name == reader.name
    assert reader.settings.yes_no
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert reader.name in card
    assert "CC BY-SA 4.0" in card
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))["dev"]
    assert all(f"| {measure} | {score:.2f} |" in card for measure, score in scores.items())
    recipe = (folder / "recipe.json").read_text(encoding="utf-8")
    assert "/" not in recipe.replace("sentence-transformers/", ""), "the recipe has local paths"
