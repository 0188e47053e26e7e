"""Reading term lists: every form of bad input gets its sentence, and what is found in another way gets a note."""

import gzip
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import TermListError
from litmine.tasks.ner import term_list
from litmine.tasks.ner.term_list import open_term_list, read_term_list
from litmine.text.term_matcher import Term

HEADER = "name\ttype\tidentifier\tsynonyms\n"


def write(folder: Path, content: str | bytes, name: str = "mine.tsv") -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "line 1: it does not name the column name; the first line must name the columns name, type, identifier"),
        ("aspirin\tDrug\tX\n", "line 1: it does not name the column name"),
        ("name\ttype\naspirin\tDrug\n", "line 1: it does not name the column identifier"),
        ("name\tname\ttype\tidentifier\n", "line 1: the column name stands there twice; remove one"),
        (HEADER, "has no names; write one row for each, below the columns"),
        (f"{HEADER}7\tDrug\tX\n", "has no names"),
        (f"{HEADER}aspirin\tDrug\tX\n\tDrug\tY\n", "line 3: it has no name; write one, or remove the line"),
        (f"{HEADER}aspirin\t\tX\n", "line 2: it has no type; write one, or remove the line"),
        (f"{HEADER}aspirin\tDrug\tX\t\tmore\n", "line 2: it has 5 cells, and the first line 4 columns"),
        (f"{HEADER}{'a' * 10_000_000}\tDrug\tX\n", "line 2: the name has 10,000,000 characters, and at most 500"),
        (f"{HEADER}aspirin\tDrug\tX\tASA|{'a' * 501}\n", "line 2: the name has 501 characters"),
        (f"{HEADER}aspirin\tDrug\t{'X' * 501}\n", "line 2: the identifier has 501 characters"),
        (f"{HEADER}asp\x00irin\tDrug\tX\n", "line 2: the name has a control character; remove it"),
        (f"{HEADER}aspirin\tDr\x1bug\tX\n", "line 2: the type has a control character; remove it"),
        ('[{"name": "aspirin", "type": "Drug", "identifier": "X"}]', "looks like JSON; save the list as tab-separated"),
        ("name,type,identifier\naspirin,Drug,X\n", "separates its columns by commas or semicolons; save the list"),
        (b"PK\x03\x04\x14\x00", r"is an Excel file or a zip archive; save the list as tab-separated text \(.tsv\)"),
        (b"\xd0\xcf\x11\xe0\xa1", "is an Excel file; save the list"),
        (gzip.compress(HEADER.encode(), mtime=0), "is compressed with gzip; save the list"),
        (f"{HEADER}Sj\xf6gren\tDisease\tX\n".encode("latin-1"), "line 2: it is not UTF-8"),
        (HEADER.encode("utf-32"), "UTF-32"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, content: str | bytes, sentence: str) -> None:
    with pytest.raises(TermListError, match=sentence) as raised:
        read_term_list(write(tmp_path, content))
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400


def test_a_list_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = write(tmp_path, HEADER + "aspirin\tDrug\tX\n" * 1_000_001, "many.tsv")
    with pytest.raises(TermListError, match=r"has 1,000,002 lines, and a term list may have at most 1,000,000 names"):
        read_term_list(many)
    monkeypatch.setattr(term_list, "MAX_TERMS", 3)
    with pytest.raises(TermListError, match="has more than 3 names"):
        read_term_list(write(tmp_path, f"{HEADER}aspirin\tDrug\tX\tASA|acetylsalicylic acid|Aspro\n"))
    monkeypatch.setattr(term_list, "_MAX_BYTES", 100)
    with pytest.raises(TermListError, match=r"has [0-9,]+ bytes, and a term list may have 100; split it"):
        read_term_list(many)


def test_parquet_that_is_no_copy_of_a_list_is_refused(tmp_path: Path) -> None:
    for open_list in (read_term_list, open_term_list):
        with pytest.raises(TermListError, match="is Parquet; save the list as tab-separated text"):
            open_list(write(tmp_path, b"PAR1....PAR1", "mine.parquet"))


def test_a_folder_and_the_name_of_a_built_in_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TermListError, match=r"cannot be read \(Is a directory\); check the path"):
        read_term_list(tmp_path)
    with pytest.raises(TermListError, match="has the name of a built-in model, builtin; rename the file"):
        read_term_list(write(tmp_path, f"{HEADER}aspirin\tDrug\tX\n", "builtin.tsv"))


def test_what_spreadsheets_write_is_read(tmp_path: Path) -> None:
    content = '\ufeffIdentifier\t Name \tTYPE\tnotes\r\nX\t"2"", 3"" DNA"\tDNA\tfirst\r\n\r\n\t aspirin \tDrug\r\n'
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        found = read_term_list(write(tmp_path, content.encode(encoding), "my drugs: 1@2.txt"))
        assert found.terms == (Term('2", 3" DNA', "DNA", "X"), Term("aspirin", "Drug", ""))
        assert found.model.startswith("my-drugs-1-2@")
        assert found.entity_types == ("DNA", "Drug")
        (note,) = found.notes
        assert note.endswith("are read, not notes")


def test_notes_say_what_is_found_in_another_way(tmp_path: Path) -> None:
    content = (
        f"{HEADER}mercury\tChemical\tA\nMercury\tChemical\tB\nmercury\tPlanet\tC\nA\tGene\tX\n7\tGene\tX\n"
        "lead\tChemical\tD\nLEAD\tGene\tE\ncan\tGene\tF\naspirin\tDrug\tG\naspirin\tDrug\tG\n"
    )
    file = write(tmp_path, content)
    assert [note.removeprefix(f"{file}: ") for note in read_term_list(file).notes] == [
        "1 name stands there twice and counts once",
        "2 names without a letter, or of one character: left out (7, A)",
        "1 name with several identifiers, which are joined by `|` (Mercury)",
        "2 names with several types, found as each of them (LEAD, Mercury)",
        "2 names that are common English words: found only in the capitals of the list, but in any meaning (can, lead)",
    ]
    assert read_term_list(write(tmp_path, f"{HEADER}aspirin\tDrug\tG\n")).notes == ()


CELLS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters='\t|"'), max_size=20)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS, st.lists(CELLS, max_size=3)), max_size=6), st.randoms())
def test_any_list_is_read_or_refused_and_its_order_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str, list[str]]], random: Random
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    lines = ["\t".join((name, kind, identifier, "|".join(synonyms))) for name, kind, identifier, synonyms in rows]
    shuffled = random.sample(lines, len(lines))
    try:
        found = read_term_list(write(folder, HEADER + "\n".join(lines)))
    except TermListError:
        with pytest.raises(TermListError):
            read_term_list(write(folder, HEADER + "\n".join(shuffled)))
    else:
        assert read_term_list(write(folder, HEADER + "\n".join(shuffled))).model == found.model
        names = {name.strip() for row in rows for name in (row[0], *row[3])}
        assert {term.name for term in found.terms} <= names
