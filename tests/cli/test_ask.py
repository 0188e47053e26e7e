"""`ask` and `annotate --questions`: printed answers, JSON, and refused arguments."""

import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine.cli.answer_output import print_text
from litmine.errors import DONE, FAILED, NEW_GAPS
from litmine.lake.lake import Lake
from litmine.pipeline.ranked_answers import load_answers
from litmine.tasks.registry import identify
from litmine.types import Article, Correction, Question, SourceRecord

Run = Callable[..., CompletedProcess[str]]
USAGE = 2
ARTICLES = (
    Article(1, "An allergy to penicillin can cause an anaphylactic reaction.", journal="J Allergy", year=2013),
    Article(
        2,
        "Anaphylactic reaction\x1b[2J in theatre.",
        "It was 5 mg/kg. Latex and penicillin \x1b[31mwere\nthe cause\u202e of\x07 it. Or wasps.",
        journal="Lancet\x9b1m",
    ),
    Article(3, "Anaphylactic reaction to nuts.", "Not to peanuts."),
    Article(4, "Asthma"),
    Article(5, "Anaphylactic reaction to latex", retracted=True),
)
ASKED = "What can cause an anaphylactic reaction?"
SHOWN = """\
1. penicillin  (2 papers, 1.00)
   An allergy to **penicillin** can cause an anaphylactic reaction.
   PMID 1, 2013, J Allergy
   also PMID 2
2. peanuts  (1 paper, 0.50)
   Not to **peanuts**.
   PMID 3
3. Latex  (1 paper, 0.05)
   **Latex** and penicillin \ufffd[31mwere the cause\ufffd of\ufffd it.
   PMID 2, Lancet\ufffd1m
4. wasps  (1 paper, 0.00)
   Or **wasps**.
   PMID 2, Lancet\ufffd1m
"""


@pytest.fixture
def lake(place_lake: Callable[[], Path]) -> Path:
    lake = Lake(place_lake())
    lake.add([SourceRecord(article, datetime.now(UTC)) for article in ARTICLES], source="made")
    return lake.path


@pytest.fixture
def ask(run: Run, lake: Path, rule_reader: Path) -> Run:
    return lambda *words: run("ask", *words, "--lake", lake, "--reader", rule_reader)


def test_answers_are_printed_with_evidence_as_text(ask: Run, lake: Path, rule_reader: Path) -> None:
    model = identify(str(rule_reader))
    ran = ask(ASKED)
    assert (ran.returncode, ran.stdout) == (DONE, SHOWN)
    message = "factoid question (guessed; set --type if wrong): 3 articles retrieved, {} newly read by {}\n"
    assert ran.stderr == message.format(3, model)
    ran = ask(f"  {ASKED}\n")
    assert (ran.stdout, ran.stderr) == (SHOWN, message.format("none", model))
    assert Lake(lake).rows("select count(*), count(distinct question_id) from answers") == [(5, 1)]


