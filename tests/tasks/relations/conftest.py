"""Lakes with relations that a model without a network found, and the files that made them."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from litmine import Lake
from litmine.pipeline.annotate import annotate
from litmine.pipeline.import_files import import_files
from litmine.runtime.executor import Executor
from litmine.tasks.relations.cooccurrence import CooccurrenceSettings, save_cooccurrence

# A term list without identifiers is a tagger whose mentions a test can predict.
TAGGED = "name\ttype\tidentifier\n" + "".join(
    f"{name}\t{kind}\t{identifier}\n"
    for name, kind, identifier in (
        ("paracetamol", "Chemical", ""),
        ("APAP", "Chemical", ""),
        ("aspirin", "Chemical", "MINE:1"),
        ("gefitinib", "Chemical", ""),
        ("myocardial infarction", "Disease", ""),
        ("breast and ovarian cancer", "Disease", ""),
        ("zzyzx syndrome", "Disease", ""),
        ("EGFR", "Protein", ""),
        ("p53", "Protein", ""),
        ("BRCA1", "Gene", ""),
    )
)
TEXTS = {
    1: "Paracetamol induced myocardial infarction. APAP with myocardial infarction. Aspirin.",
    2: "Gefitinib inhibits EGFR in breast and ovarian cancer.",
    3: "The genes p53 and BRCA1 interact. Gefitinib was given. EGFR was measured.",
    4: "Aspirin in zzyzx syndrome.",
}
RELATED = {("Chemical", "Disease"): "induces", ("Chemical", "Gene"): "inhibits", ("Gene", "Gene"): "associated_with"}
GENES = (
    "#tax_id\tGeneID\tSymbol\tLocusTag\tSynonyms\tdbXrefs\tchromosome\tmap_location\tdescription\ttype_of_gene\n"
    "9606\t672\tBRCA1\t-\t-\t-\t17\t-\tBRCA1 DNA repair associated\tprotein-coding\n"
)


@dataclass(frozen=True, slots=True)
class RelatedLake:
    """A lake, the folder of the model that found its relations, and the term list that is its tagger."""

    lake: Path
    model: Path
    terms: Path


def add_texts(lake: Path, texts: dict[int, str]) -> None:
    file = lake.with_name(f"texts-{min(texts)}.jsonl")
    lines = [{"pmid": pmid, "title": text, "abstract": None} for pmid, text in texts.items()]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    import_files(lake, [file], part_size=2)


@pytest.fixture(scope="session")
def related(tmp_path_factory: pytest.TempPathFactory) -> RelatedLake:
    """A lake of four texts in two parts, tagged by a term list, linked and related."""
    folder = tmp_path_factory.mktemp("related")
    made = RelatedLake(folder / "lake", folder / "together", folder / "tagged.tsv")
    made.terms.write_text(TAGGED, encoding="utf-8")
    save_cooccurrence(made.model, CooccurrenceSettings(RELATED))
    add_texts(made.lake, TEXTS)
    annotate(Lake(made.lake), [str(made.model)], Executor(), terms=[made.terms], follow_up=True)
    return made


@pytest.fixture
def copy_related(related: RelatedLake, tmp_path: Path) -> Callable[[], RelatedLake]:
    """`copy_related()`: a copy of the lake that a test may change."""

    def copy() -> RelatedLake:
        return RelatedLake(Path(shutil.copytree(related.lake, tmp_path / "lake")), related.model, related.terms)

    return copy
