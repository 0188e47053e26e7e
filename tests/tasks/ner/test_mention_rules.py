"""The rules for mentions: what each one changes in real sentences, and what holds for any text and any entities."""

from dataclasses import replace
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine.tasks.ner.mention_rules import (
    Rule,
    agree_definitions,
    apply_rules,
    drop_single_letters,
    join_torn,
    open_brackets,
    pair_brackets,
)
from litmine.tasks.ner.repeated_names import occurrences, repeat_names
from litmine.types import Entity


def mark(marked: str, score: float = 0.95) -> tuple[str, list[Entity]]:
    """A text and its entities, from a text with `<Type|mention>`; `mention#0.5` has the score 0.5."""
    text, entities = "", []
    for at, piece in enumerate(marked.replace(">", "<").split("<")):
        if at % 2:
            entity_type, mention = piece.split("|")
            mention, _, own = mention.partition("#")
            entities.append(Entity(mention, entity_type, len(text), len(text) + len(mention), float(own or score)))
            text += mention
        else:
            text += piece
    return text, entities


def found(rule: Rule, marked: str) -> list[str]:
    text, entities = mark(marked)
    changed = rule(text, entities)
    assert all(text[one.start_char : one.end_char] == one.mention for one in changed)
    return [f"{one.entity_type}|{one.mention}" for one in changed]


@pytest.mark.parametrize(
    ("marked", "mentions"),
    [
        ("<Protein|Interleukin-6 (IL-6>) receptor antagonists", ["Protein|Interleukin-6", "Protein|IL-6"]),
        ("We used <Gene|2A(pro>) of a virus.", ["Gene|2A(pro)"]),
        ("Patients received <Chemical|1,3-bis(2-chloroethyl>)-1-nitrosourea.", ["Chemical|1,3-bis(2-chloroethyl)"]),
        ("treated with (<Chemical|4-hydroxyphenyl)retinamide>.", ["Chemical|(4-hydroxyphenyl)retinamide"]),
        ("N-(<Chemical|4-hydroxyphenyl)retinamide> was", ["Chemical|N-(4-hydroxyphenyl)retinamide"]),
        ("aspirin<Chemical|/ibuprofen> and <Chemical|-naproxen>", ["Chemical|ibuprofen", "Chemical|naproxen"]),
        ("<Disease|cardiac arrest,> <Disease|(stroke> was", ["Disease|cardiac arrest", "Disease|stroke"]),
        ("levels of <Chemical|Na(+)> and <Chemical|(R)-warfarin>", ["Chemical|Na(+)", "Chemical|(R)-warfarin"]),
    ],
)
def test_brackets_stand_in_pairs(marked: str, mentions: list[str]) -> None:
    assert found(pair_brackets, marked) == mentions


@pytest.mark.parametrize(
    ("marked", "mentions"),
    [
        ("<Chemical|N-(4-hydroxyphenyl)><Chemical|retinamide> was", ["Chemical|N-(4-hydroxyphenyl)retinamide"]),
        (
            "<Chemical|1-methyl-4-phenyl>-(<Chemical|ethyl)amine>",
            ["Chemical|1-methyl-4-phenyl", "Chemical|ethyl)amine"],
        ),
        ("<Chemical|N-(4-hydroxyphenyl)>retinamide was", ["Chemical|N-(4-hydroxyphenyl)retinamide"]),
        ("N-(4-hydroxyphenyl)<Chemical|retinamide> was", ["Chemical|N-(4-hydroxyphenyl)retinamide"]),
        ("[3H]<Chemical|nicotine>, <Chemical|Ca(2+)>dependent", ["Chemical|nicotine", "Chemical|Ca(2+)"]),
        ("<Chemical|1,25-dihydroxyvitamin> D3.", ["Chemical|1,25-dihydroxyvitamin D3"]),
        ("<Chemical|vitamin> A-rich food, <Chemical|vitamin> B12", ["Chemical|vitamin", "Chemical|vitamin B12"]),
        ("<Disease|anemia> (<Disease|sickle cell>)", ["Disease|anemia", "Disease|sickle cell"]),
        ("<Chemical|L>-[3H]<Chemical|nicotine>", ["Chemical|L", "Chemical|nicotine"]),
        ("<Gene|IL-6>(<Chemical|pro)x>", ["Gene|IL-6", "Chemical|pro)x"]),
    ],
)
def test_names_torn_at_a_bracket_are_joined(marked: str, mentions: list[str]) -> None:
    assert found(join_torn, marked) == mentions


