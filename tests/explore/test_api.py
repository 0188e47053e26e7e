"""The JSON API: what it finds, pages of rows, files, and sentences for what is wrong."""

import csv
import io
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pyarrow.parquet as pq
import pytest

from litmine.explore.api import ENDPOINTS
from litmine.explore.queries import RequestLimits
from tests.explore.conftest import ASPIRIN, ASTHMA, HOSTILE, LUNG, URTICARIA, Client, serving


def found(client: Client, address: str) -> Any:
    answer = client.get(address)
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json


def pmids(client: Client, **parameters: object) -> list[int]:
    return [one["pmid"] for one in found(client, f"/api/articles?{urlencode(parameters)}")["articles"]]


def test_articles_are_found_by_words_concept_type_condition_and_facet(client: Client) -> None:
    assert pmids(client, q="urticaria children") == [2]
    assert pmids(client, concept=LUNG) == [3]
    assert pmids(client, concept=ASTHMA) == [4, 1, 5, 3]
    assert pmids(client, concept=ASTHMA, status="retracted") == [5]
    assert pmids(client, type="AdverseEffect") == [2]
    assert pmids(client, where="year < 2020 -- and more") == [5, 7]
    assert pmids(client, q="asthma", where="year = 2020") == [1]
    assert pmids(client, design="Review") == [2]
    assert pmids(client, q="nothing-like-this") == []


def test_a_concept_is_found_by_its_names_and_spellings_and_a_guess_is_told(client: Client) -> None:
    assert (
        pmids(client, concept="hives") == pmids(client, concept="Urticaria") == pmids(client, concept=URTICARIA) == [2]
    )
    # A name of the vocabulary alone.
    assert pmids(client, concept="Acetylsalicylic Acid") == pmids(client, concept=ASPIRIN)
    refused = client.get("/api/articles?concept=ticar")
    assert refused.status == 400
    assert "no concept of the lake is named 'ticar'; names with it are of Urticaria" in refused.json["error"]["message"]
    page = client.get("/?concept=ticar")
    assert page.status == 200
    assert "No concept is named “ticar”. Urticaria has it in a name" in page.text
    assert "No concept is named" not in client.get("/?concept=hives").text
    assert client.get("/api/articles?concept=no-such-thing").status == 400


def test_a_method_that_an_address_does_not_have_gets_a_sentence(client: Client) -> None:
    answer = client.get("/api/annotate")
    assert answer.status == 405
    assert answer.json["error"] == {"status": 405, "message": "GET is not possible here"}


def test_a_search_counts_facets_and_has_pages(client: Client) -> None:
    first = found(client, "/api/articles?size=4")
    assert first["total"] == 6
    assert {row["value"]: row["articles"] for row in first["facets"]["year"]} == {
        "2021": 2,
        "2020": 1,
        "2019": 1,
        "2018": 1,
    }
    assert {row["value"]: row["articles"] for row in first["facets"]["entity_type"]}["Disease"] == 4
    second = found(client, first["next"])
    assert second["next"] is None
    assert [one["pmid"] for one in [*first["articles"], *second["articles"]]] == [4, 2, 1, 5, 7, 3]


def test_a_hit_has_the_sentence_with_its_words_marked(client: Client) -> None:
    (hit,) = found(client, "/api/articles?q=asked")["articles"]
    assert [piece["text"] for piece in hit["snippet"] if piece["hit"]] == ["asked"]


def test_a_hit_names_the_words_that_its_text_does_not_have(client: Client) -> None:
    hits = found(client, "/api/articles?q=aspirin+for+asking+adult")["articles"]
    absent = {hit["pmid"]: hit["absent"] for hit in hits}
    assert absent[7] == ["adult"]
    assert absent[1] == ["asking"]
    assert "not in the text: <s>adult</s>" in client.get("/?q=asked+adult").text
    assert {tuple(hit["absent"]) for hit in found(client, "/api/articles")["articles"]} == {()}


def test_an_article_has_its_mentions_relations_and_warnings(client: Client) -> None:
    article = found(client, "/api/articles/1")
    assert [(one["mention"], one["identifier"]) for one in article["entities"]] == [
        ("aspirin", ASPIRIN),
        ("asthma", ASTHMA),
    ]
    (relation,) = article["relations"]
    assert (relation["relation_type"], relation["quote"]) == ("treats", "aspirin treats asthma in adults")
    (event,) = found(client, "/api/articles/2")["adverse_events"]
    assert (event["drug_id"], event["event_id"]) == (ASPIRIN, URTICARIA)
    (banner,) = found(client, "/api/articles/5")["banners"]
    assert (banner["kind"], banner["text"], banner["pmid"]) == ("bad", "This article is retracted", 6)
    assert found(client, "/api/articles/4")["title"] == HOSTILE


def test_concepts_are_completed_over_names_synonyms_and_identifiers(client: Client) -> None:
    def names(text: str) -> list[str]:
        return [one["name"] for one in found(client, f"/api/concepts?q={quote(text)}")["concepts"]]

    assert names("ASTH") == ["Asthma"]
    assert names("salicylic") == ["Aspirin"]
    # A name that only the built-in vocabulary has.
    assert names("urticarial wheals") == ["Urticaria"]
    assert names("d0082") == []
    assert names(LUNG) == ["Lung Diseases"]
    assert names("a")[0] == "Asthma"
    assert [one["identifier"] for one in found(client, "/api/concepts?size=1")["concepts"]] == [ASTHMA]


