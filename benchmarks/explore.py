"""Time and memory of the pages of `litmine explore` on a lake of many articles, with several users at once.

    python -m benchmarks.explore [--articles 1000000] [--folder DIR] [--json benchmarks/explore.json]

`explore_lake.py` makes the lake. A server runs in a process of its own on the loopback interface. After it is warm,
each kind of page is requested by ten users at once: a user sends the next request some time after the answer to the
one before, drawn evenly from half of `--pause` to one and a half times it (2 seconds by default, as long as a glance),
and with `--pause 0` as fast as the server answers. Users begin one after the other within a pause, since people who
click at the same moment again and again would queue for each other. Every request
has another address, so few answers come from the server's caches. A page of long work says that it goes on, and is
requested again after a second, as a browser does; reported are the times of answers, and those until the result. A kind
ends after `--requests` results or `--seconds` seconds. Then requests of all kinds follow until there are `--soak` of
them, without pauses; `import` and `compact` run during the second half, again and again, with the sample records.
Reported are seconds by the clock at the 50th and 95th percentile, the server's CPU seconds a request, its memory,
requests that failed, and the machine's load.
"""

import argparse
import http.client
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

from litmine import Lake

USERS = 10
SAMPLE = Path(__file__).parent.parent / "sample_data" / "pubmed"
SERVE = """
import sys
from litmine.explore.server import ExploreServer
from litmine.lake.lake import Lake
server = ExploreServer(Lake(sys.argv[1]), "127.0.0.1", 0)
print(server.port, flush=True)
server.run()
"""
_BANNER = re.compile(r'<div class="banner (?:info|bad)"[^>]*><strong>[^<]*</strong>([^<]*)')
# So many concepts are asked for: frequent and rare ones.
_CONCEPTS = "SELECT identifier, name FROM concepts WHERE articles > 1 ORDER BY hash(identifier) LIMIT 3000"


@dataclass
class Answers:
    """What the answers of one measurement took, and how long users waited for results, and which requests failed."""

    seconds: list[float] = field(default_factory=list)
    until_result: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Percentiles in seconds."""
        share = {f"p{n} s": _percentile(self.seconds, n) for n in (50, 95)}
        if len(self.until_result) != len(self.seconds):
            share |= {f"result p{n} s": _percentile(self.until_result, n) for n in (50, 95)}
        return {"requests": len(self.until_result), **share, "failures": len(self.failed), "failed": self.failed[:3]}


def _percentile(seconds: Sequence[float], percent: int) -> float:
    ordered = sorted(seconds) or [0.0]
    return round(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)], 3)


class Server:
    """A server in another process."""

    def __init__(self, lake: Path) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", SERVE, lake], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        for _ in range(600):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.1)
        raise TimeoutError("the server does not answer")

    def get(self, address: str) -> tuple[int, str]:
        """The status of an answer, which is read to its end, and what it says if it has no result."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        try:
            connection.request("GET", address)
            response = connection.getresponse()
            body = response.read().decode()
            said = _BANNER.search(body)
            return response.status, said[1] if said and response.status != 200 else ""
        finally:
            connection.close()

    def cpu_seconds(self) -> float:
        """User and system time until now."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self) -> int:
        """Resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(status.partition("VmRSS:")[2].split()[0]) // 1024


@contextmanager
def serving(lake: Path) -> Iterator[Server]:
    """A server over the lake, until the block ends."""
    server = Server(lake)
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait(60)


