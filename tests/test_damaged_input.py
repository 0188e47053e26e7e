"""Randomly damaged input files give valid values or one-sentence errors, never a traceback.

Real files get up to four changes: they are cut, compressed or encoded differently, bits are flipped, markup is
inserted, and pieces are dropped, repeated, swapped or nested.
"""

import gzip
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litmine.corpora.corpus import read_corpus
from litmine.errors import CorpusError, LitmineError, QuestionError
from litmine.lake.hashing import record_hash
from litmine.output.document import Document
from litmine.output.jsonl import to_jsonl
from litmine.sources.files import read_file
from litmine.sources.pmids import read_pmids
from litmine.sources.questions import read_questions
from litmine.specs import spec_by_name
from litmine.tasks.qa.question_files import read_question_file
from litmine.training.recipe import make_recipe, read_recipe, recipe_names
from litmine.types import (
    QUESTION_TYPES,
    RECORD,
    Article,
    Chemical,
    Correction,
    MeshHeading,
    Section,
    SourceNote,
    SourceRecord,
    UnreadableRecord,
)

CHECKOUT = Path(__file__).parent.parent
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
EXAMPLES = 100_000 if os.environ.get("LITMINE_HYPOTHESIS_PROFILE") == "soak" else 200

TOKENS = [
    *(b"<", b">", b"</", b"<i>", b"</i>", b"<PMID>", b"</PubmedArticle>", b"<PubmedArticle>", b"&lt;", b"&#0;", b"&x;"),
    *(b"&#xD800;", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<?x", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"xmlns:a='b' "),
    *(
        b"\n",
        b"\r\n",
        b"\n\n",
        b"\t",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\xc2",
        b"\x1b[2J",
    ),
    *(b'"', b"'", b"\\", b"\\ud800", b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"NaN", b"1e999", b"-1"),
    *(b"9" * 30, b"9" * 5000, b"|t|", b"|a|", b"1|t|", b"#", b"=", b"inf", b"nan", b"1979-05-27", b"[[stages]]", b";"),
    *(b"PMID- 7\n", b"PMID-", b"TI  - ", b"AB  - x\n", b"\n      ", b"TY  - JOUR\n", b"ER  - \n", b"AN  - PMID:7\n"),
    *(b'"litmine":{"as_of":"9999-12-31T23:59:59-12:00","class":"record","tables":[]},', b"0 0 0", b"\xfe\xff"),
    *("\u2028".encode(), "e\u0301".encode(), "\U0001f9ec".encode(), "\u202e".encode()),
]
FULL = Article(
    7, "A title", "AIM: We try.", (Section("AIM", 13, 20),), "J Ex", "2013-05", 2013, ("Doe, J",),
    (MeshHeading("D1", "Gout", True, ("blood",)),), ("k",), ("Review",), "10.1/x", "PMC1", "eng", True,
    chemicals=(Chemical("0", "x"),), corrections=(Correction("RetractionIn", 8, "J Ex"),),
)  # fmt: skip
MEDLINE = """PMID- 7
LR  - 20200102
DP  - 2013 May
TI  - A title that
      goes on.
AB  - AIM: We try. RESULTS: It helps.
FAU - Doe, Jané
AUID- ORCID: 0000-0002-1825-0097
AD  - Place.
GR  - R1/XY/Agency/Country
RN  - 0 (x)
MH  - *Gout/blood
CIN - J Ex. PMID: 8

PMID- 8
TI  - Second.
"""
RIS = (
    "TY  - JOUR\nAN  - PMID:7\nTI  - A title\nPY  - 2013/05/07\nAB  - We\ntry.\nER  - \n\n"
    "TY  - JOUR\nAN  - 8\nDB  - PubMed\nER  - \n"
)
GOLD = [
    {"id": "a", "type": "factoid", "body": "Which?", "snippets": [{"text": "23 of it."}], "exact_answer": [[23]]},
    {"id": "b", "type": "list", "body": "Which?", "snippets": [{}], "exact_answer": [["a", ["b"]], "c", 1.5]},
    {"id": "c", "type": "yesno", "body": "Is it?", "snippets": None, "exact_answer": ["yes"]},
]
Damage = tuple[str, int, int, bytes]
KINDS = ["cut", "flip", "drop", "double", "swap", "insert", "nest", "encode", "pack"]
damages = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 2**16), st.integers(0, 2**16), st.sampled_from(TOKENS)),
    min_size=1,
    max_size=4,
)


