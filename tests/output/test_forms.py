"""Every form gives the text and the offsets back, whatever the text is."""

import io
import json
import re
from dataclasses import is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import given
from hypothesis import strategies as st

from litmine.corpora.formats import read_pubtator as read_corpus
from litmine.output import bioc
from litmine.output.document import Document, Mention
from litmine.output.jsonl import to_jsonl
from litmine.output.pubtator import to_pubtator
from litmine.sources.jsonl import read_jsonl
from litmine.sources.pubtator import read_pubtator, read_pubtator_documents
from litmine.sources.read_record import ReadRecord
from litmine.types import Article, Section, UnreadableRecord, join_text

SPLITTERS = re.compile("[\t\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029]")
TRICKY = "\0\t\n\x0b\r\x1c\x85\u2028\u2029\ufeff\u0301\u200d\xa0\U0001f9ec\U00010400é|a "
AS_OF = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
TEXT = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(TRICKY)), min_size=1)


@st.composite
def document(draw: st.DrawFn, pmid: int = 7) -> Document:
    article = Article(pmid, draw(st.none() | TEXT), draw(st.none() | TEXT))
    text = article.text
    spans = draw(st.lists(st.tuples(st.integers(0, len(text)), st.integers(0, len(text))), max_size=6))
    mentions = [
        Mention(start, end, text[start:end], draw(st.sampled_from(["Disease", "Gene\t\n"])), 0.5, None, "m@1")
        for start, end in sorted(map(sorted, spans))
        if start < end
    ]
    return Document(article, tuple(mentions))


DOCUMENTS = st.lists(document(), max_size=4).map(
    lambda found: [
        Document(Article(number, it.article.title, it.article.abstract), it.mentions)
        for number, it in enumerate(found, 1)
    ]
)


def full_article(words: Article) -> Article:
    """An article of which every field has a value, and its words."""
    start = 0 if words.title is None else len(words.title) + 1
    given: dict[str, Any] = {
        "pmid": words.pmid,
        "title": words.title,
        "abstract": words.abstract,
        "sections": (Section("AIM", start, start + len(words.abstract)),) if words.abstract else (),
        "pub_date": "2013-05",
        "year": 2013,
    }
    return Article(**{name: given[name] if name in given else example(kind, name) for name, kind in hints(Article)})


def hints(kind: Any) -> list[tuple[str, Any]]:
    return list(get_type_hints(kind).items())


def example(kind: Any, name: str) -> Any:
    """Some value that is not the default of a field of that type."""
    if get_origin(kind) is tuple:
        return (example(get_args(kind)[0], name),)
    if is_dataclass(kind):
        return kind(**{field: example(of, field) for field, of in hints(kind)})  # type: ignore[operator]
    plain = {str: f"some {name}\u2028", bool: True, int: 11, date: date(2020, 2, 29)}
    return plain[next(one for one in (kind, *get_args(kind)) if one in plain)]


def flat(text: str) -> str:
    return SPLITTERS.sub(" ", text)


@given(DOCUMENTS)
def test_pubtator_is_read_back_by_both_readers(documents: list[Document]) -> None:
    data = "".join(map(to_pubtator, documents)).encode()
    articles = [it.record for it in read_pubtator(io.BytesIO(data)) if isinstance(it, ReadRecord)]
    assert [(it.pmid, it.title, it.abstract) for it in articles if isinstance(it, Article)] == [
        (
            it.article.pmid,
            it.article.title and flat(it.article.title),
            it.article.abstract and flat(it.article.abstract),
        )
        for it in documents
    ]
    assert len(data.decode().splitlines()) == data.count(b"\n")
    for read, wrote in zip(read_pubtator_documents(io.BytesIO(data)), documents, strict=True):
        assert not isinstance(read, UnreadableRecord)
        shift = 1 if wrote.article.title is None else 0
        found = {(int(columns[1]), int(columns[2]), columns[3], columns[4]) for _, columns in read.annotations}
        assert found == {
            (one.start_char + shift, one.end_char + shift, flat(one.mention), flat(one.entity_type))
            for one in wrote.mentions
        }
        assert all(read.text[start:end] == mention for start, end, mention, _ in found)


