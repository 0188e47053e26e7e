"""Read files of questions with gold answers, for training and evaluation; the content of a file tells its format.

SQuAD JSON (Rajpurkar et al. 2016, 2018), also the format of COVID-QA: articles of paragraphs with their questions. The
answers' offsets are ignored: in copies of SQuAD they are those of the first occurrence, wrong for about 3 % of the
answers, and in COVID-QA one in six is off by white space. `answer_alignment` searches for the words instead.

BioASQ JSON (task B): questions of four types with exact answers and snippets; summary questions have no exact answer.
Answers may be numbers and nested lists, and snippets may be missing or without text.

PubMedQA JSON (Jin et al. 2019): yes/no questions by PMID, each with its abstract without the conclusion.

Evidence Inference (Lehman et al. 2019), as JSON Lines of judgements: whether an outcome increased, decreased or did not
differ between two arms of a trial, with the sentence that says so. A judgement becomes a yes/no question on it.

A file may be compressed with gzip.
"""

import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from litmine.errors import CorpusError, SourceError
from litmine.sources.encodings import decode_text, undecodable
from litmine.training.card_text import file_name
from litmine.types import QUESTION_TYPES


@dataclass(frozen=True, slots=True)
class GoldQuestion:
    """A question with its texts and gold answers.

    question_type: `factoid`, `list` or `yesno`. texts: without duplicates. answers: each answer with its synonyms, as
    spelled in the file; empty if the texts do not answer the question. yes: the answer to a yes/no question, None for
    other types. batch: the part of its file, if the file has parts (BioASQ's `6B1`).
    """

    question_id: str
    question: str
    question_type: str
    texts: tuple[str, ...] = field(repr=False)
    answers: tuple[tuple[str, ...], ...] = ()
    yes: bool | None = None
    batch: str = ""

    @property
    def key(self) -> str:
        """The question's letters and digits, case-folded; questions with equal keys are the same question."""
        return "".join(character for character in self.question.casefold() if character.isalnum())

    @property
    def names(self) -> list[str]:
        """The synonyms of all answers."""
        return [name for answer in self.answers for name in answer]

    @property
    def unanswerable(self) -> bool:
        """Whether the file marks the question as not answered by its texts."""
        return self.yes is None and not self.answers


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """The questions of a file, in its order; `form` is `squad`, `bioasq`, `pubmedqa` or `evidence_inference`.

    `left_out`: number of questions that cannot be used, because of their type or because they have no answer.
    """

    name: str
    path: Path
    form: str
    questions: tuple[GoldQuestion, ...] = field(repr=False)
    left_out: int = 0


def squad_questions(content: Any) -> Iterator[GoldQuestion]:
    """The questions of SQuAD JSON. The answers that several annotators marked are synonyms of one answer.

    Raises KeyError, TypeError, AttributeError or ValueError when the JSON has another form.
    """
    for article in content["data"]:
        for paragraph in article["paragraphs"]:
            text = _text(paragraph["context"])
            for question in paragraph["qas"]:
                marked = tuple(answer for each in question["answers"] if (answer := _text(each["text"]).strip()))
                answers = (marked,) if marked else ()
                yield GoldQuestion(
                    str(question["id"]), _text(question["question"]).strip(), "factoid", (text,), answers
                )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{repr(value)[:60]} is not a text")
    return value


def bioasq_questions(content: Any) -> Iterator[GoldQuestion | None]:
    """The questions of BioASQ JSON; None for a question without an exact answer or of another type.

    Raises the errors of `squad_questions`.
    """
    for question in content["questions"]:
        if not isinstance(question, dict):
            raise TypeError("it is not an object")
        kind, exact = question["type"], question.get("exact_answer")
        texts = tuple(dict.fromkeys(_snippet_texts(question.get("snippets"))))
        common = str(question["id"]), _text(question["body"]).strip(), kind, texts
        batch = str(question.get("batch", ""))
        if kind == "yesno" and exact not in (None, "", []):
            yield GoldQuestion(*common, yes=_is_yes(exact), batch=batch)
        elif kind in QUESTION_TYPES and (answers := _exact_answers(exact, kind)):
            yield GoldQuestion(*common, answers=answers, batch=batch)
        else:
            yield None


def _snippet_texts(snippets: Any) -> Iterator[str]:
    """The texts of the snippets, without those that have none; a snippet may be its text alone."""
    for snippet in snippets or ():
        text = snippet.get("text") if isinstance(snippet, dict) else snippet
        if text is not None and _text(text).strip():
            yield text


def _is_yes(exact: Any) -> bool:
    """The answer to a yes/no question, read as the official evaluation does."""
    while isinstance(exact, list) and exact:
        exact = exact[0]
    if isinstance(exact, bool):
        return exact
    answer = _text(exact).lower()
    if "yes" not in answer and "no" not in answer:
        raise ValueError(f"the answer to a yes/no question is {answer[:60]!r}")
    return "yes" in answer


def _exact_answers(exact: Any, kind: str) -> tuple[tuple[str, ...], ...]:
    """Each answer with its synonyms. In BioASQ's second year, a factoid has a flat list of synonyms."""
    if exact is None:
        return ()
    if not isinstance(exact, list):
        groups = [[exact]]
    elif kind == "factoid" and not any(isinstance(each, list) for each in exact):
        groups = [exact]
    else:
        groups = [each if isinstance(each, list) else [each] for each in exact]
    answers = (tuple(dict.fromkeys(_names(group))) for group in groups)
    return tuple(answer for answer in answers if answer)


