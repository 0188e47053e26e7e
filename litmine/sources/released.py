"""When NLM's bulk files came out, as far as their names tell."""

import re
from datetime import UTC, datetime, timedelta

_BULK_NAME = re.compile(r"(?:pubmed|medline|pubmedsample)([0-9]{2})n([0-9]{4})\.xml(?:\.gz)?")
# Number of the last file of each year's baseline; update files count on from it.
_LAST_OF_BASELINE = {
    2016: 812,
    2017: 892,
    2018: 928,
    2019: 972,
    2020: 1015,
    2021: 1062,
    2022: 1114,
    2023: 1166,
    2024: 1219,
    2025: 1274,
    2026: 1334,
}
_FIRST, _LAST = min(_LAST_OF_BASELINE), max(_LAST_OF_BASELINE)
_GROWTH_BEFORE, _GROWTH_AFTER = 35, 55
_BETWEEN_UPDATES = timedelta(days=0.8)
# More update files than a year brings come out a minute apart, so that four digits never reach the next baseline.
_UPDATES_A_YEAR, _BETWEEN_MORE = 430, timedelta(minutes=1)


def released(name: str) -> datetime | None:
    """An estimate (UTC) of when a bulk file such as `pubmed26n1335.xml.gz` came out; None for any other name.

    The day is a guess from the file's number: baselines on 10 December of the year before, their files a second
    apart, then five update files every four days. The order is not: a file is later than every file of lower number
    of its year, and than every file of the years before. `--as-of` states the true day.
    """
    match = _BULK_NAME.fullmatch(name)
    if match is None:
        return None
    year, number = 2000 + int(match[1]), int(match[2])
    last = _last_of_baseline(year)
    updates = max(0, number - last)
    more = max(0, updates - _UPDATES_A_YEAR)
    return (
        datetime(year - 1, 12, 10, tzinfo=UTC)
        + min(number, last) * timedelta(seconds=1)
        + (updates - more) * _BETWEEN_UPDATES
        + more * _BETWEEN_MORE
    )


def _last_of_baseline(year: int) -> int:
    if year > _LAST:
        return _LAST_OF_BASELINE[_LAST] + (year - _LAST) * _GROWTH_AFTER
    if year < _FIRST:
        return max(1, _LAST_OF_BASELINE[_FIRST] - (_FIRST - year) * _GROWTH_BEFORE)
    return _LAST_OF_BASELINE[year]
