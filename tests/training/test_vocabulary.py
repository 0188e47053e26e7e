"""A pruned vocabulary keeps the same words, adds no unknown tokens, and keeps the base's embeddings."""

import gzip
import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, processors
from tokenizers.models import BPE

from litmine.corpora.corpus import read_corpus
from litmine.errors import CorpusError, SettingError
from litmine.nn.loading import read_tokenizer
from litmine.nn.tokenizer import WordTokenizer
from litmine.training.base import count_tokens, prune_vocabulary, read_abstracts

KEEP = 300


@pytest.fixture(scope="module")
def whole(tiny_base: Path) -> Tokenizer:
    return read_tokenizer(tiny_base)


@pytest.fixture(scope="module")
def texts(sample_data: Path) -> list[str]:
    corpus = read_corpus(sample_data / "ner" / "NCBI-disease" / "train.tsv", "NCBI-disease")
    return [passage.text for passage in corpus.passages]


@pytest.fixture(scope="module")
def embeddings(whole: Tokenizer) -> torch.Tensor:
    """Each token's row is its id."""
    return torch.arange(whole.get_vocab_size(), dtype=torch.float32)[:, None].repeat(1, 3)


@pytest.fixture(scope="module")
def pruned(whole: Tokenizer, embeddings: torch.Tensor, texts: list[str]) -> tuple[Tokenizer, torch.Tensor]:
    return prune_vocabulary(whole, embeddings, texts, KEEP)


def test_a_pruned_vocabulary_has_the_requested_size_and_keeps_special_tokens_and_characters(
    whole: Tokenizer, pruned: tuple[Tokenizer, torch.Tensor], texts: list[str]
) -> None:
    vocabulary = pruned[0].get_vocab()
    assert len(vocabulary) == KEEP < whole.get_vocab_size()
    assert sorted(vocabulary.values()) == list(range(KEEP))
    assert {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"} <= vocabulary.keys()
    assert {token for token in whole.get_vocab() if len(token.removeprefix("##")) == 1} <= vocabulary.keys()
    counts = count_tokens(whole, texts)
    kept = [counts[i] for token, i in whole.get_vocab().items() if token in vocabulary]
    left = [counts[i] for token, i in whole.get_vocab().items() if token not in vocabulary]
    assert sum(kept) > sum(left)
    assert pruned[0].encode("").tokens == ["[CLS]", "[SEP]"]
    assert pruned[0].encode("").ids == [vocabulary["[CLS]"], vocabulary["[SEP]"]]


def test_each_token_keeps_its_embedding(whole: Tokenizer, pruned: tuple[Tokenizer, torch.Tensor]) -> None:
    tokenizer, rows = pruned
    assert rows.shape == (KEEP, 3)
    for token, i in tokenizer.get_vocab().items():
        assert rows[i].tolist() == [whole.token_to_id(token)] * 3


WORDS = st.sampled_from(
    ["penicillin", "Hypotension", "adenomatous", "polyposis", "APC2", "G6PD", "β", "(", "-", "x" * 9]
)


@given(text=st.lists(st.one_of(WORDS, st.text("abcdefghijklmnopqrstuvwxyz0123456789-. ", max_size=9))).map(" ".join))
def test_words_stay_the_same_and_no_new_ones_are_unknown(
    whole: Tokenizer, pruned: tuple[Tokenizer, torch.Tensor], text: str
) -> None:
    (before,), (after,) = WordTokenizer(whole).read([text]), WordTokenizer(pruned[0]).read([text])
    assert after.start.tolist() == before.start.tolist()
    assert after.end.tolist() == before.end.tolist()
    unknown_before = before.first[before.ids[before.first] == whole.token_to_id("[UNK]")]
    unknown_after = after.first[after.ids[after.first] == pruned[0].token_to_id("[UNK]")]
    assert len(unknown_after) == len(unknown_before)


def test_all_tokens_of_the_texts_are_kept_if_the_size_allows(
    whole: Tokenizer, embeddings: torch.Tensor, texts: list[str]
) -> None:
    tokenizer, _ = prune_vocabulary(whole, embeddings, texts, 10_000)
    assert [tokenizer.encode(text).tokens for text in texts] == [whole.encode(text).tokens for text in texts]
    assert tokenizer.get_vocab_size() < whole.get_vocab_size()


def test_the_older_post_processor_of_bert_is_supported(
    whole: Tokenizer, embeddings: torch.Tensor, texts: list[str]
) -> None:
    older = Tokenizer.from_str(whole.to_str())
    older.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer, _ = prune_vocabulary(older, embeddings, texts, KEEP)
    assert tokenizer.encode("").ids == [tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")]


def test_only_a_wordpiece_vocabulary_can_be_pruned(embeddings: torch.Tensor) -> None:
    with pytest.raises(SettingError, match="only a WordPiece vocabulary can be pruned; omit --vocabulary"):
        prune_vocabulary(Tokenizer(BPE()), embeddings, [], 10)


def test_abstracts_are_read_from_plain_and_compressed_json_lines(tmp_path: Path) -> None:
    lines = '{"pmid": 1, "title": "A", "abstract": "b."}\n{"title": "C", "abstract": null}\n'
    (tmp_path / "a.jsonl").write_text(lines)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    assert list(read_abstracts(tmp_path / "a.jsonl")) == list(read_abstracts(tmp_path / "a.jsonl.gz")) == ["A b.", "C "]


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff", gzip.compress(json.dumps({}).encode() * 99, mtime=0)[:20]])
def test_a_file_that_is_not_json_lines_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / ("a.jsonl.gz" if content[:1] == b"\x1f" else "a.jsonl")
    file.write_bytes(content)
    with pytest.raises(CorpusError, match=r"cannot be read: .*; each line must be a JSON object"):
        list(read_abstracts(file))
