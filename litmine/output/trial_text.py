"""What a row of the view `trials` says, in words: design, numbers of people, who got what, and what was measured."""

from collections.abc import Mapping, Sequence
from typing import Any

_MAX_MENTIONS = 6
_ROLES = ("populations", "interventions", "comparators", "outcomes")


def trial_design(trial: Mapping[str, Any]) -> str:
    """The design in words: `randomised, double-blind, phase 2`; empty if the text says nothing of it."""
    design = trial["design"] or {}
    words = []
    if design.get("randomised") is not None:
        words.append("randomised" if design["randomised"] else "not randomised")
    if design.get("blinding"):
        blinding = str(design["blinding"])
        words.append("open-label" if blinding in ("open", "none") else f"{blinding}-blind")
    if design.get("crossover"):
        words.append("crossover")
    if design.get("phase"):
        words.append(f"phase {design['phase']}")
    return ", ".join(words)


def trial_facts(trial: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and texts of what the row says, without empty ones."""
    arms = [f"{one['arm']} {one['number']:,}" for one in trial["arms"] or () if one["number"] is not None]
    facts = [
        ("design", trial_design(trial)),
        ("enrolled", "" if trial["enrolled"] is None else f"{trial['enrolled']:,}"),
        ("arms", "; ".join(arms)),
        *((role, listed([one["mention"] for one in trial[role] or ()])) for role in _ROLES),
        ("results", listed([one["mention"] for one in trial["results"] or ()])),
        ("registered as", ", ".join(trial["registry_ids"] or ())),
    ]
    return [(name, text) for name, text in facts if text]


def listed(mentions: Sequence[str], most: int = _MAX_MENTIONS) -> str:
    """Mentions as one text, each once whatever its case; the number of those that are left out stands at the end."""
    different = list({mention.casefold(): mention for mention in reversed(mentions)}.values())[::-1]
    more = f"; and {len(different) - most} more" if len(different) > most else ""
    return "; ".join(different[:most]) + more
