"""Nights of `--since last` while PubMed goes on: after each, the lake has what PubMed has, as PubMed has it."""

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from litmine.errors import DONE
from litmine.fake_pubmed.archive import RecordArchive
from litmine.fake_pubmed.server import serve
from litmine.lake.lake import Lake
from litmine.pipeline.fetch_plan import eastern_day
from litmine.sources.pubmed_xml import read_pubmed_xml
from litmine.types import Article

Fetch = Callable[..., CompletedProcess[str]]


def held(archive: RecordArchive) -> dict[int, str]:
    """Each record's text, as PubMed has it at this moment."""
    records = b"".join(archive.xml(pmid) or b"" for pmid in archive.pmids)
    read = read_pubmed_xml(BytesIO(b"<PubmedArticleSet>%b</PubmedArticleSet>" % records))
    return {article.pmid: article.text for article in read if isinstance(article, Article)}


@pytest.mark.parametrize("nights", [6, pytest.param(90, marks=pytest.mark.soak)])
def test_nights(fetch: Fetch, small_archive: RecordArchive, lake: Path, nights: int) -> None:
    chance = random.Random(nights)
    fetched_before = 0
    dated: defaultdict[date, set[int]] = defaultdict(set)
    last = date.min
    with serve(small_archive) as server:
        for night in range(nights):
            # Some nights the machine is off, some it runs twice, at any hour.
            server.clock_offset += timedelta(hours=chance.choice((2, 20, 24, 24, 29, 75)))
            day = eastern_day(datetime.now(UTC) + server.clock_offset)
            added = small_archive.add(chance.randint(0, 6), day)
            revised = chance.sample(sorted(small_archive.pmids), chance.randint(0, 12))
            small_archive.revise(revised, day)
            dated[day].update(added, revised)
            done = fetch(server, "--query", "all[sb]", "--since", "last")
            assert done.returncode == DONE, done.stderr
            assert dict(Lake(lake).rows("select pmid, text from articles")) == held(small_archive), f"night {night}"
            given = server.log.records_sent() - fetched_before
            if night:
                assert given <= len(dated[last] | dated[day]), "more than what is dated on the boundary days"
            fetched_before += given
            # After the fetch, on the same day: it is the next night's business, like all of this day.
            late = chance.sample(sorted(small_archive.pmids), chance.randint(0, 3))
            small_archive.revise(late, day)
            dated[day].update(late)
            last = day
    searched = Lake(lake).rows("select parameters['searched'] from runs order by started")
    assert len({moment for (moment,) in searched}) == nights
