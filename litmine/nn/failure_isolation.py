"""Find the item that makes a batch fail, by halving the batch, so that one bad text costs only itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class FailedItem:
    """The result of an item that raised; `why` is the error in one line."""

    why: str


def isolate_failures(
    compute: Callable[[Sequence[Item]], Sequence[Result]], items: Sequence[Item], check_device: Callable[[], None]
) -> list[Result | FailedItem]:
    """`compute(items)`; if it raises, halve the items until those that fail alone are found.

    compute: returns one result for each item. check_device: called after an item failed alone, raises if the device
    does not work, so that a broken device does not count as a thousand bad texts. Raises MemoryError if a single item
    does not fit, because the item is not at fault when memory is full.
    """
    try:
        return list(compute(items))
    except Exception as error:  # a text may cause any error
        reason = " ".join(str(error).split())[:200]
        if len(items) == 1:
            # Imported here because this imports torch, which takes seconds and which not every caller needs.
            from litmine.nn.devices import is_out_of_memory

            if is_out_of_memory(error):
                raise MemoryError(reason) from error
            check_device()
            return [FailedItem(f"{type(error).__name__}: {reason}")]
    middle = len(items) // 2
    return [
        *isolate_failures(compute, items[:middle], check_device),
        *isolate_failures(compute, items[middle:], check_device),
    ]
