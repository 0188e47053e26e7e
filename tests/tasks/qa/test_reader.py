"""Outputs do not depend on batches, order or other pairs (float32: equal spans, scores within 1e-4)."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from litmine.corpora.corpus import read_corpus
from litmine.tasks.qa.pairs import TokenizedPair
from litmine.tasks.qa.reader import Reader
from litmine.tasks.registry import load_reader
from litmine.types import ReaderOutput

QUESTIONS = ("What can cause an anaphylactic reaction?", "Is aspirin toxic?", "Which genes?")


@pytest.fixture(scope="module")
def pairs(sample_data: Path) -> list[tuple[str, str]]:
    """Sentences, abstracts, a text of several windows, and an empty text."""
    sentences = read_corpus(sample_data / "ner" / "BC5CDR" / "dev.tsv", "BC5CDR").passages[:20]
    documents = read_corpus(sample_data / "documents" / "NCBI-disease_dev.pubtator", "NCBI-disease").passages
    plain = [passage.text for passage in (*sentences, *documents)]
    texts = [*plain, " ".join(plain), ""]
    return [(QUESTIONS[i % 3], text) for i, text in enumerate(texts)] + [(QUESTIONS[1], texts[0])]


@pytest.fixture(scope="module")
def expected(reader_folder: Path, pairs: list[tuple[str, str]]) -> list[ReaderOutput]:
    """The output of each pair, read separately."""
    reader = load(reader_folder)
    outputs = [reader.answer([pair])[0] for pair in pairs]
    assert len({span.answer for output in outputs for span in output.spans}) > 50
    return outputs


def load(folder: Path, batch_tokens: int | None = None) -> Reader:
    return load_reader(str(folder), precision="float32", batch_tokens=batch_tokens)


def probabilities(outputs: Sequence[ReaderOutput]) -> list[float]:
    return [
        probability
        for output in outputs
        for probability in (
            *(span.score for span in (*output.spans, *output.variants)),
            output.no_answer,
            output.yes,
            output.no,
        )
        if probability is not None
    ]


def same(found: Sequence[ReaderOutput], expected: Sequence[ReaderOutput], tolerance: float = 1e-4) -> bool:
    """Equal spans, and probabilities within the tolerance; `==` compares the spans only."""
    return list(found) == list(expected) and probabilities(found) == pytest.approx(
        probabilities(expected), abs=tolerance
    )


@pytest.mark.parametrize("batch_tokens", [1, 64, 512, 4096, 65536])
def test_the_batch_size_does_not_matter(
    reader_folder: Path, pairs: list[tuple[str, str]], expected: list[ReaderOutput], batch_tokens: int
) -> None:
    assert same(load(reader_folder, batch_tokens).answer(pairs), expected)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_order_and_other_pairs_do_not_matter(
    reader_folder: Path, pairs: list[tuple[str, str]], expected: list[ReaderOutput], seed: int
) -> None:
    order = random.Random(seed).sample(range(len(pairs)), len(pairs) // seed)
    found = load(reader_folder, 1024).answer([pairs[i] for i in order])
    assert same(found, [expected[i] for i in order])


def test_a_repeated_pair_gives_equal_outputs(
    reader_folder: Path, pairs: list[tuple[str, str]], expected: list[ReaderOutput]
) -> None:
    assert same(load(reader_folder).answer([pairs[3]] * 9), [expected[3]] * 9)


def test_bf16_is_close_to_float32(
    reader_folder: Path, pairs: list[tuple[str, str]], expected: list[ReaderOutput]
) -> None:
    """Random weights are the worst case, because spans with nearly equal scores change order."""
    found = load_reader(str(reader_folder), precision="bf16").answer(pairs)
    assert [output.no_answer for output in found] == pytest.approx([output.no_answer for output in expected], abs=0.02)
    first = [(a.spans[0], b.spans[0]) for a, b in zip(found, expected, strict=True) if a.spans and b.spans]
    assert sum(ours == theirs for ours, theirs in first) >= 0.8 * len(first)
    assert load_reader(str(reader_folder), precision="bf16").precision == "bf16"


def test_a_text_of_several_questions_is_tokenized_once(reader_folder: Path) -> None:
    read = load(reader_folder).read([(question, "Aspirin is toxic.") for question in QUESTIONS])
    assert all(isinstance(pair, TokenizedPair) for pair in read)
    assert len({id(pair.words) for pair in read if isinstance(pair, TokenizedPair)}) == 1


def test_batches_stay_within_the_token_budget(reader_folder: Path, pairs: list[tuple[str, str]]) -> None:
    """`watch` is called before each batch, with an increasing share of the tokens from 0."""
    reader = load(reader_folder, 512)
    read = reader.read(pairs)
    shares: list[float] = []
    reader.label(read, shares.append)
    tokens = sum(pair.tokens for pair in read if isinstance(pair, TokenizedPair))
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert max(shares) < 1
    assert len(shares) >= tokens / 512


def test_watch_may_stop_the_run(reader_folder: Path, pairs: list[tuple[str, str]]) -> None:
    class StopError(Exception):
        pass

    def stop(share: float) -> None:
        if share > 0.3:
            raise StopError

    reader = load(reader_folder, 512)
    with pytest.raises(StopError):
        reader.label(reader.read(pairs), stop)


def test_an_empty_text_has_no_answer(reader_folder: Path) -> None:
    reader = load(reader_folder)
    for output in reader.answer([("Which genes?", text) for text in ("", " ", "\u00a0\n")]):
        assert (output.spans, output.variants, output.no_answer, output.yes, output.no) == ((), (), 1.0, None, None)
    assert reader.answer([]) == []


def test_settings_limit_the_number_and_length_of_answers(
    make_reader: Callable[..., Path], pairs: list[tuple[str, str]]
) -> None:
    outputs = load(make_reader(best=3, most_words=2)).answer(pairs)
    assert max(len(output.spans) for output in outputs) == 3
    spans = [span for output in outputs for span in output.spans]
    assert {len(span.answer.split()) for span in spans} == {1, 2}


def test_a_variant_overlaps_a_better_span_and_is_among_the_best(expected: list[ReaderOutput]) -> None:
    assert sum(len(output.variants) for output in expected) > 50
    for output in expected:
        scores = sorted((span.score for span in (*output.spans, *output.variants)), reverse=True)
        for variant in output.variants:
            assert variant.score >= scores[4]
            assert any(
                span.start_char < variant.end_char
                and variant.start_char < span.end_char
                and span.score >= variant.score
                for span in output.spans
            )


def test_yes_and_no_leave_a_probability_for_neither(expected: list[ReaderOutput]) -> None:
    for output in expected:
        if output.yes is not None and output.no is not None:
            assert 0 < output.yes + output.no < 1
    assert len({output.yes for output in expected}) > 10


def test_calibration_changes_probabilities_but_not_the_order(
    make_reader: Callable[..., Path], pairs: list[tuple[str, str]], expected: list[ReaderOutput]
) -> None:
    def logits(outputs: Sequence[ReaderOutput]) -> list[float]:
        from math import log

        return [log(span.score / (1 - span.score)) for output in outputs for span in output.spans]

    found = load(make_reader(temperature=2.0, bias=-3.0)).answer(pairs)
    assert found == expected
    assert logits(found) == pytest.approx([(logit + 3) / 2 for logit in logits(expected)], abs=1e-3)
    for output in found:
        assert output.no_answer == pytest.approx(1 - max((span.score for span in output.spans), default=0.0))


def test_answers_below_the_least_score_are_dropped(
    make_reader: Callable[..., Path], pairs: list[tuple[str, str]], expected: list[ReaderOutput]
) -> None:
    found = load(make_reader(least=0.5)).answer(pairs)
    assert [output.spans for output in found] == [
        tuple(span for span in output.spans if span.score >= 0.5) for output in expected
    ]
    assert {bool(output.spans) for output in found} == {True, False}
    assert [output.no_answer for output in found] == pytest.approx([output.no_answer for output in expected], abs=1e-4)
