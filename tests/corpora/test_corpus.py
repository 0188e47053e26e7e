"""Reading corpora: tag schemes, PubTator, renamed types, and errors with line numbers."""

from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.corpora.corpus import Corpus, Passage, corpus_files, read_corpus
from litmine.errors import CorpusError
from litmine.types import Span

SENTENCE = Passage(
    "Selegiline induced postural hypotension",
    (Span(0, 10, "Chemical"), Span(19, 39, "Disease")),
)


def tagged(tmp_path: Path, *lines: str, name: str = "train.tsv") -> Path:
    file = tmp_path / name
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def columns(tags: str) -> list[str]:
    return [f"{token}\t{tag}" for token, tag in zip(SENTENCE.text.split(), tags.split(), strict=True)]


@pytest.mark.parametrize(
    "tags",
    [
        "B-Chemical O B-Disease I-Disease",
        "S-Chemical O B-Disease E-Disease",
        "U-Chemical O B-Disease L-Disease",
        "I-Chemical O I-Disease I-Disease",
    ],
)
def test_every_scheme_gives_the_same_passage(tmp_path: Path, tags: str) -> None:
    corpus = read_corpus(tagged(tmp_path, *columns(tags)), "mine")
    assert corpus == Corpus("mine", tmp_path / "train.tsv", ("Chemical", "Disease"), (SENTENCE,), continuous=True)
    assert [SENTENCE.text[span.start_char : span.end_char] for span in corpus.passages[0].spans] == [
        "Selegiline",
        "postural hypotension",
    ]


def test_untyped_tags_are_entities_until_they_are_renamed(tmp_path: Path) -> None:
    file = tagged(tmp_path, *columns("B O B I"))
    assert read_corpus(file, "mine").entity_types == ("Entity",)
    assert read_corpus(file, "mine", {"Entity": "Finding"}).entity_types == ("Finding",)


def test_types_are_renamed_merged_and_dropped(tmp_path: Path) -> None:
    file = tagged(tmp_path, *columns("B-Chemical O B-Disease I-Disease"))
    assert read_corpus(file, "mine", {"Chemical": "Drug"}).entity_types == ("Disease", "Drug")
    assert read_corpus(file, "mine", {"Chemical": "Thing", "Disease": "Thing"}).entity_types == ("Thing",)
    dropped = read_corpus(file, "mine", {"Chemical": "-"})
    assert dropped.entity_types == ("Disease",)
    assert dropped.passages == (Passage(SENTENCE.text, SENTENCE.spans[1:]),)


def test_blank_lines_line_ends_and_document_marks_are_skipped(tmp_path: Path) -> None:
    lines = ["-DOCSTART-\tO", "", "", *columns("B-Chemical O O O"), " ", *columns("O O B-Disease I-Disease"), "", ""]
    file = tmp_path / "train.tsv"
    file.write_bytes("\r\n".join(lines).encode())
    assert [passage.text for passage in read_corpus(file, "mine").passages] == [SENTENCE.text] * 2


def test_the_tag_is_the_last_column(tmp_path: Path) -> None:
    corpus = read_corpus(tagged(tmp_path, "aspirin\tNN\tB-Chemical", "works\tVB\tO"), "mine")
    assert corpus.passages == (Passage("aspirin works", (Span(0, 7, "Chemical"),)),)


TOKENS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=6)


@given(sentences=st.lists(st.lists(st.tuples(TOKENS, st.sampled_from("OBI")), min_size=1), min_size=1))
def test_a_span_covers_its_tokens_and_the_spaces_between_them(
    tmp_path_factory: pytest.TempPathFactory, sentences: list[list[tuple[str, str]]]
) -> None:
    lines = [[*(f"{token}\t{tag}{'' if tag == 'O' else '-x'}" for token, tag in pairs), ""] for pairs in sentences]
    file = tagged(tmp_path_factory.getbasetemp(), "aspirin\tB-x", "", *chain.from_iterable(lines), name="any.tsv")
    _, *passages = read_corpus(file, "any", tags="iob1").passages
    assert [passage.text.split(" ") for passage in passages] == [[token for token, _ in pairs] for pairs in sentences]
    for passage, pairs in zip(passages, sentences, strict=True):
        marked = [passage.text[span.start_char : span.end_char].split(" ") for span in passage.spans]
        assert list(chain.from_iterable(marked)) == [token for token, tag in pairs if tag != "O"]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["a\tB-x", "b\tO", "c\tI-x"], r"line 3: I-x continues no mention \(previous tag: O\); correct"),
        (["a\tB-x", "", "c\tI-x"], r"line 3: I-x continues no mention .*--tags iob1 if the file is IOB1$"),
        (["a\tB-x", "b\tI-y"], r"line 2: I-y continues no mention \(previous tag: B-x\)"),
        (["a\tB", "b\tO", "c\tI"], "line 3: I continues no mention"),
        (["a\tS-x", "b\tE-x"], "line 2: E-x continues no mention"),
        (["a\tI-x", "b\tO", "c\tB-x"], "line 1: I-x continues no mention"),
        (["aspirin\tB-x", "works"], "line 2: expected token TAB tag, not 'works'"),
        (["aspirin B-x", "works here"], "line 2: expected a tag such as O or B-Disease at the end, not 'here'"),
        (["aspirin"], "line 1: expected token TAB tag"),
        (["aspirin\tB-x", "", "\tO"], "line 3: expected token TAB tag"),
        (["aspirin\tB-x", "works\t"], "line 2: expected token TAB tag"),
        (["aspirin\tO"], "annotates no mention"),
        ([], "is empty; leave it out"),
        (["-DOCSTART-\tO", "", ""], "is empty; leave it out"),
    ],
)
def test_a_bad_line_is_refused_with_its_number(tmp_path: Path, lines: list[str], sentence: str) -> None:
    with pytest.raises(CorpusError, match=sentence):
        read_corpus(tagged(tmp_path, *lines), "mine")


