"""Read descriptors and supplementary records from MeSH XML (desc2024.xml, supp2024.xml), one in memory at a time.

The elements are those that NLM describes in "XML MeSH Data Elements". Entities are not expanded, and no DTD is loaded.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from lxml import etree
from lxml.etree import _Element as Element

from litmine.errors import SourceError
from litmine.sources.xml_stream import CHUNK_BYTES, CheckedXmlStream, ParserError
from litmine.vocabulary.concept import MESH, Concept, NameKind
from litmine.vocabulary.sources.mesh_types import types_of_class, types_of_places
from litmine.vocabulary.sources.source_file import open_source

_RECORD_TAGS = {"DescriptorRecordSet": ("DescriptorRecord",), "SupplementalRecordSet": ("SupplementalRecord",)}
# What a record of an organism has as its registry number.
_TAXON = "txid"


def read_mesh_xml(path: Path) -> Iterator[Concept]:
    """Yield the records of a file. Raises VocabularyError when it is damaged, or a record has no identifier or name."""
    with open_source(path) as stream:
        checked = CheckedXmlStream(stream, _RECORD_TAGS, publisher="MeSH")
        if checked.root not in _RECORD_TAGS:
            raise SourceError(
                f"the XML has the root element <{checked.root[:40]}>, not one of {', '.join(_RECORD_TAGS)}; take"
                " desc2024.xml or supp2024.xml from NLM"
            )
        (tag,) = _RECORD_TAGS[checked.root]
        elements = etree.iterparse(
            checked,
            tag=tag,
            resolve_entities=False,
            remove_comments=True,
            remove_pis=True,
            huge_tree=True,
            chunk_size=CHUNK_BYTES,
        )
        checked.find_error = partial(_fatal_error, elements)
        number = 0
        try:
            for number, (_, element) in enumerate(elements, 1):
                yield _read_record(element, number)
                element.clear()
                while (parent := element.getparent()) is not None and element.getprevious() is not None:
                    del parent[0]
                checked.count_record(element)
        except (etree.XMLSyntaxError, ParserError) as error:
            message = " ".join(str(error).split())[:200]
            raise SourceError(f"the XML is damaged after record {number:,} ({message}); download it again") from error


def _fatal_error(elements: "etree.iterparse[tuple[str, Element]]") -> str | None:
    """The first error at which libxml2 stopped: lxml raises none for an undeclared entity."""
    return next((entry.message for entry in elements.error_log if entry.level == etree.ErrorLevels.FATAL), None)


def _read_record(record: Element, number: int) -> Concept:
    kind = str(record.tag).removesuffix("Record")
    identifier, name = _text(record, f"{kind}RecordUI"), _text(record, f"{kind}RecordName/String")
    if kind == "Descriptor":
        identifier, name = _text(record, "DescriptorUI"), _text(record, "DescriptorName/String")
    if not identifier or not name:
        raise SourceError(f"record {number:,} has no identifier or no name; download the file again")
    names: list[tuple[str, NameKind]] = [(name, "preferred")]
    names += [(text, "synonym") for text in _texts(record, "ConceptList/Concept/TermList/Term/String")]
    tree_numbers = tuple(_texts(record, "TreeNumberList/TreeNumber"))
    types = types_of_places(tree_numbers) if kind == "Descriptor" else types_of_class(record.get("SCRClass", "1"))
    headings = _texts(record, "HeadingMappedToList/HeadingMappedTo/DescriptorReferredTo/DescriptorUI")
    taxa = [text for text in _texts(record, "ConceptList/Concept//RegistryNumber") if text.startswith(_TAXON)]
    return Concept(
        f"MESH:{identifier}",
        MESH,
        types,
        names,
        tree_numbers,
        semantic_types=tuple(dict.fromkeys(_texts(record, "ConceptList/Concept//SemanticTypeUI"))),
        # An asterisk marks the heading that NLM's indexers count as a main one.
        references=(
            *dict.fromkeys(f"MESH:{heading.lstrip('*')}" for heading in headings),
            *(f"NCBITaxon:{text.removeprefix(_TAXON)}" for text in dict.fromkeys(taxa)),
        ),
        definition=_text(record, "ConceptList/Concept[@PreferredConceptYN='Y']/ScopeNote"),
    )


def _texts(record: Element, path: str) -> list[str]:
    return [text for one in record.iterfind(path) if (text := " ".join((one.text or "").split()))]


def _text(record: Element, path: str) -> str:
    return next(iter(_texts(record, path)), "")
