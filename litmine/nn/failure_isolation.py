"""One poisoned text costs one text: a failing batch is halved down to what is at fault."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from litmine.nn.devices import short_of_memory

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Failed:
    """In place of a result: why this text could not be read."""

    why: str


def halve(
    compute: Callable[[Sequence[Item]], Sequence[Result]], items: Sequence[Item], still_works: Callable[[], None]
) -> list[Result | Failed]:
    """`compute(items)`, in halves where it raises; an item that fails alone becomes a `Failed`.

    `still_works` is called after such a failure and raises when the fault is not the item's: a broken device must not
    pass for a thousand poisoned texts. Raises MemoryError when there is no room even for one item: a machine that is
    full just now says nothing of a text.
    """
    try:
        return list(compute(items))
    except Exception as error:  # whatever a text does to a model
        if len(items) == 1:
            if short_of_memory(error):
                raise MemoryError(" ".join(str(error).split())[:200]) from error
            still_works()
            return [Failed(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")]
    middle = len(items) // 2
    return [*halve(compute, items[:middle], still_works), *halve(compute, items[middle:], still_works)]
