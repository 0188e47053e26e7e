"""Guessing the type of a question: verbs in -s, bare nouns, other languages."""

import pytest

from litmine.sources.question_types import guess_type, is_english


@pytest.mark.parametrize(
    "question",
    [
        "What relieves migraine?",
        "What controls blood pressure?",
        "Which tick transmits babesiosis?",
        "Which drug blocks SCN9A?",
        "Which kinase phosphorylates tau?",
        "Which gene encodes titin?",
        "Which bacterium causes tetanus?",
        "What is herpes?",
        "Which species carries leptospirosis?",
        "In which tissue is ALB expressed?",
        "treatment of scurvy",
        "diabetes",
        "codeine",
        "How long does measles last?",
        "Which bacteria causes tetanus?",
        "Which model proposes two hits?",
        "Was bedeutet Skorbut?",
        "Was hilft bei Skorbut?",
    ],
)
def test_one_thing_is_asked_for(question: str) -> None:
    assert guess_type(question) == "factoid"


@pytest.mark.parametrize(
    "question",
    [
        "Which drugs block SCN9A?",
        "What genes encode collagens?",
        "Which drug targets are known?",
        "Which signals of the pathway were seen?",
        "Which are the hallmarks of cancer?",
        "List remedies for migraine.",
        "Name the vaccines.",
        "Can you list remedies for migraine?",
        "Could you please name the vaccines?",
        "Which children were vaccinated?",
        "Which mitochondria are enlarged?",
        "genes associated with epilepsy",
        "Side effects of codeine",
    ],
)
def test_several_things_are_asked_for(question: str) -> None:
    assert guess_type(question) == "list"


@pytest.mark.parametrize("question", ["Was codeine given?", "Is de novo synthesis seen?", "Does it help? Is it safe?"])
def test_yes_or_no_is_asked_for(question: str) -> None:
    assert guess_type(question) == "yesno"


@pytest.mark.parametrize(
    ("question", "question_type"),
    [
        ("Was ist der Auslöser von Migräne?", "factoid"),
        ("Was hilft gegen Fieber bei Kindern?", "factoid"),
        ("Quelle est la cause du diabète ?", "factoid"),
        ("Do que é feita a insulina?", "factoid"),
        ("¿Cuáles son los efectos de la codeína?", "list"),
        ("Quels sont les symptômes de la grippe ?", "list"),
    ],
)
def test_other_languages_are_not_read_as_english(question: str, question_type: str) -> None:
    assert not is_english(question)
    assert guess_type(question) == question_type
