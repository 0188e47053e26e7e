"""The JSON API: what each address returns, from parameters that are already read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from litmine.discovery.paths import MEASURES
from litmine.discovery.request import DEFAULT_MEASURE
from litmine.errors import SettingError
from litmine.explore.article import banners, read_article
from litmine.explore.concepts import read_concept
from litmine.explore.discovery import discover_concepts, explain_connection
from litmine.explore.errors import NotFoundError
from litmine.explore.parameters import Parameter
from litmine.explore.reading import DEFAULT_TASKS, annotate_texts, ask, task_names
from litmine.explore.search import MAX_HITS, Search, search
from litmine.explore.services import Services
from litmine.lake.view_definitions import view_descriptions
from litmine.types import QUESTION_TYPES

Values = Mapping[str, Any]
# Concepts that a page proposes if the text is not a name.
_PROPOSED = 6
_PAGE_SIZE, _MAX_PAGE_SIZE, _MAX_OFFSET = 20, 100, 100_000_000
DOWNLOADS = ("csv", "jsonl", "parquet")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of the API.

    path: with `{name}` for a parameter in the path. method: GET, or POST with a JSON body. answer: (services, values of
    all parameters) -> what the answer has, as JSON. returns: a sentence on that.
    """

    path: str
    summary: str
    returns: str
    answer: Callable[[Services, Values], Any]
    parameters: Sequence[Parameter] = ()
    in_path: Sequence[Parameter] = ()
    method: str = "GET"


OFFSET = Parameter("offset", "Number of rows to pass over.", "integer", 0, most=_MAX_OFFSET)


def _size(most: int, default: int) -> Parameter:
    return Parameter("size", "Largest number of rows.", "integer", default, least=1, most=most)


WORDS = Parameter("q", "Words; the best matching articles come first. Without words, the newest come first.")
CONCEPT = Parameter("concept", "Identifier of a concept that the article mentions, such as MESH:D001249.")
ENTITY_TYPE = Parameter("type", "Entity type that the article mentions, such as Disease.")
WHERE = Parameter("where", "SQL condition on the view articles, such as year >= 2020.")
FACETS = (
    Parameter("year", "Year of publication."),
    Parameter("journal", "Journal title."),
    Parameter("design", "Publication type, such as Review."),
    Parameter("status", "Whether the article is retracted.", choices=("retracted", "not retracted")),
)
SEARCH_PARAMETERS = (WORDS, CONCEPT, ENTITY_TYPE, WHERE, *FACETS, OFFSET, _size(_MAX_PAGE_SIZE, _PAGE_SIZE))


def search_of(values: Values) -> Search:
    """The search of a request."""
    return Search(
        values["q"],
        values["concept"],
        values["type"],
        values["where"],
        {one.name: values[one.name] for one in FACETS if values[one.name]},
        values["offset"],
        values["size"],
    )


def resolve_concept(services: Services, text: str) -> tuple[list[dict[str, Any]], bool]:
    """The concept that a text names, or else the best ones with the text in a name; and whether it is a name.

    Raises SettingError if no concept of the lake has it.
    """
    if not text.strip():
        return [], True
    named = services.names.named(text)
    found = [named] if named else services.names.complete(text, _PROPOSED)
    if not found:
        raise SettingError(
            f"no article of the lake mentions a concept {text.strip()[:80]!r}; choose one that the field proposes"
        )
    return found, named is not None


def _identifier_of(services: Services, text: str) -> str:
    """The identifier of the concept that a text names; empty for an empty text. Raises SettingError."""
    found, is_named = resolve_concept(services, text)
    if not is_named:
        near = ", ".join(f"{one['name']} ({one['identifier']})" for one in found[:3])
        raise SettingError(f"no concept of the lake is named {text.strip()[:80]!r}; names with it are of {near}")
    return str(found[0]["identifier"]) if found else ""


def next_address(path: str, values: Values, more: bool) -> str | None:
    """The address of the next page; None if there is none."""
    if not more:
        return None
    given = {name: value for name, value in values.items() if value not in ("", None)}
    return f"{path}?{urlencode({**given, 'offset': values['offset'] + values['size']})}"


