"""The server as Biopython and plain HTTP requests see it: responses, rate limits, log, and stopping."""

import io
import socket
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path
from threading import Thread
from types import ModuleType
from urllib.error import HTTPError

import pytest

from litmine.errors import SettingError
from litmine.fake_pubmed.archive import RecordArchive
from litmine.fake_pubmed.faults import FaultInjector
from litmine.fake_pubmed.originals import read_originals
from litmine.fake_pubmed.request_log import LoggedRequest, RequestLog
from litmine.fake_pubmed.server import FakePubmedServer, RequestQuota, serve
from litmine.sources.pubmed_xml import read_pubmed_xml
from litmine.types import Article

Ask = Callable[..., tuple[int, dict[str, str], bytes]]
Entrez = Callable[[FakePubmedServer], ModuleType]
BUSY = "2026/03/02[crdt]"
FAST = (1000, 1000)


def articles(body: bytes) -> list[int]:
    read = list(read_pubmed_xml(io.BytesIO(body)))
    assert all(isinstance(record, Article) for record in read)
    return [record.pmid for record in read if isinstance(record, Article)]


def test_biopython_searches(large: RecordArchive, entrez: Entrez) -> None:
    with serve(large) as server:
        with entrez(server).esearch(db="pubmed", term="cells xyzzy OR patients") as answer:
            found = entrez(server).read(answer)
        with entrez(server).esearch(db="pubmed", term=BUSY, retmax=20_000) as answer:
            busy = entrez(server).read(answer)
    assert int(found["Count"]) > 20 == len(found["IdList"]) == int(found["RetMax"])
    assert set(map(int, found["IdList"])) < large.pmids
    assert found["ErrorList"]["PhraseNotFound"] == ["xyzzy"]
    assert found["QueryTranslation"].endswith('OR "patients"[All Fields]')
    assert (busy["Count"], busy["RetMax"], len(set(busy["IdList"]))) == ("11000", "9999", 9999)
    assert busy["WarningList"]["OutputMessage"] == ["Restrictions achieved. start and count adjusted to 0, 9999"]


def test_biopython_fetches_and_its_dtd_has_every_element(sample_data: Path, entrez: Entrez) -> None:
    archive = RecordArchive([sample_data / "pubmed"])
    asked = sorted(archive.pmids, key=lambda pmid: pmid % 97)
    with serve(archive) as server:
        with entrez(server).efetch(db="pubmed", id=list(map(str, asked)), retmode="xml") as answer:
            read = entrez(server).read(answer)
        (request,) = server.log.requests
    assert [int(record["MedlineCitation"]["PMID"]) for record in read["PubmedArticle"]] == asked
    assert (request.method, request.pmids, request.record_count) == ("POST", tuple(asked), len(asked))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_fetch_returns_existing_records_in_the_requested_order(small: RecordArchive, ask: Ask, method: str) -> None:
    first, second, third, *_ = sorted(small.pmids)
    small.withdraw([second])
    with serve(small) as server:
        ids = f"{third},{first}, 1,{second},abc,{third}"
        status, headers, body = ask(server, "efetch", method, db="pubmed", id=ids, retmode="xml")
        assert server.log.records_sent() == 2
    assert (status, articles(body)) == (200, [third, first])
    assert body.startswith(b'<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle')
    assert headers["Content-Type"].startswith("text/xml")
    assert abs(parsedate_to_datetime(headers["Date"]) - datetime.now(UTC)) < timedelta(minutes=10)


def test_fetch_of_missing_records_returns_an_empty_set(small: RecordArchive, ask: Ask) -> None:
    with serve(small) as server:
        status, _, body = ask(server, "efetch", db="pubmed", id="99999999", retmode="xml")
    assert (status, articles(body)) == (200, [])


def test_originals_are_returned_as_in_their_files(records: Path, small: RecordArchive, ask: Ask) -> None:
    with serve(small) as server:
        for original in read_originals([records])[:2]:
            assert original.xml() in ask(server, "efetch", db="pubmed", id=original.pmid, retmode="xml")[2]


@pytest.mark.parametrize("ids", ["", "abc", "0000", "-1,x"])
def test_a_list_without_a_valid_id_is_an_error(small: RecordArchive, ask: Ask, ids: str) -> None:
    with serve(small) as server:
        status, _, body = ask(server, "efetch", db="pubmed", id=ids, retmode="xml")
    assert status == 400
    assert b"<eFetchResult>\n\t<ERROR>ID list is empty! Possibly it has no correct IDs.</ERROR>" in body


