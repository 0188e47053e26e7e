"""The articles of a corpus without a dev split that are held out of every training."""

from hashlib import blake2b


def held_out(article: str) -> bool:
    """Whether an article, given its name, is in the tenth that no training may read.

    The tenth is fixed by the hash of the name (blake2b, modulo 10), so that it does not depend on order or version.
    """
    return int.from_bytes(blake2b(article.encode("utf-8")).digest(), "big") % 10 == 0
