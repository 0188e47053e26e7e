"""Archives are complete and reproducible, copies match their originals, and changes take effect."""

import gzip
import io
import re
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from litmine.errors import SettingError, SourceError
from litmine.fake_pubmed.archive import FIRST_COPY_PMID, FIRST_DAY, RecordArchive
from litmine.fake_pubmed.originals import OriginalRecord, read_originals
from litmine.sources.pubmed_xml import read_pubmed_xml
from litmine.types import Article

LAST = date(2026, 6, 30)
BOOK = b"""<PubmedBookArticle><BookDocument><PMID Version="1">20301295</PMID><ArticleIdList>
<ArticleId IdType="bookaccession">NBK1116</ArticleId></ArticleIdList><Book>
<BookTitle book="gene">GeneReviews</BookTitle><PubDate><Year>1993</Year></PubDate></Book>
<ArticleTitle>Marfan Syndrome</ArticleTitle>
<Abstract><AbstractText Label="DIAGNOSIS">FBN1.</AbstractText><AbstractText>More.</AbstractText></Abstract>
</BookDocument><PubmedBookData><ArticleIdList><ArticleId IdType="pubmed">20301295</ArticleId></ArticleIdList>
</PubmedBookData></PubmedBookArticle>"""
OLD = b"<MedlineCitation><PMID>7</PMID><Article><ArticleTitle>Seven.</ArticleTitle></Article></MedlineCitation>"


def article(xml: bytes | None) -> Article:
    assert xml is not None
    (read,) = read_pubmed_xml(io.BytesIO(b"<PubmedArticleSet>%b</PubmedArticleSet>" % xml))
    assert isinstance(read, Article)
    return read


def created(archive: RecordArchive) -> list[date]:
    return archive.search(lambda columns: [date.fromordinal(day) for day in columns.created.tolist()])


@pytest.fixture(scope="module")
def originals(sample_data: Path) -> list[OriginalRecord]:
    return read_originals([sample_data / "pubmed"])


def test_originals_keep_the_bytes_of_their_file(sample_data: Path) -> None:
    file = sample_data / "pubmed" / "species800_articles.xml.gz"
    content = gzip.decompress(file.read_bytes())
    originals = read_originals([file])
    assert len(originals) == 150
    assert all(original.xml() in content for original in originals)


def test_the_last_file_with_a_pmid_wins(sample_data: Path) -> None:
    older, younger = (sample_data / "pubmed" / f"pubmedsample{year}n0001.xml.gz" for year in (18, 19))
    both = {original.pmid: original.xml() for original in read_originals([older, younger])}
    assert {original.pmid: original.xml() for original in read_originals([younger])}.items() <= both.items()
    assert len(both) == 120 + 60 - 40


def test_a_copy_differs_only_in_pmid_and_revision_date(originals: list[OriginalRecord]) -> None:
    day = date(2026, 5, 7)
    for original in originals:
        expected = replace(article(original.xml()), pmid=90_000_001, revised=day)
        assert article(original.copy(90_000_001, day, 0)) == expected


def test_a_copy_keeps_its_references_to_other_records(originals: list[OriginalRecord]) -> None:
    def numbers(xml: bytes) -> Counter[bytes]:
        return Counter(re.findall(rb'<(?:PMID\b|ArticleId IdType="pubmed")[^>]*>([0-9]+)<', xml))

    referring = 0
    for original in originals:
        old, own = numbers(original.xml()), b"%d" % original.pmid
        new = numbers(original.copy(90_000_001, LAST, 1))
        assert new.pop(b"90000001") == old.pop(own) == 2
        assert new == old
        referring += bool(old)
    assert referring > 20


def test_a_revision_changes_the_text_of_every_record(originals: list[OriginalRecord]) -> None:
    for original in originals:
        before, after = article(original.xml()), article(original.copy(original.pmid, LAST, 3))
        assert after.text == f"{before.text} Revision 3 of this record.".lstrip()
        assert after.revised == LAST


