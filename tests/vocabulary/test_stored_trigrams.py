"""`stored_trigrams`: a stored index finds what a new one finds, and a damaged or unwritable one costs only time."""

from pathlib import Path

import pytest

from litmine.vocabulary import stored_trigrams
from litmine.vocabulary.ngrams import TrigramIndex
from litmine.vocabulary.vocabulary import Vocabulary

Found = list[tuple[str, float]]
QUERIES = (("myocardal infraction", "Disease"), ("paracetamole", "Chemical"), ("TP5", "Gene"), ("kidny", None))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LITMINE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(stored_trigrams, "MIN_NAMES", 1)
    return tmp_path / "home"


def nearest(folder: Path) -> list[Found]:
    """The nearest names of each query, with a vocabulary that was just opened."""
    opened = Vocabulary(folder)
    return [
        [(match.name, score) for match, score in opened.nearest(name, 5, entity_type)] for name, entity_type in QUERIES
    ]


def files(home: Path) -> list[Path]:
    return sorted((home / "indexes").glob("*/*.safetensors"))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Gets an element for each index that is made."""
    made: list[int] = []
    make = TrigramIndex.__init__

    def count(index: TrigramIndex, *arguments: object) -> None:
        made.append(1)
        make(index, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(TrigramIndex, "__init__", count)
    return made


def test_a_second_process_reads_the_indexes(small: Vocabulary, home: Path, made: list[int]) -> None:
    first = nearest(small.folder)
    assert all(first)
    count = len(made)
    assert count == len(files(home)) > 3
    assert nearest(small.folder) == first
    assert len(made) == count, "no index was made again"


@pytest.mark.parametrize("damage", ["cut", "byte", "form", "empty"])
def test_a_damaged_index_is_made_again(small: Vocabulary, home: Path, made: list[int], damage: str) -> None:
    first = nearest(small.folder)
    count = len(made)
    for file in files(home):
        whole = file.read_bytes()
        other_byte = whole[:-1] + bytes([whole[-1] ^ 1])
        other_form = whole.replace(b'"form":"1"', b'"form":"0"')
        file.write_bytes({"cut": whole[:-8], "byte": other_byte, "form": other_form, "empty": b""}[damage])
        assert file.read_bytes() != whole
    assert nearest(small.folder) == first
    assert len(made) == 2 * count
    assert nearest(small.folder) == first
    assert len(made) == 2 * count, "the files are whole again"


def test_a_home_that_cannot_be_written_costs_only_time(small: Vocabulary, home: Path) -> None:
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file in place of the folder")
    assert all(nearest(small.folder))


def test_the_indexes_of_old_vocabularies_are_deleted(small: Vocabulary, home: Path) -> None:
    for number in range(6):
        (home / "indexes" / f"old{number}").mkdir(parents=True)
    nearest(small.folder)
    kept = [folder.name for folder in (home / "indexes").iterdir()]
    assert len(kept) == stored_trigrams.MAX_VOCABULARIES
    assert small.manifest.digest in kept


def test_small_indexes_are_not_stored(small: Vocabulary, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_trigrams, "MIN_NAMES", 1000)
    assert all(nearest(small.folder))
    assert not (home / "indexes").exists()