def test_a_concept_has_years_neighbours_relations_signals_and_its_tree(client: Client) -> None:
    concept = found(client, f"/api/concepts/{quote(ASPIRIN)}")
    assert (concept["articles"], concept["mentions"]) == (3, 3)
    assert [(one["year"], one["articles"]) for one in concept["years"]] == [(2020, 1), (2021, 2)]
    assert [(one["identifier"], one["articles"]) for one in concept["neighbours"]] == [(ASTHMA, 2), (URTICARIA, 1)]
    assert {one["relation_type"] for one in concept["relations"]} == {"treats", "adverse_effect"}
    assert [one["event"] for one in concept["signals"]] == ["Urticaria"]
    (branch,) = found(client, f"/api/concepts/{ASTHMA}")["tree"]
    assert [one["identifier"] for one in branch["above"]] == [LUNG]


def test_sql_has_pages(client: Client) -> None:
    first = found(client, "/api/sql?size=2&query=select+range+as+n+from+range(5)")
    assert (first["columns"], first["rows"]) == (["n"], [{"n": 0}, {"n": 1}])
    rows, following = first["rows"], first["next"]
    while following:
        page = found(client, following)
        rows, following = rows + page["rows"], page["next"]
    assert [row["n"] for row in rows] == [0, 1, 2, 3, 4]


def test_a_result_is_downloaded_as_a_file(client: Client) -> None:
    query = quote("select pmid, title from articles order by pmid")
    answer = client.get(f"/api/sql?format=csv&query={query}")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == ["pmid", "title"]
    assert rows[4] == ["4", HOSTILE]
    parquet = client.get(f"/api/sql?format=parquet&query={query}")
    assert pq.read_table(io.BytesIO(parquet.body)).column("pmid").to_pylist() == [1, 2, 3, 4, 5, 7]


def test_the_status_and_the_views_are_described(client: Client, explored_lake: Path) -> None:
    status = client.get("/api/status")
    assert status.json["articles"] == 6
    assert str(explored_lake) not in status.text
    views = {one["name"]: one for one in found(client, "/api/views")["views"]}
    assert {"name": "pmid", "type": "BIGINT"} in views["articles"]["columns"]


def test_the_description_names_every_address_and_parameter(client: Client) -> None:
    described = found(client, "/api/openapi.json")
    assert described["openapi"] == "3.1.0"
    for one in ENDPOINTS:
        operation = described["paths"][one.path][one.method.lower()]
        names = {parameter["name"] for parameter in operation["parameters"]}
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        names |= set(body.get("properties", {}))
        assert names == {parameter.name for parameter in (*one.in_path, *one.parameters)}


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/api/articles/99", 404, "the lake has no article with PMID 99"),
        ("/api/articles/0", 400, "pmid must be from 1 to"),
        ("/api/articles/x", 400, "pmid must be a whole number, not 'x'"),
        ("/api/concepts/MESH:D000000", 404, "no article of the lake mentions a concept 'MESH:D000000'"),
        ("/api/articles?size=1000", 400, "size must be from 1 to 100, not 1,000"),
        ("/api/articles?sise=1", 400, "unknown parameter 'sise'; the parameters are q,"),
        ("/api/articles?status=maybe", 400, "status must be one of retracted, not retracted"),
        ("/api/articles?where=yaer=1", 400, "the condition 'yaer=1' cannot be evaluated on `articles`"),
        ("/api/articles?where=1)+union+select+1", 400, "the condition"),
        ("/api/sql", 400, "query is missing: one SELECT"),
        ("/api/sql?query=selec", 400, "syntax error"),
        ("/api/sql?query=from+artikles", 400, "Did you mean"),
        ("/api/answers?question=%3F", 400, "the question '?' has no word"),
        ("/api/nothing", 404, "there is no such page"),
    ],
)
def test_what_is_wrong_gets_a_sentence(client: Client, address: str, status: int, words: str) -> None:
    answer = client.get(address)
    assert answer.status == status
    assert answer.json["error"]["status"] == status
    assert words in answer.json["error"]["message"]


def test_limits_of_rows_time_and_texts(explored_lake: Path) -> None:
    limits = RequestLimits(seconds=0.5, download_rows=10, texts=2, text_chars=20)
    with serving(explored_lake, limits=limits) as client:
        slow = client.get("/api/sql?query=select+count(*)+from+range(10000000000)+where+hash(range)=1")
        assert slow.status == 422
        assert "takes longer than it may" in slow.json["error"]["message"]
        large = client.get("/api/sql?format=csv&query=from+range(11)")
        assert (large.status, "more than 10 rows" in large.json["error"]["message"]) == (422, True)
        many = client.post("/api/annotate", {"texts": ["a", "b", "c"]})
        assert (many.status, "at most 2 texts" in many.json["error"]["message"]) == (400, True)
        long = client.post("/api/annotate", {"texts": ["a" * 21]})
        assert (long.status, "at most 20 characters" in long.json["error"]["message"]) == (400, True)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "the body is not JSON"),
        (b"[1]", "the body must be a JSON object"),
        (b"[" * 100_000, "the body is not JSON"),
        (b'{"texts": "one"}', "texts must be a list of texts"),
        (b'{"texts": []}', "texts"),
        (b'{"texts": ["a"], "tasks": ["nre"]}', "no task 'nre' (did you mean ner?)"),
        (b"\xff", "the body is not JSON"),
    ],
)
def test_a_bad_body_gets_a_sentence(client: Client, body: bytes, words: str) -> None:
    answer = client.send("POST", "/api/annotate", body, {"Content-Type": "application/json"})
    if body == b'{"texts": []}':
        assert answer.json == {"texts": []}
        return
    assert answer.status == 400
    assert words in answer.json["error"]["message"]