def test_biopython_raises_an_error_for_a_refused_request(small: RecordArchive, entrez: Entrez) -> None:
    with serve(small) as server:
        with pytest.raises(HTTPError, match="400") as caught:
            entrez(server).efetch(db="pubmed", id="abc", retmode="xml")
        caught.value.close()


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"db": "protein", "term": "cells"}, b"<ERROR>Invalid db name specified: protein</ERROR>"),
        ({"db": "pubmed", "term": " "}, b"<ERROR>Empty term and query_key - nothing todo</ERROR>"),
        ({"db": "pubmed", "term": "cells", "retstart": 9999}, b"<ERROR>Search Backend failed: Exception:\n'retstart'"),
        ({"db": "pubmed", "term": "(" * 5000}, b"<ERROR>Search Backend failed: the query is nested too deeply</ERROR>"),
    ],
)
def test_errors_of_esearch_have_the_status_200(
    small: RecordArchive, ask: Ask, parameters: dict[str, object], error: bytes
) -> None:
    with serve(small) as server:
        status, _, body = ask(server, "esearch", "POST", **parameters)
    assert status == 200
    assert body.partition(b"<eSearchResult>\n\t")[2].startswith(error)


@pytest.mark.parametrize("parameters", [{"db": "protein", "retmode": "xml"}, {"db": "pubmed", "retmode": "text"}])
def test_efetch_refuses_other_databases_and_formats(
    small: RecordArchive, ask: Ask, parameters: dict[str, object]
) -> None:
    with serve(small) as server:
        status, _, body = ask(server, "efetch", id=min(small.pmids), **parameters)
    assert (status, b"<ERROR>" in body) == (400, True)


def test_only_the_first_9999_hits_are_listed(large: RecordArchive, entrez: Entrez) -> None:
    with serve(large, per_second=FAST) as server:
        pages = []
        for start in (0, 5000, 9998):
            with entrez(server).esearch(db="pubmed", term=BUSY, retstart=start, retmax=5000) as answer:
                pages.append(entrez(server).read(answer)["IdList"])
    assert list(map(len, pages)) == [5000, 4999, 1]
    assert len({pmid for page in pages for pmid in page}) == 9999
    assert pages[1][-1] == pages[2][0]


def test_a_date_range_in_parameters(large: RecordArchive, entrez: Entrez) -> None:
    with (
        serve(large) as server,
        entrez(server).esearch(
            db="pubmed", term="all[sb]", datetype="crdt", mindate="2026/03/02", maxdate="2026/03/02"
        ) as answer,
    ):
        assert entrez(server).read(answer)["Count"] == "11000"


def test_a_long_uri_must_be_posted(large: RecordArchive, ask: Ask) -> None:
    ids = ",".join(map(str, sorted(large.pmids)[-300:]))
    with serve(large) as server:
        assert ask(server, "efetch", db="pubmed", id=ids, retmode="xml")[0] == 414
        status, _, body = ask(server, "efetch", "POST", db="pubmed", id=ids, retmode="xml")
    assert (status, len(articles(body))) == (200, 300)


def test_an_unknown_utility_is_not_found(small: RecordArchive, ask: Ask) -> None:
    with serve(small, FaultInjector(always="500")) as server:
        assert ask(server, "esummary", db="pubmed", id="1")[0] == 404
        assert server.log.by_utility() == {"esummary": 1}


def test_a_malformed_path_is_not_found(small: RecordArchive, capfd: pytest.CaptureFixture[str]) -> None:
    with serve(small) as server, socket.create_connection(("127.0.0.1", server.server_port)) as client:
        client.sendall(b"GET //[ HTTP/1.0\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 404")
    assert capfd.readouterr().err == ""


def test_nobody_else_reaches_it(small: RecordArchive) -> None:
    with serve(small) as server:
        assert server.socket.getsockname()[0] == "127.0.0.1"


def test_a_request_over_the_limit_without_a_key(small: RecordArchive, ask: Ask) -> None:
    with serve(small, per_second=(0, 1000)) as server:
        status, headers, body = ask(server, "esearch", db="pubmed", term="cells")
        keyed = ask(server, "esearch", db="pubmed", term="cells", api_key="made-up")
        assert server.log.rate_limited() == 1
        assert server.log.by_fault() == {}
    assert status == 429
    assert body == b'{"error":"API rate limit exceeded","api-key":"127.0.0.1","count":"1","limit":"0"}\n'
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"], headers["Retry-After"]) == ("0", "0", "1")
    assert (keyed[0], keyed[1]["X-RateLimit-Limit"], keyed[1]["X-RateLimit-Remaining"]) == (200, "1000", "999")


