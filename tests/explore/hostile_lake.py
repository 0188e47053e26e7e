"""Fifty hostile records and sixty hostile requests: markup, scripts, addresses, controls, huge texts, other files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from litmine.lake.lake import Lake
from litmine.types import Article, Correction, Grant, MeshHeading
from tests.explore.conftest import save_concepts
from tests.fixtures.written_relations import Paper, activate_models, add_papers

# What a script would do if it ran: a test looks for this.
MARK = "owned"
_RUN = f"document.title='{MARK}'"
PAYLOADS = (
    f"</title><script>{_RUN}</script>",
    f"<img src=x onerror={_RUN}>",
    f"<svg onload={_RUN}></svg>",
    f'" autofocus onfocus="{_RUN}" x="',
    f"' onmouseover='{_RUN}'",
    f"</textarea><script>{_RUN}</script>",
    f"</script><script>{_RUN}</script>",
    f"-->]]><script>{_RUN}</script>",
    f"<iframe srcdoc='<script>parent.{_RUN}</script>'></iframe>",
    "<object data='data:text/html,<script>1</script>'></object>",
    "<meta http-equiv=refresh content='0;url=http://evil.example/'>",
    "<base href='http://evil.example/'>",
    "<form action='http://evil.example/'><button>Search</button></form>",
    "<link rel=stylesheet href='http://evil.example/x.css'>",
    "<style>*{background:url(http://evil.example/)}</style>",
    f"javascript:{_RUN}",
    f"data:text/html,<script>{_RUN}</script>",
    "{{ 7*7 }}{% for x in y %} ${7*7} #{7*7}",
    "&#60;script&#62;&lt;b&gt;&amp;",
    "\u202etpircs\u202c \u2066left\u2069 \u200b\ufeff",
    "\x01\x02\x1b[31m\x7f\x9b \u2400",
    "'; DROP TABLE articles; --",
    "../../../../etc/passwd %2e%2e%2f",
    "e" + "\u0301" * 3_000,
    "W" * 20_000 + " \U0001f9ec" * 500,
)
_WORD = "aspirin"


def records() -> list[Paper]:
    """Two records for each payload: in title, journal and authors, and in everything else, also as an identifier."""
    first = [
        Paper(
            Article(
                number,
                f"{payload} {_WORD}",
                journal=payload,
                authors=(payload, payload),
                year=2000,
                keywords=(payload,),
            ),
            {_WORD: ("Chemical", _identifier(payload))},
        )
        for number, payload in enumerate(PAYLOADS, 1)
    ]
    second = [
        Paper(
            Article(
                100 + number,
                _WORD,
                abstract=payload,
                mesh=(MeshHeading(payload[:99], payload, True, (payload,)),),
                publication_types=(payload,),
                doi=payload,
                pmcid=payload,
                language=payload,
                issn=payload,
                grants=(Grant(payload, payload, payload, payload),),
                pub_date=payload,
                volume=payload,
                pages=payload,
                corrections=(Correction("ErratumIn", None, payload, payload),),
                journal_abbreviation=payload,
                status=payload,
                issue=payload,
            ),
            {_WORD: (payload[:200], _identifier(payload))},
        )
        for number, payload in enumerate(PAYLOADS, 1)
    ]
    return [*first, *second]


def _identifier(payload: str) -> str:
    return f"X:{payload[:100].replace('|', '')}"


def make_hostile_lake(place: Path) -> Lake:
    """A lake of these records; the names of their concepts are hostile too."""
    lake = Lake.create(place)
    add_papers(lake, records())
    save_concepts(lake, {_identifier(one): (one, "Chemical", [one, one[:50]], []) for one in PAYLOADS})
    activate_models(lake)
    return lake


@dataclass(frozen=True)
class HostileRequest:
    """A request; `{outside}` in its address stands for a file outside the lake."""

    address: str
    method: str = "GET"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def _sql(query: str) -> HostileRequest:
    return HostileRequest(f"/api/sql?query={quote(query, safe='{}')}")


_JSON = {"Content-Type": "application/json"}


def _post(body: bytes, **headers: str) -> HostileRequest:
    return HostileRequest("/api/annotate", "POST", body, {**_JSON, **headers})


def requests() -> list[HostileRequest]:
    """Paths, parameters, SQL, bodies, hosts, methods and other sites that must get a refusal or a harmless answer."""
    script = quote(PAYLOADS[0])
    paths = [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2f..%2fapp.py",
        "/static//etc/passwd",
        "/%2e%2e/%2e%2e/",
        "/static/%00",
        "/..%5c..%5cboot.ini",
        "//evil.example/%2f..",
        "/static/vendor/../../server.py",
        f"/{script}",
        "/article/0",
        "/article/-1",
        "/article/1e9",
        "/article/%2e%2e%2f1",
        f"/article/{script}",
        f"/article/{'9' * 5000}",
        f"/concept/{script}",
        "/concept/..%2f..%2fetc%2fpasswd",
        f"/concept/{'x' * 20_000}",
        "/concept/%00",
        "/concept/%ff",
        "/api/articles/{}",
        f"/api/concepts/{script}",
        "/api/nothing",
        "/api/openapi.json/../../x",
    ]
    parameters = [
        f"/?q={script}",
        f"/?q={'a+' * 10_000}",
        "/?size=1000000",
        "/?size=-1",
        "/?offset=99999999999999999999",
        "/?size=x",
        "/?nothing=1",
        "/?q=%00",
        "/?q=%ed%a0%80",
        f"/?where={quote('1=1) or (1=1')}",
        "/?where=pg_sleep(1)%3B+select+1",
        f"/?year={script}",
        f"/?journal={quote(PAYLOADS[21])}",
        f"/article/1?hide={script}",
        "/article/1?compare=7",
        f"/discover?from={script}",
        "/discover?from=x&measure=__import__",
        "/discover?from=x&until=-5",
        f"/sql?query={script}",
        f"/sql?query={'(' * 5_000}",
        "/question?top_k=100000",
        f"/api/concepts?q={'%25' * 500}",
        "/api/sql?query=select+1&format=exe",
    ]
    queries = [
        "select * from read_text('{outside}')",
        "select * from '{outside}'",
        "from read_csv('{outside}')",
        "from read_blob('{outside}')",
        "copy articles to '{outside}'",
        "attach '{outside}' as x",
        "from glob('/etc/*')",
        "select getenv('HOME')",
        "install httpfs",
        "from read_parquet('http://127.0.0.1:1/x')",
        "set memory_limit = '1TB'",
        "with x as (copy articles to '{outside}') select 1",
        "select * from query('select 1')",
        "pragma database_list",
    ]
    bodies = [
        _post(b""),
        _post(b"{"),
        _post(b"[]"),
        _post(b'{"texts": 1}'),
        _post(b'{"texts": [1, null]}'),
        _post(b'"x"' * 9),
        _post(b"[" * 50_000),
        _post(b'{"texts": ["a"], "tasks": ["../x"]}'),
        _post(b'{"__proto__": {}}'),
        _post(b"\xff\xfe"),
        _post(b'{"texts": []}', Origin="http://evil.example"),
        _post(b'{"texts": []}', **{"Sec-Fetch-Site": "cross-site"}),
        HostileRequest("/api/annotate", "POST", b"texts=a", {"Content-Type": "text/plain"}),
        HostileRequest("/api/annotate", "POST", b"", {**_JSON, "Content-Length": "99999999999"}),
    ]
    others = [
        *(
            HostileRequest("/", headers={"Host": host})
            for host in ("evil.example", "", "127.0.0.1@evil.example", "[::")
        ),
        *(HostileRequest("/api/articles", method, b"{}", _JSON) for method in ("PUT", "DELETE", "TRACE", "PATCH", "X")),
    ]
    return [*map(HostileRequest, [*paths, *parameters]), *map(_sql, queries), *bodies, *others]


def with_outside(request: HostileRequest, outside: Path) -> str:
    """The address of a request with the path of the file outside the lake."""
    return request.address.replace("{outside}", quote(str(outside)))
