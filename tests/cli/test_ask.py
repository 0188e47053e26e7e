"""`ask` and `annotate --questions`: what they print, for people and for programs, and what they refuse."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine.cli.answer_output import load_answers, print_text
from litmine.errors import DONE, FAILED, NEW_GAPS
from litmine.lake.lake import Lake
from litmine.tasks.registry import identify
from litmine.types import Article, Question, SourceRecord

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
def lake(tmp_path: Path) -> Path:
    lake = Lake.create(tmp_path / "lake")
    lake.add([SourceRecord(article, datetime.now(UTC)) for article in ARTICLES], source="made")
    return lake.path


@pytest.fixture
def ask(run: Run, lake: Path, rule_reader: Path) -> Run:
    return lambda *words: run("ask", *words, "--lake", lake, "--reader", rule_reader)


def test_answers_for_people(ask: Run, lake: Path, rule_reader: Path) -> None:
    model = identify(str(rule_reader))
    ran = ask(ASKED)
    assert (ran.returncode, ran.stdout) == (DONE, SHOWN)
    said = "factoid question (guessed; set --type if wrong): 3 articles retrieved, {} newly read by {}\n"
    assert ran.stderr == said.format(3, model)
    ran = ask(f"  {ASKED}\n")
    assert (ran.stdout, ran.stderr) == (SHOWN, said.format(0, model))
    assert Lake(lake).rows("select count(*), count(distinct question_id) from answers") == [(5, 1)]


def test_answers_on_a_terminal(ask: Run, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_answers_for_programs(ask: Run, lake: Path, rule_reader: Path) -> None:
    ran = ask(ASKED, "--type", "list", "--format", "json")
    assert ran.returncode == DONE
    assert [char for char in ran.stdout if not char.isprintable() and char != "\n"] == []
    said = json.loads(ran.stdout)
    assert {name: said[name] for name in ("question", "question_type", "guessed", "model", "retrieved")} == {
        "question": ASKED,
        "question_type": "list",
        "guessed": False,
        "model": identify(str(rule_reader)),
        "retrieved": 3,
    }
    # A list leaves out what is much less likely than the best: the peanuts and the wasps.
    assert [(one["rank"], one["answer"], one["support"]) for one in said["answers"]] == [
        (1, "penicillin", 2),
        (2, "Latex", 1),
    ]
    texts = dict(Lake(lake).rows("select pmid, text from articles"))
    for paper in (paper for one in said["answers"] for paper in one["papers"]):
        text = texts[paper["pmid"]]
        assert text[paper["start_char"] : paper["end_char"]] == paper["answer"]
        assert text[paper["evidence_start"] : paper["evidence_end"]] == paper["evidence"]
    assert said["answers"][0]["score"] == pytest.approx(sum(one["score"] for one in said["answers"][0]["papers"]))
    assert said["without_answer"] == []


def test_a_verdict(ask: Run) -> None:
    ran = ask("Can peanuts cause an anaphylactic reaction?")
    lines = ran.stdout.splitlines()
    assert lines[0] == "1. yes  (3 papers, 0.73)"
    assert "   Latex and penicillin \ufffd[31mwere the cause\ufffd of\ufffd it." in lines
    assert len(lines) == 7


def test_no_answer_is_said(ask: Run) -> None:
    for question, said in [
        ("What is asthma?", "none of the articles retrieved gives an answer"),
        ("What is zymurgy?", "no article of the lake has these words"),
    ]:
        ran = ask(question)
        assert (ran.returncode, ran.stdout, ran.stderr.splitlines()[-1]) == (DONE, "", said)
    ran = ask("Which allergy was in the theatre?", "--where", "pmid = 4 or year > 2000")
    assert ran.stdout.startswith("1. penicillin")
    ran = ask("What is retracted latex?", "--where", "retracted")
    assert ran.stdout == ""


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "questions.jsonl"
    lines = [{"id": "a", "question": ASKED}, {"id": "b", "question": "Is it asthma?", "type": "yesno"}]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return file


def test_a_file_of_questions(run: Run, lake: Path, rule_reader: Path, questions: Path) -> None:
    model = identify(str(rule_reader))
    words = ("annotate", "--lake", lake, "--questions", questions, "--reader", rule_reader, "--precision", "float32")
    ran = run(*words)
    assert (ran.returncode, ran.stdout) == (DONE, "")
    assert ran.stderr.splitlines() == [
        "the type of 1 of 2 questions was guessed; the view `questions` says which",
        f"2 questions over 4 articles retrieved: 4 read now and 0 before, 5 answers found by {model} on cpu in float32",
    ]
    assert Lake(lake).rows("select distinct question_id, answer from answers where rank = 1 order by 1") == [
        ("a", "penicillin"),
        ("b", "yes"),
    ]
    ran = run(*words)
    nothing = f"nothing to do: {model} has answered these questions over all that is retrieved for them"
    assert ran.stderr.splitlines()[-1] == nothing
    ran = run("status", "--lake", lake)
    assert (
        f"reader    {model}: 2 questions, 2 of them as `answers` shows them; 4 readings, 0 to read, 0 failed,"
        " 0 of articles that changed since" in ran.stdout
    )
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
        ('{"id": 1, "question": "What?"}\n\n{"id": 1, "question": "Who?"}', "the id '1' stands in line 1 already"),
        ("", "has no questions"),
    ],
)
def test_a_file_that_cannot_be_asked(
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


def test_what_cannot_be_asked(
    run: Run, ask: Run, lake: Path, tmp_path: Path, rule_reader: Path, tiny_model: Path
) -> None:
    empty = Lake.create(tmp_path / "empty").path
    refusals = [
        (ask(" "), "the question is empty"),
        (ask(ASKED, "--where", "yaer > 2000"), "yaer"),
        (ask(ASKED, "--where", "true); drop table articles; --"), "condition"),
        (
            run("ask", ASKED, "--lake", lake, "--reader", tiny_model),
            "what is needed here is one that answers questions (qa)",
        ),
        (run("ask", ASKED, "--lake", lake, "--reader", "nosuch"), "no model 'nosuch' here"),
        (run("ask", ASKED, "--lake", empty, "--reader", rule_reader), "has no articles yet"),
        (run("ask", ASKED, "--lake", tmp_path / "none", "--reader", rule_reader), "is not a litmine lake"),
        (
            run("annotate", "--lake", lake, "--model", rule_reader),
            "which answers questions; what is needed here is one that finds entities (ner)",
        ),
    ]
    for ran, sentence in refusals:
        (line,) = ran.stderr.splitlines()
        assert (ran.returncode, ran.stdout, line.startswith("litmine: ")) == (FAILED, "", True)
        assert sentence in line
    assert Lake(lake).rows("select count(*) from readings") == [(0,)]


def test_options_that_do_not_go_together(run: Run, lake: Path, questions: Path) -> None:
    for words, said in [
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
        assert said in ran.stderr
