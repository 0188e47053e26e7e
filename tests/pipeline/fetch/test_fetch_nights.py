"""Nightly `--since last` while PubMed changes: after each night the lake equals PubMed."""

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


def current_texts(archive: RecordArchive) -> dict[int, str]:
    """The current text of each record in PubMed."""
    records = b"".join(archive.xml(pmid) or b"" for pmid in archive.pmids)
    parsed = read_pubmed_xml(BytesIO(b"<PubmedArticleSet>%b</PubmedArticleSet>" % records))
    return {article.pmid: article.text for article in parsed if isinstance(article, Article)}


@pytest.mark.parametrize("nights", [6, pytest.param(90, marks=pytest.mark.soak)])
def test_every_night_the_lake_equals_pubmed(
    fetch: Fetch, small_archive: RecordArchive, lake: Path, nights: int
) -> None:
    rng = random.Random(nights)
    sent_before = 0
    dated: defaultdict[date, set[int]] = defaultdict(set)
    last = date.min
    with serve(small_archive) as server:
        for night in range(nights):
            # The command may run at any hour, twice a night, or not at all.
            server.clock_offset += timedelta(hours=rng.choice((2, 20, 24, 24, 29, 75)))
            day = eastern_day(datetime.now(UTC) + server.clock_offset)
            added = small_archive.add(rng.randint(0, 6), day)
            revised = rng.sample(sorted(small_archive.pmids), rng.randint(0, 12))
            small_archive.revise(revised, day)
            dated[day].update(added, revised)
            done = fetch(server, "--query", "all[sb]", "--since", "last")
            assert done.returncode == DONE, done.stderr
            assert dict(Lake(lake).rows("select pmid, text from articles")) == current_texts(small_archive), (
                f"night {night}"
            )
            sent = server.log.records_sent() - sent_before
            if night:
                assert sent <= len(dated[last] | dated[day]), (
                    "more records than those dated on the days of the two fetches"
                )
            sent_before += sent
            # Revisions on the same day after the fetch: the next night fetches them, like all of this day.
            late = rng.sample(sorted(small_archive.pmids), rng.randint(0, 3))
            small_archive.revise(late, day)
            dated[day].update(late)
            last = day
    searched = Lake(lake).rows("select parameters['searched'] from runs order by started")
    assert len({moment for (moment,) in searched}) == nights
