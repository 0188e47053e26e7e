"""Questions that stand in two places: in training and the dev set, or in training twice; and which are held out."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from litmine.errors import CorpusError
from litmine.tasks.qa.question_files import Asked, QuestionFile

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DevSet:
    """The questions that judge: those of a file's batches whose names begin so, or all of them."""

    file: QuestionFile
    batches: tuple[str, ...]

    @property
    def questions(self) -> list[Asked]:
        """CorpusError when the file has none of these batches."""
        questions = [asked for asked in self.file.questions if self.holds(asked)]
        if not questions:
            raise CorpusError(
                f"{self.file.path} holds no question of {', '.join(self.batches)}; name batches that it has"
            )
        return questions

    def holds(self, asked: Asked) -> bool:
        return not self.batches or asked.batch.startswith(self.batches)


def separate(files: Sequence[QuestionFile], dev: DevSet | None, strict: bool, say: Say) -> list[QuestionFile]:
    """The files, in their order, without what must not be learnt from; what else than the dev set goes is told.

    That is every question of the dev set, any other of the same id or the same words (leaks; CorpusError for these
    when `strict`), and one that an earlier file has over the same texts. Raises CorpusError when nothing of a file is
    left.
    """
    judged = dev.questions if dev else []
    ids, keys = {asked.question_id for asked in judged}, {asked.key for asked in judged}
    seen: set[tuple[str, tuple[str, ...]]] = set()

    def leaks(asked: Asked) -> bool:
        return asked.question_id in ids or asked.key in keys

    def repeats(asked: Asked) -> bool:
        identity = asked.key, asked.texts
        known = identity in seen
        seen.add(identity)
        return known

    kept = []
    for file in files:
        questions = [asked for asked in file.questions if not (dev and file.path == dev.file.path and dev.holds(asked))]
        leaking, clean = _part(questions, leaks)
        repeated, own = _part(clean, repeats)
        if leaking and strict:
            raise CorpusError(
                f"{_told(file, leaking)} are in the dev set; take them out, or have them dropped without --strict-leaks"
            )
        if leaking:
            say(f"leak, left out of training: {_told(file, leaking)} are in the dev set")
        if repeated:
            say(f"left out the second time: {_told(file, repeated)} were taught before over the same texts")
        if not own:
            raise CorpusError(f"{file.path} has no question of its own to learn from; leave it out")
        kept.append(replace(file, questions=tuple(own)))
    return kept


def hold_out(file: QuestionFile, share: float) -> tuple[QuestionFile, list[Asked]]:
    """The file less some `share` of its questions that are answered by spans, and these.

    Whether a question is held out depends on its words alone, or, in SQuAD, where many share a text, on the text.
    """
    held, rest = _part(file.questions, lambda asked: asked.yes is None and _lot(asked, file.form) < share)
    return (replace(file, questions=tuple(rest)), held) if rest else (file, [])


def _lot(asked: Asked, form: str) -> float:
    """A number from 0 to 1."""
    place = asked.texts[0] if form == "squad" else asked.key
    return int.from_bytes(hashlib.sha256(place.encode()).digest()[:4], "big") / 2**32


def _part(questions: Sequence[Asked], wanted: Callable[[Asked], bool]) -> tuple[list[Asked], list[Asked]]:
    parts: tuple[list[Asked], list[Asked]] = [], []
    for asked in questions:
        parts[0 if wanted(asked) else 1].append(asked)
    return parts


def _told(file: QuestionFile, questions: Sequence[Asked]) -> str:
    return f"{len(questions):,} questions of {file.name} ({questions[0].question[:80]!r})"
