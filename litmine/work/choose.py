"""`models use`: which models a lake's `entities` shows."""

from collections.abc import Sequence

from litmine.errors import ModelError
from litmine.lake.lake import Lake
from litmine.work.journal import journal


def choose(lake: Lake, refs: Sequence[str]) -> list[str]:
    """Make these the active models; each must have read something of the lake (ModelError, naming those that have)."""
    chosen = readers_of(lake, refs)
    with journal(lake, "models use", models=" ".join(refs)) as entry:
        entry.models = entry.active_models = chosen
    return chosen


def readers_of(lake: Lake, refs: Sequence[str]) -> list[str]:
    """The name@digest of each reference to a model that has read something of the lake (ModelError otherwise)."""
    known = lake.models()
    chosen = [ref if ref in known else _identified(ref) for ref in refs]
    for ref, model in zip(refs, chosen, strict=True):
        if model not in known:
            raise ModelError(
                f"{ref} has read nothing of this lake yet; it has been read by {', '.join(known) or 'no model'}:"
                f" `litmine annotate --model {ref}` comes first"
            )
    return chosen


def _identified(ref: str) -> str:
    if "@" in ref:
        return ref
    # Only a reference costs the import of torch.
    from litmine.tasks.registry import identify

    return identify(ref)