def test_answers_are_highlighted_on_a_terminal(ask: Run, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for name in ("NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    ask(ASKED)
    opened, terminal = Lake(lake), Terminal()
    ((question_id,),) = opened.rows("select question_id from questions")
    print_text(Question(question_id, ASKED, "factoid"), load_answers(opened, question_id), terminal)
    shown = terminal.getvalue()
    assert "   An allergy to \x1b[1;32mpenicillin\x1b[0m can cause" in shown
    plain = shown.replace("\x1b[1;32m", "").replace("\x1b[0m", "")
    assert plain == SHOWN.replace("**", "")


def test_json_has_all_answers_with_offsets(ask: Run, lake: Path, rule_reader: Path) -> None:
    ran = ask(ASKED, "--type", "list", "--format", "json")
    assert ran.returncode == DONE
    assert [char for char in ran.stdout if not char.isprintable() and char != "\n"] == []
    output = json.loads(ran.stdout)
    assert {name: output[name] for name in ("question", "question_type", "guessed", "model", "retrieved")} == {
        "question": ASKED,
        "question_type": "list",
        "guessed": False,
        "model": identify(str(rule_reader)),
        "retrieved": 3,
    }
    # A list leaves out what is much less likely than the best: the peanuts and the wasps.
    assert [(one["rank"], one["answer"], one["support"]) for one in output["answers"]] == [
        (1, "penicillin", 2),
        (2, "Latex", 1),
    ]
    texts = dict(Lake(lake).rows("select pmid, text from articles"))
    for paper in (paper for one in output["answers"] for paper in one["papers"]):
        text = texts[paper["pmid"]]
        assert text[paper["start_char"] : paper["end_char"]] == paper["answer"]
        assert text[paper["evidence_start"] : paper["evidence_end"]] == paper["evidence"]
    assert output["answers"][0]["score"] == pytest.approx(sum(one["score"] for one in output["answers"][0]["papers"]))
    assert output["without_answer"] == []


YESNO = "Can penicillin cause an anaphylactic reaction?"
SENTENCES = """\
1. An allergy to penicillin can cause an anaphylactic reaction.
   4 of 4 words of the question, PMID 1, 2013, J Allergy
"""


def test_a_yes_no_question_shows_sentences_and_no_verdict(ask: Run, lake: Path) -> None:
    ran = ask(YESNO)
    assert (ran.returncode, ran.stdout) == (DONE, SENTENCES)
    counted = (
        "all words of the question (penicillin, cause, anaphylactic, reaction): 1 of 3; no verdict is given without"
    )
    assert counted in ran.stderr
    # The view keeps what the reader says.
    assert Lake(lake).rows("select count(*) from answers where answer in ('yes', 'no')") == [(3,)]
    output = json.loads(ask(YESNO, "--format", "json").stdout)
    assert (output["answers"], output["question_words"][1:]) == ([], ["cause", "anaphylactic", "reaction"])
    assert [(one["pmid"], one["words"], one["start_char"]) for one in output["sentences"]] == [(1, 4, 0)]


def test_a_sentence_does_not_cross_the_end_of_a_title_without_a_stop(
    run: Run, tmp_path: Path, rule_reader: Path
) -> None:
    text = "Penicillin allergy in children"
    article = Article(1, text, "Anaphylactic reaction to latex was seen. It was mild.")
    lake = Lake.create(tmp_path / "bare")
    lake.add([SourceRecord(article, datetime.now(UTC))], source="made")
    words = ("--lake", lake.path, "--reader", rule_reader)
    assert run("ask", "Was an anaphylactic reaction to latex seen in children?", *words).stdout == (
        "1. Anaphylactic reaction to latex was seen.\n   4 of 5 words of the question, PMID 1\n"
    )
    assert "   Anaphylactic reaction to **latex** was seen.\n" in run("ask", ASKED, *words).stdout


def test_verdicts_come_with_a_caveat_and_from_articles_about_the_question(ask: Run) -> None:
    ran = ask(YESNO, "--verdict")
    assert ran.stdout.startswith(f"{SENTENCES}1. yes  (1 paper, ")
    assert ran.stderr.splitlines()[-1].startswith("a reader's yes or no is a guess")
    output = json.loads(ask(YESNO, "--verdict", "--format", "json").stdout)
    assert [(one["answer"], one["support"]) for one in output["answers"]] == [("yes", 1)]
    assert sorted(output["without_answer"]) == [2, 3]
    assert "guess" in output["caveat"]


def test_a_text_without_the_words_of_a_question_says_neither_yes_nor_no(ask: Run) -> None:
    ran = ask("Does theatre help elderly people?", "--verdict")
    assert (ran.returncode, ran.stdout) == (DONE, "")
    assert ran.stderr.splitlines()[-1].endswith("(theatre, help, elderly, people): they say neither yes nor no")


def test_a_verdict_needs_a_yes_no_question(ask: Run) -> None:
    ran = ask(ASKED, "--verdict")
    assert ran.returncode == USAGE
    assert "--verdict needs a yes/no question, and this is a factoid question" in ran.stderr


def test_that_no_answer_is_likely_comes_before_the_answers(ask: Run) -> None:
    warning = "no article is likely to answer this; these answers are the best found"
    ran = ask(ASKED, "--where", "pmid = 2")
    assert warning not in ran.stderr
    low = ask("Which wasps or latex?", "--where", "pmid = 2")
    assert warning not in low.stderr


ONLY_RETRACTED = (
    "only 1 retracted article matches the question and the condition, and litmine answers no question from these; see"
    ' it with `litmine sql "select pmid, title, retracted, publication_types from articles where pmid in (5)"`'
)


def test_a_question_without_answer_has_a_message(ask: Run) -> None:
    for question, message in [
        ("What is asthma?", "no retrieved article contains an answer"),
        ("What is zymurgy?", "no article in the lake matches the question"),
    ]:
        ran = ask(question)
        assert (ran.returncode, ran.stdout, ran.stderr.splitlines()[-1]) == (DONE, "", message)
    ran = ask("Which allergy was in the theatre?", "--where", "pmid = 4 or year > 2000")
    assert ran.stdout.startswith("1. penicillin")
    for where, message in [
        ("retracted", ONLY_RETRACTED),
        ("1 = 0", "no article in the lake matches the condition '1 = 0'"),
        ("pmid = 4 -- asthma", "no article that matches the condition 'pmid = 4 -- asthma' matches the question"),
    ]:
        ran = ask("What is retracted latex?", "--where", where)
        assert (ran.returncode, ran.stdout, ran.stderr.splitlines()[-1]) == (DONE, "", message)
    ran = ask("What is zymurgy?", "--where", "retracted")
    message = "the articles that match the condition 'retracted' are retracted or notices, which are no evidence"
    assert (ran.returncode, ran.stdout, ran.stderr.splitlines()[-1]) == (DONE, "", message)


def test_retracted_articles_and_notices_that_match_are_counted_and_can_be_seen(run: Run, ask: Run, lake: Path) -> None:
    articles = [
        Article(6, "Zymurgy for all", retracted=True),
        Article(7, "Retraction: Zymurgy for all.", corrections=(Correction("RetractionOf", 6),)),
        *(Article(number, "Erratum: beer", publication_types=("Published Erratum",)) for number in range(20, 32)),
    ]
    Lake(lake).add([SourceRecord(article, datetime.now(UTC)) for article in articles], source="made")
    ran = ask("What is zymurgy?")
    message = ran.stderr.splitlines()[-1]
    assert message.startswith("only 1 retracted article and 1 notice of a retraction or correction match the question")
    query = re.findall(r'`litmine sql "(.*)"`', message)[0]
    assert {line.split()[0] for line in run("sql", query, "--lake", lake).stdout.splitlines()[2:]} == {"6", "7"}
    message = ask("Which beer?").stderr.splitlines()[-1]
    assert message.startswith("only 12 notices of a retraction or correction match the question, and ")
    assert "; see the best 10 with " in message


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "questions.jsonl"
    lines = [{"id": "a", "question": ASKED}, {"id": "b", "question": "Is it asthma?", "type": "yesno"}]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return file


def test_a_file_of_questions_is_answered_once(run: Run, lake: Path, rule_reader: Path, questions: Path) -> None:
    model = identify(str(rule_reader))
    words = ("annotate", "--lake", lake, "--questions", questions, "--reader", rule_reader, "--precision", "float32")
    ran = run(*words)
    assert (ran.returncode, ran.stdout) == (DONE, "")
    assert ran.stderr.splitlines() == [
        f"5 new answers to 2 questions found by {model} on cpu in float32: 4 articles retrieved, 4 newly read",
        "the type of 1 of 2 questions was guessed; see `guessed` in `questions`",
    ]
    assert Lake(lake).rows("select distinct question_id, answer from answers where rank = 1 order by 1") == [
        ("a", "penicillin"),
        ("b", "yes"),
    ]
    ran = run(*words)
    nothing = f"nothing to do: {model} has already read every article retrieved for 2 questions"
    assert ran.stderr.splitlines()[0] == nothing
    ran = run("status", "--lake", lake)
    assert f"reader    {model}: 2 questions; articles: 4 read\n" in ran.stdout
    long = {"id": "c", "question": f"What causes {'asthma ' * 40}?"}
    questions.write_text(json.dumps(long), encoding="utf-8")
    ran = run(*words)
    assert ran.returncode == NEW_GAPS
    gap = next(line for line in ran.stderr.splitlines() if line.startswith("could not be read: question 'What causes"))
    assert gap.endswith("ask it in fewer words")
    assert run(*words).returncode == DONE


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"question": "What?"}\n{"question": ""}', "line 2: the question is empty"),
        ('{"question": "What?"}\n{"question": ', "line 2"),
        ('{"id": 1, "question": "What?"}\n\n{"id": 1, "question": "Who?"}', "the id '1' is already used in line 1"),
        ("", "has no questions"),
    ],
)
def test_a_bad_question_file_is_refused(
    run: Run, lake: Path, rule_reader: Path, tmp_path: Path, content: str, sentence: str
) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(content)
    ran = run("annotate", "--lake", lake, "--questions", file, "--reader", rule_reader)
    assert (ran.returncode, ran.stdout) == (FAILED, "")
    (line,) = ran.stderr.splitlines()
    assert line.startswith(f"litmine: {file}")
    assert sentence in line
    assert Lake(lake).rows("from runs") == []


