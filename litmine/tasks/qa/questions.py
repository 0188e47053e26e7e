"""Questions with the texts that answer them and their answers: what a reader learns from and is judged on."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, its texts (none twice), and what is right.

    question_type: `factoid`, `list` or `yesno`. answers: each with its synonyms, as the file spells them; none when the
    texts do not answer. yes: the answer to a yes/no question, None for any other. batch: the part of its file that it
    belongs to, if the file has any (BioASQ's `6B1`).
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
        """The question without white space, punctuation and case: two of one key are one question."""
        return "".join(character for character in self.question.casefold() if character.isalnum())

    @property
    def unanswerable(self) -> bool:
        """Whether its file says that its texts do not answer."""
        return self.yes is None and not self.answers


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """The questions of one file in its order; `form` is `squad`, `bioasq` or `pubmedqa`.

    `left_out` counts those that teach and judge nothing: without an answer, of another type.
    """

    name: str
    path: Path
    form: str
    questions: tuple[Asked, ...] = field(repr=False)
    left_out: int = 0
