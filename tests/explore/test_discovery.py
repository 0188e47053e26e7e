"""Search for connections: the page, the API, and the way through the network in a browser."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.explore.conftest import OIL, PLATELETS, RAYNAUD, VISCOSITY, Client, serving


def discovered(client: Client, **parameters: object) -> Any:
    answer = client.get(f"/api/discover?{urlencode(parameters)}")
    assert answer.status == 200, answer.text
    return answer.json


def test_an_open_search_finds_the_concept_that_no_article_has_together(connected: Client) -> None:
    found = discovered(connected, **{"from": "fish oil"})
    assert found["start"] == {"identifier": OIL, "name": "Fish oil"}
    assert found["end"] is None
    (result,) = found["results"]
    assert (result["identifier"], result["linking_terms"], result["together"]) == (RAYNAUD, 2, 0)
    link = {one["identifier"]: one for one in result["links"]}[PLATELETS]
    assert link["with_start"] | {"sentence": ""} == {
        "articles": 3, "first_year": 1979, "relation": "", "pmid": link["with_start"]["pmid"], "sentence": "",
        "named_in": "one sentence", "named_as": "oil | platelets",
    }  # fmt: skip
    assert link["with_start"]["sentence"] == "oil platelets"
    assert (link["with_result"]["articles"], link["with_result"]["first_year"]) == (2, 1980)


def test_a_closed_search_ranks_the_links_and_takes_years_types_and_measure(connected: Client) -> None:
    found = discovered(connected, **{"from": OIL, "to": "raynaud"})
    (result,) = found["results"]
    assert [one["identifier"] for one in result["links"]] == [PLATELETS, VISCOSITY]
    assert found["total"] == 2
    assert result["links"][0]["scores"].keys() == {"minimum_weight", "npmi", "fisher", "dwpc"}
    assert discovered(connected, **{"from": OIL, "to": RAYNAUD, "until": 1982})["total"] == 1
    assert discovered(connected, **{"from": OIL, "type": "Gene"})["results"] == []
    by_weight = discovered(connected, **{"from": OIL, "measure": "minimum_weight"})
    assert by_weight["results"][0]["score"] == 2


def test_without_sentences_a_search_gives_the_same_numbers(connected: Client) -> None:
    whole = discovered(connected, **{"from": OIL, "to": RAYNAUD})
    bare = discovered(connected, **{"from": OIL, "to": RAYNAUD, "sentences": 0})
    for found in (whole, bare):
        for link in found["results"][0]["links"]:
            for side in ("with_start", "with_result"):
                texts = [link[side].pop(name) for name in ("pmid", "sentence", "named_in", "named_as")]
                assert any(texts) == (found is whole)
    assert bare == whole


def test_one_link_has_the_sentences_of_the_search(connected: Client) -> None:
    (result,) = discovered(connected, **{"from": OIL, "to": RAYNAUD})["results"]
    for link in result["links"]:
        query = urlencode({"from": "fish oil", "link": link["identifier"], "to": RAYNAUD})
        found = connected.get(f"/api/discover/link?{query}").json
        assert (found["start"]["identifier"], found["end"]["identifier"]) == (OIL, RAYNAUD)
        assert found["link"] == link
        page = connected.get(f"/discover/link?{query}").text
        assert page.count("<q>") == 2
        assert f"PMID {link['with_start']['pmid']}" in page


@pytest.mark.parametrize(
    ("link", "to", "until", "status", "sentence"),
    [
        (OIL, RAYNAUD, "", 200, "does not link"),
        ("MESH:D5", RAYNAUD, "", 200, "does not link Fish oil and Raynaud disease: no article has it with both sides"),
        (PLATELETS, OIL, "", 400, "both sides are Fish oil"),
        ("zzz", RAYNAUD, "", 400, "no concept is named"),
        (PLATELETS, "", "", 400, "to is missing"),
        (PLATELETS, RAYNAUD, "1900", 400, "take a later year"),
    ],
)
def test_a_link_without_sense_gets_a_sentence(
    connected: Client, link: str, to: str, until: str, status: int, sentence: str
) -> None:
    given = {"from": OIL, "link": link, "to": to, "until": until}
    page = connected.get(f"/discover/link?{urlencode({name: text for name, text in given.items() if text})}")
    assert page.status == status
    assert sentence in page.text


@pytest.mark.parametrize(
    ("parameters", "status", "sentence"),
    [
        ({}, 400, "from is missing"),
        ({"from": "zzz"}, 400, "no concept is named"),
        ({"from": OIL, "to": "fish oil"}, 400, "Fish oil"),
        ({"from": OIL, "until": "1900"}, 400, "the oldest is of 1979); take a later year"),
        ({"from": OIL, "measure": "luck"}, 400, "measure must be one of"),
        ({"from": OIL, "type": "Sauce"}, 400, "no concept of the lake is a Sauce"),
    ],
)
def test_a_search_without_sense_gets_a_sentence(
    connected: Client, parameters: dict[str, str], status: int, sentence: str
) -> None:
    answer = connected.get(f"/api/discover?{urlencode(parameters)}")
    assert answer.status == status
    assert sentence in answer.json["error"]["message"]
    if parameters:
        page = connected.get(f"/discover?{urlencode(parameters)}")
        assert page.status == status
        assert 'role="alert"' in page.text


def test_the_page_without_a_start_and_without_results_says_what_to_do(connected: Client) -> None:
    assert "Two concepts that no article has together" in connected.get("/discover").text
    page = connected.get(f"/discover?{urlencode({'from': OIL, 'type': 'Gene'})}")
    assert page.status == 200
    assert "No concept is reached" in page.text


def test_names_of_concepts_stay_text(connected: Client) -> None:
    for address in (
        f"/discover?from={OIL}",
        f"/discover?from={OIL}&to={RAYNAUD}",
        f"/discover?from={VISCOSITY}",
        f"/discover/link?from={OIL}&link={VISCOSITY}&to={RAYNAUD}",
    ):
        page = connected.get(address)
        assert page.status == 200
        assert "<script>document" not in page.text
        assert "{{ 7*7 }}" in page.text


def test_a_lake_without_concepts_says_so(place_lake: Any) -> None:
    place: Path = place_lake()
    with serving(place) as client:
        answer = client.get("/discover?from=asthma")
        assert answer.status == 400
        assert "run `litmine annotate`" in answer.text.replace("&#39;", "'")
