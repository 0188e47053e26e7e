"""The views of adverse events: which relations they show, and that signals equal tables that were counted by hand."""

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litmine import Lake
from litmine.lake.paths import CATALOGUE
from litmine.types import Article, Correction
from tests.fixtures.examples import fewer_examples
from tests.fixtures.lakes import LakePlaces
from tests.fixtures.written_relations import MODEL, Paper, Said, activate_models, add_papers, delete

ASPIRIN, IBUPROFEN, LITHIUM = "MESH:D001241", "MESH:D007052", "MESH:D008094"
BLEEDING, NAUSEA, RASH = "MESH:D006470", "MESH:D009325", "MESH:D005076"
WORDS: dict[str, tuple[str, str | None]] = {
    "aspirin": ("Chemical", ASPIRIN),
    "ibuprofen": ("Chemical", IBUPROFEN),
    "lithium": ("Chemical", LITHIUM),
    "painkillers": ("Chemical", f"{ASPIRIN}|{IBUPROFEN}"),
    "placebo": ("Chemical", None),
    "bleeding": ("AdverseEffect", BLEEDING),
    "haemorrhage": ("AdverseEffect", BLEEDING),
    "nausea": ("AdverseEffect", NAUSEA),
    "rash": ("AdverseEffect", RASH),
    "fever": ("Disease", "MESH:D005334"),
}


def paper(pmid: int, title: str, *said: Said, **more: Any) -> Paper:
    mentions = {word: WORDS[word] for word in title.split() if word in WORDS}
    return Paper(Article(pmid, title, **more), mentions, said)


def causes(drug: str, event: str, **more: Any) -> Said:
    return Said("adverse_effect", drug, event, **more)


def papers() -> list[Paper]:
    """Twenty-two articles; 1 to 16 and 20 mention a linked drug and a linked effect, and count."""
    return [
        *(paper(pmid, "aspirin bleeding", causes("aspirin", "bleeding"), year=1985 + 5 * pmid) for pmid in range(1, 5)),
        paper(5, "aspirin nausea", causes("aspirin", "nausea")),
        paper(6, "aspirin without bleeding", causes("aspirin", "bleeding", negated=True)),
        paper(7, "whether aspirin bleeding", causes("aspirin", "bleeding", speculated=True)),
        paper(8, "ibuprofen bleeding aspirin", causes("ibuprofen", "bleeding"), year=2011),
        # Two mentions of one event, and a denial, in an article that asserts it.
        paper(
            9,
            "ibuprofen bleeding haemorrhage",
            causes("ibuprofen", "bleeding"),
            causes("ibuprofen", "haemorrhage", negated=True),
        ),
        paper(10, "ibuprofen nausea", causes("ibuprofen", "nausea")),
        *(paper(pmid, "lithium rash", causes("lithium", "rash"), year=2020) for pmid in range(11, 14)),
        paper(14, "lithium nausea", causes("lithium", "nausea")),
        paper(15, "lithium nausea unrelated"),
        paper(16, "aspirin nausea unrelated"),
        paper(17, "aspirin bleeding retracted", causes("aspirin", "bleeding"), retracted=True),
        paper(18, "notice aspirin bleeding", causes("aspirin", "bleeding"), corrections=(Correction("RetractionOf"),)),
        paper(19, "placebo bleeding", causes("placebo", "bleeding")),
        paper(20, "painkillers bleeding", causes("painkillers", "bleeding")),
        paper(21, "aspirin fever"),
        paper(
            22,
            "Notice aspirin bleeding",
            causes("aspirin", "bleeding"),
            publication_types=("Retraction of Publication",),
        ),
    ]