def apply_damage(content: bytes, damage: Damage) -> bytes:
    """The content after one change at some position and of some length."""
    kind, position, length, token = damage
    at = position % (len(content) + 1)
    to = min(len(content), at + length % 300)
    before, piece, after = content[:at], content[at:to], content[to:]
    match kind:
        case "cut":
            return before
        case "flip":
            return before + bytes(byte ^ (1 << length % 8) for byte in piece[:3]) + piece[3:] + after
        case "drop":
            return before + after
        case "double":
            return before + piece * (2 + length % 3) + after
        case "swap":
            return before + after[: len(piece)] + piece + after[len(piece) :]
        case "insert":
            return before + token + piece + after
        case "nest":
            return before + token * (length % 3000) + piece + after
        case "encode":
            encoding = ("utf-16", "latin-1", "utf-7", "utf-8-sig", "utf-32", "cp037")[length % 6]
            return content.decode("utf-8", "replace").encode(encoding, "replace")
    return gzip.compress(content, 1)[: None if length % 2 else at + 10]


@cache
def samples() -> dict[str, list[bytes]]:
    """Small files of each kind, made from real records."""
    with gzip.open(CHECKOUT / "sample_data" / "pubmed" / "pubmedsample19n0001.xml.gz") as packed:
        xml = packed.read()
    head = xml[: xml.index(b"<PubmedArticle>")]
    records = [record + b"</PubmedArticle>" for record in xml[len(head) :].split(b"</PubmedArticle>")[:40]]
    small = sorted(records, key=len)[:3]
    documents = (CHECKOUT / "sample_data" / "documents" / "NCBI-disease_dev.pubtator").read_bytes().split(b"\n\n")
    questions = [
        {"id": "a", "question": "Which gene causes 𝛼-thalassæmia?", "type": "factoid"},
        {"body": "Is it?", "id": 7},
    ]
    lines = [{"pmid": 7, "title": "Naïve 𝛼", "abstract": "A\u2028b."}, {"pmid": "8", "title": None}]
    document = Document(FULL, (), as_of=AS_OF, record_class=RECORD)
    exported = to_jsonl(document) + json.dumps({**asdict(FULL), "revised": "2020-01-02", "other": 1}) + "\n"
    return {
        "xml": [head + b"".join(small) + b"</PubmedArticleSet>", head + small[0] + b"<DeleteCitation><PMID>1</PMID>"
                b"</DeleteCitation></PubmedArticleSet>"],
        "jsonl": ["\n".join(map(json.dumps, lines)).encode(), json.dumps(lines[0], ensure_ascii=False).encode(),
                  exported.encode(), "\n".join(map(json.dumps, lines)).encode("utf-16")],
        "medline": [MEDLINE.encode(), MEDLINE.encode("utf-16")],
        "ris": [RIS.encode(), RIS.encode("utf-8-sig")],
        "pmids": [b"PMID,Title,DOI\n7,\"A, b\",10.1/x\n8,,\n", b"7, 8\nPMID: 9\n", MEDLINE.encode()],
        "columns": [b"###MEDLINE:1\n\nIL-2\tB-DNA\ngene\tI-DNA\n\nx\tO\n",
                    b"-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\n. . O O\n"],
        "gold questions": [json.dumps({"questions": GOLD}).encode()],
        "pubtator": [b"\n\n".join(documents[:2]) + b"\n"],
        "questions": [
            "\n".join(map(json.dumps, questions)).encode(),
            json.dumps({"questions": questions}).encode(),
            b"question_id,question,type\n1,\"What, then?\",list\n2,Is it?,yesno\n",
        ],
        "recipe": committed_recipes("ner"),
        "reader recipe": committed_recipes("qa"),
    }  # fmt: skip


