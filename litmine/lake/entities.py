"""Targets: what one model made of one article part. The file exists = the work is done."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa

from litmine.errors import SchemaError
from litmine.lake.articles import NewTexts
from litmine.lake.files import write_bytes
from litmine.lake.model_folders import folder_of, models_in
from litmine.lake.place import Place
from litmine.lake.tables import EMPTY, encode
from litmine.schema import arrow_schema
from litmine.types import Entity

# pmid, text_hash, start_char, end_char, mention, entity_type, score: in the order of the table.
_Row = tuple[int, int, int, int, str, str, float]


@dataclass(frozen=True, slots=True)
class Failed:
    """A text that the model could not read, and why."""

    pmid: int
    text_hash: int
    why: str


@dataclass(frozen=True, slots=True)
class TargetFooter:
    """What a target's file says about its making: `texts` counts the failed ones too, `seconds` is wall time."""

    model: str
    part: str
    texts: int
    failed: Sequence[Failed]
    device: str
    precision: str
    seconds: float
    tokens: int
    versions: Mapping[str, str]


def target(lake: Place, model: str, part: str) -> Place:
    """Where the entities of `model` (name@digest) for the part of that name belong."""
    return model_folder(lake, model) / f"{part}.parquet"


def model_folder(lake: Place, model: str) -> Place:
    """The folder of a model's targets."""
    return folder_of(lake / "entities", model)


def models(lake: Place) -> list[str]:
    """The models that have at least one target, by name."""
    return models_in(lake / "entities")


def done(lake: Place, model: str) -> set[str]:
    """The names of the parts that have a target of the model."""
    return {path.stem for path in model_folder(lake, model).glob("*.parquet") if path.name != EMPTY}


def write_target(
    lake: Place,
    model: str,
    part: str,
    texts: NewTexts,
    entities: Sequence[Sequence[Entity] | None],
    footer: TargetFooter,
) -> bool:
    """Write a target, whole and only if it is absent; returns whether it was written.

    `entities` has one sequence a text, None for a text that failed and is named in the footer. Raises SchemaError,
    naming the first row at fault, when the offsets of one do not hold or its score is no probability; and when texts,
    entities and footer do not fit together. Raises LakeError when the file cannot be written.
    """
    failed = sum(found is None for found in entities)
    if len(entities) != len(texts) or footer.texts != len(texts) or len(footer.failed) != failed:
        raise SchemaError(
            f"{part}: {len(texts)} texts, {len(entities)} results and a footer of {footer.texts} do not fit together, "
            f"or {failed} failed texts and {len(footer.failed)} reasons"
        )
    if (footer.model, footer.part) != (model, part):
        raise SchemaError(f"the target of {model} for {part} has a footer of {footer.model} for {footer.part}")
    rows = sorted(_rows(texts, entities))
    columns = zip(*rows, strict=True) if rows else [()] * 7
    schema = arrow_schema("entities")
    try:
        arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=False)]
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise SchemaError(f"the target of {model} for {part} has a value that is not as declared: {error}") from error
    table = pa.Table.from_arrays([*arrays, pa.nulls(len(rows), pa.string())], schema=schema)
    return write_bytes(target(lake, model, part), encode("entities", table, asdict(footer)), exclusive=True)


def _rows(texts: NewTexts, entities: Sequence[Sequence[Entity] | None]) -> Iterator[_Row]:
    for pmid, text_hash, text, found in zip(texts.pmids, texts.text_hashes, texts.texts, entities, strict=True):
        for entity in found or ():
            start, end = entity.start_char, entity.end_char
            if not 0 <= start < end <= len(text):
                raise SchemaError(f"PMID {pmid}: {entity} stands at {start}:{end}, outside a text of {len(text)}")
            if text[start:end] != entity.mention:
                raise SchemaError(
                    f"PMID {pmid}: {entity} stands at {start}:{end}, where the text has {text[start:end]!r}"
                )
            if not (math.isfinite(entity.score) and 0 <= entity.score <= 1):
                raise SchemaError(f"PMID {pmid}: {entity} has the score {entity.score}, which is no probability")
            yield pmid, text_hash, start, end, entity.mention, entity.entity_type, entity.score
