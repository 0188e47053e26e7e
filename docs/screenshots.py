"""Take the pictures of `docs/explore.md` with Chromium, from a lake of the sample records that has all models' results.

    python docs/screenshots.py LAKE [FOLDER]

The lake is that of `make demo` after `litmine annotate` for each of its tasks. FOLDER is `docs/assets` unless given.
"""

import shutil
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from litmine.explore.server import ExploreServer
from litmine.lake.lake import Lake

ASSETS = Path(__file__).parent / "assets"
_SQL = "select+year,+count(*)+as+articles+from+articles+where+year+%3E+1995+group+by+year+order+by+year"
_QUALITY = 55


@dataclass(frozen=True)
class Picture:
    """A page in a window of this size, in light or dark colours. click: what is pressed before the picture is taken."""

    name: str
    address: str
    width: int
    height: int
    scheme: str = "light"
    click: str = ""


PICTURES = (
    Picture("explore-article-light", "/article/21272792", 760, 520),
    Picture("explore-article-narrow", "/article/21272792", 360, 560),
    Picture("explore-concept-dark", "/concept/MESH:D009369", 860, 820, "dark"),
    Picture("explore-sql-light", f"/sql?query={_SQL}", 760, 560, click="summary:has-text('Chart')"),
)


def main(lake: Path, folder: Path = ASSETS) -> None:
    """Serve the lake, open each page, and save what the window shows."""
    from playwright.sync_api import sync_playwright

    server = ExploreServer(Lake(lake), "127.0.0.1", 0)
    serving = threading.Thread(target=server.run)
    serving.start()
    base = f"http://127.0.0.1:{server.port}"
    _wait_until_prepared(base)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for one in PICTURES:
            context = browser.new_context(
                viewport={"width": one.width, "height": one.height},
                color_scheme=one.scheme,  # type: ignore[arg-type]
            )
            page = context.new_page()
            page.goto(base + one.address, wait_until="networkidle")
            if one.click:
                page.click(one.click)
                page.evaluate("document.querySelector('canvas').scrollIntoView({block: 'center'})")
            page.wait_for_timeout(500)
            page.screenshot(path=folder / f"{one.name}.jpg", type="jpeg", quality=_QUALITY)
            context.close()
        browser.close()
    server.stop()
    serving.join()


def _wait_until_prepared(base: str) -> None:
    """Wait until the pages that read the whole lake have done so."""
    for _ in range(600):
        # Until the server listens, and while it reads the lake (status 503), there is an error.
        with suppress(URLError), urlopen(f"{base}/lake") as answer:
            if answer.headers["Refresh"] is None:
                return
        time.sleep(1)
    raise TimeoutError("the server is not ready")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