# Drug and event: a, b, c, d; PRR, ROR and information component, each with its interval.
#
# 17 articles count. Ten mention aspirin: 1 to 8, 16, 20. Four mention ibuprofen: 8, 9, 10, 20. Five mention lithium:
# 11 to 15. Bleeding is asserted by 1 to 4 and 20 (aspirin), 8, 9 and 20 (ibuprofen); nausea by 5, 10, 14; rash by 11
# to 13. c for aspirin and bleeding is article 9 alone, because 8 mentions aspirin, so that it is in b.
# PRR = 5/10 : 1/7 = 3.5; ln PRR has the variance 1/5 - 1/10 + 1/1 - 1/7. ROR = 5*6 / (5*1) = 6; ln ROR has the variance
# 1/5 + 1/5 + 1/1 + 1/6. IC = log2(5.5 / (10*6/17 + 0.5)) = 0.4489, its lower end 3.3 / sqrt(5.5) + 2 / 5.5^1.5 below.
HAND_TABLES = {
    (ASPIRIN, BLEEDING): (
        (5, 5, 1, 6), (3.5, 0.5144, 23.8147), (6.0, 0.5161, 69.7574), (0.4489, -1.1133, 1.4335),
    ),
    (ASPIRIN, NAUSEA): (
        (1, 9, 2, 5), (0.35, 0.0389, 3.1512), (0.2778, 0.0199, 3.8837), (-0.5944, -4.3775, 1.0931),
    ),
    (IBUPROFEN, BLEEDING): (
        (3, 1, 4, 9), (2.4375, 0.9035, 6.5762), (6.75, 0.5263, 86.5646), (0.705, -1.3644, 1.9115),
    ),
    (IBUPROFEN, NAUSEA): (
        (1, 3, 2, 11), (1.625, 0.1945, 13.5767), (1.8333, 0.1209, 27.7987), (0.3149, -3.4682, 2.0023),
    ),
    (LITHIUM, NAUSEA): (
        (1, 4, 2, 10), (1.2, 0.1381, 10.4255), (1.25, 0.0869, 17.9759), (0.1178, -3.6653, 1.8053),
    ),
    (LITHIUM, RASH): (
        (3, 2, 0, 12), (None,) * 3, (None,) * 3, (1.3402, -0.7291, 2.5467),
    ),
}  # fmt: skip


# Uveitis with rifabutin in the British reports to 2001: table 2 of Evans et al., doi:10.1002/pds.677.
UVEITIS_TABLE = (41, 14, 754, 591_958)
UVEITIS_MEASURES = [585.99, 494.33, 694.66, 2299.19, 1248.14, 4235.32, 6.17651, 5.65677, 6.54719]


def signals(lake: Lake) -> dict[tuple[str, str], Any]:
    rows = lake.sql("from adverse_event_signals").to_pylist()
    assert all(row["articles"] == row["a"] for row in rows)
    return {
        (row["drug_id"], row["event_id"]): (
            tuple(row[cell] for cell in "abcd"),
            *(tuple(row[f"{measure}{end}"] for end in ("", "025", "975")) for measure in ("prr", "ror", "ic")),
        )
        for row in rows
    }


def tables(lake: Lake) -> dict[tuple[str, str], tuple[int, ...]]:
    return {pair: found[0] for pair, found in signals(lake).items()}


@pytest.fixture
def reported(lake: Lake) -> Lake:
    add_papers(lake, papers())
    activate_models(lake)
    return lake


def test_signals_equal_tables_counted_by_hand(reported: Lake) -> None:
    found = signals(reported)
    assert found.keys() == HAND_TABLES.keys()
    for pair, expected in HAND_TABLES.items():
        for values, by_hand in zip(found[pair], expected, strict=True):
            assert list(values) == [None if value is None else pytest.approx(value, abs=5e-5) for value in by_hand]
    years = reported.rows(
        "select first_year, last_year, drug, event from adverse_event_signals order by drug_id, event_id"
    )
    # Without a vocabulary, a mention stands for the name; here the first one in the alphabet.
    assert years[:2] == [(1990, 2005, "aspirin", "bleeding"), (None, None, "aspirin", "nausea")]
    assert (2011, 2011, "ibuprofen", "bleeding") in years


def test_a_published_table_has_its_published_measures(lake: Lake) -> None:
    """They give a PRR of 586, and a chi-squared that only these counts have: 22,740."""
    a, b, c, d = UVEITIS_TABLE
    chi2 = (a + b + c + d) * (a * d - b * c) ** 2 / ((a + b) * (c + d) * (a + c) * (b + d))
    assert round(chi2) == 22_740
    (measures,) = lake.rows(f"select unnest(disproportionality{UVEITIS_TABLE})")
    assert list(measures) == pytest.approx(UVEITIS_MEASURES, rel=1e-5)


