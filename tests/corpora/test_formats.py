"""Corpus formats: tag schemes, format detection, and concept files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.corpora.corpus import Corpus, Passage, open_corpus, read_corpus
from litmine.errors import CorpusError, SettingError
from litmine.types import Span


def write(file: Path, *lines: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def spans(corpus: Corpus) -> list[list[str]]:
    return [[passage.text[s.start_char : s.end_char] for s in passage.spans] for passage in corpus.passages]


def test_iob1_is_detected_from_the_tags(tmp_path: Path) -> None:
    file = write(tmp_path / "a.tsv", "a\tI-x", "b\tI-x", "c\tB-x", "d\tI-x", "e\tO", "f\tI-y", "g\tI-x", "", "h\tI-x")
    for tags in ("auto", "iob1"):
        assert spans(read_corpus(file, "a", tags=tags)) == [["a b", "c d", "f", "g"], ["h"]]
    with pytest.raises(CorpusError, match=r"line 1: I-x continues no mention .* --tags iob1"):
        read_corpus(file, "a", tags="iob2")


def test_a_declared_iob1_may_begin_with_b(tmp_path: Path) -> None:
    file = write(tmp_path / "a.tsv", "a\tB-x", "b\tO", "c\tI-x")
    with pytest.raises(CorpusError, match="line 3"):
        read_corpus(file, "a")
    assert spans(read_corpus(file, "a", tags="iob1")) == [["a", "c"]]


def test_a_declared_iobes_must_end_its_mentions(tmp_path: Path) -> None:
    file = write(tmp_path / "a.tsv", "a\tB-x", "b\tE-x", "c\tS-x", "", "d\tB-x", "e\tI-x", "", "f\tO")
    assert spans(read_corpus(file, "a")) == [["a b", "c"], ["d e"], []]
    with pytest.raises(CorpusError, match=r"line 6: I-x is followed by O, but in IOBES a mention ends with E"):
        read_corpus(file, "a", tags="iobes")


def test_an_unknown_tag_scheme_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="'bio' is not a tag scheme; use one of auto, iob2, iob1, iobes"):
        read_corpus(write(tmp_path / "a.tsv", "a\tB-x"), "a", tags="bio")


MENTIONS = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from("xy")), min_size=1, max_size=6)


@given(mentions=MENTIONS)
def test_iob1_and_iob2_give_the_same_mentions(
    tmp_path_factory: pytest.TempPathFactory, mentions: list[tuple[int, int, str]]
) -> None:
    iob1, iob2 = ["t0\tO"], ["t0\tO"]
    before = None
    for gap, length, kind in mentions:
        iob1 += ["o\tO"] * gap
        iob2 += ["o\tO"] * gap
        begins = "B" if not gap and before == kind else "I"
        iob1 += [f"w\t{begins}-{kind}", *[f"w\tI-{kind}"] * (length - 1)]
        iob2 += [f"w\tB-{kind}", *[f"w\tI-{kind}"] * (length - 1)]
        before = kind
    folder = tmp_path_factory.getbasetemp()
    read = [read_corpus(write(folder / "any.tsv", *lines), "any").passages for lines in (iob1, iob2)]
    assert read[0] == read[1]
    assert len(read[0][0].spans) == len(mentions)


ROWS = ["Naproxen\tB-Chemical", "helps\tO", "", "mild\tO", "gout\tB-Disease"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize(
    "lines",
    [
        ROWS,
        [row.replace("\t", "  ") for row in ROWS],
        [row.replace("\t", " NN B-NP ") for row in ROWS],
        [row.replace("\t", "\tNN\tB-NP\t") for row in ROWS],
        ["-DOCSTART- -X- -X- O", "", *(row.replace("\t", " NN B-NP ") for row in ROWS)],
        ["-DOCSTART-\tO", *ROWS[:2], "-DOCSTART-", *ROWS[3:]],
        ["###MEDLINE:95000001", "", *ROWS[:3], "###MEDLINE:95000002", *ROWS[3:]],
    ],
    ids=["tabs", "spaces", "four-columns", "four-tabs", "conll2003", "docstart", "jnlpba"],
)
def test_columns_of_published_corpora_are_read(tmp_path: Path, lines: list[str], encoding: str) -> None:
    file = tmp_path / "train.tsv"
    file.write_bytes("\r\n".join([*lines, ""]).encode(encoding))
    corpus = read_corpus(file, "mine")
    assert [passage.text for passage in corpus.passages] == ["Naproxen helps", "mild gout"]
    assert spans(corpus) == [["Naproxen"], ["gout"]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_pubtator_of_any_encoding_keeps_its_offsets(tmp_path: Path, encoding: str) -> None:
    lines = ["7|t|Naïve asthma", "7|a|It is", "mild wheeze.", "7\t24\t30\twheeze\tDisease\tD1", ""]
    (tmp_path / "train.txt").write_bytes("\n".join(lines).encode(encoding))
    corpus = read_corpus(tmp_path / "train.txt", "a")
    assert corpus.passages == (Passage("Naïve asthma It is\nmild wheeze.", (Span(24, 30, "Disease"),), 7),)
    assert corpus.misplaced == ()


@pytest.mark.parametrize("name", ["train.tsv", "train.txt", "train.pubtator"])
def test_pubtator_is_detected_from_the_first_line(tmp_path: Path, name: str) -> None:
    file = write(tmp_path / name, "", "7|t|Naïve asthma", "7|a|It.", "7\t6\t12\tasthma\tDisease\tD1")
    corpus = read_corpus(file, "a")
    assert corpus.passages == (Passage("Naïve asthma It.", (Span(6, 12, "Disease"),), 7),)
    assert not corpus.continuous


RECORD = ["Admission Date :", "He has  chest pain and fever .", "", "An EKG was normal , start aspirin"]
CONCEPTS = [
    'c="Chest pain" 2:2 2:3||t="problem"',
    'c="fever" 2:5 2:5||t="problem"',
    'c="an ekg" 4:0 4:1||t="test"',
    'c="aspirin" 4:6 4:6||t="treatment"',
]


@pytest.mark.parametrize("places", [("train/r.con", "train/r.txt"), ("train/b/concept/r.con", "train/b/txt/r.txt")])
def test_concept_files_are_read_with_their_records(tmp_path: Path, places: tuple[str, str]) -> None:
    write(tmp_path / "mine" / places[0], *CONCEPTS, "")
    write(tmp_path / "mine" / places[1], *RECORD)
    corpus = open_corpus(str(tmp_path / "mine"), "train", {"problem": "Problem"})
    assert corpus is not None
    assert (corpus.name, corpus.entity_types, corpus.continuous) == ("mine", ("Problem", "test", "treatment"), True)
    assert [passage.text for passage in corpus.passages] == [line for line in RECORD if line]
    assert spans(corpus) == [[], ["chest pain", "fever"], ["An EKG", "aspirin"]]
    assert read_corpus(tmp_path / "mine" / places[0], "one").passages[0].text == RECORD[0]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('c="fever" 2:5||t="problem"', r'r\.con, line 2: expected c="..." LINE:TOKEN LINE:TOKEN'),
        ('c="fever" 2:4 2:4||t="problem"', "1 of 2 mentions are not at their offsets, first in line 2"),
        ('c="fever" 9:4 9:4||t="problem"', "1 of 2 mentions"),
        ('c="fever" 0:4 0:4||t="problem"', "1 of 2 mentions"),
        ('c="fever . an" 2:5 4:0||t="problem"', "1 of 2 mentions"),
    ],
)
def test_a_bad_concept_line_is_refused(tmp_path: Path, line: str, sentence: str) -> None:
    file = write(tmp_path / "r.con", CONCEPTS[0], line)
    write(tmp_path / "r.txt", *RECORD)
    with pytest.raises(CorpusError, match=sentence):
        read_corpus(file, "r")


def test_a_concept_file_needs_its_record(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"r\.con has no record: neither .*r\.txt nor .* exists"):
        read_corpus(write(tmp_path / "r.con", *CONCEPTS), "r")
