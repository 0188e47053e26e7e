"""The pages: which address shows which template, and what each template gets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from litmine.explore.api import (
    ANSWER_PARAMETERS,
    DISCOVERY_PARAMETERS,
    FACETS,
    LINK_PARAMETERS,
    OFFSET,
    SEARCH_PARAMETERS,
    article_of,
    concept_of,
    next_address,
    resolve_concept,
    search_of,
)
from litmine.explore.article import banners, entity_types, label_groups, paragraphs
from litmine.explore.discovery import discover_concepts, explain_connection, network_of
from litmine.explore.errors import retry_headers, status_and_message
from litmine.explore.parameters import Parameter, read_parameters
from litmine.explore.reading import ask
from litmine.explore.render import make_environment, series_of, spans_of
from litmine.explore.search import search
from litmine.explore.services import Services
from litmine.lake.view_definitions import view_descriptions

Values = dict[str, Any]
_SQL_ROWS = 100
_MAX_MODELS = 4
_MAX_CONNECTIONS = 100
# Results and linking concepts in the picture of a network.
_DRAWN_CONNECTIONS = 12
_EXAMPLES = {
    "Most frequent concepts": """\
select name, entity_type, identifier, mentions, articles
from concepts
order by articles desc""",
    "Articles by year": """\
select year, count(*) as articles, count(*) filter (retracted) as retracted
from articles
group by year
order by year""",
    "Mentions by type": """\
select entity_type, count(*) as mentions, count(identifier) as linked
from entities
group by all
order by mentions desc""",
    "Relations with sentences": """\
select relation_type, subject, object, score, quote, pmid
from document_relations
where asserted
order by score desc""",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page.

    context: (services, values of the parameters) -> what its template gets; it may raise LitmineError. fixed: what the
    template gets even then.
    """

    path: str
    template: str
    context: Callable[[Services, Values], Values]
    parameters: Sequence[Parameter] = ()
    in_path: Sequence[Parameter] = ()
    fixed: Callable[[], Values] = dict


