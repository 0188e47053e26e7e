"""Term lists in `annotate`: copy those that it is given into the lake, and add the active ones that it is not given."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from litmine.errors import TermListError
from litmine.lake.active_models import name_of
from litmine.lake.lake import Lake
from litmine.lake.term_lists import list_term_lists, save_term_list
from litmine.specs import TASKS
from litmine.tasks.ner.term_list import TermList, open_term_list

_FILES = tuple(suffix for spec in TASKS for suffix in spec.files)


@dataclass(slots=True)
class CopiedLists:
    """References to the lake's copies of term lists, and notes about lists that the lake did not have before."""

    refs: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def split_term_lists(refs: Sequence[str], terms: Sequence[Path]) -> tuple[list[str], list[Path]]:
    """References to models without those to files of term lists, and the files of all term lists."""
    files = [Path(ref) for ref in refs if ref.endswith(_FILES) and not Path(ref).is_dir()]
    return [ref for ref in refs if Path(ref) not in files], [*terms, *files]


def read_term_lists(files: Sequence[Path]) -> list[TermList]:
    """Read term lists, each once. Raises TermListError as `open_term_list`, and for two lists of one name."""
    lists: dict[str, TermList] = {}
    for file in files:
        terms = open_term_list(file)
        if terms.name in lists and lists[terms.name].model != terms.model:
            raise TermListError(f"two term lists are named {terms.name}; rename the file of one of them")
        lists[terms.name] = terms
    return list(lists.values())


def copy_term_lists(lake: Lake, files: Sequence[Path]) -> CopiedLists:
    """Copy the term lists of these files into the lake. The active lists with other names are added.

    Raises as `read_term_lists`, and LakeError when a copy cannot be written.
    """
    copied = CopiedLists()
    known = list_term_lists(lake.location)
    given = read_term_lists(files)
    for terms in given:
        copied.refs.append(str(save_term_list(lake.location, terms.model, terms.terms)))
        if terms.model not in known:
            copied.notes += terms.notes
    names = {terms.name for terms in given}
    for active in lake.active_models():
        if active.model in known and name_of(active.model) not in names:
            copied.refs.append(str(known[active.model]))
    return copied
