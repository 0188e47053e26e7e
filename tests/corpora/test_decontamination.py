"""Leaks and repeats, by PMID and by text."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.corpora.corpus import Corpus, Passage, read_corpus
from litmine.corpora.decontamination import (
    MIN_SHARED_LENGTH,
    count_overlaps,
    find_leaks,
    find_repeats,
    remove_leaks_and_repeats,
    remove_passages,
)
from litmine.errors import CorpusError
from litmine.types import Span

ONE = "Selegiline induced postural hypotension in eleven patients with Parkinson's disease."
TWO = "The tumour suppressor BRCA1 interacts with RAD51 and repairs double-strand breaks."
THREE = "Ampicillin and gentamicin were given to all newborn infants for seven whole days."


def corpus(name: str, *texts: str | tuple[str, int], kinds: tuple[str, ...] = ("Disease",)) -> Corpus:
    passages = []
    for one in texts:
        text, pmid = one if isinstance(one, tuple) else (one, None)
        passages.append(Passage(text, tuple(Span(0, 3, kind) for kind in kinds), pmid))
    return Corpus(name, Path(name), kinds, tuple(passages), continuous=True)


def leak_kinds(train: Corpus, dev: Corpus) -> list[tuple[int, str]]:
    return [(found.index, found.by) for found in find_leaks([train], [dev])]


@pytest.mark.parametrize(
    ("train", "dev", "by"),
    [
        (ONE, "SELEGILINE   induced postural hypotension in eleven patients with Parkinson 's disease .", "text"),
        (ONE, f"{TWO} {ONE} {THREE}", "inside"),
        (f"{TWO} {ONE}", ONE, "around"),
        ((f"{TWO} {ONE}", 7), (f"{TWO} {ONE} {THREE}", 7), "PMID"),
        ((f"{TWO} Old.", 7), (f"{TWO} New.", 7), "PMID"),
        ((f"{TWO} Old.", 7), (f"{TWO} New.", 8), None),
        ((TWO, 7), (ONE, 7), None),
        (ONE, TWO, None),
        ("MATERIALS AND METHODS", "Materials and methods", None),
        ("Results.", f"Results. {ONE}", None),
    ],
)
def test_a_shared_pmid_or_text_is_a_leak(
    train: str | tuple[str, int], dev: str | tuple[str, int], by: str | None
) -> None:
    assert leak_kinds(corpus("a", "A first sentence.", train), corpus("b", "Nothing of the kind.", dev)) == (
        [(1, by)] if by else []
    )


@pytest.mark.parametrize(("length", "leaks"), [(MIN_SHARED_LENGTH - 1, 0), (MIN_SHARED_LENGTH, 1)])
def test_a_shared_text_is_a_leak_from_the_minimum_length(length: int, leaks: int) -> None:
    text = "é" * length
    assert len(leak_kinds(corpus("a", text), corpus("b", text))) == leaks
    assert len(leak_kinds(corpus("a", text), corpus("b", f"β {text} β"))) == leaks


WORDS = st.lists(st.sampled_from(["alpha", "Beta", "gamma", "del ta"]), min_size=1, max_size=14)


@given(train=st.lists(WORDS, min_size=1, max_size=5), dev=st.lists(WORDS, min_size=1, max_size=5))
def test_leaks_are_the_same_as_by_comparing_every_pair(train: list[list[str]], dev: list[list[str]]) -> None:
    def key(words: list[str]) -> str:
        return "".join(words).replace(" ", "").lower()

    expected = {
        i
        for i, ours in enumerate(train)
        for theirs in dev
        if min(len(key(ours)), len(key(theirs))) >= MIN_SHARED_LENGTH
        and (key(ours) in key(theirs) or key(theirs) in key(ours))
    }
    found = find_leaks(
        [corpus("a", *(" ".join(words) for words in train))], [corpus("b", *("  ".join(words) for words in dev))]
    )
    assert {one.index for one in found} == expected


def test_leaks_are_counted_by_pair_of_corpora_and_removed() -> None:
    train = [corpus("a", ONE, TWO, THREE), corpus("b", (TWO, 3), kinds=("Gene",)), corpus("c", THREE + ONE)]
    dev = [corpus("a", ONE), corpus("d", (TWO, 3))]
    found = find_leaks(train, dev)
    assert [(o.corpus, o.other, o.by_pmid, o.by_text) for o in count_overlaps(found)] == [
        ("a", "a dev", 0, 1),
        ("c", "a dev", 0, 1),
        ("a", "d dev", 0, 1),
        ("b", "d dev", 1, 0),
    ]
    assert str(count_overlaps(found)[0]) == f"a: 1 by text in a dev (text: {ONE[:80]!r})"
    assert [passage.text for passage in remove_passages(train[:1], found)[0].passages] == [THREE]
    with pytest.raises(CorpusError, match=r"^all passages of b are also in d dev; leave b out$"):
        remove_passages(train[:2], found)


@pytest.mark.parametrize(
    ("first", "second", "apart", "repeats"),
    [
        (("Disease",), ("Disease",), (), 1),
        (("Disease", "Chemical"), ("Disease",), (), 1),
        (("Disease",), ("Disease", "Chemical"), (), 0),
        (("Disease",), ("Gene",), (), 0),
        (("Disease",), ("Disease",), ("b",), 0),
        (("Disease",), ("Disease",), ("a", "b"), 0),
    ],
)
def test_a_passage_is_kept_for_each_head(
    first: tuple[str, ...], second: tuple[str, ...], apart: tuple[str, ...], repeats: int
) -> None:
    corpora = [corpus("a", ONE, kinds=first), corpus("b", TWO, ONE, kinds=second)]
    assert [(one.index, one.other) for one in find_repeats(corpora, apart)] == [(1, "a")] * repeats


def test_a_passage_is_a_repeat_if_several_corpora_cover_its_heads() -> None:
    corpora = [corpus("a", ONE), corpus("b", ONE, kinds=("Gene",)), corpus("c", ONE, kinds=("Disease", "Gene"))]
    assert [one.corpus for one in find_repeats(corpora)] == ["c"]


def test_repeats_match_by_pmid_and_not_within_a_corpus() -> None:
    corpora = [corpus("a", (f"{ONE} Old.", 5), THREE, THREE), corpus("b", (f"{ONE} New.", 5), (TWO, 6))]
    assert [(one.corpus, one.index, one.by) for one in find_repeats(corpora)] == [("b", 0, "PMID")]
    other = [corpora[0], corpus("b", (TWO, 5))]
    assert find_repeats(other) == []


def test_leaks_are_logged_or_refused_if_strict() -> None:
    train = [corpus("a", ONE, TWO), corpus("b", TWO, THREE)]
    dev = [corpus("a", ONE)]
    messages: list[str] = []
    kept = remove_leaks_and_repeats(train, dev, (), strict=False, log=messages.append)
    assert [[passage.text for passage in one.passages] for one in kept] == [[TWO], [THREE]]
    assert messages[0].startswith("removed from training, because a dev split has them: a: 1 by text in a dev")
    assert messages[1].startswith("removed from training, because an earlier corpus has them: b: 1 by text in a")
    with pytest.raises(
        CorpusError,
        match=r"^1 training passages are also in an evaluation split \(a: .*omit --strict-leaks to drop them$",
    ):
        remove_leaks_and_repeats(train, dev, (), strict=True, log=messages.append)
    clean = [replace(train[1])]
    assert remove_leaks_and_repeats(clean, dev, (), strict=True, log=messages.append) == clean


def test_training_removes_passages_of_the_dev_split(tmp_path: Path, run: Callable[..., CompletedProcess[str]]) -> None:
    lines = [f"{token}\t{'B-Disease' if token == 'hypotension' else 'O'}" for token in ONE.split()]
    other = [f"{token}\tB-Disease" for token in THREE.split()]
    (tmp_path / "train.tsv").write_text("\n".join([*lines, "", *other]))
    (tmp_path / "dev.tsv").write_text("\n".join(lines))
    train, dev = (read_corpus(tmp_path / f"{split}.tsv", "mine") for split in ("train", "dev"))
    assert [one.index for one in find_leaks([train], [dev])] == [0]
    result = run("train", "ner", "--base", tmp_path, "--corpus", tmp_path, "--strict-leaks", "-o", tmp_path / "model")
    assert result.returncode == 1
    assert "litmine: 1 training passages are also in an evaluation split" in result.stderr
