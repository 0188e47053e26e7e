"""What requests share is made once for each state of the lake, and no request waits long for it."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from litmine.discovery.discover import Discovery, discover_in
from litmine.errors import LakeError
from litmine.explore import discovery as explore_discovery
from litmine.explore.pages import PAGES, PageRenderer
from litmine.explore.queries import LakeQueries, RequestLimits
from litmine.explore.services import Services
from litmine.explore.shared import PreparingError, Shared
from litmine.lake.lake import Lake
from litmine.types import SourceRecord
from tests.explore.conftest import ASPIRIN, papers
from tests.fixtures.written_relations import START


def shared(make: Callable[[], str], patience: float = 60, turns: "threading.Lock | None" = None) -> Shared[str]:
    return Shared(make, "the names", patience, turns or threading.Lock())


def test_a_request_waits_a_while_and_then_hears_how_far_it_is() -> None:
    go = threading.Event()

    def make() -> str:
        assert go.wait(60)
        return "made"

    names = shared(make, patience=0.05)
    with pytest.raises(PreparingError, match=r"preparing the names, for \d+ seconds so far; try again"):
        names.get("state")
    go.set()
    names.wait()
    assert names.get("state") == "made"


def test_the_value_before_is_given_while_the_next_is_made() -> None:
    go, values = threading.Event(), iter(["first", "second"])
    go.set()

    def make() -> str:
        assert go.wait(60)
        return next(values)

    names = shared(make)
    assert names.get("one") == "first"
    go.clear()
    assert names.get("two") == "first"
    assert names.is_behind("two")
    go.set()
    names.wait()
    assert names.get("two") == "second"
    assert not names.is_behind("two")


def test_an_error_is_told_and_not_tried_again_at_once() -> None:
    tried = []

    def make() -> str:
        tried.append(1)
        raise LakeError("the lake is damaged")

    names = shared(make)
    for _ in range(3):
        with pytest.raises(LakeError, match="damaged"):
            names.get("one")
    assert len(tried) == 1
    with pytest.raises(LakeError, match="damaged"):
        names.get("two")
    assert len(tried) == 2


def test_those_with_one_lock_are_made_one_after_the_other() -> None:
    turns, running, most = threading.Lock(), [0], [0]

    def make() -> str:
        running[0] += 1
        most[0] = max(most[0], running[0])
        time.sleep(0.02)
        running[0] -= 1
        return "made"

    several = [shared(make, turns=turns) for _ in range(5)]
    for one in several:
        one.prepare("state")
    assert [one.get("state") for one in several] == ["made"] * 5
    assert most == [1]


def test_nothing_is_made_after_the_stop() -> None:
    names = shared(lambda: "made", patience=0.01)
    names.stop()
    with pytest.raises(PreparingError):
        names.get("state")
    names.wait()


def test_a_page_that_waits_comes_again_and_others_are_shown(explored_lake: Path) -> None:
    go = threading.Event()

    def make() -> dict[str, object]:
        assert go.wait(60)
        return {}

    services = Services.open(Lake(explored_lake), RequestLimits(patience=0.05))
    waiting = Shared(make, "the numbers of the lake", 0.05, threading.Lock())
    renderer = PageRenderer(replace(services, shared_overview=waiting))
    pages = {page.path: page for page in PAGES}
    try:
        answer = renderer.answer(pages["/lake"], _request("/lake"))
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == answer.headers["refresh"] == "5"
        assert b"preparing the numbers of the lake" in answer.body
        assert b"One moment." in answer.body
        other = renderer.answer(pages["/sql"], _request("/sql", b"query=select+42+as+n"))
        assert other.status_code == 200
        assert "retry-after" not in other.headers
    finally:
        go.set()
        waiting.wait()
        services.close()


def test_a_page_of_long_work_says_that_it_goes_on_and_comes_again(
    explored_lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()

    def search(*args: Any) -> Discovery:
        assert go.wait(60)
        return discover_in(*args)

    monkeypatch.setattr(explore_discovery, "discover_in", search)
    services = Services.open(Lake(explored_lake), RequestLimits(patience=60, page_wait=0))
    renderer, page = PageRenderer(services), next(page for page in PAGES if page.path == "/discover")
    request = _request("/discover", f"from={ASPIRIN}".encode())
    try:
        answer = renderer.answer(page, request)
        assert answer.status_code == 202
        assert answer.headers["retry-after"] == answer.headers["refresh"] == "1"
        assert b"searching for connections" in answer.body
        go.set()
        until = time.monotonic() + 60
        while answer.status_code == 202:
            assert time.monotonic() < until
            answer = renderer.answer(page, request)
        assert b"One moment" not in answer.body
        assert b"Aspirin" in answer.body
    finally:
        go.set()
        services.close()


def test_the_state_follows_the_lake(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    queries = LakeQueries(lake)
    seen = {queries.state()}
    for number, paper in enumerate(papers()[:3]):
        lake.add([SourceRecord(paper.record, START)], source=f"file-{number}")
        assert queries.state() not in seen
        assert queries.state() == LakeQueries(lake).state()
        seen.add(queries.state())
        time.sleep(0.1)  # from now on, the listing before is kept
        assert queries.state() in seen


def _request(path: str, query: bytes = b"") -> Request:
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": [], "path_params": {}}
    return Request(scope)
