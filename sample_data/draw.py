"""Draws this folder's samples from full copies of the same files, always the same ones.

    python sample_data/draw.py SOURCE [TARGET]

SOURCE holds `pubmed/*.xml.gz`, `pubmed/odd/*.xml`, `ner/CORPUS/{train,dev}.tsv` and
`documents/CORPUS_{train,dev}.pubtator`. A record's bytes are copied as they stand, and so are its file's head (root
and DOCTYPE) and tail (DeleteCitation): a drawn file is the original with records left out.
"""

import argparse
import gzip
import hashlib
import re
import shutil
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

RECORD = re.compile(rb"\s*<(PubmedArticle|MedlineCitation)(?=[\s>]).*?</\1>", re.DOTALL)
PMID = re.compile(rb"<PMID[^>]*>(\d+)</PMID>")
RETRACTED = re.compile(rb'UI="D016441"|RefType="RetractionIn"')
RICH = re.compile(
    rb"<AbstractText.*"
    rb"(disease|cancer|syndrome|tumou?r|infection|carcinoma|diabetes|toxicity|treated with|drug|inhibitor)",
    re.DOTALL,
)
RICH_SHARE = 0.85  # the others keep records without an abstract, or about something else, in the sample


@dataclass(frozen=True, slots=True)
class BulkFile:
    """A bulk file in three pieces: everything before the first record, the records by PMID, and the rest."""

    head: bytes
    records: dict[int, bytes]
    tail: bytes

    @property
    def deleted(self) -> set[int]:
        """PMIDs that the file's DeleteCitation takes back."""
        return {int(pmid) for pmid in PMID.findall(self.tail)}


def read(path: Path) -> BulkFile:
    """Cut `path` (gzip) into its pieces."""
    whole = gzip.decompress(path.read_bytes())
    cuts = list(RECORD.finditer(whole))
    records = {int(PMID.findall(cut.group())[0]): cut.group() for cut in cuts}
    if len(records) != len(cuts):
        raise ValueError(f"{path.name} holds a PMID twice")
    return BulkFile(whole[: cuts[0].start()], records, whole[cuts[-1].end() :])


def choose(candidates: dict[int, bytes], count: int, always: AbstractSet[int] = frozenset()) -> set[int]:
    """`count` PMIDs: retracted ones and those of `always`, then mostly abstracts that speak of diseases and drugs."""
    kept = {pmid for pmid, record in candidates.items() if pmid in always or RETRACTED.search(record)}
    mixed = sorted(candidates.keys() - kept, key=_shuffled)
    rich = [pmid for pmid in mixed if RICH.search(candidates[pmid])]
    others = [pmid for pmid in mixed if not RICH.search(candidates[pmid])]
    share = round((count - len(kept)) * RICH_SHARE)
    ordered = [*rich[:share], *others, *rich[share:]]
    return kept | set(ordered[: count - len(kept)])


def _shuffled(pmid: int) -> bytes:
    return hashlib.blake2b(str(pmid).encode()).digest()


def write(path: Path, file: BulkFile, chosen: set[int]) -> None:
    """Write the chosen records in the order of the original, as gzip bytes that do not depend on the clock."""
    records = b"".join(record for pmid, record in file.records.items() if pmid in chosen)
    path.write_bytes(gzip.compress(file.head + records + file.tail, mtime=0))


def draw_pubmed(source: Path, target: Path) -> None:
    """Draw the four bulk files; two in three records of the 2019 sample stand in the drawn 2018 sample too."""
    (target / "odd").mkdir(parents=True, exist_ok=True)
    old, new = (read(source / f"pubmedsample{year}n0001.xml.gz") for year in (18, 19))
    old_chosen = choose(old.records, 120, always=new.deleted & old.records.keys())
    again = choose({pmid: new.records[pmid] for pmid in old_chosen & new.records.keys()}, 40)
    fresh = choose({pmid: record for pmid, record in new.records.items() if pmid not in old_chosen}, 20)
    write(target / "pubmedsample18n0001.xml.gz", old, old_chosen)
    write(target / "pubmedsample19n0001.xml.gz", new, again | fresh)
    for name, count in (("medline16n0902.xml.gz", 100), ("species800_articles.xml.gz", 150)):
        file = read(source / name)
        write(target / name, file, choose(file.records, count))
    for path in sorted((source / "odd").glob("*.xml")):
        shutil.copyfile(path, target / "odd" / path.name)


def draw_blocks(source: Path, target: Path, count: int) -> None:
    """`count` blocks of a file whose blocks (sentences, documents) end with a blank line, evenly spread."""
    blocks = source.read_text(encoding="utf-8").strip("\n").split("\n\n")
    target.parent.mkdir(parents=True, exist_ok=True)
    spread = [blocks[index * len(blocks) // count] for index in range(count)]
    target.write_text("\n\n".join(spread) + "\n\n", encoding="utf-8", newline="\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="folder with the full files")
    parser.add_argument("target", type=Path, nargs="?", default=Path(__file__).parent, help="default: this folder")
    options = parser.parse_args(arguments)
    draw_pubmed(options.source / "pubmed", options.target / "pubmed")
    for corpus in ("NCBI-disease", "BC5CDR"):
        for part, count in (("train", 60), ("dev", 40)):
            draw_blocks(
                options.source / "ner" / corpus / f"{part}.tsv", options.target / "ner" / corpus / f"{part}.tsv", count
            )
    for part, count in (("train", 10), ("dev", 5)):
        name = f"NCBI-disease_{part}.pubtator"
        draw_blocks(options.source / "documents" / name, options.target / "documents" / name, count)


if __name__ == "__main__":
    main()
