"""JSON lines of tokens with tags, and corpora whose documents are divided by hash."""

import json
from pathlib import Path

import pytest

from litmine.corpora.corpus import open_corpus
from litmine.corpora.document_checks import CorpusReport
from litmine.corpora.document_files import read_documents
from litmine.corpora.held_out import held_out
from litmine.errors import CorpusError

SENTENCES = [
    {"tokens": ["Twenty", "men", "took", "aspirin"], "tags": ["I-PAR", "I-PAR", "O", "I-INT"]},
    {"tokens": ["Pain", "fell"], "tags": ["I-OUT", "O"]},
]


def write(file: Path, *documents: object) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(json.dumps(one) + "\n" for one in documents), encoding="utf-8")
    return file


def test_tokens_become_a_text_and_tags_mentions(tmp_path: Path) -> None:
    file = write(tmp_path / "part.jsonl", {"pmid": "7", "sentences": SENTENCES}, {"sentences": SENTENCES[1:]})
    first, second = read_documents(file, CorpusReport())
    assert (first.identifier, second.identifier) == ("7", "part-2")
    assert first.text == "Twenty men took aspirin Pain fell"
    mentions = [(first.text[one.start : one.end], one.entity_type) for one in first.entities]
    assert mentions == [("Twenty men", "PAR"), ("aspirin", "INT"), ("Pain", "OUT")]


def test_tokens_without_tags_are_refused_with_the_line(tmp_path: Path) -> None:
    file = write(tmp_path / "part.jsonl", {"sentences": [{"tokens": ["a", "b"], "tags": ["O"]}]})
    with pytest.raises(CorpusError, match=r"line 1: .* a sentence has 2 tokens and 1"):
        list(read_documents(file, CorpusReport()))


def test_a_corpus_without_splits_has_a_tenth_of_its_documents_as_dev(tmp_path: Path) -> None:
    names = [str(number) for number in range(100, 160)]
    for part, chosen in (("a", names[:30]), ("b", names[30:])):
        write(tmp_path / "EBM-NLP" / f"{part}.jsonl", *({"pmid": one, "sentences": SENTENCES} for one in chosen))
    reference = f"EBM-NLP={tmp_path / 'EBM-NLP'}"
    train, dev = (open_corpus(reference, split) for split in ("train", "dev"))
    assert train is not None
    assert dev is not None
    assert [str(one.pmid) for one in dev.passages] == [name for name in names if held_out(name)]
    assert len(train.passages) + len(dev.passages) == len(names)
    assert 0 < len(dev.passages) < 20
