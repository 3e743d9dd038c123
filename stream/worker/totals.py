"""Gauges without the label `partition`: each worker shows the sum over the partitions it runs.

Owns: what each partition gives to them. Figures have a hundred measures for every segment and period; a series for
each partition as well would be more than Prometheus should be asked to keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stream.metrics import ACCEPTABLE_CHURN, PERIOD_START, TARGET_CRR, Metric
from stream.worker.meters import Labels, Meters

# no sums: partitions say the same, or the latest is meant
_GREATEST: Final = (PERIOD_START, TARGET_CRR, ACCEPTABLE_CHURN)


class Totals:
    """Sums over partitions; of what is no count, the greatest."""

    def __init__(self) -> None:
        """Begin without any partition."""
        self._parts: dict[Metric, dict[int, Sequence[tuple[Labels, float]]]] = {}

    def put(self, number: int, metric: Metric, series: Sequence[tuple[Labels, float]]) -> None:
        """What partition `number` gives to a metric now."""
        self._parts.setdefault(metric, {})[number] = series

    def forget(self, number: int) -> None:
        """The partition doesn't run here any more."""
        for parts in self._parts.values():
            parts.pop(number, None)

    def show(self, meters: Meters) -> None:
        """Set the sums."""
        for metric, parts in self._parts.items():
            total: dict[Labels, float] = {}
            for labels, value in (one for series in parts.values() for one in series):
                before = total.get(labels, 0.0)
                total[labels] = max(before, value) if metric in _GREATEST else before + value
            meters.replace_all(metric, total)