def _names(group: list[Any]) -> Iterator[str]:
    """The synonyms of an answer as text, without empty ones; nested lists are flattened."""
    for each in group:
        if isinstance(each, list):
            yield from _names(each)
        elif isinstance(each, int | float) and not isinstance(each, bool):
            yield str(each)
        elif each is not None and (name := _text(each).strip()):
            yield name


def pubmedqa_questions(content: Any) -> Iterator[GoldQuestion | None]:
    """The questions of PubMedQA JSON; None for a question whose answer is `maybe`.

    The parts of an abstract are joined as in the lake's `text`: each after its label, with one space between parts.
    Raises the errors of `squad_questions`.
    """
    for pmid, question in content.items():
        parts, labels = question["CONTEXTS"], question.get("LABELS") or []
        labels = labels if len(labels) == len(parts) else [""] * len(parts)
        text = " ".join(f"{label}: {part}" if label else part for label, part in zip(labels, parts, strict=True))
        answer = question["final_decision"]
        if answer not in {"yes", "no", "maybe"}:
            raise ValueError(f"the answer to question {pmid} is {answer!r}")
        if answer == "maybe":
            yield None
        else:
            yield GoldQuestion(pmid, question["QUESTION"].strip(), "yesno", (text,), yes=answer == "yes")


# What is asked of a judgement, and the values of its `label_code` (1 for more, -1 for less, 0 for neither) to which the
# answer is yes. Which of the three is asked depends on the judgement's number, so that none is asked more often.
_DIRECTIONS = (
    ("Does {intervention} increase {outcome} compared with {comparator}?", {"1"}),
    ("Does {intervention} reduce {outcome} compared with {comparator}?", {"-1"}),
    ("Is there a difference in {outcome} between {intervention} and {comparator}?", {"1", "-1"}),
)


def evidence_inference_questions(content: Any) -> Iterator[GoldQuestion | None]:
    """A yes/no question on each judged outcome of Evidence Inference's `annotations.jsonl`, with one sentence.

    None for a judgement of another split than `train`, without a sentence, found invalid, or on which its annotators
    disagree, and for the further annotations of one judgement. Raises the errors of `squad_questions`.
    """
    codes: dict[str, set[str]] = defaultdict(set)
    for one in content:
        codes[one["prompt"]].add(one["label_code"])
    seen: set[str] = set()
    for one in content:
        number, code, evidence = one["prompt"], one["label_code"], " ".join(_text(one["evidence"]).split())
        usable = one["split"] == "train" and one["valid"] == "True" and evidence and len(codes[number]) == 1
        if not usable or number in seen:
            yield None
            continue
        seen.add(number)
        asked, means_yes = _DIRECTIONS[zlib.crc32(number.encode()) % len(_DIRECTIONS)]
        roles = {role: _text(one[role]).strip() for role in ("intervention", "comparator", "outcome")}
        yield GoldQuestion(number, asked.format(**roles), "yesno", (evidence,), yes=code in means_yes)


_FORMS: dict[str, Callable[[Any], Iterator[GoldQuestion | None]]] = {
    "squad": squad_questions,
    "bioasq": bioasq_questions,
    "pubmedqa": pubmedqa_questions,
    "evidence_inference": evidence_inference_questions,
}


def read_question_file(path: Path) -> QuestionFile:
    """Read a file. Raises CorpusError when it has none of the formats, or no question that can be used."""
    data = b""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = decode_text(data)
        is_lines = path.name.removesuffix(".gz").endswith(".jsonl")
        content = [json.loads(line) for line in text.splitlines()] if is_lines else json.loads(text)
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}, {undecodable(data, error)}") from None
    except (OSError, EOFError, zlib.error, ValueError, RecursionError, SourceError) as error:
        raise CorpusError(f"{path} cannot be read as JSON: {error}") from error
    form = _detect_form(content)
    if form is None:
        raise CorpusError(
            f"{path} is neither SQuAD JSON (key data), nor BioASQ JSON (key questions), nor PubMedQA JSON (QUESTION by"
            " PMID), nor JSON Lines of Evidence Inference; convert it to one of them"
        )
    questions: list[GoldQuestion | None] = []
    try:
        questions.extend(_FORMS[form](content))
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)[:200]
        raise CorpusError(
            f"{path}: question {len(questions) + 1} is not valid {form} JSON: {what}; correct it"
        ) from error
    usable = tuple(question for question in questions if question is not None)
    if not usable:
        raise CorpusError(f"{path} has no question with an answer; leave it out")
    return QuestionFile(file_name(path), path, form, usable, len(questions) - len(usable))


def _detect_form(content: Any) -> str | None:
    if isinstance(content, list) and content and isinstance(content[0], dict) and "label_code" in content[0]:
        return "evidence_inference"
    if not isinstance(content, dict) or not content:
        return None
    if isinstance(content.get("data"), list):
        return "squad"
    if isinstance(content.get("questions"), list):
        return "bioasq"
    first = next(iter(content.values()))
    return "pubmedqa" if isinstance(first, dict) and "QUESTION" in first else None