@pytest.mark.parametrize(
    ("where", "reason", "code"),
    [
        ("yaer > 2000", 'Referenced column "yaer" not found in FROM clause! Candidate bindings: "year", ', FAILED),
        ("year >", 'syntax error at or near ">"', FAILED),
        ("((year > 1)", 'syntax error at or near ")"', FAILED),
        ("true; drop table articles; --", "syntax error at or near", FAILED),
        ("pmid in (select pmid from entites)", 'does not exist! Did you mean "entities"?', USAGE),
    ],
)
def test_a_wrong_condition_is_shown_as_the_user_wrote_it(
    run: Run, ask: Run, lake: Path, tmp_path: Path, where: str, reason: str, code: int
) -> None:
    ran = ask(ASKED, "--where", where)
    start = f"litmine: the condition {where!r} cannot be evaluated on `articles`: "
    assert (ran.returncode, ran.stdout) == (code, "")
    (line,) = ran.stderr.splitlines()
    assert line.startswith(start)
    assert reason in line.removeprefix(start)
    assert "coalesce" not in line
    exported = run("export", "--lake", lake, "--format", "pubtator", "-o", tmp_path / "out", "--where", where)
    assert (exported.returncode, exported.stderr.splitlines()[-1]) == (code, line)


def test_summary_questions_are_counted(run: Run, lake: Path, rule_reader: Path, questions: Path) -> None:
    lines = [{"id": "a", "question": ASKED, "type": "Summary"}, {"id": "b", "question": "Is it asthma?"}]
    questions.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    words = ("annotate", "--lake", lake, "--questions", questions, "--reader", rule_reader, "--precision", "float32")
    told = (
        "1 of 2 questions asks for a summary, which no reader writes; the answers are spans of articles, by the guessed"
        " type"
    )
    assert run(*words).stderr.splitlines()[1:] == [
        "the type of 2 of 2 questions was guessed; see `guessed` in `questions`",
        told,
    ]
    # As often as the questions are asked.
    assert run(*words).stderr.splitlines()[-1] == told


