"""The identity of a linker."""

from pathlib import Path

from litmine.tasks.linking.folder import linker_digest


def identify(folder: Path, name: str, vocabulary: str) -> str:
    """`name@digest` of the linker in a folder with a vocabulary, name@digest."""
    return f"{name}@{linker_digest(folder, vocabulary)}"
