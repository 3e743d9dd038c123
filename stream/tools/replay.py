"""The core over a history in its own order: scores at the ends of days, and every alert.

Owns: stopping the core at the right event. What it says is the core's, as the worker and the backtest have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from stream.core.alerts import Alert
from stream.core.batch import Batch
from stream.core.calendar import calendar
from stream.core.partition import Partition
from stream.core.policy import Policy
from stream.core.scores import Score, scores


class Replay:
    """One run of one policy; `alerts` fills on the way, `clock_ms` is where the alert clock stands."""

    def __init__(self, policy: Policy) -> None:
        self.alerts: list[Alert] = []
        self._policy = policy
        self._partition = Partition(policy, 0)

    @property
    def clock_ms(self) -> int:
        """Every horizon that ends at or before this instant has been judged."""
        return self._partition.clock_ms or 0

    def run(
        self, source: Iterable[Batch], cuts: Iterable[int] = (), at: Callable[[int, list[Score]], None] | None = None
    ) -> None:
        """Apply every event; call `at(day, scores)` with what is known at the end of each day of `cuts`."""
        waiting = sorted(cuts)
        for batch in source:
            start = 0
            while start < len(batch):
                stop = self._border(batch, start, waiting)
                while start < stop:
                    step = self._partition.apply(batch, start, stop)
                    start = step.next
                    self.alerts += step.alerts
                if start < len(batch):
                    self._score(waiting.pop(0), at)
            self._partition.changes()
        while waiting:
            self._score(waiting.pop(0), at)

    def _border(self, batch: Batch, start: int, waiting: list[int]) -> int:
        """The first event from `start` on that is after the next day to be scored, else the end of the batch."""
        if not waiting:
            return len(batch)
        end_ms = calendar(self._policy.zone).end_ms(waiting[0])
        after = np.flatnonzero(batch.time_ms[start:] >= end_ms)
        return start + int(after[0]) if after.size else len(batch)

    def _score(self, day: int, at: Callable[[int, list[Score]], None] | None) -> None:
        if at is not None:
            at(day, list(scores(self._partition, day)))
