"""What a change of the active models hides, in sentences with the remedy."""

from litmine.lake.runs import ActiveModel
from litmine.pipeline.choose_models import describe_hidden

OWN, BUILTIN = "screen@0123456789ab", "builtin-classifier@ba9876543210"


def hidden(task: str, before: list[str], after: list[str]) -> list[str]:
    return list(
        describe_hidden(
            [ActiveModel(task, one) for one in before], [ActiveModel(task, one) for one in after], lambda _: ()
        )
    )


def test_a_classifier_that_another_one_replaces_is_named() -> None:
    (sentence,) = hidden("classification", [OWN], [BUILTIN])
    assert sentence == (f"labels no longer shows {OWN}; `litmine models use {BUILTIN} {OWN}` shows it again")


def test_a_newer_version_another_linker_or_a_further_model_hides_nothing() -> None:
    assert hidden("classification", [OWN], ["screen@ffffffffffff"]) == []
    assert hidden("classification", [OWN], [BUILTIN, OWN]) == []
    assert hidden("linking", ["mine@0123456789ab"], ["builtin-linker@0123456789ab"]) == []