def test_an_unreadable_or_empty_file_is_refused(tmp_path: Path) -> None:
    for file in (tmp_path / "absent.tsv", tmp_path):
        with pytest.raises(CorpusError, match="cannot be read as a corpus"):
            read_corpus(file, "mine")
    for content, sentence in [
        (b"\xff\xfe\x00", "is damaged UTF-16; save the file as UTF-8"),
        ("a\tO\nna\xefve\tO\n".encode("latin-1"), r"line 2: it is not UTF-8 \(perhaps Latin-1 or Windows-1252\); save"),
        ("a\tO\n".encode("utf-32"), "The file is UTF-32"),
    ]:
        (tmp_path / "train.tsv").write_bytes(content)
        with pytest.raises(CorpusError, match=sentence):
            read_corpus(tmp_path / "train.tsv", "mine")


DOCUMENT = [
    "1|t|β-blockers and | hypotension",
    "1|a|They lower it.",
    "1\t0\t10\tβ-blockers\tChemical\tD000319",
    "1\t17\t28\tHypotension\tDisease\tD007022",
    "1\tCID\tD000319\tD007022",
]


def test_pubtator_mentions_become_spans(tmp_path: Path) -> None:
    file = tagged(tmp_path, *DOCUMENT, "", "2|t|No abstract", "2|a|", "", name="train.pubtator")
    corpus = read_corpus(file, "mine")
    text = "β-blockers and | hypotension They lower it."
    assert corpus.passages[0] == Passage(text, (Span(0, 10, "Chemical"), Span(17, 28, "Disease")), 1)
    assert (len(corpus.passages), corpus.continuous, corpus.misplaced) == (2, False, ())


def test_misplaced_pubtator_mentions_are_skipped_and_listed(tmp_path: Path) -> None:
    many = [DOCUMENT[2]] * 30
    file = tagged(tmp_path, *DOCUMENT, *many, "1\t3\t9\tlowers\tGene\t-", name="train.pubtator")
    corpus = read_corpus(file, "mine")
    assert corpus.misplaced == (36,)
    assert corpus.entity_types == ("Chemical", "Disease")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("1\t0\t9\tβ-blocker\tChemical", None),
        ("1\t0\t10\tβ-blockers \tChemical", None),
        ("1\t1\t11\tβ-blockers\tChemical", "1 of 3 mentions are not at their offsets, first in line 6;"),
        ("1\t0\tten\tβ-blockers\tChemical", "line 6: not a PubTator mention"),
        ("1\t0\t10\tβ-blockers", "line 6: not a PubTator mention"),
        ("2\t0\t10\tβ-blockers\tChemical", "line 6: The line is not PubTator: "),
        ("1", "line 6: The line is not PubTator: "),
        ("what is this", "line 6: The line is not PubTator: "),
    ],
)
def test_a_bad_pubtator_line_is_refused_with_its_number(tmp_path: Path, line: str, sentence: str | None) -> None:
    file = tagged(tmp_path, *DOCUMENT, line, name="train.pubtator")
    if sentence is None:
        assert len(read_corpus(file, "mine").passages[0].spans) == 3
    else:
        with pytest.raises(CorpusError, match=sentence):
            read_corpus(file, "mine")


def test_the_mentions_of_the_sample_documents_are_at_their_offsets(sample_data: Path) -> None:
    corpus = read_corpus(sample_data / "documents" / "NCBI-disease_train.pubtator", "NCBI-disease")
    assert corpus.misplaced == ()
    assert len(corpus.passages) == 10


def test_a_corpus_is_a_file_or_a_folder_of_splits(tmp_path: Path) -> None:
    folder = tmp_path / "BC5CDR"
    folder.mkdir()
    with pytest.raises(CorpusError, match=r"contains neither train\.tsv nor train\.pubtator"):
        corpus_files(str(folder), "train")
    train = tagged(folder, "a\tB-x")
    assert corpus_files(str(folder), "train") == ("BC5CDR", train)
    assert corpus_files(f"mine={folder}", "train") == ("mine", train)
    assert corpus_files(str(folder), "dev") == ("BC5CDR", None)
    dev = tagged(folder, "a\tB-x", name="dev.pubtator")
    assert corpus_files(str(folder), "dev") == ("BC5CDR", dev)
    assert corpus_files(str(train), "train") == ("train", train)
    assert corpus_files(f"mine={train}", "dev") == ("mine", None)
    with pytest.raises(CorpusError, match=r"does not exist; .* `litmine corpora list` shows$"):
        corpus_files(str(tmp_path / "nowhere"), "train")
