"""Work runs beside the requests, once for each key, and a request that comes again gets its result or its error."""

import threading
from collections.abc import Callable

import pytest

from litmine.errors import DiscoveryError
from litmine.explore import long_work
from litmine.explore.long_work import LongWork, RunningError
from litmine.explore.queries import BusyError


def test_a_request_hears_that_work_goes_on_and_then_gets_the_result() -> None:
    go, runs = threading.Event(), []

    def work() -> str:
        assert go.wait(60)
        runs.append(1)
        return "found"

    searches: LongWork[str, str] = LongWork("searching", 1, 10)
    for _ in range(2):
        with pytest.raises(RunningError, match=r"litmine is searching, for \d+ seconds so far"):
            searches.get("key", work, 0.01)
    go.set()
    assert searches.get("key", work, None) == "found"
    assert searches.get("key", work, 0) == "found"
    assert runs == [1]
    searches.clear()
    assert searches.get("key", work, 60) == "found"
    assert runs == [1, 1]
    searches.close()


def test_an_error_reaches_a_request_that_comes_again_and_the_next_one_tries_again() -> None:
    go, outcomes = threading.Event(), iter([DiscoveryError("no such concept"), TimeoutError("of the work"), None])

    def work() -> str:
        assert go.wait(60)
        if (error := next(outcomes)) is not None:
            raise error
        return "found"

    searches: LongWork[str, str] = LongWork("searching", 1, 10)
    with pytest.raises(RunningError):
        searches.get("key", work, 0.01)
    go.set()
    with pytest.raises(DiscoveryError, match="no such concept"):
        searches.get("key", work, None)
    with pytest.raises(TimeoutError, match="of the work"):
        searches.get("key", work, 60)
    assert searches.get("key", work, 60) == "found"
    searches.close()


def test_few_results_are_kept_and_little_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    searches: LongWork[int, int] = LongWork("searching", 1, 2)
    runs: list[int] = []

    def work(number: int) -> Callable[[], int]:
        def run() -> int:
            runs.append(number)
            return number

        return run

    for number in (1, 2, 3, 3, 2, 1):
        assert searches.get(number, work(number), 60) == number
    assert runs == [1, 2, 3, 1]
    monkeypatch.setattr(long_work, "_MAX_WAITING", 1)
    go = threading.Event()
    with pytest.raises(RunningError):
        searches.get(4, lambda: int(go.wait(60)), 0)
    with pytest.raises(BusyError, match="too many searches"):
        searches.get(5, lambda: 5, 60)
    go.set()
    assert searches.get(4, lambda: 0, 60) == 1
    searches.close()
