"""The identity of a trial model: a tagger's, and the version of the rules that run beside its heads.

Nothing here reads the weights, so that models can be listed quickly.
"""

import hashlib
import json
from pathlib import Path

from litmine.tasks.ner.settings import TaggerSettings, tagger_digest
from litmine.text import enrolment, registry_numbers, trial_design

TASK = "trials"
# Increases whenever mentions of the same labels and rules would have other rows.
ROWS_VERSION = 1


def model_digest(tagger: str) -> str:
    """The digest of a trial model whose tagger, with all heads in use, has this digest."""
    versions = [ROWS_VERSION, registry_numbers.RULES_VERSION, trial_design.RULES_VERSION, enrolment.RULES_VERSION]
    return hashlib.sha256(json.dumps([TASK, tagger, versions]).encode()).hexdigest()[:12]


def identify(folder: Path, name: str) -> str:  # noqa: ARG001 - the settings have the name
    """`name@digest` of the trial model in a folder. Raises ModelError, OSError or ValueError if it holds none."""
    settings = TaggerSettings.load(folder)
    return f"{settings.name}@{model_digest(tagger_digest(folder, settings, settings.heads))}"