def test_books_are_records_and_bare_citations_are_not(tmp_path: Path) -> None:
    file = tmp_path / "book.xml"
    file.write_bytes(
        b"<PubmedArticleSet>%b</PubmedArticleSet><MedlineCitationSet>%b</MedlineCitationSet>" % (BOOK, OLD)
    )
    (book,) = read_originals([file])
    assert (book.pmid, book.title, book.abstract) == (20301295, " marfan syndrome ", " diagnosis fbn1 more ")
    copy = article(book.copy(5, LAST, 1))
    assert (copy.pmid, copy.abstract) == (5, "DIAGNOSIS: FBN1. More. Revision 1 of this record.")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"<PubmedArticleSet></PubmedArticleSet>", "no PubmedArticle in"),
        (b"\x1f\x8b\x08 no gzip", "cannot be read"),
        (b'<?xml version="1.0" encoding="iso-8859-1"?>' + BOOK, "is not in UTF-8"),
    ],
)
def test_files_without_records_are_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "file.xml").write_bytes(content)
    with pytest.raises(SourceError, match=sentence):
        RecordArchive([tmp_path])


def test_an_archive_has_the_originals_or_the_requested_number_of_records(records: Path) -> None:
    originals = {original.pmid for original in read_originals([records])}
    assert len(originals) == 8
    assert RecordArchive([records]).pmids == originals
    assert RecordArchive([records], 3).pmids < originals
    more = RecordArchive([records], 100)
    assert (len(more), more.copies, more.pmids > originals) == (100, 92, True)
    assert min(more.pmids - originals) == FIRST_COPY_PMID


def test_every_record_has_its_pmid(small: RecordArchive) -> None:
    assert {article(small.xml(pmid)).pmid for pmid in small.pmids} == small.pmids
    assert small.xml(1) is None


def test_equal_seeds_give_equal_archives(records: Path) -> None:
    def made(seed: int) -> list[tuple[int, bytes | None]]:
        archive = RecordArchive([records], 40, last=LAST, seed=seed)
        return [(pmid, archive.xml(pmid)) for pmid in sorted(archive.pmids)]

    assert made(1) == made(1) != made(2)


def test_more_records_are_created_lately_than_long_ago(records: Path) -> None:
    days = created(RecordArchive([records], 3000, last=LAST))
    copies = sorted(days)[:-8]
    assert FIRST_DAY <= copies[0] < date(1985, 1, 1)
    assert copies[-1] <= LAST
    years = Counter(day.year for day in days)
    assert years[2025] > 2 * years[1975]
    assert days == sorted(days, reverse=True)


def test_a_busy_day_has_exactly_its_records(records: Path) -> None:
    busy = {LAST: 300, LAST - timedelta(days=1): 0, date(2018, 8, 17): 5}
    days = Counter(created(RecordArchive([records], 1000, last=LAST, busy_days=busy)))
    assert {day: days[day] for day in busy} == busy
    assert days.total() == 1000


def test_too_many_records_on_busy_days_are_refused(records: Path) -> None:
    with pytest.raises(SettingError, match="fewer busy days"):
        RecordArchive([records], 20, busy_days={LAST: 30})


def test_added_records_are_new_and_have_their_day(small: RecordArchive) -> None:
    before, day = small.pmids, date(2026, 7, 1)
    added = small.add(5, day)
    assert len(set(added) - before) == 5
    assert small.pmids == before | set(added)
    assert created(small)[:5] == [day] * 5
    assert {article(small.xml(pmid)).revised for pmid in added} == {day}


def test_each_revision_changes_text_and_date(small: RecordArchive) -> None:
    pmid, day = min(small.pmids), date(2026, 7, 1)
    before = article(small.xml(pmid))
    for revision in (1, 2):
        small.revise([pmid], day)
        after = article(small.xml(pmid))
        assert after.text == f"{before.text} Revision {revision} of this record."
        assert after.revised == day


def test_withdrawn_records_are_still_counted(small: RecordArchive) -> None:
    pmid = min(small.pmids)
    small.withdraw([pmid, 1])
    assert small.withdrawn == {pmid}
    assert small.xml(pmid) is None
    assert pmid in small.pmids
    assert small.search(lambda columns: len(columns.pmid)) == 50


def test_deleted_records_are_removed(small: RecordArchive) -> None:
    pmid = min(small.pmids)
    small.withdraw([pmid])
    small.delete([pmid, 1])
    assert small.xml(pmid) is None
    assert (small.withdrawn, len(small)) == (frozenset(), 49)
    assert small.search(lambda columns: pmid in columns.pmid) is False
