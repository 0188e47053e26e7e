"""The same replies however pairs are batched, ordered or accompanied (float32: same spans, scores within 1e-4)."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from litmine.corpora.corpus import read_corpus
from litmine.tasks.qa.pairs import Pair
from litmine.tasks.qa.reader import Reader
from litmine.tasks.registry import load_reader
from litmine.types import ReaderOutput

QUESTIONS = ("What can cause an anaphylactic reaction?", "Is aspirin toxic?", "Which genes?")


@pytest.fixture(scope="module")
def pairs(sample_data: Path) -> list[tuple[str, str]]:
    """Sentences, whole abstracts, one text of several windows, and nothing."""
    sentences = read_corpus(sample_data / "ner" / "BC5CDR" / "dev.tsv", "BC5CDR").passages[:20]
    documents = read_corpus(sample_data / "documents" / "NCBI-disease_dev.pubtator", "NCBI-disease").passages
    plain = [passage.text for passage in (*sentences, *documents)]
    texts = [*plain, " ".join(plain), ""]
    return [(QUESTIONS[i % 3], text) for i, text in enumerate(texts)] + [(QUESTIONS[1], texts[0])]


@pytest.fixture(scope="module")
def expected(reader_folder: Path, pairs: list[tuple[str, str]]) -> list[ReaderOutput]:
    """What each pair gives alone."""
    reader = load(reader_folder)
    replies = [reader.answer([pair])[0] for pair in pairs]
    assert len({span.answer for reply in replies for span in reply.spans}) > 50
    return replies


def load(folder: Path, batch_tokens: int | None = None) -> Reader:
    return load_reader(str(folder), precision="float32", batch_tokens=batch_tokens)


def probabilities(replies: Sequence[ReaderOutput]) -> list[float]:
    return [
        probability
        for reply in replies
        for probability in (
            *(span.score for span in (*reply.spans, *reply.variants)),
            reply.no_answer,
            reply.yes,
            reply.no,
        )
        if probability is not None
    ]


def same(found: Sequence[ReaderOutput], expected: Sequence[ReaderOutput], tolerance: float = 1e-4) -> bool:
    """The same replies as the contract has it; `==` leaves the probabilities out."""
    return list(found) == list(expected) and probabilities(found) == pytest.approx(
        probabilities(expected), abs=tolerance
    )


@pytest.mark.parametrize("batch_tokens", [1, 64, 512, 4096, 65536])
def test_batches_of_any_size(
    reader_folder: Path, pairs: list[tuple[str, str]], expected: list[ReaderOutput], batch_tokens: int
) -> None:
    assert same(load(reader_folder, batch_tokens).answer(pairs), expected)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_order_and_any_company(
    reader_folder: Path, pairs: list[tuple[str, str]], expected: list[ReaderOutput], seed: int
) -> None:
    order = random.Random(seed).sample(range(len(pairs)), len(pairs) // seed)
    found = load(reader_folder, 1024).answer([pairs[i] for i in order])
    assert same(found, [expected[i] for i in order])


def test_the_same_pair_many_times(
    reader_folder: Path, pairs: list[tuple[str, str]], expected: list[ReaderOutput]
) -> None:
    assert same(load(reader_folder).answer([pairs[3]] * 9), [expected[3]] * 9)


def test_bfloat16_is_close(reader_folder: Path, pairs: list[tuple[str, str]], expected: list[ReaderOutput]) -> None:
    """Random weights are the worst case: spans of nearly the same score change places."""
    found = load_reader(str(reader_folder), precision="bf16").answer(pairs)
    assert [reply.no_answer for reply in found] == pytest.approx([reply.no_answer for reply in expected], abs=0.02)
    first = [(a.spans[0], b.spans[0]) for a, b in zip(found, expected, strict=True) if a.spans and b.spans]
    assert sum(ours == theirs for ours, theirs in first) >= 0.8 * len(first)
    assert load_reader(str(reader_folder), precision="bf16").precision == "bf16"


def test_one_text_for_several_questions_is_tokenised_once(reader_folder: Path) -> None:
    read = load(reader_folder).read([(question, "Aspirin is toxic.") for question in QUESTIONS])
    assert all(isinstance(pair, Pair) for pair in read)
    assert len({id(pair.words) for pair in read if isinstance(pair, Pair)}) == 1


def test_a_batch_keeps_to_its_tokens(reader_folder: Path, pairs: list[tuple[str, str]]) -> None:
    """`watch` is called before each batch, with a share of the tokens that grows from nothing."""
    reader = load(reader_folder, 512)
    read = reader.read(pairs)
    shares: list[float] = []
    reader.label(read, shares.append)
    tokens = sum(pair.tokens for pair in read if isinstance(pair, Pair))
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert max(shares) < 1
    assert len(shares) >= tokens / 512


def test_whoever_watches_may_stop_the_work(reader_folder: Path, pairs: list[tuple[str, str]]) -> None:
    class StopError(Exception):
        pass

    def stop(share: float) -> None:
        if share > 0.3:
            raise StopError

    reader = load(reader_folder, 512)
    with pytest.raises(StopError):
        reader.label(reader.read(pairs), stop)


def test_nothing_is_answered_by_nothing(reader_folder: Path) -> None:
    reader = load(reader_folder)
    for reply in reader.answer([("Which genes?", text) for text in ("", " ", "\u00a0\n")]):
        assert (reply.spans, reply.variants, reply.no_answer, reply.yes, reply.no) == ((), (), 1.0, None, None)
    assert reader.answer([]) == []


def test_at_most_so_many_answers_of_so_many_words(
    make_reader: Callable[..., Path], pairs: list[tuple[str, str]]
) -> None:
    replies = load(make_reader(best=3, most_words=2)).answer(pairs)
    assert max(len(reply.spans) for reply in replies) == 3
    spans = [span for reply in replies for span in reply.spans]
    assert {len(span.answer.split()) for span in spans} == {1, 2}


def test_a_variant_overlaps_a_better_span_and_scores_among_the_best(expected: list[ReaderOutput]) -> None:
    assert sum(len(reply.variants) for reply in expected) > 50
    for reply in expected:
        scores = sorted((span.score for span in (*reply.spans, *reply.variants)), reverse=True)
        for variant in reply.variants:
            assert variant.score >= scores[4]
            assert any(
                span.start_char < variant.end_char
                and variant.start_char < span.end_char
                and span.score >= variant.score
                for span in reply.spans
            )


def test_what_yes_and_no_leave_is_neither(expected: list[ReaderOutput]) -> None:
    for reply in expected:
        if reply.yes is not None and reply.no is not None:
            assert 0 < reply.yes + reply.no < 1
    assert len({reply.yes for reply in expected}) > 10


def test_calibration_moves_the_probabilities_and_leaves_the_order(
    make_reader: Callable[..., Path], pairs: list[tuple[str, str]], expected: list[ReaderOutput]
) -> None:
    def logits(replies: Sequence[ReaderOutput]) -> list[float]:
        from math import log

        return [log(span.score / (1 - span.score)) for reply in replies for span in reply.spans]

    found = load(make_reader(temperature=2.0, bias=-3.0)).answer(pairs)
    assert found == expected
    assert logits(found) == pytest.approx([(logit + 3) / 2 for logit in logits(expected)], abs=1e-3)
    for reply in found:
        assert reply.no_answer == pytest.approx(1 - max((span.score for span in reply.spans), default=0.0))


def test_an_improbable_answer_is_no_answer(
    make_reader: Callable[..., Path], pairs: list[tuple[str, str]], expected: list[ReaderOutput]
) -> None:
    found = load(make_reader(least=0.5)).answer(pairs)
    assert [reply.spans for reply in found] == [
        tuple(span for span in reply.spans if span.score >= 0.5) for reply in expected
    ]
    assert {bool(reply.spans) for reply in found} == {True, False}
    assert [reply.no_answer for reply in found] == pytest.approx([reply.no_answer for reply in expected], abs=1e-4)
