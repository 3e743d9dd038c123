"""The desk's measurements, in Prometheus's terms.

Owns: what the desk counts about itself, and asking for the rest when it is scraped. The names are `stream.metrics`'.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from stream import metrics
from stream.desk.outbox import Why

OUTCOMES = ("sent", "retry", "given_up", "refused")
WHYS: tuple[Why, ...] = ("quiet", "digest", "storm")
SEVERITIES = ("low", "medium", "high", "critical")
WAITS = ("ready", "quiet", "digest", "storm", "retry")


class Meters:
    """What is counted here. `ask` fills in what is true now: by metric, by label values."""

    def __init__(self) -> None:
        """Begin at 0: Prometheus doesn't see a first increment otherwise."""
        self._deliveries: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
        self._grouped: Counter[str] = Counter(dict.fromkeys(WHYS, 0))
        self._records = 0
        self.ask: Callable[[], Mapping[metrics.Metric, Mapping[tuple[str, ...], float]]] = dict

    def delivered(self, outcome: str) -> None:
        """Count a try to hand something over."""
        self._deliveries[outcome] += 1

    def grouped(self, why: Why, alerts: int) -> None:
        """Count alerts that were told as one."""
        self._grouped[why] += alerts

    def published(self, records: int) -> None:
        """Count day records."""
        self._records += records

    def values(self) -> dict[metrics.Metric, Mapping[tuple[str, ...], float]]:
        """Everything, now."""
        return {
            metrics.DESK_DELIVERIES: {(one,): float(n) for one, n in self._deliveries.items()},
            metrics.DESK_GROUPED: {(one,): float(n) for one, n in self._grouped.items()},
            metrics.DESK_RECORDS: {(): float(self._records)},
            **self.ask(),
        }


class _Catalogue(Collector):
    def __init__(self, meters: Meters) -> None:
        self._meters = meters

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        values = self._meters.values()
        for metric in metrics.DESK:
            kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            family = kind(metric.name, metric.help, labels=metric.labels)
            for labels, value in values.get(metric, {}).items():
                family.add_metric(labels, value)
            yield family


def registry_of(meters: Meters) -> CollectorRegistry:
    """What `/metrics` shows."""
    registry = CollectorRegistry()
    registry.register(_Catalogue(meters))
    ProcessCollector(namespace="lapse", registry=registry)
    return registry
