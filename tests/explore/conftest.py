"""A small lake with hostile, retracted and overlapping things in it, and a server over it."""

import http.client
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from litmine.explore.queries import RequestLimits
from litmine.explore.server import ExploreServer
from litmine.lake.lake import Lake
from litmine.lake.vocabularies import save_vocabulary
from litmine.schema import arrow_schema
from litmine.types import Article, Correction, Section
from tests.fixtures.written_relations import LINKER, Paper, Said, activate_models, add_papers

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ASPIRIN, ASTHMA, URTICARIA, LUNG = "MESH:D001241", "MESH:D001249", "MESH:D014581", "MESH:D008171"
HOSTILE = '</title><script>document.title="owned"</script><img src=x onerror=alert(1)> {{ 7*7 }} aspirin asthma'
OIL, RAYNAUD, PLATELETS, VISCOSITY = "MESH:D1", "MESH:D2", "MESH:D3", "MESH:D4"
HOSTILE_NAME = "<script>document.title='owned'</script> & {{ 7*7 }}"
CONNECTED = {
    "oil": (OIL, "Fish oil", "Chemical"),
    "raynaud": (RAYNAUD, "Raynaud disease", "Disease"),
    "platelets": (PLATELETS, "Platelet glue", "Gene"),
    "viscosity": (VISCOSITY, HOSTILE_NAME, "Gene"),
    "filler": ("MESH:D5", "Filler", "Species"),
}
# The words of articles and their years: oil and raynaud are in none together.
TEXTS = [
    *[("oil platelets", year) for year in (1979, 1981, 1984)],
    *[("platelets raynaud", year) for year in (1980, 1983)],
    *[("oil viscosity", year) for year in (1982, 1984)],
    *[("viscosity raynaud", year) for year in (1983, 1990)],
    *[("filler", 1985)] * 30,
]
CONCEPTS = {
    ASPIRIN: ("Aspirin", "Chemical", ["acetylsalicylic acid"], []),
    ASTHMA: ("Asthma", "Disease", ["Bronchial Asthma"], ["C08.127.108"]),
    URTICARIA: ("Urticaria", "Disease", ["hives"], ["C17.800.862.945"]),
    LUNG: ("Lung Diseases", "Disease", ["pulmonary disease"], ["C08"]),
}


def _paper(pmid: int, title: str, words: Mapping[str, tuple[str, str | None]], *said: Said, **fields: Any) -> Paper:
    return Paper(Article(pmid, title=title, **fields), dict(words), said)


def papers() -> list[Paper]:
    aspirin, asthma = ("Chemical", ASPIRIN), ("Disease", ASTHMA)
    causes = Said("adverse_effect", "aspirin", "urticaria")
    both = {"aspirin": aspirin, "asthma": asthma}
    hives = {"aspirin": aspirin, "urticaria": ("AdverseEffect", URTICARIA)}
    text = "Aspirin in asthma. METHODS: We asked. RESULTS: None."
    sections = (
        Section("METHODS", text.index("We"), text.index(" RES")),
        Section("RESULTS", text.index("None"), len(text)),
    )
    return [
        _paper(
            1, "aspirin treats asthma in adults", both, Said("treats", "aspirin", "asthma"), year=2020, journal="Lung"
        ),
        _paper(2, "aspirin causes urticaria in children", hives, causes, year=2021, publication_types=("Review",)),
        _paper(
            3, "severe asthma and lung trouble", {"asthma": asthma, "severe asthma": ("Disease", f"{ASTHMA}|{LUNG}")}
        ),
        _paper(4, HOSTILE, both, year=2021, journal="<b>Journal</b>"),
        _paper(
            5,
            "asthma withdrawn",
            {"asthma": asthma},
            year=2019,
            retracted=True,
            corrections=(Correction("RetractionIn", 6, "Lung 2020;1:2"),),
        ),
        _paper(7, "Aspirin in asthma.", {}, abstract=text.partition(". ")[2], sections=sections, year=2018),
    ]


