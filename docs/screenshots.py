"""Take the pictures of `litmine explore` in docs/explore.md, from the pages of a lake in Chromium.

    litmine import sample_data/pubmed --lake LAKE
    litmine annotate --task relations --lake LAKE
    python docs/screenshots.py LAKE

The lake is one of the sample records with entities, links and relations. Needs playwright and Chromium, and writes
docs/images/explore-*.webp.
"""

import base64
import shutil
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from playwright.sync_api import sync_playwright

from litmine.explore.server import ExploreServer
from litmine.lake.lake import Lake

FOLDER = Path(__file__).parent / "images"
WIDE, NARROW = (1000, 760), (390, 780)
QUALITY = 70
# Name of the picture, address, size of the window, colours of the page, and where the page is scrolled to.
PICTURES = (
    ("search-light", "/?q={word}", WIDE, "light", ""),
    ("article-light", "/article/{article}", WIDE, "light", ""),
    ("article-narrow", "/article/{article}", NARROW, "light", ""),
    ("concept-dark", "/concept/{concept}", WIDE, "dark", ""),
    ("discovery-light", "/discover?from={concept}", WIDE, "light", ""),
    ("sql-dark", "/sql?query={query}", WIDE, "dark", "table"),
    ("lake-light", "/lake", WIDE, "light", ""),
)
QUERY = "select+year,+count(*)+as+articles+from+articles+where+year+is+not+null+group+by+year+order+by+year"
# The concept with most relations, and an article with many mentions and an abstract that fits into a picture.
CONCEPT = "SELECT subject_id FROM document_relations GROUP BY ALL ORDER BY count(*) DESC, subject_id LIMIT 1"
ARTICLE = """
SELECT pmid FROM entities JOIN articles USING (pmid) WHERE length(text) BETWEEN 600 AND 1500
GROUP BY pmid ORDER BY count(DISTINCT entity_type) DESC, count(*) DESC, pmid LIMIT 1"""


def main() -> None:
    """Take all pictures."""
    lake = Lake(sys.argv[1])
    ((concept,),), ((article,),) = lake.rows(CONCEPT), lake.rows(ARTICLE)
    ((word,),) = lake.rows(f"SELECT lower(name) FROM concepts WHERE identifier = '{concept}'")
    named = {"concept": concept, "article": article, "word": word, "query": QUERY}
    server = ExploreServer(lake, "127.0.0.1", 0)
    running = threading.Thread(target=server.run)
    running.start()
    FOLDER.mkdir(exist_ok=True)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            for name, address, (width, height), scheme, place in PICTURES:
                url = f"{server.url.rstrip('/')}{address.format(**named)}"
                _wait_for(url)
                _take(browser, url, FOLDER / f"explore-{name}.webp", (width, height), scheme, place)
            browser.close()
    finally:
        server.stop()
        running.join()


def _wait_for(url: str) -> None:
    """Wait until the server has prepared what the page needs."""
    for _ in range(600):
        with suppress(OSError):
            urlopen(url).close()
            return
        time.sleep(1)


def _take(browser: Any, url: str, file: Path, size: tuple[int, int], scheme: str, place: str) -> None:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    context.set_default_timeout(240_000)  # milliseconds: on a busy machine a page takes long
    page = context.new_page()
    page.goto(url)
    page.wait_for_load_state("networkidle")
    if place:
        page.locator(place).first.scroll_into_view_if_needed()
    # Playwright itself writes PNG and JPEG only, which are larger.
    session = context.new_cdp_session(page)
    picture = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    file.write_bytes(base64.b64decode(picture["data"]))
    print(f"{file.name}: {file.stat().st_size // 1000} kB", flush=True)
    context.close()


if __name__ == "__main__":
    main()
