"""litmine: mine PubMed abstracts with fine-tuned models, and query the results with SQL.

The Python interface is ``from litmine import Lake, load_model, load_terms, show``. The names are imported on first
use, so that ``litmine --help`` stays quick.
"""

# First, so that Ctrl-C is handled from here on.
from litmine import interrupts as interrupts

# isort: split
from typing import TYPE_CHECKING

from litmine.versions import __version__

__all__ = ["Lake", "__version__", "load_model", "load_terms", "show"]

if TYPE_CHECKING:
    from litmine.lake.lake import Lake
    from litmine.output.marked_text import show
    from litmine.tasks.registry import load_model, load_terms


def __getattr__(name: str) -> object:
    if name == "Lake":
        from litmine.lake.lake import Lake

        return Lake
    if name == "load_model":
        from litmine.tasks.registry import load_model

        return load_model
    if name == "load_terms":
        from litmine.tasks.registry import load_terms

        return load_terms
    if name == "show":
        from litmine.output.marked_text import show

        return show
    raise AttributeError(f"module 'litmine' has no attribute {name!r}")