@pytest.mark.soak
def test_a_lake_of_a_published_table_has_its_published_measures(lake: Lake) -> None:
    titles = ("lithium rash", "lithium nausea", "ibuprofen rash", "ibuprofen nausea")
    pmid = 0
    for title, count in zip(titles, UVEITIS_TABLE, strict=True):
        drug, event = title.split()
        for first in range(0, count, 50_000):
            numbers = range(pmid + 1, pmid + 1 + min(50_000, count - first))
            add_papers(lake, [paper(number, title, causes(drug, event)) for number in numbers], day=numbers[0])
            pmid = numbers[-1]
    activate_models(lake)
    cells, *measures = signals(lake)[LITHIUM, RASH]
    assert cells == UVEITIS_TABLE
    assert [value for three in measures for value in three] == pytest.approx(UVEITIS_MEASURES, rel=1e-5)


@pytest.mark.parametrize(
    ("cells", "measures"),
    [
        ((3, 0, 1, 5), (6.0, None)),
        ((3, 2, 0, 5), (None, None)),
        ((3, 2, 1, 0), (0.6, 0.0)),
        ((0, 2, 1, 5), (0.0, 0.0)),
        ((0, 0, 0, 0), (None, None)),
    ],
)
def test_an_empty_cell_gives_null_and_never_infinity(
    lake: Lake, cells: tuple[int, ...], measures: tuple[float | None, ...]
) -> None:
    (found,) = lake.sql(f"select unnest(disproportionality{cells})").to_pylist()
    assert (found["prr"], found["ror"]) == measures
    assert (found["ror025"], found["ror975"]) == (None, None)
    assert (found["prr025"] is None) == (cells[0] == 0 or cells[2] == 0)
    assert all(value is None or math.isfinite(value) for value in found.values())
    assert found["ic025"] < found["ic"] < found["ic975"]


def test_a_revision_and_a_retraction_change_the_next_look(reported: Lake) -> None:
    add_papers(reported, [paper(1, "aspirin nausea and no more", causes("aspirin", "nausea"))], day=1)
    assert tables(reported)[ASPIRIN, BLEEDING] == (4, 6, 1, 6)
    assert tables(reported)[ASPIRIN, NAUSEA] == (2, 8, 2, 5)
    # The text of article 9 stays; its record says that it is retracted. So nothing is annotated anew.
    retracted = paper(9, "ibuprofen bleeding haemorrhage", retracted=True)
    add_papers(reported, [retracted], day=2)
    assert tables(reported)[ASPIRIN, BLEEDING] == (4, 6, 0, 6)
    assert tables(reported)[IBUPROFEN, BLEEDING] == (2, 1, 3, 10)
    delete(reported, 2, day=3)
    assert tables(reported)[ASPIRIN, BLEEDING] == (3, 6, 0, 6)


def test_another_active_model_changes_the_next_look(reported: Lake) -> None:
    add_papers(reported, [paper(30, "lithium fever", causes("lithium", "fever"))], day=1, model="other@1")
    before = tables(reported)
    assert (LITHIUM, "MESH:D005334") not in before
    activate_models(reported, 2, "other@1")
    assert tables(reported).keys() == {(LITHIUM, "MESH:D005334")}
    activate_models(reported, 3)
    assert tables(reported) == before
    assert reported.rows("select distinct model from all_adverse_events order by all") == [("other@1",), (MODEL,)]


def test_other_tools_see_the_same_signals_in_the_catalogue(reported: Lake) -> None:
    """Also through an attached catalogue, where a macro is not among the tool's own."""
    with duckdb.connect() as other:
        other.execute(f"ATTACH '{reported.path / CATALOGUE}' AS mine (READ_ONLY)")
        rows = other.execute("SELECT drug_id, event_id, a, b, c, d FROM mine.adverse_event_signals").fetchall()
    assert {row[:2]: row[2:] for row in rows} == tables(reported)


