"""`models use`: which models a lake's `entities` shows."""

from collections.abc import Sequence
from datetime import UTC, datetime

from litmine.errors import ModelError
from litmine.lake.lake import Lake
from litmine.lake.runs import Run, new_run_id
from litmine.work.versions import versions


def choose(lake: Lake, refs: Sequence[str]) -> list[str]:
    """Make these the active models; each must have read something of the lake (ModelError, naming those that have)."""
    known = lake.models()
    chosen = [ref if ref in known else _identified(ref) for ref in refs]
    for ref, model in zip(refs, chosen, strict=True):
        if model not in known:
            raise ModelError(
                f"{ref} has read nothing of this lake yet; it has been read by {', '.join(known) or 'no model'}:"
                f" `litmine annotate --model {ref}` comes first"
            )
    now = datetime.now(UTC)
    lake.record_run(
        Run(
            run_id=new_run_id(now),
            command="models use",
            started=now,
            finished=now,
            outcome="done",
            versions=versions(),
            parameters={"models": " ".join(refs)},
            models=chosen,
            active_models=chosen,
        )
    )
    return chosen


def _identified(ref: str) -> str:
    if "@" in ref:
        return ref
    # Only a reference costs the import of torch.
    from litmine.models.registry import identify

    return identify(ref)