def test_bad_arguments_of_ask_are_refused(
    run: Run, ask: Run, lake: Path, tmp_path: Path, rule_reader: Path, tiny_model: Path
) -> None:
    empty = Lake.create(tmp_path / "empty").path
    refusals = [
        (ask(" "), "the question is empty"),
        (ask(ASKED, "--where", "yaer > 2000"), "yaer"),
        (ask(ASKED, "--where", "true); drop table articles; --"), "condition"),
        (
            run("ask", ASKED, "--lake", lake, "--reader", tiny_model),
            "give one that answers questions (qa)",
        ),
        (run("ask", ASKED, "--lake", lake, "--reader", "nosuch"), "no model 'nosuch' here"),
        (run("ask", ASKED, "--lake", empty, "--reader", rule_reader), "has no articles yet"),
        (run("ask", ASKED, "--lake", tmp_path / "none", "--reader", rule_reader), "there is no lake at "),
        (
            run("annotate", "--lake", lake, "--model", rule_reader),
            "which answers questions; give one that finds entities (ner)",
        ),
    ]
    for ran, sentence in refusals:
        (line,) = ran.stderr.splitlines()
        code = USAGE if sentence.startswith("no model") else FAILED
        assert (ran.returncode, ran.stdout, line.startswith("litmine: ")) == (code, "", True)
        assert sentence in line
    assert Lake(lake).rows("select count(*) from readings") == [(0,)]


def test_options_that_exclude_each_other_are_wrong_usage(run: Run, lake: Path, questions: Path) -> None:
    for words, message in [
        (("--top-k", 5), "--top-k needs --questions"),
        (("--where", "true"), "--where needs --questions"),
        (("--reader", "builtin"), "--reader needs --questions"),
        (
            ("--questions", questions, "--model", "builtin"),
            "--model cannot be used with --questions; choose the model with --reader",
        ),
    ]:
        ran = run("annotate", "--lake", lake, *words)
        assert ran.returncode == USAGE
        assert message in ran.stderr
