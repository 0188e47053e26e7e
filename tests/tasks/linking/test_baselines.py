"""`baselines`: each simpler linker goes further than the one before it."""

from litmine.tasks.linking.baselines import EXACT, LONG_FORMS, NORMAL_FORMS, STAGES, VOTING, Baselines
from litmine.tasks.linking.learned_names import LearnedMention, LearnedNames
from tests.fixtures.linking import mention, vocabulary

LEARNED = LearnedNames.of(
    [
        LearnedMention("1", "Disease", "nephropathies", "MESH:D007674"),
        LearnedMention("2", "Disease", "nephropathies", "MESH:D007674"),
        LearnedMention("3", "Disease", "nephropathies", "MESH:D003924"),
    ]
)


def stages(text: str, *names: tuple[str, str]) -> list[dict[str, str]]:
    return Baselines(vocabulary(), LEARNED).links(text, [mention(text, words, kind) for words, kind in names])


def test_each_stage_finds_what_the_one_before_finds() -> None:
    text = "heart attack, infarctions of the myocardium; Breast Neoplasms."
    (found,) = stages(text, ("heart attack", "Disease"))
    assert found == dict.fromkeys(STAGES, "MESH:D009203")


def test_long_forms_stand_for_their_abbreviation() -> None:
    (found,) = stages("Heart attack (HA) was seen. HA", ("HA", "Disease"))
    assert found[EXACT] == ""
    assert {found[stage] for stage in (LONG_FORMS, NORMAL_FORMS, VOTING)} == {"MESH:D009203"}


def test_other_order_of_words_is_a_normal_form() -> None:
    (found,) = stages("neoplasm of breast", ("neoplasm of breast", "Disease"))
    assert [found[stage] for stage in STAGES] == ["", "", "MESH:D001943", "MESH:D001943"]


def test_the_most_frequent_link_of_training_documents_wins_the_vote() -> None:
    (found,) = stages("nephropathies", ("nephropathies", "Disease"))
    assert [found[stage] for stage in STAGES] == ["", "", "", "MESH:D007674"]
    assert stages("nephropathies", ("nephropathies", "Chemical"))[0][VOTING] == ""