@pytest.mark.parametrize(
    ("marked", "mentions"),
    [
        ("antagonism (<Chemical|K>(d) = 89 nM)", []),
        ("absorption coefficient <Chemical|k>; <Chemical|P> < 0.05".replace(" < ", " ≤ "), []),
        ("mec1<Gene|Δ>/Δ mutants, <Gene|+>, <Disease|2>", []),
        ("serum <Chemical|potassium> (<Chemical|K>) fell; <Chemical|K> rose", ["potassium", "K", "K"]),
        ("tyrosine <Gene|kinase receptor> ( <Gene|R> ) and <Gene|Q>", ["kinase receptor", "R"]),
        ("<Chemical|Na>(+)-<Chemical|K>(+) pumps, <Chemical|Ca>", ["Na", "K", "Ca"]),
        ("<Protein|K(i)>, k(<Protein|cat>) and <Gene|V(max)> of <Protein|G(i)>", ["G(i)"]),
        ("cell lines NIH 3T3 and <CellLine|293>.", ["293"]),
    ],
)
def test_single_letters_out_of_context_are_dropped(marked: str, mentions: list[str]) -> None:
    assert [name.split("|")[1] for name in found(drop_single_letters, marked)] == mentions


def test_an_ion_channel_has_no_mention_of_its_ion() -> None:
    text = "the K+ channel"
    channel, ion = Entity("K+ channel", "Protein", 4, 14, 0.9), Entity("K", "Chemical", 4, 5, 0.9)
    assert drop_single_letters(text, [ion, channel]) == [channel]


def test_a_name_found_with_confidence_is_marked_everywhere() -> None:
    text, entities = mark("<Disease|Gout> and gout. <Disease|gout> hurts; Gout, non-gout, gouty.")
    changed = repeat_names(text, entities)
    assert [one.start_char for one in changed] == [0, 9, 15, 27]
    assert [one.score for one in changed] == [0.95] * 4


@pytest.mark.parametrize(
    ("marked", "count"),
    [
        # Without confidence; a longer mention covers it; too short; at few places.
        ("<Disease|gout#0.75> hurts; gout", 1),
        ("<Protein|NF-kappa B> and <DNA|NF-kappa B site>", 2),
        ("<Gene|AR> was; AR", 1),
        ("<Gene|catch> a catch; catch, catch", 1),
        ("<Gene|catch#0.6> a catch; catch, catch", 0),
    ],
)
def test_a_name_is_not_repeated_on_weak_evidence(marked: str, count: int) -> None:
    assert len(found(repeat_names, marked)) == count


@pytest.mark.parametrize(
    ("marked", "mentions"),
    [
        ("<Disease|chronic obstructive pulmonary disease> (COPD)", "COPD"),
        ("chronic obstructive pulmonary disease (<Disease|COPD>)", "chronic obstructive pulmonary disease"),
        ("<Chemical|NAC> (N-acetyl-L-cysteine) was", "N-acetyl-L-cysteine"),
    ],
)
def test_both_forms_of_an_abbreviation_have_one_type(marked: str, mentions: str) -> None:
    names = found(agree_definitions, marked)
    assert mentions in {name.split("|")[1] for name in names}
    assert len({name.split("|")[0] for name in names}) == 1


@pytest.mark.parametrize(
    ("marked", "mentions"),
    [
        (
            "<Species|Corynebacterium diphtheriae#0.99> (<Disease|Cd#0.96>) spreads; <Disease|Cd#0.6> kills",
            ["Species|Corynebacterium diphtheriae", "Species|Cd", "Species|Cd"],
        ),
        (
            "<Species|TMEV#0.94> (<Disease|Theiler murine encephalitis virus#0.85>)",
            ["Species|TMEV", "Species|Theiler murine encephalitis virus"],
        ),
        ("<Protein|interleukin-2#0.9> (<Gene|IL-2#0.8>)", ["Protein|interleukin-2", "Gene|IL-2"]),
    ],
)
def test_the_more_confident_form_decides(marked: str, mentions: list[str]) -> None:
    assert found(agree_definitions, marked) == mentions


def test_a_form_that_overlaps_a_mention_of_the_type_stays() -> None:
    marked = "chronic obstructive <Disease|pulmonary disease> (<Disease|COPD>) or multiple sclerosis (<Disease|MS#0.9>)"
    assert found(agree_definitions, marked) == ["Disease|pulmonary disease", "Disease|COPD", "Disease|MS"]


PIECES = st.sampled_from(
    [
        *("(", ")", "[", "]", "{", "}", "-", "/", ",", " ", " ", "+", "=", "K", "P", "Δ", "2", "vitamin", " D3", "(d)"),
        *("interleukin", "-6", "IL-6", " (IL-6)", "gout", " gout ", "retinamide", "N-(4-x)", "[3H]", "\u00a0", "\n"),
        *("tumor necrosis factor (TNF)", "e\u0301", "\U0001f9ec", "İ", "ß"),
    ]
)


