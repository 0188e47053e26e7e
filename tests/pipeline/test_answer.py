"""Questions over a lake: each pair is read once, and answers do not depend on the sizes of slices and batches."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from litmine.errors import LakeError, ModelError, QueryError, QuestionError
from litmine.lake.lake import Lake
from litmine.lake.parquet import SCHEMA_FILE
from litmine.lake.readings import QuestionTextPair
from litmine.pipeline.annotate import annotate
from litmine.pipeline.answer import AnswerResult, QuestionRun, answer
from litmine.pipeline.import_files import import_files
from litmine.runtime.executor import Executor, RunProgress
from litmine.search.index import SearchIndex
from litmine.tasks.contract import UnitResult
from litmine.tasks.qa import slice_unit
from litmine.tasks.registry import identify
from litmine.types import Article, Question, SourceRecord

TOP_K = 4
CAUSES = ("penicillin", "latex", "peanuts", "wasps", "milk")
WHERE = ("children", "adults", "mice", "nurses", "bakers", "farmers", "swimmers")


def article(number: int) -> dict[str, object]:
    """An article on its own subject, with a cause in the abstract."""
    who, cause = WHERE[number % len(WHERE)], CAUSES[number % len(CAUSES)]
    return {
        "pmid": number,
        "title": f"Anaphylaxis in {who}, part {number // len(WHERE)}.",
        "abstract": f"We saw {who}. They were allergic to {cause} in ward {number}. No other cause was found.",
    }


def question(number: int, kind: str = "factoid") -> Question:
    return Question(f"q{number}", f"What causes anaphylaxis in {WHERE[number % len(WHERE)]} of ward {number}?", kind)


def import_articles(lake: Path, articles: Sequence[dict[str, object]], part_size: int = 10) -> Lake:
    file = lake.parent / f"{articles[0]['pmid']}.jsonl"
    file.write_text("\n".join(map(json.dumps, articles)), encoding="utf-8")
    import_files(lake, [file], part_size=part_size)
    return Lake(lake)


def run(lake: Lake, reader: Path, questions: Sequence[Question], **more: object) -> AnswerResult:
    """Answer questions in this process, in float32."""
    inquiry = QuestionRun(questions, str(reader), TOP_K, None, "annotate --questions", "test")
    inquiry = replace(inquiry, **{name: more.pop(name) for name in ("where", "top_k") if name in more})  # type: ignore[arg-type]
    return answer(lake, inquiry, Executor(), "float32", **more)  # type: ignore[arg-type]


Row = tuple[object, ...]


def found(lake: Lake) -> dict[Row, float]:
    """The scores in the view `answers` by the other columns, ranks and counts included."""
    rows = lake.rows(
        "select question_id, rank, support, pmid, answer, start_char, start_token, end_token, evidence_start, score"
        " from answers"
    )
    return {row[:-1]: row[-1] for row in rows}


def files(lake: Lake) -> list[Path]:
    return [path for path in (lake.path / "readings").glob("*/*.parquet") if path.name != SCHEMA_FILE]


def pairs_read(lake: Lake) -> list[QuestionTextPair]:
    """The pairs in the files of readings, once for each file that has them."""
    read = []
    for path in files(lake):
        columns = pq.read_table(path, columns=list(QuestionTextPair._fields), partitioning=None).to_pydict().values()
        read += sorted({QuestionTextPair(*keys) for keys in zip(*columns, strict=True)})
    return read


@pytest.fixture(scope="session")
def sixty_articles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty articles that no reader has read. Copy it, do not change it."""
    folder = tmp_path_factory.mktemp("sixty")
    return import_articles(folder / "lake", [article(number) for number in range(1, 61)]).path


@pytest.fixture
def lake(sixty_articles: Path, place_lake: Callable[[Path], Path]) -> Lake:
    return Lake(place_lake(sixty_articles))