def main() -> None:
    """Create the lake, measure, print, and optionally write the figures."""
    options = _options()
    with nullcontext(options.folder) if options.folder else tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "lake"
        figures: dict[str, Any] = {"articles": options.articles, "pause s": options.pause, "users": USERS}
        if not place.exists():
            make = [sys.executable, "-m", "benchmarks.explore_lake", str(place), str(options.articles)]
            figures["making"] = json.loads(subprocess.run(make, check=True, capture_output=True, text=True).stdout)
        every = page_kinds(Lake(place), random.Random(7))
        kinds = {name: address for name, address in every.items() if not name.startswith(tuple(options.without))}
        with serving(place) as server:
            figures["warm-up"] = _print("warm-up", warm_up(server, kinds))
            for name, address in kinds.items():
                figures[name] = _print(name, measure(server, address, options))
            if options.soak:
                figures["soak"] = _print("soak", soak(server, place, list(kinds.values()), options.soak))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=1_000_000, help="number of articles (default: 1,000,000)")
    parser.add_argument("--folder", type=Path, help="keep the lake in this folder, or reuse the one there")
    parser.add_argument("--pause", type=float, default=2.0, help="mean seconds between requests of a user (default: 2)")
    parser.add_argument("--requests", type=int, default=200, help="most requests of a kind of page (default: 200)")
    parser.add_argument("--seconds", type=float, default=60, help="longest time of a kind of page (default: 60)")
    parser.add_argument("--without", action="append", default=[], help="leave out kinds of pages that begin so")
    parser.add_argument("--soak", type=int, default=10_000, help="requests of all kinds (default: 10,000)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def page_kinds(lake: Lake, rng: random.Random) -> dict[str, Callable[[], str]]:
    """For each kind of page, a function that gives an address, mostly another one each time."""
    concepts = [(quote(identifier), quote(name or "")) for identifier, name in lake.rows(_CONCEPTS)]
    pmids = [pmid for (pmid,) in lake.rows("SELECT pmid FROM articles ORDER BY hash(pmid) LIMIT 3000")]

    def concept() -> str:
        return rng.choice(concepts)[0]

    def word() -> str:
        return f"c{rng.randrange(2_000):05d}+w{rng.randrange(2_000):05d}"

    return {
        "search, start": lambda: f"/?offset={20 * rng.randrange(200)}",
        "search by words": lambda: f"/?q={word()}",
        "search by words, narrowed": lambda: f"/?q={word()}&type=Disease&year={rng.randrange(1990, 2024)}",
        "search by concept": lambda: f"/?concept={concept()}",
        "search by condition": lambda: (
            f"/?where=year+%3E+{rng.randrange(1950, 2024)}+and+pmid+%25+7+%3D+{rng.randrange(7)}"
        ),
        "completion": lambda: f"/api/concepts?size=12&q={rng.choice(concepts)[1][:4]}",
        "article": lambda: f"/article/{rng.choice(pmids)}",
        "concept": lambda: f"/concept/{concept()}",
        "SQL": lambda: f"/sql?query=select+*+from+articles+where+pmid+%3D+{rng.choice(pmids)}",
        "lake": lambda: "/lake",
        "discovery, closed": lambda: f"/discover?from={concept()}&to={concept()}",
        "discovery, a link": lambda: f"/discover/link?from={concept()}&link={concept()}&to={concept()}",
        "discovery, open": lambda: f"/discover?from={concept()}",
    }


def warm_up(server: Server, kinds: dict[str, Callable[[], str]]) -> dict[str, Any]:
    """Request each kind twice, one after the other, and again while the server prepares what it needs."""
    began, cpu = time.perf_counter(), server.cpu_seconds()
    for address in [*kinds.values(), *kinds.values()]:
        wanted = address()
        while server.get(wanted)[0] in (202, 503):
            time.sleep(1)
    seconds, used = time.perf_counter() - began, server.cpu_seconds() - cpu
    return {"s": round(seconds, 1), "CPU s": round(used, 1), "MB": server.megabytes()}


def measure(server: Server, address: Callable[[], str], options: argparse.Namespace) -> dict[str, Any]:
    """Ten users request one kind of page."""
    load, cpu = round(os.getloadavg()[0], 1), server.cpu_seconds()
    until = time.monotonic() + options.seconds
    answers = _requests(server, [address], options.requests, options.pause, lambda: time.monotonic() > until)
    used = (server.cpu_seconds() - cpu) / max(1, len(answers.until_result))
    return {**answers.figures(), "CPU s": round(used, 3), "MB": server.megabytes(), "load": load}


def soak(server: Server, lake: Path, kinds: Sequence[Callable[[], str]], count: int) -> dict[str, Any]:
    """Requests of all kinds; memory at the start and after each tenth. From half of them on, the lake changes."""
    memory, failed, seconds = {0: server.megabytes()}, [], 0.0
    changes: list[str] = []
    done = threading.Event()
    changing = threading.Thread(target=lambda: changes.extend(_change(lake, done)))
    bounds = [count * tenth // 10 for tenth in range(11)]
    for tenth, (begin, end) in enumerate(pairwise(bounds)):
        if tenth == 5:
            changing.start()
        began = time.perf_counter()
        answers = _requests(server, kinds, end - begin, 0, lambda: False)
        seconds += time.perf_counter() - began
        failed += answers.failed
        memory[end] = server.megabytes()
    done.set()
    changing.join()
    return {
        "requests": count,
        "s": round(seconds),
        "MB after requests": memory,
        "failures": len(failed),
        "failed": failed[:5],
        "changes of the lake": {one: changes.count(one) for one in sorted({*changes})},
    }


def _change(lake: Path, done: threading.Event) -> Iterator[str]:
    """Import one file of the sample after the other and merge parts, until the requests are done."""
    while not done.is_set():
        for file in sorted(SAMPLE.iterdir()):
            if done.is_set():
                return
            for command in (["import", file], ["compact"]):
                words = [sys.executable, "-m", "litmine", *command, "--lake", lake]
                status = subprocess.run(words, capture_output=True, check=False).returncode
                yield f"{command[0]}: exit {status}"
                done.wait(5)


def _requests(
    server: Server, kinds: Sequence[Callable[[], str]], most: int, pause: float, is_over: Callable[[], bool]
) -> Answers:
    """Requests of ten users."""
    answers, lock, left = Answers(), threading.Lock(), iter(range(most))

    def use(user: int) -> None:
        rng = random.Random(user)
        time.sleep(rng.random() * pause)
        while True:
            with lock:
                number = next(left, None)
                address = kinds[(number or 0) % len(kinds)]()
            if number is None or is_over():
                return
            first = time.perf_counter()
            while True:
                began = time.perf_counter()
                try:
                    status, said = server.get(address)
                except OSError as error:
                    status, said = 0, type(error).__name__
                ended = time.perf_counter()
                with lock:
                    answers.seconds.append(ended - began)
                if status != 202:
                    break
                time.sleep(1)
            with lock:
                answers.until_result.append(ended - first)
                # Two concepts may be the same, or one may be above the other: a sentence says so.
                if status != 200 and not (status == 400 and address.startswith("/discover")):
                    answers.failed.append(f"{status} {address}: {said}")
            time.sleep(pause * rng.uniform(0.5, 1.5))

    users = [threading.Thread(target=use, args=[number]) for number in range(USERS)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    return answers


def _print(name: str, figures: dict[str, Any]) -> dict[str, Any]:
    print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in figures.items()), flush=True)
    return figures


if __name__ == "__main__":
    main()
