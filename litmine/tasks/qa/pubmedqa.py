"""PubMedQA's JSON (Jin et al. 2019): yes/no questions by PMID, each with its abstract less the conclusion."""

from collections.abc import Iterator
from typing import Any

from litmine.tasks.qa.questions import Asked


def pubmedqa_questions(read: Any) -> Iterator[Asked | None]:
    """The questions of a file's JSON, None for those that the abstract leaves at maybe.

    The parts are put together as `text` does: led by their labels, one space between. Raises KeyError, TypeError,
    AttributeError or ValueError when it is of another form.
    """
    for pmid, asked in read.items():
        parts, labels = asked["CONTEXTS"], asked.get("LABELS") or []
        labels = labels if len(labels) == len(parts) else [""] * len(parts)
        text = " ".join(f"{label}: {part}" if label else part for label, part in zip(labels, parts, strict=True))
        said = asked["final_decision"]
        if said not in {"yes", "no", "maybe"}:
            raise ValueError(f"question {pmid} is answered {said!r}")
        yield None if said == "maybe" else Asked(pmid, asked["QUESTION"].strip(), "yesno", (text,), yes=said == "yes")