def test_a_second_run_reads_only_new_pairs(lake: Lake, rule_reader: Path) -> None:
    """A new article and a new question add readings, and no pair is read again."""
    questions = [question(number) for number in range(20)]
    first = run(lake, rule_reader, questions)
    assert (first.questions, first.retrieved, first.pairs, first.skipped) == (20, 80, 80, 0)
    night = pairs_read(lake)
    assert len(night) == len(set(night)) == 80

    import_articles(lake.path, [article(61) | {"title": "Causes of anaphylaxis in farmers of ward 12."}])
    questions.append(question(63))
    index = SearchIndex.open(lake)
    wanted = {(one.text, hit.pmid) for one in questions for hit in index.search(one.text, TOP_K)}
    known = set(
        lake.rows("select question, pmid from readings join questions using (question_digest, model) group by all")
    )
    least = len(wanted - known)
    assert TOP_K < least < TOP_K + 5
    second = run(lake, rule_reader, questions)
    assert (second.pairs, second.skipped) == (least, 84 - least)
    assert sorted(pairs_read(lake))[:0] == []
    assert len(pairs_read(lake)) == len(set(pairs_read(lake))) == 80 + least
    assert lake.rows("select sum(retrieved), sum(read), sum(unread) from question_coverage") == [(84, 84, 0)]

    before = {path: path.stat().st_mtime_ns for path in lake.path.rglob("*.parquet")}
    third = run(lake, rule_reader, questions)
    assert (third.pairs, third.skipped, third.recorded) == (0, 84, False)
    assert {path: path.stat().st_mtime_ns for path in lake.path.rglob("*.parquet")} == before


def test_answers_and_evidence_of_the_rule_reader(lake: Lake, rule_reader: Path) -> None:
    run(lake, rule_reader, [question(7), replace(question(8), question_type="yesno")])
    rows = lake.rows(
        "select question_id, answer, substr(text, evidence_start + 1, evidence_end - evidence_start)"
        " from answers join articles using (pmid) where pmid in (7, 8) and contains(question, pmid::varchar)"
        " order by question_id"
    )
    # The text of PMID 7 has peanuts as the cause, that of PMID 8 wasps.
    assert rows == [
        ("q7", "peanuts", "They were allergic to peanuts in ward 7."),
        ("q8", "yes", "They were allergic to wasps in ward 8."),
    ]
    log = lake.rows("select command, outcome, models, counts, precision from runs order by started desc limit 1")
    assert log == [
        (
            "annotate --questions",
            "done",
            [identify(str(rule_reader))],
            [
                ("questions", 2),
                ("retrieved", 8),
                ("read", 8),
                ("skipped", 0),
                ("spans", 6),
                ("tokens", log[0][3][5][1]),
            ],
            "float32",
        )
    ]


def test_answers_and_evidence_do_not_cross_the_end_of_a_title_without_a_stop(
    tmp_path: Path, reader_folder: Path
) -> None:
    """The titles of RIS, PubTator and most JSON lines have no final stop."""
    articles = [article(number) for number in range(1, 61)]
    without_stop = [one | {"title": str(one["title"]).rstrip(".")} for one in articles]
    lake = import_articles(tmp_path / "lake", without_stop)
    run(lake, reader_folder, [question(number) for number in range(10)])
    spans = lake.rows(
        "select length(title), start_char, end_char, evidence_start, evidence_end,"
        " quote(text, evidence_start, evidence_end) from readings join articles using (pmid) where answer is not null"
    )
    assert len(spans) > 200
    assert {end <= start for end, start, *_ in spans} == {True, False}
    for border, *offsets, sentence in spans:
        assert all(offset <= border for offset in offsets) or all(offset > border for offset in offsets)
        assert sentence.endswith(".") == (offsets[0] > border)


