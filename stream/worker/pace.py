"""The loop's pace: how much to take at once, and when to commit.

Owns: the trade between latency and throughput. While the worker keeps up, whatever is there is taken at once and
committed within 25 ms; with a backlog it takes batches of 5,000, or of 100 ms of work if that is less, and commits
every 250 ms. A few full batches are no backlog yet: they follow every pause of a broker's collector.
"""

from __future__ import annotations

import time
from typing import Final

SOON_SECONDS: Final = 0.025
LATE_SECONDS: Final = 0.25
A_FEW: Final = 5  # full batches in a row that are no backlog yet
WORK_SECONDS: Final = 0.1
WAIT_SECONDS: Final = 0.01
LEAST, MOST = 1_000, 5_000  # more at once costs more: it falls out of the processor's cache, and new pages are slow
_FEW: Final = 500  # too few to measure the cost of an event by


class Pace:
    """Told of each batch."""

    def __init__(self) -> None:
        """Begin small: the first batch also warms caches."""
        self.limit = 5_000
        self._count = 0
        self._began = 0.0
        self._full = 0  # batches in a row

    @property
    def wait_seconds(self) -> float:
        """How long to wait for a batch to fill; short, as nothing in it is processed meanwhile."""
        return WAIT_SECONDS

    def begin(self, count: int) -> None:
        """A batch of `count` is taken in hand."""
        self._count = count
        self._full = self._full + 1 if count >= self.limit else 0
        self._began = time.monotonic()

    def end(self) -> None:
        """It is applied."""
        if self._count >= _FEW:
            each = (time.monotonic() - self._began) / self._count
            fitting = int(WORK_SECONDS / max(each, 1e-7))
            self.limit = min(max((self.limit + fitting) // 2, LEAST), MOST)

    def due(self, since: float, *, idle: bool) -> bool:
        """Whether to commit what is open since then (monotonic seconds)."""
        return idle or time.monotonic() - since >= (LATE_SECONDS if self._full > A_FEW else SOON_SECONDS)
