"""A hundred and more hostile records and requests: no script runs, nothing outside is read, no traceback is shown."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.explore.conftest import Client, serving
from tests.explore.hostile_lake import MARK, PAYLOADS, make_hostile_lake, records, requests, with_outside

OUTSIDE_TEXT = "text-outside-the-lake"
# Counts what a page must not do: policy violations, windows, and whatever a payload would leave.
_WATCH = """
window.counted = 0;
document.addEventListener("securitypolicyviolation", () => { window.counted += 1; });
for (const name of ["open", "alert", "prompt", "confirm", "print"]) window[name] = () => { window.counted += 1; };
"""


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder of the lake, and a file beside it."""
    folder = tmp_path_factory.mktemp("hostile")
    outside = folder / "outside.csv"
    outside.write_text(f"a\n{OUTSIDE_TEXT}\n", encoding="utf-8")
    make_hostile_lake(folder / "lake")
    return folder / "lake", outside


@pytest.fixture(scope="module")
def hostile(places: tuple[Path, Path]) -> Iterator[Client]:
    with serving(places[0]) as client:
        client.wait_until_prepared()
        yield client


def test_there_are_a_hundred_of_them() -> None:
    assert len(records()) == 50
    assert len(requests()) == 85


def test_requests_are_refused_or_harmless(
    hostile: Client, places: tuple[Path, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    lake, outside = places
    for request in requests():
        answer = hostile.send(request.method, with_outside(request, outside), request.body, request.headers)
        text = answer.body.decode("utf-8", "replace")
        assert answer.status < 500, (request, text[:300])
        assert OUTSIDE_TEXT not in text
        assert "Traceback" not in text
        assert not [one for one in ("root:x:", str(lake), "site-packages") if one in text]
        # A browser shows JSON as text.
        if answer.headers.get("content-type", "text/html").startswith("text/html"):
            assert f"<script>document.title='{MARK}'" not in text
    assert outside.read_text(encoding="utf-8") == f"a\n{OUTSIDE_TEXT}\n"
    assert "Traceback" not in capfd.readouterr().err


def test_records_stay_text(hostile: Client, places: tuple[Path, Path]) -> None:
    addresses = ["/?size=100", "/?q=aspirin&size=50", "/sql?size=100&query=from+articles", "/lake"]
    addresses += [f"/article/{number}" for number in (1, 4, 20, 21, 24, 25, 101, 102, 118, 121)]
    for address in addresses:
        page = hostile.get(address)
        assert page.status == 200, page.text[:300]
        assert str(places[0]) not in page.text
        for payload in PAYLOADS:
            if "<" in payload:
                assert payload not in page.text, (address, payload)
        assert "49" not in page.text.partition("</title>")[0]


def test_no_script_runs_in_a_browser(hostile: Client, browser: Any) -> None:
    context = browser.new_context()
    context.set_default_timeout(240_000)  # milliseconds: on a busy machine a page takes long
    context.add_init_script(_WATCH)
    page = context.new_page()
    seen: list[str] = []

    def dismiss(dialog: Any) -> None:
        seen.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("console", lambda message: seen.append(message.text) if message.type == "error" else None)
    page.on("popup", lambda popup: seen.append(popup.url))
    page.on("request", lambda request: None if request.url.startswith(hostile.base) else seen.append(request.url))
    addresses = [
        "/?size=100",
        "/sql?size=100&query=from+articles",
        *(f"/article/{number}" for number in (1, 101, 104, 110, 116, 125)),
        f"/concept/{quote('X:' + PAYLOADS[3])}",
        f"/discover?from={quote('X:' + PAYLOADS[0])}",
    ]
    for address in addresses:
        page.goto(f"{hostile.base}{address}")
        assert page.title() != MARK
        assert page.evaluate("window.counted") == 0
        assert page.locator("iframe, object, base, meta[http-equiv], main img, main script, main style").count() == 0
        assert page.url.startswith(hostile.base)
    context.close()
    assert [one for one in seen if "Failed to load resource" not in one] == []