def test_slice_and_batch_sizes_do_not_change_the_answers(
    lake: Lake, tmp_path: Path, random_reader: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = [question(number, kind) for number, kind in enumerate(["factoid", "list", "yesno"] * 9)]
    other = Lake(shutil.copytree(lake.path, tmp_path / "other"))
    monkeypatch.setattr(slice_unit, "_MIN_PAIRS", 500)
    run(lake, random_reader, questions)
    assert len(files(lake)) == 1
    expected = found(lake)
    assert len(expected) > 100
    monkeypatch.setattr(slice_unit, "_MIN_PAIRS", 5)
    run(other, random_reader, questions[5:], batch_tokens=1)
    run(other, random_reader, questions[::-1], batch_tokens=700)
    assert len(files(other)) > 8
    assert found(other) == pytest.approx(expected, abs=1e-4)


class InterruptingProgress(RunProgress):
    """Raises KeyboardInterrupt after the first slice."""

    def finished(self, done: UnitResult) -> None:
        raise KeyboardInterrupt(done.unit.name)


def test_answers_change_all_at_once(
    lake: Lake, rule_reader: Path, random_reader: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slice_unit, "_MIN_PAIRS", 5)
    questions = [question(number) for number in range(10)]
    run(lake, rule_reader, questions)
    before = found(lake)
    with pytest.raises(KeyboardInterrupt):
        run(lake, random_reader, questions, progress=InterruptingProgress())
    done = len(pairs_read(lake)) - 40
    assert 5 <= done < 40
    assert found(lake) == before
    assert lake.rows("select outcome from runs order by started desc limit 1") == [("interrupted",)]
    assert run(lake, random_reader, questions).skipped == done
    assert found(lake).keys() != before.keys()
    # The first reader is active again, and reads nothing.
    assert run(lake, rule_reader, questions).pairs == 0
    assert found(lake) == before


def test_a_condition_and_retractions_limit_the_articles(lake: Lake, rule_reader: Path) -> None:
    asked = question(7)
    result = run(lake, rule_reader, [asked], where="pmid < 3 -- or so")
    assert (result.retrieved, {row[0] for row in lake.rows("select pmid from retrieved")}) == (2, {1, 2})
    run(lake, rule_reader, [asked])
    (best,) = lake.rows("select pmid from retrieved where rank = 1")
    assert best == (7,)
    given = article(7)
    retracted = Article(7, str(given["title"]), str(given["abstract"]), retracted=True)
    lake.add([SourceRecord(retracted, datetime.now(UTC))], source="notice")
    assert 7 not in {row[0] for row in lake.rows("select pmid from answers")}
    assert run(lake, rule_reader, [asked]).retrieved == TOP_K
    assert 7 not in {row[0] for row in lake.rows("select pmid from retrieved")}
    with pytest.raises(QueryError, match="yaer"):
        run(lake, rule_reader, [asked], where="yaer > 2000")
    assert run(lake, rule_reader, [replace(asked, text="Zymurgy?", question_id="z")]).retrieved == 0


def test_a_damaged_part_costs_only_its_own_pairs(lake: Lake, rule_reader: Path) -> None:
    questions = [question(number) for number in range(10)]
    SearchIndex.open(lake)
    part = lake.part(lake.parts()[2])
    whole = part.read_bytes()
    metadata = pq.read_metadata(part).row_group(0)
    (abstracts,) = [
        metadata.column(i) for i in range(metadata.num_columns) if metadata.column(i).path_in_schema == "abstract"
    ]
    start = abstracts.dictionary_page_offset or abstracts.data_page_offset
    part.write_bytes(whole[: start + 30] + bytes(60) + whole[start + 90 :])
    result = run(lake, rule_reader, questions)
    (gap,) = result.new_gaps
    assert gap.where == f"articles/{part.name}"
    assert "is damaged (" in gap.why
    assert 0 < result.planned - result.pairs < result.planned
    with pytest.raises(LakeError, match=f"{part.name} is damaged"):
        lake.rows("select sum(unread) from question_coverage")
    again = run(lake, rule_reader, questions)
    assert (again.planned, again.pairs, again.new_gaps) == (result.planned - result.pairs, 0, [])
    part.write_bytes(whole)
    last = run(lake, rule_reader, questions)
    assert (last.pairs, last.gaps) == (again.planned, [])
    assert lake.rows("select sum(read), sum(unread) from question_coverage") == [(40, 0)]


def test_a_question_that_is_too_long_is_one_gap(lake: Lake, rule_reader: Path) -> None:
    long = replace(question(1), text="What causes anaphylaxis " + "in adults " * 20)
    result = run(lake, rule_reader, [long, question(2)])
    (gap,) = result.new_gaps
    assert gap.where.startswith("question 'What causes anaphylaxis in adults")
    assert "ask it in fewer words" in gap.why
    assert (result.retrieved, result.pairs) == (8, 8)
    assert lake.rows("select question_id, read, failed from question_coverage order by 1") == [
        ("q1", 0, 4),
        ("q2", 4, 0),
    ]
    assert run(lake, rule_reader, [long, question(2)]).planned == 0


def test_invalid_readers_and_questions_are_refused(
    lake: Lake, tmp_path: Path, rule_reader: Path, tiny_model: Path
) -> None:
    with pytest.raises(ModelError, match="which finds entities; give one that answers questions"):
        run(lake, tiny_model, [question(1)])
    with pytest.raises(ModelError, match="which answers questions; give one that finds entities"):
        annotate(lake, [str(rule_reader)], Executor())
    with pytest.raises(QuestionError, match="the question 'q1' is empty"):
        run(lake, rule_reader, [replace(question(1), text=" ")])
    with pytest.raises(LakeError, match="has no articles yet"):
        run(Lake.create(tmp_path / "empty"), rule_reader, [question(1)])
    assert pairs_read(lake) == []
