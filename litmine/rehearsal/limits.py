"""NCBI's limit of requests: three a second from an address, ten with a key, in any second wherever it begins."""

from collections import defaultdict, deque
from threading import Lock


class Limits:
    """Counts the requests let through for each address and each key."""

    def __init__(self, per_second: tuple[int, int] = (3, 10)) -> None:
        self.per_second = per_second
        self._let_through: dict[tuple[bool, str], deque[float]] = defaultdict(deque)
        self._lock = Lock()

    def of(self, keyed: bool) -> int:
        """Requests a second."""
        return self.per_second[keyed]

    def remaining(self, keyed: bool, who: str, now: float) -> int:
        """How many more may come in this second after this one, -1 when this one is too many; `now` in seconds."""
        with self._lock:
            recent = self._let_through[keyed, who]
            while recent and recent[0] <= now - 1.0:
                recent.popleft()
            left = self.of(keyed) - len(recent) - 1
            if left >= 0:
                recent.append(now)
            return left