def test_beyond_the_limit_of_a_key_the_answer_holds_it_and_the_log_does_not(small: RecordArchive, ask: Ask) -> None:
    with serve(small, per_second=(1000, 0)) as server:
        status, _, body = ask(server, "esearch", "POST", db="pubmed", term="cells", api_key="s3cret")
        (request,) = server.log.requests
    assert (status, b'"api-key":"s3cret"' in body) == (429, True)
    assert request.has_key
    assert "s3cret" not in repr(request)


def test_limits_hold_in_any_second() -> None:
    quota = RequestQuota((3, 10))
    assert [quota.count_request(False, "a", now) for now in (0.0, 0.5, 0.9, 0.95)] == [2, 1, 0, -1]
    assert quota.count_request(False, "b", 0.95) == 2
    assert quota.count_request(True, "a", 0.95) == 9
    assert [quota.count_request(False, "a", now) for now in (1.0, 1.4, 1.5)] == [0, -1, 0]


def test_the_log_records_each_request(small: RecordArchive, ask: Ask) -> None:
    asked = sorted(small.pmids)[:2]
    with serve(small, FaultInjector(script=[None, None, "500"])) as server:
        before = datetime.now(UTC)
        ask(server, "esearch", db="pubmed", term="all[sb]", tool="litmine", email="someone@example.org", api_key="k")
        ask(server, "efetch", "POST", db="pubmed", id=f"{asked[0]},{asked[1]}", retmode="xml", api_key="k")
        ask(server, "efetch", "POST", db="pubmed", id=asked[0], retmode="xml", api_key="k")
        searched, fetched, failed = server.log.requests
        assert server.log.by_utility() == {"esearch": 1, "efetch": 2}
        assert server.log.by_fault() == {"500": 1}
        assert server.log.records_sent() == 2
        assert server.log.fetch_counts() == {asked[0]: 2, asked[1]: 1}
        assert server.log.peak_per_second() <= 3
    assert (searched.term, searched.tool, searched.email) == ("all[sb]", "litmine", "someone@example.org")
    assert (searched.fault, searched.status, searched.has_key, searched.pmids) == (None, 200, True, ())
    assert (fetched.method, fetched.pmids, fetched.record_count) == ("POST", tuple(asked), 2)
    assert (failed.fault, failed.status, failed.record_count) == ("500", 500, 0)
    assert before <= searched.received <= datetime.now(UTC)


def test_the_peak_is_taken_over_any_second() -> None:
    log = RequestLog()
    for at in (5.0, 0.0, 0.5, 0.75, 1.25, 1.375, 1.5):
        log.add(LoggedRequest(datetime.now(UTC), at, "esearch", "GET", (), "x", False, None, None, None, 200, 0))
    assert log.peak_per_second() == 4
    assert RequestLog().peak_per_second() == 0


def test_changes_of_the_archive_are_served_at_once(small: RecordArchive, ask: Ask) -> None:
    def count(server: FakePubmedServer) -> bytes:
        body = ask(server, "esearch", db="pubmed", term="2026/07/01[crdt]")[2]
        return body.partition(b"<Count>")[2].partition(b"</Count>")[0]

    with serve(small, per_second=FAST) as server:
        assert count(server) == b"0"
        small.add(3, date(2026, 7, 1))
        assert count(server) == b"3"
        server.faults.always = "html"
        assert count(server) == b""


def test_a_hang_does_not_keep_the_server_from_stopping(small: RecordArchive, ask: Ask) -> None:
    failed: list[BaseException] = []

    def client(server: FakePubmedServer) -> None:
        try:
            ask(server, "esearch", db="pubmed", term="cells", timeout=3600)
        except (HTTPException, OSError) as error:
            failed.append(error)

    with serve(small, FaultInjector(always="hang", hang_seconds=3600)) as server:
        silent = socket.create_connection(("127.0.0.1", server.server_port))
        thread = Thread(target=client, args=(server,), daemon=True)
        thread.start()
        while not server.log.requests:
            thread.join(0.01)
    thread.join(60)
    silent.close()
    assert not thread.is_alive()
    assert len(failed) == 1


def test_a_used_port_is_refused(small: RecordArchive) -> None:
    with (
        serve(small) as server,
        pytest.raises(SettingError, match=f"port {server.server_port} cannot be used"),
        serve(small, port=server.server_port),
    ):
        pass
