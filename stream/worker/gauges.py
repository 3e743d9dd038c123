"""What is measured beside the counts: lag, clocks, states, customers by stage; and the snapshot for the exporter.

Owns: when each is looked at. A scan of a partition's table takes milliseconds, so tables are scanned in turns, in a
hundredth of the loop's time: all numbers are fresh within seconds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from stream import metrics
from stream.metrics import Metric
from stream.worker.exporter import Exporter
from stream.worker.incarnation import Incarnation, State
from stream.worker.job import Scan
from stream.worker.meters import Meters
from stream.worker.totals import Totals

EVERY_SECONDS: Final = 1.0
SCAN_SECONDS: Final = 0.02  # at once, or one table if that takes longer
SCAN_SHARE: Final = 0.01  # of the loop's time
REASONS: Final = ("aborted", "broken", "fenced", "kernel", "lost")  # why a transaction was not committed

_log = logging.getLogger("lapse.worker")


class Gauges:
    """Keeps the exporter's snapshot fresh."""

    def __init__(self, meters: Meters, exporter: Exporter, scan: Callable[[Any], Scan]) -> None:
        """`meters` are the loop's; `scan` looks at a partition's whole table."""
        self._scan = scan
        self._scanned: dict[int, float] = {}
        self._totals = Totals()
        self._meters = meters
        self._exporter = exporter
        self._next = 0.0
        self._next_scan = 0.0

    def start(self, partitions: int, grace_ms: int) -> None:
        """What is known before anything runs; a counter that begins at its first count hides that from Prometheus."""
        self._meters.set(metrics.EXPECTED, partitions)
        self._meters.set(metrics.GRACE, grace_ms / 1000)
        self._meters.add(metrics.TRANSACTIONS, by=0)
        for reason in REASONS:
            self._meters.add(metrics.ABORTED, reason, by=0)

    def begin(self, one: Incarnation, counted: Iterable[tuple[Metric, tuple[str, ...]]]) -> None:
        """A partition runs: all that may be counted of it begins at 0, labels are after it. Once for each restore."""
        if one.told_running == one.since:
            return
        one.told_running = one.since
        seconds = time.monotonic() - one.since
        self._meters.observe(metrics.RESTORE_SECONDS, seconds)
        for metric, labels in counted:
            self._meters.add(metric, str(one.number), *labels, by=0)
        _log.info("partition %d runs from offset %d, restored in %.2f s", one.number, one.position, seconds)

    def committed(self, seconds: float, oldest_ms: int | None) -> None:
        """A transaction was committed, `seconds` after its commit began."""
        now = time.time()
        self._meters.observe(metrics.COMMIT_SECONDS, seconds)
        if oldest_ms is not None:
            self._meters.observe(metrics.DELAY_SECONDS, max(0.0, now - oldest_ms / 1000))
        self._meters.add(metrics.TRANSACTIONS)
        self._meters.set(metrics.LAST_COMMIT, now)

    def forget(self, number: int) -> None:
        """A partition doesn't run here any more."""
        self._meters.forget(str(number))
        self._scanned.pop(number, None)
        self._totals.forget(number)

    def due(self) -> bool:
        """Whether it is time to look again."""
        return time.monotonic() >= self._next

    def update(self, incarnations: Mapping[int, Incarnation], *, joined: bool) -> None:
        """Make a new snapshot."""
        self._next = time.monotonic() + EVERY_SECONDS
        states = [one.state for one in incarnations.values()]
        self._meters.set(metrics.WAITING, states.count(State.WAIT))
        self._meters.set(metrics.RESTORING, states.count(State.RESTORE))
        self._meters.set(metrics.RUNNING, states.count(State.RUN))
        for one in incarnations.values():
            if one.state is State.RUN:
                self._meters.set(metrics.LAG, one.lag, str(one.number))
                self._meters.set(metrics.SUSPENDED, bool(one.suspended), str(one.number))
                if one.partition.clock_ms is not None:
                    self._meters.set(metrics.CLOCK, one.partition.clock_ms / 1000, str(one.number))
        self._scan_oldest(incarnations)
        self._totals.show(self._meters)
        ready = joined and states.count(State.RUN) == len(states)
        self._exporter.snapshot = self._meters.snapshot(ready=ready)

    def _scan_oldest(self, incarnations: Mapping[int, Incarnation]) -> None:
        began = time.monotonic()
        if began < self._next_scan:
            return
        running = [one for one in incarnations.values() if one.state is State.RUN]
        for one in sorted(running, key=lambda one: self._scanned.get(one.number, 0.0)):
            for metric, series in self._scan(one.partition):
                if "partition" in metric.labels:
                    self._meters.replace(metric, str(one.number), series)
                else:
                    self._totals.put(one.number, metric, series)
            self._scanned[one.number] = time.monotonic()
            if self._scanned[one.number] - began > SCAN_SECONDS:
                break
        self._next_scan = began + (time.monotonic() - began) / SCAN_SHARE
