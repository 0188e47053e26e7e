"""Texts to pretrain on, from a lake or from JSON Lines, each once, in an order that depends on the texts alone.

The order is that of their hashes, so where texts came from and when does not matter, and the first hundredth, which is
held out, is the same whatever else is read.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from litmine.errors import CorpusError
from litmine.lake.lake import Lake
from litmine.lake.place import Place
from litmine.training.vocabulary import abstracts

# More would take longer to judge and hardly say more.
MOST_HELD_OUT = 500


@dataclass(frozen=True, slots=True)
class Texts:
    """What is learnt from and what is judged on; `digest` says which texts these are (12 hex digits)."""

    train: list[str]
    held_out: list[str]
    digest: str


def lake_texts(lake: Place) -> Iterator[str]:
    """The text of every current article that has one (LakeError when there is no lake)."""
    for batch in Lake(lake).select("SELECT text FROM articles WHERE length(text) > 0"):
        yield from batch.column("text").to_pylist()


def file_texts(files: Iterable[Path]) -> Iterator[str]:
    """The text of each line of JSON Lines files, plain or gzip: its `text`, or title and abstract (CorpusError)."""
    for file in files:
        yield from abstracts(file)


def split_texts(texts: Iterable[str]) -> Texts:
    """Each text once, in the order of their hashes; the first 1 %, at most 500, are held out.

    Raises CorpusError when there are not two texts.
    """
    hashed = {hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest(): text for text in texts if text.strip()}
    if len(hashed) < 2:
        raise CorpusError(
            f"there are {len(hashed)} texts to pretrain on, and one is held out; fetch or import abstracts, or name a"
            " file of them with --text"
        )
    order = sorted(hashed)
    held_out = min(MOST_HELD_OUT, max(1, len(order) // 100))
    all_texts = [hashed[key] for key in order]
    digest = hashlib.sha256(b"".join(order)).hexdigest()[:12]
    return Texts(all_texts[held_out:], all_texts[:held_out], digest)
