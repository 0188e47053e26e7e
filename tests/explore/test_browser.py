"""The pages in a real Chromium: what a person sees and does there, and whether everybody can."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.explore.conftest import ASPIRIN, ASTHMA, CHROMIUM, OIL, PLATELETS, RAYNAUD, Client

if CHROMIUM is None:
    pytest.skip("Chromium is not installed, so the pages are not tried in a browser", allow_module_level=True)

PAGES = {
    "search": "/",
    "hits": "/?q=asthma",
    "nothing": "/?q=zzz",
    "article": "/article/1",
    "hostile": "/article/4",
    "retracted": "/article/5",
    "compare": "/article/1?compare=1",
    "concept": f"/concept/{ASPIRIN}",
    "question": "/question",
    "sql": "/sql",
    "result": "/sql?query=select+year,+count(*)+as+articles+from+articles+group+by+year",
    "error": "/sql?query=selec",
    "lake": "/lake",
    "missing": "/article/99",
    "discovery": "/discover",
    "no such concept": "/discover?from=zzz",
}
# Pages over the lake of connected concepts.
CONNECTED_PAGES = {
    "open search": f"/discover?from={OIL}",
    "closed search": f"/discover?from={OIL}&to={RAYNAUD}&measure=npmi",
    "link": f"/discover/link?from={OIL}&link={PLATELETS}&to={RAYNAUD}",
    "nothing reached": f"/discover?from={OIL}&type=Gene",
}
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Watched:
    """A page that remembers errors and requests to other servers."""

    def __init__(self, browser: Any, client: Client, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.base = client.base
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self._note)
        self.page.on("request", lambda request: self._check(request.url))

    def _note(self, message: Any) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.problems.append(message.text)

    def _check(self, url: str) -> None:
        if not url.startswith((f"{self.base}/", "data:")):
            self.problems.append(url)

    def open(self, address: str) -> Any:
        self.page.goto(f"{self.base}{address}")
        return self.page


@pytest.fixture
def watched(browser: Any, client: Client) -> Iterator[Watched]:
    one = Watched(browser, client)
    one.page.set_default_timeout(60_000)
    yield one
    one.context.close()
    assert one.problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_fits_a_phone(browser: Any, client: Client, scheme: str) -> None:
    assert barriers(browser, client, scheme, PAGES) == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_discovery_is_accessible_and_fits_a_phone(browser: Any, connected: Client, scheme: str) -> None:
    assert barriers(browser, connected, scheme, CONNECTED_PAGES) == {}


def barriers(browser: Any, client: Client, scheme: str, pages: dict[str, str]) -> dict[tuple[str, str], list[Any]]:
    """What axe-core finds on pages of a phone's width, and pages that are wider."""
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    watched = Watched(browser, client, color_scheme=scheme, viewport={"width": 360, "height": 740})
    found: dict[tuple[str, str], list[Any]] = {}
    for name, address in pages.items():
        page = watched.open(address)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[name, "wider than the screen"] = [[address]]
        page.evaluate(axe)
        result = page.evaluate("tags => axe.run({ runOnly: tags })", AXE_TAGS)
        assert result["passes"]
        for one in result["violations"]:
            found[name, one["id"]] = [node["target"] for node in one["nodes"]][:3]
    watched.context.close()
    assert watched.problems == []
    return found


def test_a_search_leads_to_an_article(watched: Watched) -> None:
    page = watched.open("/")
    page.fill("[name=q]", "asthma adults")
    page.press("[name=q]", "Enter")
    page.click("text=aspirin treats asthma in adults")
    assert page.url == f"{watched.base}/article/1"
    assert page.locator("h1 mark").all_inner_texts() == ["aspirin", "asthma"]
    page.click("h1 mark >> text=asthma")
    assert page.url.endswith(f"/concept/{ASTHMA}")


def test_concepts_are_proposed_while_typing(watched: Watched) -> None:
    page = watched.open("/")
    page.type("[name=concept]", "bronchial")
    page.wait_for_selector("#concepts option", state="attached")
    assert page.locator("#concepts option").get_attribute("value") == ASTHMA
    page.press("[name=concept]", "Enter")
    page.wait_for_url("**/?concept=bronchial")
    assert page.locator(".hits > li").count() == 4


def test_types_are_switched_off_and_the_address_keeps_it(watched: Watched) -> None:
    page = watched.open("/article/1")
    assert page.locator("h1 mark.t-disease").inner_text() == "asthma"
    page.uncheck("[data-name=Disease]")
    assert page.locator("h1 mark.off").inner_text() == "asthma"
    assert page.locator("h1 mark.t-chemical").inner_text() == "aspirin"
    assert page.url.endswith("/article/1?hide=Disease")
    page.reload()
    assert page.locator("h1 mark.off").inner_text() == "asthma"
    page.check("[data-name=Disease]")
    assert page.locator("h1 mark.t-disease").inner_text() == "asthma"
    assert page.url.endswith("/article/1")


def test_overlapping_mentions_are_shown(watched: Watched) -> None:
    page = watched.open("/article/3")
    assert page.locator("h1 mark").all_inner_texts() == ["severe ", "asthma"]
    assert page.locator("h1 mark.overlap").all_inner_texts() == ["asthma"]
    assert page.locator("h1").inner_text() == "severe asthma and lung trouble"


def test_sections_and_banners_of_an_article(watched: Watched) -> None:
    page = watched.open("/article/7")
    assert page.locator("p.abstract").all_inner_texts() == ["METHODS We asked.", "RESULTS None."]
    page = watched.open("/article/5")
    assert "This article is retracted" in page.locator(".banner.bad").inner_text()


