"""The card of a vocabulary: its sources with version, licence and attribution, as a page beside its files."""

from pathlib import Path

from litmine.atomic_write import open_atomic
from litmine.vocabulary.storage import Manifest

CARD = "README.md"


def write_card(folder: Path, manifest: Manifest) -> None:
    """Write the card of a vocabulary into its folder. Raises LitmineError when it cannot be written."""
    with open_atomic(folder / CARD) as out:
        out.write(card(manifest).encode())


def card(manifest: Manifest) -> str:
    """The card of a vocabulary, in Markdown."""
    sections = "".join(
        f"| {one.vocabulary} | {one.concepts:,} | {one.names:,} | {', '.join(one.entity_types) or '–'} |\n"
        for one in manifest.sections
    )
    sources = "".join(
        f"| {one.name} | {one.version or '–'} | {one.licence} | {one.address} | {one.attribution or '–'} |\n"
        for one in manifest.sources
    )
    counts = "".join(
        f"| {one.name} | {what} | {number:,} |\n" for one in manifest.sources for what, number in one.counts.items()
    )
    return (
        f"# Vocabulary {manifest.name}\n\n"
        f"`{manifest.reference}`, built with `litmine vocabulary build`. A concept has one name of each normal\n"
        "form, and the names of several sources for one concept are joined.\n\n"
        f"| section | concepts | names | entity types |\n|---|---|---|---|\n{sections}\n"
        "## Sources and their terms\n\n"
        f"| source | version | licence | address | cite |\n|---|---|---|---|---|\n{sources}\n"
        "The names were changed as stated here: joined, reduced to one of each form, and left out by the rules below.\n"
        "The publishers do not endorse this.\n\n"
        f"## What was read and left out\n\n| source | what | number |\n|---|---|---|\n{counts}"
    )