def _search(services: Services, values: Values) -> dict[str, Any]:
    wanted = search_of({**values, "concept": _identifier_of(services, values["concept"])})
    hits = search(services.search_sources(), wanted)
    return {
        "total": hits.total,
        "total_is_least": hits.cut,
        "note": hits.note,
        "articles": hits.articles,
        "facets": hits.facets,
        "next": next_address("/api/articles", values, values["offset"] + len(hits.articles) < hits.total),
    }


def article_of(services: Services, pmid: int) -> dict[str, Any]:
    """An article as `read_article`. Raises NotFoundError."""
    found = read_article(services.queries, services.tables(), pmid)
    if found is None:
        raise NotFoundError(f"the lake has no article with PMID {pmid}")
    return found


def _article(services: Services, values: Values) -> dict[str, Any]:
    found = article_of(services, values["pmid"])
    return {**found, "banners": banners(found)}


def concept_of(services: Services, identifier: str) -> dict[str, Any]:
    """A concept as `read_concept`. Raises NotFoundError."""
    found = read_concept(services.concept_sources(), identifier)
    if found is None:
        raise NotFoundError(f"no article of the lake mentions a concept {identifier[:80]!r}")
    return found


def _concept(services: Services, values: Values) -> dict[str, Any]:
    return concept_of(services, values["identifier"])


def _concepts(services: Services, values: Values) -> dict[str, Any]:
    if values["q"]:
        return {"concepts": services.names.complete(values["q"], values["size"])}
    return {"concepts": services.names.most_frequent(values["size"], values["type"])}


def _discover(services: Services, values: Values) -> dict[str, Any]:
    return discover_concepts(services.discoveries, services.names, values)


def _link(services: Services, values: Values) -> dict[str, Any]:
    return explain_connection(services.discoveries, services.names, values)


def _sql(services: Services, values: Values) -> dict[str, Any]:
    columns, rows, more = services.queries.page(values["query"], values["offset"], values["size"])
    return {"columns": columns, "rows": rows, "next": next_address("/api/sql", values, more)}


def _views(services: Services, _values: Values) -> dict[str, Any]:
    rows = services.queries.cached_rows(
        "SELECT table_name, list({'name': column_name, 'type': data_type} ORDER BY column_index) AS columns"
        " FROM duckdb_columns() WHERE NOT internal GROUP BY table_name"
    )
    columns = {row["table_name"]: row["columns"] for row in rows}
    return {
        "views": [
            {"name": name, "description": description, "columns": columns.get(name, [])}
            for name, description in view_descriptions().items()
        ]
    }


def _answers(services: Services, values: Values) -> dict[str, Any]:
    return ask(
        services.queries,
        services.index,
        services.scratch,
        values["question"],
        values["type"],
        values["where"],
        values["top_k"],
    )


def _annotate(services: Services, values: Values) -> dict[str, Any]:
    texts, limits = values["texts"], services.queries.limits
    if len(texts) > limits.texts:
        raise SettingError(f"at most {limits.texts} texts can be annotated at once, and these are {len(texts):,}")
    if any(len(text) > limits.text_chars for text in texts):
        raise SettingError(f"a text may have at most {limits.text_chars:,} characters")
    return {"texts": annotate_texts(services.scratch, texts, values["tasks"] or DEFAULT_TASKS)}


def _status(services: Services, _values: Values) -> dict[str, Any]:
    return services.overview()


ANSWER_PARAMETERS = (
    Parameter("question", "A question in English.", required=True),
    Parameter("type", "Type of the question; guessed from its words if missing.", choices=QUESTION_TYPES),
    WHERE,
    Parameter("top_k", "Number of articles to read.", "integer", 10, least=1, most=50),
)

