"""The task of a tagger: the new texts of one article part to entities."""

from collections.abc import Sequence
from dataclasses import dataclass

from litmine.lake.articles import NewTexts, new_texts
from litmine.lake.entities import Failed as FailedText
from litmine.lake.entities import TargetFooter, target, write_target
from litmine.lake.place import Place
from litmine.lake.runs import Gap
from litmine.nn.failure_isolation import Failed
from litmine.tasks.contract import Loading, Made, Written
from litmine.types import Entity
from litmine.versions import versions


@dataclass(frozen=True, slots=True)
class PartTask:
    """One part to be read by one model; `size` is how many new texts it holds."""

    lake: Place
    part: Place
    size: int
    loading: Loading

    @property
    def name(self) -> str:
        return f"articles/{self.part.name}"

    @property
    def target(self) -> Place:
        return target(self.lake, self.loading.model, self.part.stem)

    def take(self) -> "Part":
        return Part(self, new_texts(self.part))


@dataclass(frozen=True, slots=True)
class Part:
    """The texts of a part in a worker's hand."""

    task: PartTask
    texts: NewTexts

    @property
    def items(self) -> Sequence[str]:
        return self.texts.texts

    def write(self, found: Sequence[list[Entity] | Failed], made: Made) -> Written:
        task, model, texts = self.task, self.task.loading.model, self.texts
        failed = [
            FailedText(pmid, text_hash, entities.why)
            for pmid, text_hash, entities in zip(texts.pmids, texts.text_hashes, found, strict=True)
            if isinstance(entities, Failed)
        ]
        part = task.part.stem
        footer = TargetFooter(
            model, part, len(texts), failed, made.device, made.precision, made.seconds, made.tokens, versions()
        )
        rows = [None if isinstance(entities, Failed) else entities for entities in found]
        written = write_target(task.lake, model, part, texts, rows, footer)
        gaps = tuple(Gap(f"PMID {text.pmid}", f"{model}: {text.why}") for text in failed)
        return Written(written, sum(len(entities) for entities in rows if entities is not None), gaps)
