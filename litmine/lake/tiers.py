"""Which small files are merged together, so that few are left and each row is rewritten a few times only."""

from collections.abc import Iterator, Mapping

# So many files of about one size become one, which is at least so many times as large.
FAN = 8


def groups(rows: Mapping[str, int], most: int) -> Iterator[list[str]]:
    """Groups of the files with these numbers of rows: each of `FAN` or more files, or of enough rows for a full one.

    A file with more than half of `most` rows is full and left alone; files of one size, from a power of `FAN` up to the
    next, are taken in the order of their names and fill groups of at most `most` rows. So a row is rewritten at most
    log(most) / log(FAN) + 1 times, and of each size there are fewer than `FAN` files afterwards.
    """
    tiers: dict[int, list[str]] = {}
    for name in sorted(rows):
        if 2 * rows[name] <= most:
            tiers.setdefault(_tier(rows[name]), []).append(name)
    for tier in tiers.values():
        group: list[str] = []
        total = 0
        for name in tier:
            if total + rows[name] > most:
                yield group
                group, total = [], 0
            group.append(name)
            total += rows[name]
        if len(group) >= FAN or (len(group) > 1 and 2 * total > most):
            yield group


def _tier(rows: int) -> int:
    tier = 0
    while rows >= FAN:
        rows //= FAN
        tier += 1
    return tier