DISCOVERY_PARAMETERS = (
    Parameter("from", "Concept to search from: an identifier or a name.", required=True),
    Parameter("to", "Concept to search to; without it, results are all concepts that others connect with the start."),
    Parameter("type", "Entity type of the results, such as Chemical, or a branch of MeSH, such as D12.776."),
    Parameter("via", "Entity type or branch of MeSH of the linking concepts."),
    Parameter("until", "Year of the newest articles that count.", "integer", None, least=1, most=9_999),
    Parameter("measure", "What the results are ranked by.", default=DEFAULT_MEASURE, choices=MEASURES),
    Parameter("known", "Results may be together with the start in so many articles.", "integer", 0),
    Parameter("narrower", "Whether the start stands for what is below it in MeSH, too.", "integer", 0, most=1),
    Parameter("links", "Linking concepts of each result.", "integer", 3, least=1, most=10),
    Parameter("sentences", "Whether a sentence of each pair is read; it takes most of the time.", "integer", 1, most=1),
    _size(100, 20),
)

LINK_PARAMETERS = (
    Parameter("from", "Concept of one side: an identifier or a name.", required=True),
    Parameter("link", "Linking concept.", required=True),
    Parameter("to", "Concept of the other side.", required=True),
    Parameter("until", "Year of the newest articles that count.", "integer", None, least=1, most=9_999),
    Parameter("narrower", "Whether the first side stands for what is below it in MeSH, too.", "integer", 0, most=1),
)

ENDPOINTS = (
    Endpoint("/api/status", "The lake on one page", "Articles, models, gaps, runs and what is stale.", _status),
    Endpoint("/api/views", "The views", "Name, description and columns of each view.", _views),
    Endpoint(
        "/api/articles",
        "Search articles",
        f"Articles with a snippet and concepts, and numbers by facet; a search by words finds at most {MAX_HITS:,}.",
        _search,
        SEARCH_PARAMETERS,
    ),
    Endpoint(
        "/api/articles/{pmid}",
        "One article",
        "The record, the mentions of every model, abbreviations, relations, and what warns about the article.",
        _article,
        in_path=(Parameter("pmid", "PubMed identifier.", "integer", required=True, least=1, most=999_999_999_999),),
    ),
    Endpoint(
        "/api/concepts",
        "Find concepts",
        "Concepts with a name, synonym or identifier that has the words; without words, the most frequent ones.",
        _concepts,
        (Parameter("q", "Part of a name."), ENTITY_TYPE, _size(_MAX_PAGE_SIZE, 12)),
    ),
    Endpoint(
        "/api/concepts/{identifier}",
        "One concept",
        "Synonyms, tree, mentions by year, concepts in the same articles, relations with sentences, signals.",
        _concept,
        in_path=(Parameter("identifier", "Identifier, such as MESH:D001249.", required=True),),
    ),
    Endpoint(
        "/api/discover",
        "Search for connections",
        "Concepts that no article has together with the start, with the concepts that link them, and sentences.",
        _discover,
        DISCOVERY_PARAMETERS,
    ),
    Endpoint(
        "/api/discover/link",
        "One link of a connection",
        "How often a linking concept is with each side, the relations, and the best sentence of some articles.",
        _link,
        LINK_PARAMETERS,
    ),
    Endpoint(
        "/api/sql",
        "Run a SELECT",
        "Columns and rows; with a format, a file.",
        _sql,
        (
            Parameter("query", "One SELECT of DuckDB's SQL over the views.", required=True),
            Parameter("format", "Format of a file in place of JSON.", choices=DOWNLOADS),
            OFFSET,
            _size(1_000, 100),
        ),
    ),
    Endpoint(
        "/api/answers",
        "Answer a question",
        "Answers with their sentences; for a yes/no question, the sentences with its words and no verdict.",
        _answers,
        ANSWER_PARAMETERS,
    ),
    Endpoint(
        "/api/annotate",
        "Annotate texts",
        "For each text its entities with identifiers, and what the other tasks find; offsets count code points.",
        _annotate,
        (
            Parameter("texts", "The texts.", "strings", required=True),
            Parameter("tasks", f"Tasks: {', '.join(task_names())}. By default ner and linking.", "strings", ()),
        ),
        method="POST",
    ),
)