class PageRenderer:
    """Renders pages; an error becomes a sentence in the page where the mistake can be mended."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._templates = make_environment()

    def answer(self, page: Page, request: Request) -> Response:
        """The page for a request."""
        # An empty field of a form counts as missing, so that its default holds.
        given = {name: value for name, value in request.query_params.items() if value}
        values: Values = {one.name: one.default for one in (*page.in_path, *page.parameters)}
        try:
            values = read_parameters(page.in_path, request.path_params) | read_parameters(page.parameters, given)
            context = page.context(self.services, values)
        except Exception as error:  # noqa: BLE001 - every error becomes an answer
            status, message = status_and_message(error, self.services.queries.hidden)
            values |= {name: value for name, value in given.items() if name in values}
            template = "error.html" if page.in_path else page.template
            shown = {**page.fixed(), "values": values, "error": message}
            return self._render(template, shown, status, retry_headers(error))
        return self._render(page.template, {**page.fixed(), "values": values, "error": "", **context})

    def error(self, error: Exception) -> Response:
        """The page for an error outside a page."""
        status, message = status_and_message(error, self.services.queries.hidden)
        return self._render("error.html", {"values": {}, "error": message}, status)

    def _render(
        self, template: str, context: Values, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        # The page of an error that passes by itself shows it as waiting, not as a mistake.
        text = self._templates.get_template(template).render(template=template, is_waiting=bool(headers), **context)
        return HTMLResponse(text, status, headers)


def address(path: str, values: Mapping[str, Any], **changes: Any) -> str:
    """The address of a page with these parameters, without empty ones; changes begin at the first row again."""
    merged = {**values, **({"offset": 0} | changes if changes else {})}
    query = urlencode({name: value for name, value in merged.items() if value not in ("", None, 0)})
    return f"{path}?{query}" if query else path


def _search(services: Services, values: Values) -> Values:
    found, is_named = resolve_concept(services, values["concept"])
    concept = found[0] if found else None
    wanted = search_of({**values, "concept": concept["identifier"] if concept else ""})
    hits = search(services.search_sources(), wanted)
    is_start = not any(values[one.name] for one in SEARCH_PARAMETERS if one.kind == "string")
    names = services.names.name_of(
        {one["identifier"] for article in hits.articles for one in article["concepts"]} - {None}
    )
    chosen = [(one.name, values[one.name]) for one in FACETS if values[one.name]]
    if values["type"]:
        chosen.append(("type", values["type"]))
    return {
        "hits": hits,
        "names": names,
        "concept": concept,
        "is_guess": not is_named,
        "others": [(one, address("/", values, concept=one["identifier"])) for one in found[1:]],
        "chosen": [(value, address("/", values, **{name: ""})) for name, value in chosen],
        "facets": [
            (title, [(row["value"], row["articles"], address("/", values, **{name: row["value"]})) for row in rows])
            for name, title, rows in _facet_rows(hits.facets)
            if len(rows) > 1 and not values[name]
        ],
        "next": next_address("/", values, values["offset"] + len(hits.articles) < hits.total),
        "previous": address("/", {**values, "offset": max(0, values["offset"] - values["size"])})
        if values["offset"]
        else None,
        "groups": services.names.top() if is_start else [],
        "types": services.names.types(),
    }


def _facet_rows(facets: Mapping[str, Sequence[dict[str, Any]]]) -> list[tuple[str, str, Sequence[dict[str, Any]]]]:
    titles = {"entity_type": "Mentions", "year": "Year", "design": "Publication type", "journal": "Journal"}
    titles["status"] = "Retraction"
    return [("type" if name == "entity_type" else name, title, facets[name]) for name, title in titles.items()]


def _article(services: Services, values: Values) -> Values:
    article = article_of(services, values["pmid"])
    mentions = article["entities"]
    types = entity_types(article["all_entities"] if values["compare"] else mentions)
    compared: dict[str, list[Values]] = {}
    if values["compare"]:
        for one in article["all_entities"]:
            compared.setdefault(one["model"], []).append(one)
    hidden = {name for name in values["hide"].split(",") if name in types}
    every = mentions if not values["compare"] else article["all_entities"]
    names = services.names.name_of({one["identifier"] for one in every} - {None})
    own_address = f"/article/{values['pmid']}"
    kept = {"compare": values["compare"]}
    return {
        "article": article,
        "banners": banners(article),
        "paragraphs": paragraphs(article),
        "labels": label_groups(article.get("labels", ())),
        "types": types,
        "type_numbers": {name: number for number, name in enumerate(types)},
        "hidden": hidden,
        "switches": [(name, address(own_address, kept, hide=",".join(sorted(hidden ^ {name})))) for name in types],
        "columns": [("", spans_of(mentions, names))]
        if not values["compare"]
        else [(model, spans_of(rows, names)) for model, rows in list(compared.items())[:_MAX_MODELS]],
        "models": len({one["model"] for one in article["all_entities"]}),
        "concepts": _concepts_of(mentions, names),
        "address": own_address,
        "known": services.names.known(f"MESH:{one['ui']}" for one in article["mesh"] or ()),
    }


def _concepts_of(mentions: Sequence[dict[str, Any]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The concepts and unlinked names of an article, most frequent first."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in mentions:
        key = (one["entity_type"], one["identifier"] or one["mention"].lower())
        row = found.setdefault(key, {**one, "mentions": 0, "spellings": []})
        row["mentions"] += 1
        row["score"] = max(row["score"], one["score"])
        if one["mention"] not in row["spellings"]:
            row["spellings"].append(one["mention"])
    for row in found.values():
        row["name"] = names.get(row["identifier"], "")
    return sorted(found.values(), key=lambda row: (-row["mentions"], row["entity_type"], row["mention"]))


def _concept(services: Services, values: Values) -> Values:
    concept = concept_of(services, values["identifier"])
    chart = series_of(concept["years"], "year", "articles", "mentions")
    in_trees = [one["identifier"] for tree in concept["tree"] for one in (*tree["above"], *tree["below"])]
    return {
        "concept": concept,
        "chart": chart,
        "network": _network(concept),
        "known": services.names.known(in_trees),
    }


def _network(concept: dict[str, Any]) -> Values:
    own = {
        "id": concept["identifier"],
        "name": concept["name"] or concept["identifier"],
        "type": concept["entity_type"],
    }
    nodes = [{**own, "articles": concept["articles"], "center": True}]
    edges = []
    for one in concept["neighbours"]:
        name = concept["names"].get(one["identifier"], one["identifier"])
        nodes.append(
            {
                "id": one["identifier"],
                "name": name,
                "type": one["entity_type"],
                "articles": one["articles"],
                "center": False,
            }
        )
        edges.append({"source": concept["identifier"], "target": one["identifier"], "articles": one["articles"]})
    edges += [
        {"source": one["first"], "target": one["second"], "articles": one["articles"]} for one in concept["pairs"]
    ]
    return {"nodes": nodes, "edges": edges}


def _discover(services: Services, values: Values) -> Values:
    if not values["from"].strip():
        return {"found": None}
    found = discover_concepts(
        services.discoveries, services.names, {**values, "sentences": 0}, services.queries.limits.page_wait
    )
    start = found["start"]["identifier"]
    # What a link in the page keeps of the search.
    kept = {**values, "from": start, "to": ""}

    def sentences(link: str, result: str) -> str:
        given = {one.name: kept.get(one.name) for one in LINK_PARAMETERS} | {"link": link, "to": result}
        return address("/discover/link", {name: value for name, value in given.items() if value})

    def between(identifier: str) -> str:
        return discovery_address(kept, to=identifier, size=None, type="")

    more = None
    if found["total"] > values["size"] and values["size"] < _MAX_CONNECTIONS:
        more = discovery_address({**kept, "to": values["to"]}, size=min(_MAX_CONNECTIONS, 2 * values["size"]))
    return {
        "found": found,
        "between": between,
        "sentences": sentences,
        "onwards": lambda identifier: discovery_address(kept, **{"from": identifier}),
        "open_address": discovery_address(kept),
        "more": more,
        "api_address": f"/api{discovery_address({**kept, 'to': values['to']})}",
        "network": network_of(found, between, _DRAWN_CONNECTIONS) if found["results"] else None,
    }


def _link(services: Services, values: Values) -> Values:
    found = explain_connection(services.discoveries, services.names, values)
    back = {name: value for name, value in values.items() if name != "link"}
    return {"found": found, "back": discovery_address(back)}


def discovery_address(values: Mapping[str, Any], **changes: Any) -> str:
    """The address of a search for connections, without what is as usual."""
    usual = {one.name: one.default for one in DISCOVERY_PARAMETERS}
    given = {**values, **changes}
    return address("/discover", {name: value for name, value in given.items() if value != usual.get(name)})


def _question(services: Services, values: Values) -> Values:
    if not values["question"].strip():
        return {"found": None}
    return {
        "found": ask(
            services.queries,
            services.index,
            services.scratch,
            values["question"],
            values["type"],
            values["where"],
            values["top_k"],
        )
    }


def _sql(services: Services, values: Values) -> Values:
    if not values["query"].strip():
        return {"result": None}
    columns, rows, more = services.queries.page(values["query"], values["offset"], values["size"])
    downloads = [
        (form, f"/api/sql?{urlencode({'query': values['query'], 'format': form})}") for form in ("csv", "parquet")
    ]
    return {
        "result": {"columns": columns, "rows": rows},
        "next": next_address("/sql", values, more),
        "previous": address("/sql", {**values, "offset": max(0, values["offset"] - values["size"])})
        if values["offset"]
        else None,
        "downloads": downloads,
        "json_address": f"/api/sql?{urlencode({'query': values['query']}, quote_via=quote)}",
    }


def _lake(services: Services, _values: Values) -> Values:
    overview = services.overview()
    return {
        "lake": overview,
        "is_behind": services.overview_is_behind(),
        "chart": series_of(overview["years"], "year", "articles"),
    }


_SQL_PARAMETERS = (
    Parameter("query", "One SELECT."),
    OFFSET,
    Parameter("size", "Rows of a page.", "integer", _SQL_ROWS, least=1, most=1_000),
)
# The page without a start shows the empty form.
_DISCOVERY_PARAMETERS = (
    Parameter("from", "Concept to search from."),
    *(one for one in DISCOVERY_PARAMETERS if one.name not in ("from", "sentences")),
)
_QUESTION_PARAMETERS = (Parameter("question", "A question in English."), *ANSWER_PARAMETERS[1:])

PAGES = (
    Page("/", "search.html", _search, SEARCH_PARAMETERS),
    Page(
        "/article/{pmid}",
        "article.html",
        _article,
        (
            Parameter("hide", "Entity types that are not marked, joined by commas."),
            Parameter("compare", "Whether all models are shown side by side.", "integer", 0, most=1),
        ),
        (Parameter("pmid", "PubMed identifier.", "integer", required=True, least=1, most=999_999_999_999),),
    ),
    Page(
        "/concept/{identifier:path}",
        "concept.html",
        _concept,
        in_path=(Parameter("identifier", "Identifier.", required=True),),
    ),
    Page("/discover", "discover.html", _discover, _DISCOVERY_PARAMETERS),
    Page("/discover/link", "link.html", _link, LINK_PARAMETERS),
    Page("/question", "question.html", _question, _QUESTION_PARAMETERS),
    Page(
        "/sql",
        "sql.html",
        _sql,
        _SQL_PARAMETERS,
        fixed=lambda: {"examples": _EXAMPLES, "views": view_descriptions()},
    ),
    Page("/lake", "lake.html", _lake),
)