@st.composite
def tagged(draw: st.DrawFn) -> tuple[str, list[Entity]]:
    """A text with mentions of whole pieces, those of one type apart from each other, as a tagger finds them."""
    pieces = draw(st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=25))
    edges = [0]
    for piece in pieces:
        edges.append(edges[-1] + len(piece))
    text, entities = "".join(pieces), []
    for entity_type in ("Chemical", "Disease", "Gene"):
        cuts = sorted(draw(st.sets(st.sampled_from(edges), max_size=8)))
        for start, end in pairwise(cuts):
            if text[start:end].strip() == text[start:end] and draw(st.booleans()):
                score = draw(st.floats(0, 1, width=32))
                entities.append(Entity(text[start:end], entity_type, start, end, score))
    return text, sorted(entities, key=lambda one: (one.start_char, one.end_char, one.entity_type))


@given(case=tagged())
def test_entities_stay_sorted_unique_whole_and_inside_the_text(case: tuple[str, list[Entity]]) -> None:
    text, entities = case
    changed = apply_rules(text, entities)
    keys = [(one.start_char, one.end_char, one.entity_type) for one in changed]
    assert keys == sorted(set(keys))
    for one in changed:
        assert 0 <= one.start_char < one.end_char <= len(text)
        assert one.mention == text[one.start_char : one.end_char] == one.mention.strip()
        assert open_brackets(one.mention) == ([], [])
        assert any(map(str.isalnum, one.mention))
        assert 0 <= one.score <= 1
        assert one.entity_type in {before.entity_type for before in entities}


@given(case=tagged())
def test_the_rules_change_nothing_when_they_run_again(case: tuple[str, list[Entity]]) -> None:
    text, entities = case
    once = apply_rules(text, entities)
    again = apply_rules(text, once)
    assert again == once
    assert [one.score for one in again] == [one.score for one in once]


def overlaps(entities: list[Entity]) -> set[tuple[Entity, Entity]]:
    """The pairs of entities of one type that overlap."""
    return {
        (one, two)
        for one, two in combinations(entities, 2)
        if one.entity_type == two.entity_type and one.start_char < two.end_char and two.start_char < one.end_char
    }


@given(case=tagged(), more=tagged())
def test_no_rule_makes_mentions_of_one_type_overlap(
    case: tuple[str, list[Entity]], more: tuple[str, list[Entity]]
) -> None:
    text, entities = case
    assert overlaps(apply_rules(text, entities)) == set()
    # A model of another making may give mentions that overlap.
    length = len(text)
    nested = [one for one in more[1] if one.end_char <= length and text[one.start_char : one.end_char].strip()]
    moved = [replace(one, mention=text[one.start_char : one.end_char]) for one in nested]
    mixed = sorted({*entities, *moved}, key=lambda one: (one.start_char, one.end_char, one.entity_type))
    assert overlaps(apply_rules(text, mixed)) <= overlaps(mixed)


def test_a_name_that_gets_the_type_of_a_longer_one_around_it_goes() -> None:
    text = "Corynebacterium diphtheriae (Cd) infection; Cd strain."
    species = [Entity(text[:27], "Species", 0, 27, 0.99), Entity("Cd strain", "Species", 44, 53, 0.9)]
    disease = [Entity("Cd", "Disease", 29, 31, 0.96), Entity("Cd", "Disease", 44, 46, 0.6)]
    changed = apply_rules(text, sorted([*species, *disease], key=lambda one: (one.start_char, one.end_char)))
    assert [(one.mention, one.entity_type) for one in changed] == [
        ("Corynebacterium diphtheriae", "Species"),
        ("Cd", "Species"),
        ("Cd strain", "Species"),
    ]


def test_occurrences_are_whole_words() -> None:
    assert occurrences("IL-6, IL-60, anti-IL-6 (IL-6) IL-6", "IL-6") == [0, 24, 30]


def test_thousands_of_half_brackets_leave_no_mention() -> None:
    text = "(" * 2_000 + "a" + ")" * 1_000
    half = Entity(text[:2_001], "Gene", 0, 2_001, 0.9)
    assert [one.mention for one in apply_rules(text, [half])] == []


def test_a_text_with_very_many_mentions_keeps_them() -> None:
    text = "K " * 3000
    entities = [Entity("K", "Gene", start, start + 1, 0.5) for start in range(0, len(text), 2)]
    assert apply_rules(text, entities) == entities
    assert apply_rules(text, entities[:2000]) == []
