"""What is said once a machine about a lake on an object store."""

from pathlib import Path

from litmine.cli.talk import say
from litmine.lake.place import Place, desk


def say_whose_locks(lake: Place) -> None:
    """Say where the locks of such a lake end, before this machine writes to it for the first time."""
    if not isinstance(lake, Path) and not desk(lake).exists():
        say(
            f"note: the locks of {lake} hold on this machine; two machines must not import, fetch or compact there at"
            " the same time (docs/object-stores.md)"
        )
