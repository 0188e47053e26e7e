"""What a damaged model folder brings about, in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from litmine.errors import LitmineError, ModelError


@contextmanager
def loading(folder: Path) -> Iterator[None]:
    """What goes wrong inside becomes a ModelError."""
    try:
        yield
    except LitmineError:
        raise
    except Exception as error:  # a damaged tokenizer raises a bare Exception, a strange config anything
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"{folder} does not hold a model that litmine can load: {reason}") from error