@pytest.fixture(scope="session")
def explored_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with the articles of `papers`, their mentions, links and relations. Do not change it."""
    lake = Lake.create(tmp_path_factory.mktemp("explored") / "lake")
    add_papers(lake, papers())
    save_concepts(lake, CONCEPTS)
    activate_models(lake)
    return lake.path


@pytest.fixture(scope="session")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Client"]:
    """A server over a lake whose articles connect fish oil and Raynaud's."""
    lake = Lake.create(tmp_path_factory.mktemp("connected") / "lake")
    add_papers(
        lake,
        [
            _paper(pmid, words, {word: (CONNECTED[word][2], CONNECTED[word][0]) for word in words.split()}, year=year)
            for pmid, (words, year) in enumerate(TEXTS, 1)
        ],
    )
    save_concepts(lake, {one: (name, kind, [], []) for one, name, kind in CONNECTED.values()})
    activate_models(lake)
    with serving(lake.path) as running:
        running.wait_until_prepared()
        yield running


def save_concepts(lake: Lake, concepts: Mapping[str, tuple[str, str, list[str], list[str]]]) -> None:
    """Save the vocabulary of the linker: name, type, synonyms and tree numbers by identifier."""
    rows = [
        {
            "linker": LINKER,
            "identifier": identifier,
            "name": name,
            "entity_type": kind,
            "vocabulary": "MeSH",
            "synonyms": synonyms,
            "tree_numbers": trees,
            "taxon": None,
        }
        for identifier, (name, kind, synonyms, trees) in concepts.items()
    ]
    table = pa.Table.from_pylist(rows, schema=arrow_schema("vocabularies"))
    save_vocabulary(lake.location, LINKER, "made@1", lambda: [table])


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Sends requests to a server on this machine, again while the server is preparing what they need."""

    def __init__(self, port: int) -> None:
        self.port = port

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def send(
        self, method: str, address: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        until = time.monotonic() + 240
        while True:
            answer = self.send_once(method, address, body, headers)
            if "retry-after" not in answer.headers or time.monotonic() > until:
                return answer
            time.sleep(0.1)

    def wait_until_prepared(self) -> None:
        """Wait for all that pages need: a browser would come again after some seconds."""
        for address in ("/", "/?q=x", "/article/1", f"/concept/{ASPIRIN}", "/lake", "/discover?from=x"):
            self.get(address)

    def send_once(
        self, method: str, address: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, address, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, address: str, **headers: str) -> Answer:
        return self.send("GET", address, headers=headers)

    def post(self, address: str, value: Any, **headers: str) -> Answer:
        return self.send("POST", address, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})


@contextmanager
def serving(
    lake: Path, host: str = "127.0.0.1", token: str | None = None, limits: RequestLimits | None = None
) -> Iterator[Client]:
    """A server over a lake, until the block ends. Its pages wait for their own work, also on a busy machine."""
    server = ExploreServer(Lake(lake), host, 0, token, limits or RequestLimits(page_wait=60))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        client = Client(server.port)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                client.get("/static/icon.svg")
                break
            except OSError:
                time.sleep(0.02)
        yield client
    finally:
        server.stop()
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium; tests that need it are skipped where it is not installed.

    Playwright runs an event loop in this thread as long as it is open, so no other file of tests could run one.
    """
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed, so the pages are not tried in a browser")
    from playwright.sync_api import sync_playwright

    # Chromium's own sandbox does not work for root, as in most containers.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield running
        running.close()


@pytest.fixture(scope="session")
def client(explored_lake: Path) -> Iterator[Client]:
    """A server over `explored_lake`."""
    with serving(explored_lake) as running:
        running.wait_until_prepared()
        yield running


@pytest.fixture(scope="session")
def serve() -> Callable[..., Any]:
    return serving
