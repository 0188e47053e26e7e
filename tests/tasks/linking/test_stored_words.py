"""`stored_words`: the words of a vocabulary are those that were saved, and a damaged file is an error."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.errors import ModelError
from litmine.tasks.linking.stored_words import load_words, save_words

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(
    st.dictionaries(WORDS, st.floats(0.125, 16, width=32)), st.dictionaries(WORDS, st.integers(1, 1 << 20)),
    st.integers(1, 1 << 24),
)  # fmt: skip
def test_saved_words_are_the_same(weights: dict[str, float], genes_with: dict[str, int], genes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "words.parquet"
        save_words(weights, genes_with, genes, file)
        frequent = {word: count for word, count in genes_with.items() if count > 1}
        assert load_words(file) == (weights, frequent, genes)


def test_a_damaged_file_is_an_error_with_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "words.parquet"
    save_words({f"word{number}": 1.5 for number in range(1000)}, {"kinase": 7}, 9, file)
    whole = file.read_bytes()
    for place in range(4, len(whole), 97):
        file.write_bytes(whole[:place])
        with pytest.raises(ModelError, match="train the linker again"):
            load_words(file)
    # A changed page does not match its checksum.
    file.write_bytes(whole[:200] + bytes([whole[200] ^ 255]) + whole[201:])
    with pytest.raises(ModelError, match="train the linker again"):
        load_words(file)
