"""Waves of units: no unit reads what another unit of its wave writes."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from litmine.lake.targets import TargetInput, TargetSet
from litmine.pipeline.annotation_plan import split_waves
from litmine.tasks.part_unit import ModelStep, PartUnit

TAGGERS = [TargetSet("entities", f"tagger{number}@1") for number in range(3)]


def unit(part: str, *steps: ModelStep) -> PartUnit:
    return PartUnit(Path("/lake"), Path(f"/lake/articles/{part}.parquet"), 1, (), steps)


def tagging(tagger: TargetSet) -> ModelStep:
    return ModelStep(tagger)


def relating(*taggers: TargetSet) -> ModelStep:
    return ModelStep(TargetSet("relations", "r@1", "of"), tuple(map(TargetInput, taggers)))


def test_a_unit_that_reads_what_another_writes_is_in_a_later_wave() -> None:
    first, second = tagging(TAGGERS[0]), tagging(TAGGERS[1])
    of_both = relating(*TAGGERS[:2])
    one, two = unit("a", first), unit("a", second, of_both)
    assert split_waves([one, two]) == [[one], [two]]
    # What a unit writes itself, and what exists already, needs no wave.
    assert split_waves([two]) == [[two]]
    assert split_waves([unit("a", first), unit("b", second, of_both)]) == [
        [unit("a", first), unit("b", second, of_both)]
    ]
    assert split_waves([]) == []


@given(
    st.lists(
        st.builds(
            unit,
            st.sampled_from("ab"),
            st.sampled_from([*map(tagging, TAGGERS), relating(*TAGGERS), relating(TAGGERS[0])]),
        )
    )
)
def test_waves_keep_all_units_in_order(units: list[PartUnit]) -> None:
    waves = split_waves(units)
    assert [one for wave in waves for one in wave] == units
    for wave in waves:
        for place, one in enumerate(wave):
            own = {step.targets for step in one.steps}
            read = {source.targets for step in one.steps for source in step.inputs} - own
            earlier = {step.targets for other in wave[:place] if other.part == one.part for step in other.steps}
            assert not read & earlier