def test_induces_across_sentences_is_no_adverse_event(lake: Lake) -> None:
    title = "We gave aspirin and fever came. The bleeding and the rash were old."
    said = [
        Said("induces", "aspirin", "fever"),
        Said("induces", "aspirin", "bleeding"),
        causes("aspirin", "bleeding", score=0.6),
        causes("aspirin", "rash"),
    ]
    add_papers(
        lake, [Paper(Article(1, title), {word: WORDS[word] for word in ("aspirin", "fever", "bleeding", "rash")}, said)]
    )
    activate_models(lake)
    assert lake.rows("select event, relation_type from adverse_events order by event_start") == [
        ("fever", "induces"),
        ("bleeding", "adverse_effect"),
        ("rash", "adverse_effect"),
    ]


def test_an_event_of_two_types_is_one_row_and_induces_counts_for_diseases(lake: Lake) -> None:
    both = paper(
        1,
        "aspirin bleeding fever rash",
        causes("aspirin", "bleeding", score=0.6),
        Said("induces", "aspirin", "bleeding", score=0.8),
        Said("induces", "aspirin", "fever", score=0.7, negated=True),
        Said("associated_with", "aspirin", "rash"),
    )
    add_papers(lake, [both])
    activate_models(lake)
    rows = lake.sql("select * from adverse_events order by event_start").to_pylist()
    assert [(row["event"], row["relation_type"], round(row["score"], 3), row["negated"]) for row in rows] == [
        ("bleeding", "induces", 0.8, False),
        ("fever", "induces", 0.7, True),
    ]
    places = [f"quote(text, {name}_start, {name}_end)" for name in ("drug", "event", "evidence")]
    quoted = f"select {', '.join(places)}"
    assert lake.rows(f"{quoted} from adverse_events join articles using (pmid) order by event_start") == [
        ("aspirin", "bleeding", "aspirin bleeding fever rash"),
        ("aspirin", "fever", "aspirin bleeding fever rash"),
    ]


@pytest.mark.parametrize(
    ("event_score", "treats", "kept"),
    [
        (0.9, Said("treats", "aspirin", "bleeding", score=0.8), True),
        (0.7, Said("treats", "aspirin", "bleeding", score=0.8), False),
        # What a drug may be given for, or was given for in vain, is no adverse event either.
        (0.7, Said("treats", "aspirin", "bleeding", score=0.8, negated=True), False),
        # Other mentions of the same concepts, also as one of several.
        (0.7, Said("treats", "aspirin", "haemorrhage", score=0.8), False),
        (0.7, Said("treats", "painkillers", "haemorrhage", score=0.8), False),
        (0.7, Said("treats", "aspirin", "rash", score=0.8), True),
        (0.7, Said("treats", "placebo", "bleeding", score=0.8), True),
    ],
)
def test_an_indication_is_no_adverse_event(lake: Lake, event_score: float, treats: Said, kept: bool) -> None:
    title = "aspirin bleeding haemorrhage rash placebo painkillers"
    add_papers(
        lake,
        [
            paper(1, title, causes("aspirin", "bleeding", score=event_score), treats),
            # What another article treats does not matter.
            paper(2, title, Said("treats", "aspirin", "bleeding", score=1.0)),
        ],
    )
    activate_models(lake)
    assert lake.rows("select pmid from adverse_events") == [(1,)] * kept


IDENTIFIERS = st.sampled_from([None, "A", "B", "A|B"])
EVENT_IDENTIFIERS = st.sampled_from([None, "X", "Y", "Y|X"])
RELATION = st.tuples(
    st.sampled_from(["adverse_effect", "induces", "treats"]),
    st.sampled_from(["d0", "d1"]),
    st.sampled_from(["e0", "e1"]),
)
QUALIFIERS = st.tuples(st.sampled_from([0.25, 0.5, 0.75]), st.booleans(), st.booleans())


