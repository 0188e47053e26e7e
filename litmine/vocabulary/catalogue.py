"""Which vocabularies there are: the built-in one, and those that were built into `vocabularies` in LITMINE_HOME."""

import re
from pathlib import Path

from litmine.errors import SettingError, UnknownVocabularyError
from litmine.resources import litmine_home
from litmine.settings import did_you_mean
from litmine.vocabulary.storage import MANIFEST
from litmine.vocabulary.vocabulary import Vocabulary

BUILTIN = "builtin"
_BUILTIN_FOLDER = Path(__file__).parent / BUILTIN
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def vocabulary_home() -> Path:
    """The folder of the vocabularies that users build, a folder each."""
    return litmine_home() / "vocabularies"


def home_of(name: str) -> Path:
    """The folder of a vocabulary to build. Raises SettingError for a name that is no file name, or the built-in one."""
    if not _NAME.fullmatch(name) or name == BUILTIN:
        raise SettingError(f"{name!r} cannot be the name of a vocabulary; use letters and digits, such as mesh2026")
    return vocabulary_home() / name


def known_names() -> list[str]:
    """The names of the vocabularies on this machine, the built-in one first."""
    built = sorted(file.parent.name for file in vocabulary_home().glob(f"*/{MANIFEST}"))
    return [BUILTIN, *built]


def locate(reference: str) -> Path:
    """The folder of a vocabulary: `builtin`, a name in LITMINE_HOME, or a folder. A digest after `@` is ignored.

    Raises UnknownVocabularyError, with the names that exist.
    """
    name = reference.rpartition("@")[0] or reference
    if name == BUILTIN:
        return _BUILTIN_FOLDER
    if name in known_names():
        return vocabulary_home() / name
    for folder in (Path(reference), Path(name)):
        if (folder / MANIFEST).is_file():
            return folder
    names = known_names()
    raise UnknownVocabularyError(
        f"there is no vocabulary {reference}{did_you_mean(name, names)}; there are {', '.join(names)}, and"
        " a folder that `litmine vocabulary build` has written can be named by its path"
    )


def open_vocabulary(reference: str = BUILTIN) -> Vocabulary:
    """Open a vocabulary by its reference. Raises VocabularyError when it does not exist or is damaged."""
    return Vocabulary(locate(reference))