def test_a_corpus_of_pubtator_has_the_same_spans(tmp_path: Path) -> None:
    texts = [
        ("Asthma \U0001f9ec.", "Latex\tand asthma"),
        ("Asthma", None),
        (None, "no asthma"),
        ("a\u2028asthma", "b\nc"),
    ]
    documents = []
    for pmid, (title, abstract) in enumerate(texts, 1):
        text = join_text(title, abstract)
        places = [found.span() for found in re.finditer("(?i)asthma", text)]
        mentions = [Mention(*place, text[slice(*place)], "Disease", 1.0, "MESH:D001249", "m@1") for place in places]
        documents.append(Document(Article(pmid, title, abstract), tuple(mentions)))
    path = tmp_path / "corpus.pubtator"
    path.write_bytes("".join(map(to_pubtator, documents)).encode())
    misplaced: list[int] = []
    passages = list(read_corpus(path, misplaced))
    assert misplaced == []
    for passage, wrote in zip(passages, documents, strict=True):
        # Without a title PubTator's text begins with the character that parts the two.
        shift = 1 if wrote.article.title is None else 0
        assert passage.text == " " * shift + flat(wrote.article.text)
        assert [(span.start_char - shift, span.end_char - shift) for span in passage.spans] == [
            (one.start_char, one.end_char) for one in wrote.mentions
        ]
    assert b"1\t0\t6\tAsthma\tDisease\tMESH:D001249\n" in path.read_bytes()


def test_what_two_models_agree_on_is_one_line_of_pubtator() -> None:
    twice = tuple(Mention(0, 6, "asthma", "Disease", score, None, model) for score, model in [(0.5, "a"), (0.6, "b")])
    assert to_pubtator(Document(Article(1, "asthma"), twice)) == "1|t|asthma\n1|a|\n1\t0\t6\tasthma\tDisease\t-\n\n"


@given(DOCUMENTS)
def test_json_lines_are_read_back_to_the_letter(documents: list[Document]) -> None:
    sources = [(AS_OF + timedelta(microseconds=number), number % 2) for number in range(len(documents))]
    documents = [
        replace(
            it, article=replace(full_article(it.article), version=number + 1), as_of=as_of, record_class=record_class
        )
        for number, (it, (as_of, record_class)) in enumerate(zip(documents, sources, strict=True))
    ]
    data = "".join(map(to_jsonl, documents))
    read = [it for it in read_jsonl(io.BytesIO(data.encode())) if isinstance(it, ReadRecord)]
    assert [(it.record, it.as_of, it.record_class) for it in read] == [
        (it.article, it.as_of, it.record_class) for it in documents
    ]
    assert [it.record.version for it in read if isinstance(it.record, Article)] == [
        number + 1 for number in range(len(documents))
    ]
    for line, wrote in zip(data.splitlines(), documents, strict=True):
        record = json.loads(line)
        assert record["text"] == wrote.article.text
        assert [(it["start_char"], it["end_char"]) for it in record["entities"]] == [it[:2] for it in wrote.mentions]
        assert all(record["text"][it["start_char"] : it["end_char"]] == it["mention"] for it in record["entities"])


def check_bioc(collection: dict[str, Any]) -> None:
    """What BioC asks of a collection, and PubTator3's form of it."""
    assert set(collection) == {"source", "date", "key", "version", "infons", "documents"}
    for read in collection["documents"]:
        assert set(read) == {"id", "infons", "passages", "relations"}
        kinds = [passage["infons"]["type"] for passage in read["passages"]]
        assert kinds in (["title"], ["abstract"], ["title", "abstract"])
        text = " ".join(passage["text"] for passage in read["passages"])
        names = [one["id"] for passage in read["passages"] for one in passage["annotations"]]
        assert len(names) == len(set(names))
        for passage in read["passages"]:
            assert text[passage["offset"] :].startswith(passage["text"])
            for one in passage["annotations"]:
                (place,) = one["locations"]
                assert set(one) == {"id", "infons", "text", "locations"}
                assert passage["offset"] <= place["offset"] <= passage["offset"] + len(passage["text"])
                assert text[place["offset"] : place["offset"] + place["length"]] == one["text"]


@given(DOCUMENTS)
def test_bioc_holds_the_same_text_and_places(documents: list[Document]) -> None:
    data = (
        bioc.collection_header("20260101")
        + bioc.DOCUMENT_SEPARATOR.join(map(bioc.to_bioc, documents))
        + bioc.COLLECTION_END
    )
    collection = json.loads(data)
    check_bioc(collection)
    for read, wrote in zip(collection["documents"], documents, strict=True):
        assert " ".join(passage["text"] for passage in read["passages"]) == wrote.article.text
        found = [one for passage in read["passages"] for one in passage["annotations"]]
        assert [(one["locations"][0]["offset"], one["text"], one["infons"]["type"]) for one in found] == [
            (one.start_char, one.mention, one.entity_type) for one in wrote.mentions
        ]