def is_drawn(page: Any, selector: str) -> bool:
    """Whether a canvas has pixels of more than one colour."""
    script = """canvas => {
        const all = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return new Set(new Uint32Array(all.buffer)).size > 2;
    }"""
    page.wait_for_selector(selector)
    return bool(page.eval_on_selector(selector, script))


def test_a_concept_has_a_chart_and_a_network_to_walk_through(watched: Watched) -> None:
    page = watched.open(f"/concept/{ASPIRIN}")
    assert is_drawn(page, "figure.chart canvas")
    assert page.locator("figure.network svg a").count() == 3
    page.click("figure.network svg a:has-text('Asthma')")
    page.wait_for_url(f"**/concept/{ASTHMA}")
    assert page.locator("h1").inner_text().startswith("Asthma")


def test_a_network_of_connections_is_walked_through(browser: Any, connected: Client) -> None:
    watched = Watched(browser, connected)
    page = watched.open(f"/concept/{OIL}")
    page.click("text=no article says")
    page.wait_for_url(f"**/discover?from={quote(OIL)}")
    nodes = page.locator("figure.network svg a")
    assert "Raynaud disease" in [node.get_attribute("aria-label").partition(" (")[0] for node in nodes.all()]
    assert nodes.count() == 4
    page.click("summary:has-text('Platelet glue')")
    page.wait_for_selector(".connections q")
    assert page.locator(".connections q >> visible=true").all_inner_texts() == ["oil platelets", "platelets raynaud"]
    page.click("figure.network svg a:has-text('Raynaud')")
    page.wait_for_url(f"**/discover?from={quote(OIL)}&to={quote(RAYNAUD)}")
    assert page.title() == "Fish oil and Raynaud disease · Discovery · litmine"
    assert page.locator(".connections > li").count() == 2
    page.fill("[name=from]", "raynaud")
    page.fill("[name=to]", "")
    page.press("[name=from]", "Enter")
    page.wait_for_url("**/discover?from=raynaud&measure=dwpc")
    page.click("figure.network svg a:has-text('Platelet glue')")
    page.wait_for_url(f"**/concept/{PLATELETS}")
    watched.context.close()
    assert watched.problems == []


def test_sql_has_a_table_a_chart_and_files(watched: Watched, tmp_path: Path) -> None:
    page = watched.open("/sql")
    page.fill("textarea", "select pmid, year, 'MESH:D001249' as identifier from articles order by pmid")
    page.press("textarea", "Control+Enter")
    page.wait_for_selector("[data-result]")
    assert page.locator("[data-result] tbody tr").count() == 6
    page.click("summary:has-text('Chart')")
    assert is_drawn(page, "[data-plot] canvas")
    with page.expect_download() as download:
        page.click("text=Download CSV")
    download.value.save_as(tmp_path / "result.csv")
    assert (tmp_path / "result.csv").read_text(encoding="utf-8").splitlines()[1] == "1,2020,MESH:D001249"
    page.click("[data-result] tbody tr:first-child >> text='1'")
    page.wait_for_url("**/article/1")


def test_a_mistake_in_sql_is_said_and_can_be_mended(watched: Watched) -> None:
    page = watched.open("/sql?query=from+artikles")
    assert "Did you mean" in page.locator("[role=alert]").inner_text()
    assert page.input_value("textarea") == "from artikles"
    # The examples and the views help to mend it.
    assert page.locator("text=Articles by year").count() == 1
    assert page.locator(".views dt").count() > 5
    page.fill("textarea", "select count(*) as n from articles")
    page.click("button")
    assert page.locator("[data-result] td").inner_text() == "6"
    assert page.locator("[role=alert]").count() == 0


def test_long_work_is_announced(watched: Watched) -> None:
    page = watched.open("/question")
    page.evaluate("addEventListener('submit', event => event.preventDefault())")  # an answer that does not come
    page.fill("[name=question]", "What causes urticaria?")
    page.click("button")
    page.wait_for_selector(".busy:not([hidden])")
    assert "Reading articles" in page.locator(".busy").inner_text()
    assert page.locator("button").is_disabled()


def test_no_script_of_a_title_runs(watched: Watched) -> None:
    for address in ("/", "/article/4", "/?q=aspirin", "/sql?query=select+title+from+articles+where+pmid=4"):
        page = watched.open(address)
        assert page.title() != "owned"
        assert page.locator("main img").count() == 0
        assert page.locator("main script").count() == 0


def test_the_keyboard_is_enough(watched: Watched) -> None:
    page = watched.open("/?q=asthma")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page = watched.open("/article/1")
    page.focus("[data-name=Disease]")
    page.keyboard.press("Space")
    assert page.locator("h1 mark.off").count() == 1


def test_pages_work_without_scripts(browser: Any, client: Client) -> None:
    watched = Watched(browser, client, java_script_enabled=False)
    page = watched.open("/?q=asthma+adults")
    page.click("text=aspirin treats asthma in adults")
    assert page.locator("h1 mark").count() == 2
    page.click("text=do not mark Disease")
    assert page.locator("h1 mark.off").count() == 1
    page.click("text=/^mark Disease/")
    assert page.locator("h1 mark.off").count() == 0
    page = watched.open(f"/concept/{ASPIRIN}")
    assert page.locator(".chips a").count() >= 2
    watched.context.close()
    assert watched.problems == []
