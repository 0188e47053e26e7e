"""What the views of relations leave out: overlapping mentions, an identifier and itself, and wanted effects."""

from litmine import Lake
from litmine.types import Article
from tests.fixtures.written_relations import Paper, Said, activate_models, add_papers

DRUG, OTHER = ("Chemical", "MESH:D001241"), ("Chemical", "MESH:D008094")
PRESSURE = ("AdverseEffect", "MESH:D007022")


def test_overlapping_mentions_are_related_only_as_drug_and_effect(lake: Lake) -> None:
    mentions: dict[str, tuple[str, str | None]] = {
        "lithium": OTHER,
        "lithium toxicity": ("AdverseEffect", "MESH:D064420"),
        "lithium disorder": ("Disease", "MESH:D000001"),
        "rash": ("Disease", "MESH:D005076"),
    }
    said = [
        Said("adverse_effect", "lithium", "lithium toxicity"),
        Said("associated_with", "lithium disorder", "lithium"),
        Said("associated_with", "lithium", "rash"),
    ]
    # The first place of a word counts, so each text has one of the two phrases.
    first = {key: mentions[key] for key in ("lithium", "lithium toxicity", "rash")}
    second = {key: mentions[key] for key in ("lithium", "lithium disorder")}
    add_papers(
        lake,
        [
            Paper(Article(1, "lithium toxicity and rash"), first, [said[0], said[2]]),
            Paper(Article(2, "lithium disorder"), second, said[1:2]),
        ],
    )
    activate_models(lake)
    assert lake.rows("select relation_type, object from relations order by all") == [
        ("adverse_effect", "lithium toxicity"),
        ("associated_with", "rash"),
    ]
    assert lake.rows("select pmid from all_document_relations order by all") == [(1,), (1,)]


def test_no_identifier_is_related_to_itself(lake: Lake) -> None:
    title = "aspirin (ASA) and lithium and placebo and sugar"
    mentions = {
        "aspirin": DRUG,
        "(ASA)": DRUG,
        "lithium": OTHER,
        "placebo": ("Chemical", None),
        "sugar": ("Chemical", None),
    }
    said = [Said("cotreatment", "aspirin", one) for one in ("(ASA)", "lithium", "placebo")]
    add_papers(lake, [Paper(Article(1, title), mentions, [*said, Said("cotreatment", "placebo", "sugar")])])
    activate_models(lake)
    assert lake.rows("select subject, object from relations order by all") == [
        ("aspirin", "lithium"), ("aspirin", "placebo"), ("placebo", "sugar"),
    ]  # fmt: skip


def test_a_wanted_effect_is_no_adverse_event(lake: Lake) -> None:
    wanted = (
        "reduction in systolic blood pressure", "blood pressure reduction", "falls in DBP", "BP lowering effect",
        "improved memory", "fewer cardiac events", "decrease in portal pressure",
    )  # fmt: skip
    unwanted = (
        "drop in blood pressure", "increase in blood pressure", "reduction in haemoglobin", "hypotension",
        "severe hypertension",
    )  # fmt: skip
    papers = [
        Paper(Article(number, f"aspirin caused {event} here"), {"aspirin": DRUG, event: PRESSURE},
              [Said("adverse_effect", "aspirin", event)])
        for number, event in enumerate(wanted + unwanted, 1)
    ]  # fmt: skip
    add_papers(lake, papers)
    activate_models(lake)
    assert {event for (event,) in lake.rows("select event from adverse_events")} == set(unwanted)
    assert lake.rows("select count(*) from relations") == [(len(papers),)]
