"""Files of labelled texts: what is read, and what is refused with a sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine.corpora.held_out import held_out
from litmine.errors import FAILED, CorpusError
from litmine.tasks.classification.labelled_texts import LabelledFile, read_labelled, without_texts_of
from litmine.tasks.classification.prepare import Example, folds_of, read_texts
from litmine.tasks.classification.recipe import ClassifierRecipe, LabelData

Run = Callable[..., CompletedProcess[str]]
ROWS = "1,One rat.,out\n2,Two rats.,out\n3,A patient.,in\n4,Patients.,in\n"


def write(folder: Path, content: str, name: str = "texts.csv") -> Path:
    file = folder / name
    file.write_text(content, encoding="utf-8")
    return file


def read(file: Path) -> LabelledFile:
    return read_labelled(file)[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (ROWS, r"must name its columns, such as pmid,title,abstract,label; it has no column pmid or id"),
        ("pmid,text\n1,A text.\n", "no column label"),
        ("pmid,text,label,label\n1,A,b,c\n", "the column label twice"),
        (f"pmid,text,label\n{ROWS}5,Rats.,\n", r"line 6 \(5\) has no label; give it one, or delete the line"),
        (f"pmid,text,label\n{ROWS},Rats.,out\n", "line 6 has no pmid or id"),
        (f"pmid,text,label\n{ROWS}1,One rat.,in\n", "contradicts itself: 1 is out and, in line 6, in; keep one line"),
        ("pmid,text,label\n" + "".join(f"{n},Text {n}.,label {n}\n" for n in range(1, 10_001)),
         "10,000 different labels in 10,000 texts, and a scheme has at most 200; check that the column `label`"),
        ("pmid,text,labels\n1,A text.,\n2,Another.,\n", "has no labels"),
        ("pmid,text,label\n", "has no text; add one"),
        ("pmid,label\n1,in\nabc,out\n", "line 3 has no text, and 'abc' is no PMID to look it up by; correct it, or"),
        ("pmid,label\n1,in\n-5,out\n", "line 3 has no text, and '-5' is no PMID"),
        ("pmid,label\n12.5,in\n", "line 2 has no text, and '12.5' is no PMID"),
        ("id,text,label\n1,A.,in\nx,,out\n", "line 3 has no text, and 'x' is no PMID"),
        (f"pmid,text,label\n{ROWS}5,A cat.,In\n", "the labels 'In' and 'in' in .* differ only in case or white"),
        ("pmid,text,label\n1,A.,not in\n2,B.,not  in\n", "differ only in case or white space"),
        ("pmid,text,label\n1,A\0.,in\n", "line 2 has a NUL byte, which no CSV file of texts has; delete it, or save"),
    ],
)  # fmt: skip
def test_a_file_that_no_classifier_can_learn_from(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(CorpusError, match=said):
        read(write(tmp_path, content))


def test_labels_lose_white_space_at_their_ends(tmp_path: Path) -> None:
    lines = [{"id": str(n), "text": f"Text {n}.", "labels": [label]} for n, label in enumerate(["in", "in ", "\tout"])]
    file = write(tmp_path, "".join(f"{json.dumps(line)}\n" for line in lines), "texts.jsonl")
    assert read(file).labels == ["in", "out"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_tables_of_spreadsheets_in_their_encodings(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "texts.csv"
    file.write_bytes(f"pmid,text,label\n{ROWS}".encode(encoding))
    assert [one.name for one in read(file).texts] == ["1", "2", "3", "4"]


def test_a_table_in_another_encoding_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "texts.csv"
    file.write_bytes(f"pmid,text,label\n{ROWS}5,Sjögren.,in\n".encode("latin-1"))
    with pytest.raises(
        CorpusError, match=r"line 6: it is not UTF-8 \(perhaps Latin-1 or Windows-1252\); save the file"
    ):
        read(file)


def test_a_lake_has_no_texts_for_names_that_are_no_pmids(tmp_path: Path) -> None:
    lines = [{"id": name, "text": "", "labels": ["in"]} for name in ("abc", "5")]
    file = write(tmp_path, "".join(f"{json.dumps(line)}\n" for line in lines), "texts.jsonl")
    with pytest.raises(CorpusError, match="has no text for abc, which is no PMID to look up; give a text, or a PMID"):
        read_texts(recipe(file, lake=str(tmp_path)), print)


def recipe(file: Path, **settings: object) -> ClassifierRecipe:
    return ClassifierRecipe("screen", (LabelData((str(file),)),), **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "settings", "said"),
    [
        (f"pmid,text,label\n{ROWS}5,A cat.,maybe\n", {}, "the label 'maybe' occurs once in .*texts.csv, and it takes"),
        ("pmid,text,label\n1,A.,in\n2,B.,in\n", {}, "every text in .* has the label 'in'; a classifier also needs"),
        (f"pmid,text,label\n{ROWS}", {"positive": "iin"}, r"no text in .* has the label 'iin' \(did you mean in\?\)"),
        (f"pmid,text,label\n{ROWS}5,C.,no\n6,D.,no\n", {"positive": "in"}, "--positive is for two labels"),
        ("pmid,label\n1,in\n2,out\n3,in\n4,out\n", {}, "no text for 1, 2, 3, 4; add the column text, .* --lake DIR"),
    ],
)  # fmt: skip
def test_labels_that_cannot_be_learnt(tmp_path: Path, content: str, settings: dict[str, object], said: str) -> None:
    with pytest.raises(CorpusError, match=said):
        read_texts(recipe(write(tmp_path, content), **settings), print)


def test_the_command_says_so_without_a_traceback(run: Run, tmp_path: Path) -> None:
    ran = run("train", "classification", "--data", write(tmp_path, ROWS), "-o", tmp_path / "out")
    assert ran.returncode == FAILED
    assert ran.stderr.startswith("litmine: the first line of")
    assert ran.stderr.count("\n") == 1
    assert not (tmp_path / "out" / "litmine.json").exists()


def test_texts_are_looked_up_in_the_lake(imported_lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from litmine import Lake

    pmids = [
        pmid for (pmid,) in Lake(imported_lake).rows("select pmid from articles where abstract is not null limit 6")
    ]
    lines = "".join(f"{pmid},{'in' if place % 2 else 'out'}\n" for place, pmid in enumerate(pmids))
    file = write(tmp_path, f"PMID;Label\n{lines}987654321,in\n".replace(",", ";"))
    said: list[str] = []
    texts = read_texts(recipe(file, lake=str(imported_lake)), said.append)
    assert [int(one.text.name) for one in texts.examples] == pmids
    assert all(one.text.spans == ((0, len(one.text.text)),) and len(one.text.text) > 20 for one in texts.examples)
    assert any("1 of 7 texts are not in the lake and were left out: 987654321; fetch them" in one for one in said)
    # As pandas writes a column of numbers with a gap, in the lake that the environment names.
    decimal = write(tmp_path, lines.replace(",", ".0,").join(["pmid,label\n", ""]), "decimal.csv")
    monkeypatch.setenv("LITMINE_LAKE", str(imported_lake))
    assert read_texts(recipe(decimal), print).examples == texts.examples
    unknown = write(tmp_path, "pmid,label\n987654321,in\n987654322,out\n", "unknown.csv")
    with pytest.raises(CorpusError, match="has none of the 2 PMIDs"):
        read_texts(recipe(unknown, lake=str(imported_lake)), print)


def test_repeated_rows_count_once_and_the_rarer_label_is_positive(tmp_path: Path) -> None:
    file = write(tmp_path, f"\ufeffid\ttext\tLABEL\n{ROWS}5,Rats again.,out\n5,Rats again.,out\n".replace(",", "\t"))
    texts = read_texts(recipe(file), print)
    assert len(texts.examples) == 5
    assert texts.schemes[0].labels == ("in", "out")
    assert read_texts(recipe(file, positive="out"), print).schemes[0].labels == ("out", "in")


def test_several_labels_and_new_labels(tmp_path: Path) -> None:
    file = write(tmp_path, "id,title,abstract,labels\n1,A.,B.,x; y\n2,C.,,\n3,D.,,y\n")
    found = read(file)
    assert found.several
    assert [one.labels for one in found.texts] == [(("x", "y"),), ((),), (("y",),)]
    assert [one.text for one in found.texts] == ["A. B.", "C.", "D."]
    new = read_labelled(file, "", ["new=x*"])[0]
    assert [one.labels for one in new.texts] == [(("new",),), ((),), ((),)]
    everything = read_labelled(file, "", ["new=*"])[0]
    assert [one.labels for one in everything.texts] == [(("new",),)] * 3
    with pytest.raises(CorpusError, match="no label that matches new=z"):
        read_labelled(file, "", ["new=z"])


def test_parts_spread_each_label_and_never_divide_an_article(tmp_path: Path) -> None:
    rows = "".join(f"{n},Text {n}.,{'in' if n % 10 == 0 else 'out'}\n" for n in range(1, 61))
    examples = read_texts(recipe(write(tmp_path, f"pmid,text,label\n{rows}")), print).examples
    parts = folds_of(examples, 3)
    assert [sum(part == one for one in parts) for part in range(3)] == [20, 20, 20]
    rare = [part for part, one in zip(parts, examples, strict=True) if one.targets == ((0,),)]
    assert sorted(rare) == [0, 0, 1, 1, 2, 2]
    # The order of the file does not matter.
    turned = folds_of(examples[::-1], 3)[::-1]
    assert turned == parts
    doubled = [Example(one.scheme, one.file, one.text, one.targets) for one in examples for _ in range(2)]
    twice = folds_of(doubled, 3)
    assert twice[::2] == twice[1::2]


def test_dev_and_the_held_out_tenth_are_not_learnt(tmp_path: Path) -> None:
    rows = "".join(f"{n},Text {n} of {n}.,{'in' if n % 2 else 'out'}\n" for n in range(1, 101))
    train = write(tmp_path, f"pmid,text,label\n{rows}")
    dev = write(tmp_path, "pmid,text,label\n1,Other.,in\n2,Words.,out\n900,Text 3 of 3.,in\n901,More.,out\n", "dev.csv")
    texts = read_texts(recipe(train, dev=(str(dev),)), print)
    # The texts of the PMIDs of dev; text 3 is too short to count as the same.
    assert {"1", "2"}.isdisjoint(one.text.name for one in texts.examples)
    assert len(texts.examples) == 98
    held = LabelData((str(train),), held_out=True)
    texts = read_texts(ClassifierRecipe("screen", (held,), folds=0), print)
    assert not any(held_out(one.text.article) for one in texts.examples)
    assert {one.name for one in texts.dev[0].file.texts} == {str(n) for n in range(1, 101) if held_out(str(n))}
    assert texts.calibrating
    assert without_texts_of(read(train), []) == read(train)
