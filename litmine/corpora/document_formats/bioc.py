"""BioC JSON: documents of passages at offsets, annotations with locations, and relations of ids or of identifiers.

Relations name annotations by `nodes` (`refid`), or identifiers by `entity1` and `entity2` of their `infons`, as BioRED
does. The infons `negated` and `speculated`, which are litmine's, are `true` or absent. Source of the form: Comeau et
al., BioC: a minimalist approach to interoperability, Database 2013.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from litmine.corpora.document_formats.json_lines import SHAPE_ERRORS
from litmine.corpora.documents import RawDocument, RawEntity, RawRelation
from litmine.errors import CorpusError


def read_bioc(path: Path, content: bytes) -> Iterator[RawDocument]:
    """Yield each document of a collection. Raises CorpusError for content that is not BioC JSON."""
    try:
        documents = json.loads(content)["documents"]
    except SHAPE_ERRORS as error:
        raise CorpusError(f"{path} is not BioC JSON ({type(error).__name__}: {error})") from error
    for number, read in enumerate(documents, 1):
        try:
            yield _document(read)
        except SHAPE_ERRORS as error:
            raise CorpusError(f"{path}, document {number}: not BioC JSON ({type(error).__name__}: {error})") from error


def _document(read: Mapping[str, Any]) -> RawDocument:
    identifier = str(read["id"])
    where = f"document {identifier}"
    text = ""
    for passage in read["passages"]:
        offset = int(passage["offset"])
        if offset < len(text):
            raise ValueError(f"the passage at {offset} begins before the end of the passage before it")
        if offset > len(text) + 1_000_000:
            raise ValueError(f"the passage at {offset} is too far from the passage before it")
        # The space between passages counts in the offsets.
        text = text.ljust(offset) + str(passage.get("text", ""))
    raw = RawDocument(identifier, text, where)
    for part in (*read["passages"], read):
        raw.entities += [_entity(one, where) for one in part.get("annotations", ())]
        raw.relations += [_relation(one, where) for one in part.get("relations", ())]
    return raw


def _entity(read: Mapping[str, Any], where: str) -> RawEntity:
    infons = read.get("infons", {})
    locations = [(int(one["offset"]), int(one["offset"]) + int(one["length"])) for one in read["locations"]]
    written = read.get("text")
    return RawEntity(
        str(read.get("id") or ""),
        str(infons["type"]),
        tuple(sorted(locations)) or ((0, 0),),
        None if written is None else str(written),
        str(infons.get("identifier") or ""),
        f"{where}, annotation {read.get('id', '')}",
    )


def _relation(read: Mapping[str, Any], where: str) -> RawRelation:
    infons = read.get("infons", {})
    arguments = [str(one["refid"]) for one in read.get("nodes", ())]
    if "entity1" in infons:
        arguments = [str(infons["entity1"]), str(infons["entity2"])]
    if len(arguments) != 2:
        raise ValueError(f"relation {read.get('id')} has {len(arguments)} arguments")
    qualifiers = (
        *(("novel",) if infons.get("novel") == "Novel" else ()),
        *(name for name in ("negated", "speculated") if infons.get(name) == "true"),
    )
    place = f"{where}, relation {read.get('id', '')}"
    return RawRelation(str(infons["type"]), arguments[0], arguments[1], place, qualifiers)
