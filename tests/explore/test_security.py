"""Who may ask what: hosts, tokens, other sites, hostile texts, and what an answer must not show."""

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from litmine.errors import SettingError
from litmine.explore.security import CONTENT_POLICY
from litmine.explore.server import ExploreServer
from litmine.lake.lake import Lake
from litmine.output.hidden_paths import HiddenPaths
from tests.explore.conftest import HOSTILE, Client, serving

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "0.0.0.0", "", "[::2]"])
def test_another_host_name_is_refused(client: Client, host: str) -> None:
    answer = client.get("/api/articles", Host=host)
    assert answer.status == 421
    assert "articles" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:99", "[::1]:80"])
def test_the_names_of_this_machine_are_served(client: Client, host: str) -> None:
    assert client.get("/api", Host=host).status == 200


def test_another_site_cannot_send_a_request(client: Client) -> None:
    body = b'{"texts": []}'
    own = f"127.0.0.1:{client.port}"
    assert client.send("POST", "/api/annotate", body, JSON | {"Origin": "http://evil.example"}).status == 403
    assert client.send("POST", "/api/annotate", body, JSON | {"Origin": "null"}).status == 403
    assert client.send("POST", "/api/annotate", body, JSON | {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert client.send("POST", "/api/annotate", body, {"Content-Type": "text/plain"}).status == 415
    own_headers = JSON | {"Origin": f"http://{own}", "Sec-Fetch-Site": "same-origin"}
    assert client.send("POST", "/api/annotate", body, own_headers).status == 200


def test_a_large_body_is_refused(client: Client) -> None:
    assert client.send("POST", "/api/annotate", b"", JSON | {"Content-Length": "99999999"}).status == 413
    chunked = client.send("POST", "/api/annotate", iter([b"x" * 1_000_000] * 5), JSON)  # type: ignore[arg-type]
    assert chunked.status in (400, 413)


@pytest.mark.parametrize("address", ["/", "/api/status", "/static/style.css", "/nothing", "/article/4"])
def test_every_answer_has_the_headers(client: Client, address: str) -> None:
    headers = client.get(address).headers
    assert headers["content-security-policy"] == CONTENT_POLICY
    assert "unsafe" not in CONTENT_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


def test_only_reading_methods_are_answered(client: Client) -> None:
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert client.send(method, "/api/articles", b"{}", JSON).status == 405


@pytest.mark.parametrize(
    "address", ["/", "/?q=aspirin", "/article/4", "/concept/MESH:D001241", "/sql?query=from+articles"]
)
def test_a_hostile_title_stays_text(client: Client, address: str) -> None:
    page = client.get(address)
    assert page.status == 200
    assert "<script>document" not in page.text
    assert "<img" not in page.text
    assert "<b>Journal" not in page.text
    assert "{{ 7*7 }}" in page.text
    assert "49 aspirin" not in page.text


def test_hostile_parameters_stay_text(client: Client) -> None:
    for address in ("/?q=", "/?where=", "/?concept=", "/?year=", "/question?where=", "/sql?query=", "/article/4?hide="):
        page = client.get(address + quote(HOSTILE))
        assert page.status in (200, 400)
        assert "<script>document" not in page.text
        assert "<img" not in page.text


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(max_size=40))
def test_no_text_makes_a_page_fail(client: Client, text: str) -> None:
    written = quote(text, errors="replace")
    for address in ("/?q=", "/?concept=", "/?year=", "/?where=", "/sql?query=", "/concept/", "/api/concepts?q="):
        answer = client.get(address + written)
        assert answer.status in (200, 400, 404), answer.text
        assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_text('/etc/passwd')",
        "select * from '/etc/passwd'",
        "copy articles to 'x.csv'",
        "with x as (copy articles to 'x.csv') select 1",
        "select getenv('HOME')",
        "attach 'x.db'",
        "select 1; select 2",
        "from duckdb_secrets()",
        "set memory_limit = '1TB'",
    ],
)
def test_sql_reads_only_the_lake(client: Client, query: str) -> None:
    answer = client.get(f"/api/sql?query={quote(query)}")
    assert answer.status == 400
    assert "root:" not in answer.text


def test_answers_name_no_folders_of_this_machine(client: Client, explored_lake: Path) -> None:
    lake, home = str(explored_lake), str(Path.home())
    for query in (
        "select name, value from duckdb_settings()",
        "from glob('**')",
        "select * from read_text('/nowhere/at/all')",
        f"select '{lake}/x' as a",
        "from nothing",
    ):
        for address in ("/api/sql?query=", "/api/sql?format=csv&query=", "/sql?query="):
            answer = client.get(address + quote(query))
            shown = answer.text.replace(query, "").replace(query.replace("'", "&#39;"), "").replace(quote(query), "")
            assert lake not in shown
            assert home == "/" or home not in shown


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("{lake}/articles/a.parquet is damaged", "lake/articles/a.parquet is damaged"),
        ("cannot read '/srv/data/inbox/a.xml.gz' here", "cannot read 'a.xml.gz' here"),
        (
            "TNF/IL-6 and s3://bucket/lake/part stay, as 1/2 and /api",
            "TNF/IL-6 and s3://bucket/lake/part stay, as 1/2 and /api",
        ),
    ],
)
def test_folders_are_removed_from_messages(tmp_path: Path, message: str, shown: str) -> None:
    assert HiddenPaths(tmp_path).text(message.format(lake=tmp_path)) == shown


def test_files_outside_the_package_are_not_served(client: Client) -> None:
    for path in (
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static//etc/passwd",
        "/static/",
    ):
        assert client.get(path).status == 404


def test_with_a_token_every_request_needs_it(explored_lake: Path) -> None:
    with serving(explored_lake, token="secret-word") as client:
        assert client.get("/api/articles").status == 401
        assert client.get("/static/style.css").status == 401
        assert client.get("/api", Authorization="Bearer wrong").status == 401
        assert client.get("/api", Cookie="litmine-token=wrong").status == 401
        assert client.get("/?token=wrong").status == 401
        assert client.get("/api", Authorization="Bearer secret-word", Host="lake.example").status == 200
        first = client.get("/sql?query=select+1&token=secret-word")
        assert (first.status, first.headers["location"]) == (303, "/sql?query=select+1")
        assert {"HttpOnly", "SameSite=strict"} <= set(first.headers["set-cookie"].split("; "))
        assert client.get("/api", Cookie=first.headers["set-cookie"].split(";")[0]).status == 200
        elsewhere = client.get("//evil.example/?token=secret-word")
        assert elsewhere.headers["location"].startswith("/evil")


def test_another_address_gets_a_random_token(explored_lake: Path) -> None:
    for host, has_token in (("127.0.0.1", False), ("0.0.0.0", True)):
        server = ExploreServer(Lake(explored_lake), host, 0)
        server._socket.close()
        assert (server.token is not None) == has_token
        assert ("?token=" in server.url) == has_token
        if server.token:
            assert len(server.token) >= 32


def test_a_port_in_use_gets_a_sentence(client: Client, explored_lake: Path) -> None:
    with pytest.raises(SettingError, match="choose another --port or --host"):
        ExploreServer(Lake(explored_lake), "127.0.0.1", client.port)
