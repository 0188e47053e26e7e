"""BioASQ's JSON (task B): questions of four types with exact answers and snippets; summaries have no exact answer."""

from collections.abc import Iterator
from typing import Any

from litmine.tasks.qa.questions import Asked
from litmine.types import QUESTION_TYPES


def bioasq_questions(read: Any) -> Iterator[Asked | None]:
    """The questions of a file's JSON, None for one without an exact answer or of another type.

    Raises KeyError, TypeError, AttributeError or ValueError when it is of another form.
    """
    for asked in read["questions"]:
        kind, exact = asked["type"], asked.get("exact_answer")
        texts = tuple(dict.fromkeys(each["text"] for each in asked.get("snippets") or () if each["text"].strip()))
        head = str(asked["id"]), asked["body"].strip(), kind, texts
        batch = str(asked.get("batch", ""))
        if kind == "yesno" and exact:
            yield Asked(*head, yes=_yes(exact), batch=batch)
        elif kind in QUESTION_TYPES and (answers := _answers(exact, kind)):
            yield Asked(*head, answers=answers, batch=batch)
        else:
            yield None


def _yes(exact: Any) -> bool:
    """As the official evaluation reads it."""
    said = (exact[0] if isinstance(exact, list) else exact).lower()
    if "yes" not in said and "no" not in said:
        raise ValueError(f"a yes/no question is answered {said!r}")
    return "yes" in said


def _answers(exact: Any, kind: str) -> tuple[tuple[str, ...], ...]:
    """Each answer with its synonyms. The second year's factoids are one flat list of synonyms."""
    if not exact:
        return ()
    if isinstance(exact, str):
        groups = [[exact]]
    elif kind == "factoid" and all(isinstance(each, str) for each in exact):
        groups = [exact]
    else:
        groups = [[each] if isinstance(each, str) else each for each in exact]
    answers = (tuple(dict.fromkeys(name for each in group if (name := each.strip()))) for group in groups)
    return tuple(answer for answer in answers if answer)
