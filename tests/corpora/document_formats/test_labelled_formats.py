"""Corpora with labels of texts and sentences become annotated documents, in each form in which they are published."""

import json
from pathlib import Path

import pytest

from litmine.corpora.document_checks import CorpusReport
from litmine.corpora.document_files import read_documents
from litmine.corpora.document_formats.json_lines import to_json_line
from litmine.corpora.documents import AnnotatedDocument
from litmine.corpora.label_declarations import LABEL_DECLARATIONS
from litmine.corpora.registry import registry
from litmine.errors import CorpusError

MEDLINE = """
PMID- 1
TI  - A trial of
      aspirin.
AB  - METHODS: We gave
      aspirin.
PT  - Journal Article
PT  - Randomized Controlled Trial

PMID- 2
TI  - A letter.
PT  - Letter
"""


def read(file: Path) -> list[AnnotatedDocument]:
    report = CorpusReport()
    found = list(read_documents(file, report))
    assert report.findings == []
    return found


def write(folder: Path, *lines: object) -> Path:
    file = folder / "train.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    return file


def marked(document: AnnotatedDocument) -> list[tuple[str, tuple[str, ...]]]:
    return [(document.text[one.start : one.end], one.labels) for one in document.sentences]


def test_one_or_several_labels_of_a_text(tmp_path: Path) -> None:
    lines: list[object] = [
        {"pmid": "1", "title": "A.", "abstract": "B β.", "label": "Animal-other", "journal": "J"},
        {"pmid": 2, "text": "C.", "labels": "Treatment;Mechanism"},
        {"id": "0003", "text": "D.", "label": "C14"},
        {"pmid": "4", "title": "E.", "abstract": None, "labels": ["x", "x", "y"]},
        {"pmid": "5", "text": "F.", "labels": ["x"]},
    ]
    for line, text, labels in zip(
        lines, ("A. B β.", "C.", "D.", "E.", "F."),
        (("Animal-other",), ("Treatment", "Mechanism"), ("C14",), ("x", "y"), ("x",)),
        strict=True,
    ):  # fmt: skip
        (document,) = read(write(tmp_path, line))
        assert (document.text, document.labels) == (text, labels)


def test_labels_of_sentences_and_sections(tmp_path: Path) -> None:
    first, second = {"label": "background", "text": "One ."}, {"label": "outcome", "text": "Zwei β ."}
    (roles,) = read(write(tmp_path, {"pmid": "1", "sentences": [first, second]}))
    assert marked(roles) == [("One .", ("background",)), ("Zwei β .", ("outcome",))]
    hallmark = {"text": "Two .", "labels": ["Inducing angiogenesis--By tumours", "Inducing angiogenesis--X"]}
    (document,) = read(write(tmp_path, {"pmid": "1", "sentences": [{"text": "One .", "labels": ["NULL"]}, hallmark]}))
    assert marked(LABEL_DECLARATIONS["HoC"].renamed(document)) == [("One .", ()), ("Two .", ("Inducing angiogenesis",))]
    assert LABEL_DECLARATIONS["HoC"].renamed(document).labels == ("Inducing angiogenesis",)
    sections = [{"label": "METHODS", "text": "We did. Then."}, {"label": "Funding", "text": "Nobody."},
                {"label": "", "text": " "}]  # fmt: skip
    (trial,) = read(write(tmp_path, {"pmcid": "9", "title": "Title", "sections": sections}))
    assert trial.text == "Title We did. Then. Nobody."
    declared = LABEL_DECLARATIONS["EvidenceInference"].renamed(trial)
    assert marked(declared) == [("We did. Then.", ("methods",)), ("Nobody.", ())]


def test_litmines_own_form_keeps_its_labels(tmp_path: Path) -> None:
    own = {"id": "7", "text": "One. Two.", "labels": ["a"], "sentences": [{"start": 0, "end": 4, "labels": ["b"]}]}
    (document,) = read(write(tmp_path, own))
    assert (document.labels, marked(document)) == (("a",), [("One.", ("b",))])
    (again,) = read(write(tmp_path, json.loads(to_json_line(document))))
    assert again == document


def test_publication_types_of_medline_text(tmp_path: Path) -> None:
    file = tmp_path / "records.nbib"
    file.write_text(MEDLINE, encoding="utf-8")
    first, second = read(file)
    assert first.text == "A trial of aspirin. METHODS: We gave aspirin."
    assert first.labels == ("Journal Article", "Randomized Controlled Trial")
    assert (second.identifier, second.text, second.labels) == ("2", "A letter.", ("Letter",))


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, {"pmid": "1", "title": "A.", "abstract": "B.", "label": "x"}, {"pmid": "2", "label": "x"})
    file.write_text(file.read_text(encoding="utf-8") + '{"title": 1}\n', encoding="utf-8")
    with pytest.raises(CorpusError, match="line 3"):
        list(read_documents(file, CorpusReport()))


def test_every_corpus_with_labels_is_in_the_registry() -> None:
    assert set(LABEL_DECLARATIONS) <= set(registry())
    for name in LABEL_DECLARATIONS:
        assert registry()[name].licence
        assert registry()[name].labels or name == "ADE"
