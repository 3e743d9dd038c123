"""The worker's measurements: what the loop counts, and the copy of it that the exporter shows.

Owns: the numbers by metric and label values. Only the loop changes them; other threads see whole snapshots. Counts of
a transaction are kept aside until it is committed, so that an aborted one leaves no trace.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from stream.metrics import Metric

Labels = tuple[str, ...]


@dataclass(slots=True)
class Histogram:
    """Observations by bucket; the last bucket has no upper edge."""

    counts: list[int]
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything measured at one moment, and whether the worker is ready."""

    values: Mapping[Metric, Mapping[Labels, float]] = field(default_factory=lambda: MappingProxyType({}))
    histograms: Mapping[Metric, tuple[tuple[int, ...], float]] = field(default_factory=lambda: MappingProxyType({}))
    ready: bool = False


class Meters:
    """The numbers."""

    def __init__(self) -> None:
        """Begin with none."""
        self._values: dict[Metric, dict[Labels, float]] = {}
        self._histograms: dict[Metric, Histogram] = {}
        self._pending: Counter[tuple[Metric, Labels]] = Counter()

    def count(self, metric: Metric, *labels: str, by: int = 1) -> None:
        """Count something of the open transaction; it shows once `settle` says that it was committed."""
        if by:
            self._pending[metric, labels] += by

    def settle(self, *, committed: bool) -> None:
        """The transaction ended: keep or forget what was counted in it."""
        if committed:
            for (metric, labels), by in self._pending.items():
                self.add(metric, *labels, by=by)
        self._pending.clear()

    def add(self, metric: Metric, *labels: str, by: float = 1) -> None:
        """Count something at once."""
        series = self._values.setdefault(metric, {})
        series[labels] = series.get(labels, 0) + by

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Set a gauge."""
        self._values.setdefault(metric, {})[labels] = value

    def replace(self, metric: Metric, partition: str, series: Iterable[tuple[Labels, float]]) -> None:
        """Set all series of a gauge that begin with `partition`; those not named any more vanish."""
        kept = {labels: value for labels, value in self._values.get(metric, {}).items() if labels[0] != partition}
        self._values[metric] = kept | {(partition, *labels): value for labels, value in series}

    def replace_all(self, metric: Metric, series: dict[Labels, float]) -> None:
        """Set all series of a gauge; those not named any more vanish."""
        self._values[metric] = series

    def observe(self, metric: Metric, value: float) -> None:
        """Add an observation to a histogram."""
        found = self._histograms.get(metric)
        if found is None:
            found = self._histograms[metric] = Histogram([0] * (len(metric.buckets) + 1))
        found.counts[bisect_left(metric.buckets, value)] += 1
        found.total += value

    def forget(self, partition: str) -> None:
        """Remove every series of a partition that is not here any more."""
        for metric, series in self._values.items():
            if metric.labels[:1] == ("partition",):
                for labels in [one for one in series if one[0] == partition]:
                    del series[labels]

    def snapshot(self, *, ready: bool) -> Snapshot:
        """A copy that nobody changes any more."""
        values = {metric: dict(series) for metric, series in self._values.items()}
        histograms = {metric: (tuple(one.counts), one.total) for metric, one in self._histograms.items()}
        return Snapshot(values, histograms, ready)