@st.composite
def any_paper(draw: st.DrawFn, pmid: int) -> Paper:
    identifiers = {
        "d0": ("Chemical", draw(IDENTIFIERS)),
        "d1": ("Chemical", draw(IDENTIFIERS)),
        "e0": ("AdverseEffect", draw(EVENT_IDENTIFIERS)),
        "e1": ("Disease", draw(EVENT_IDENTIFIERS)),
    }
    said = draw(st.dictionaries(RELATION, QUALIFIERS, max_size=5))
    record = Article(
        pmid,
        "d0 d1 e0 e1",
        year=draw(st.sampled_from([None, 1999, 2001])),
        retracted=draw(st.sampled_from([False, False, True])),
        publication_types=draw(st.sampled_from([(), (), ("Published Erratum",)])),
    )
    return Paper(record, identifiers, [Said(*key, *qualifiers) for key, qualifiers in said.items()])


def split(identifier: str | None) -> set[str]:
    return set(identifier.split("|")) if identifier else set()


def events_of(one: Paper) -> list[Said]:
    """The adverse events of an article, in plain Python."""

    def same(first: Said, second: Said) -> bool:
        if (first.subject, first.object) == (second.subject, second.object):
            return True
        ids = [[split(one.identifiers[word][1]) for word in (said.subject, said.object)] for said in (first, second)]
        return bool(ids[0][0] & ids[1][0]) and bool(ids[0][1] & ids[1][1])

    treated = [said for said in one.said if said.relation_type == "treats"]
    events: dict[tuple[str, str], Said] = {}
    for said in sorted(one.said, key=lambda said: (-said.score, said.relation_type)):
        if said.relation_type != "treats" and not any(same(said, t) and said.score <= t.score for t in treated):
            events.setdefault((said.subject, said.object), said)
    return list(events.values())


def count_tables(found: list[Paper]) -> dict[tuple[str, str], tuple[int, ...]]:
    """a, b, c and d of each drug and event, in plain Python: one look at each article for each cell."""
    universe = []
    for one in found:
        events = events_of(one)
        ids = {word: split(identifier) for word, (_, identifier) in one.identifiers.items()}
        linked = [said for said in events if ids[said.subject] and ids[said.object]]
        drugs = ids["d0"] | ids["d1"]
        if one.record.retracted or one.record.publication_types or not drugs or not (ids["e0"] or linked):
            continue
        asserted = {
            pair
            for said in linked
            if not said.negated and not said.speculated
            for pair in product(ids[said.subject], ids[said.object])
        }
        universe.append((drugs, asserted))
    cells: dict[tuple[str, str], tuple[int, ...]] = {}
    for drug, event in {pair for _, asserted in universe for pair in asserted}:
        a = sum((drug, event) in asserted for _, asserted in universe)
        b = sum(drug in drugs and (drug, event) not in asserted for drugs, asserted in universe)
        c = sum(drug not in drugs and event in {e for _, e in asserted} for drugs, asserted in universe)
        cells[drug, event] = a, b, c, len(universe) - a - b - c
    return cells


@settings(max_examples=fewer_examples(gate=6, soak=1000))  # each example makes a lake
@given(found=st.integers(1, 8).flatmap(lambda n: st.tuples(*(any_paper(pmid) for pmid in range(1, n + 1)))))
def test_signals_equal_plain_counts_for_any_lake(lake_places: LakePlaces, found: tuple[Paper, ...]) -> None:
    lake = Lake(lake_places.place())
    add_papers(lake, found)
    activate_models(lake)
    assert tables(lake) == count_tables(list(found))
    lake_places.free_all()


def test_the_plain_counts_are_those_counted_by_hand() -> None:
    """So that the test above rests on something: with the words of the hand-counted articles."""
    said: Callable[[str, str], Said] = causes
    ids: dict[str, tuple[str, str | None]] = {
        "d0": ("Chemical", "A"),
        "d1": ("Chemical", "B"),
        "e0": ("AdverseEffect", "X"),
        "e1": ("Disease", None),
    }
    one = Paper(Article(1, "d0 d1 e0 e1"), ids, [said("d0", "e0")])
    alone = Paper(Article(2, "d0 d1 e0 e1"), ids | {"d0": ("Chemical", None)}, [said("d1", "e0")])
    neither = Paper(Article(3, "d0 d1 e0 e1"), ids | {"d0": ("Chemical", "C"), "d1": ("Chemical", None)})
    assert count_tables([one, alone, neither]) == {("A", "X"): (1, 0, 1, 1), ("B", "X"): (1, 1, 0, 1)}