def committed_recipes(task: str) -> list[bytes]:
    folder = CHECKOUT / "litmine" / "tasks" / task / "recipes"
    return [(folder / f"{name}.toml").read_bytes() for name in recipe_names(spec_by_name(task))]


def check_records(path: Path) -> None:
    for read in read_file(path, AS_OF):
        if isinstance(read, UnreadableRecord):
            assert_sentence(f"{read.where}: {read.why}")
            assert read.why.endswith(".")
            continue
        if isinstance(read, SourceNote):
            assert_sentence(read.what)
            continue
        assert isinstance(read, SourceRecord)
        assert 0 < read.record.pmid < 2**63
        if isinstance(read.record, Article):
            check_article(read.record)


def check_text_records(path: Path) -> None:
    """Nothing is lost silently: whatever is left of a text format is a record or a sentence."""
    assert any(True for _ in read_file(path, AS_OF))
    check_records(path)


def check_article(article: Article) -> None:
    record_hash(article)
    text = article.text
    text.encode()  # fails if a surrogate is left
    assert article.title != ""
    assert article.abstract != ""
    end = 0
    for section in article.sections:
        assert end <= section.start_char <= section.end_char <= len(text)
        end = section.end_char
    assert article.year is None or 1000 <= article.year <= 2999


def check_pmids(path: Path) -> None:
    lines = path.read_bytes().decode("utf-8", "replace").splitlines(keepends=True)
    pmids, unreadable = read_pmids(lines)
    assert all(0 < pmid < 2**63 for pmid in pmids)
    for one in unreadable:
        assert_sentence(f"{one.where}: {one.why}")


def check_corpus(path: Path) -> None:
    try:
        corpus = read_corpus(path, "mine")
    except CorpusError as error:
        assert_sentence(str(error))
        return
    for passage in corpus.passages:
        assert all(0 <= span.start_char < span.end_char <= len(passage.text) for span in passage.spans)


def check_gold_questions(path: Path) -> None:
    try:
        questions = read_question_file(path).questions
    except CorpusError as error:
        assert_sentence(str(error))
        return
    assert all(name.strip() == name != "" for question in questions for name in question.names)


def check_questions(path: Path) -> None:
    try:
        questions = read_questions(path)
    except QuestionError as error:
        assert_sentence(str(error))
        return
    assert len({question.question_id for question in questions}) == len(questions) > 0
    for question in questions:
        f"{question.question_id} {question.text}".encode()
        assert question.question_type in QUESTION_TYPES


def check_recipe(path: Path, task: str = "ner") -> None:
    spec = spec_by_name(task)
    try:
        make_recipe(spec, {"name": "a", "base": "b", **read_recipe(spec, str(path))})
    except LitmineError as error:
        assert_sentence(str(error))


def assert_sentence(message: str) -> None:
    assert "\n" not in message
    assert len(message) < 20_000


CHECKS: dict[str, Callable[[Path], None]] = {
    "xml": check_records,
    "jsonl": check_text_records,
    "pubtator": check_text_records,
    "medline": check_text_records,
    "ris": check_text_records,
    "pmids": check_pmids,
    "columns": check_corpus,
    "gold questions": check_gold_questions,
    "questions": check_questions,
    "recipe": check_recipe,
    "reader recipe": partial(check_recipe, task="qa"),
}


@pytest.mark.parametrize("kind", CHECKS)
def test_a_damaged_file_is_read_or_gives_an_error_message(kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("damaged") / "file"

    @settings(max_examples=EXAMPLES)
    @given(st.sampled_from(samples()[kind]), damages)
    def check(content: bytes, changes: list[Damage]) -> None:
        for damage in changes:
            content = apply_damage(content, damage)
        file.write_bytes(content)
        CHECKS[kind](file)

    check()
