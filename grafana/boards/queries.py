"""PromQL for the boards, made from the catalogue's metrics.

Owns: how each kind of metric may be added up. A gauge with a `partition` is taken once per partition, since a partition
on its way from one worker to another is shown by both; figures are each worker's own sum.
"""

from __future__ import annotations

from stream.metrics import Metric

WINDOW = "$__rate_interval"
STEP = "$__interval"


def matching(**labels: str) -> str:
    """The braces of a selector: `~` before a value makes it a regular expression, `!` the opposite of an equality."""
    return "{" + ", ".join(f"{name}{_comparison(value)}" for name, value in labels.items()) + "}" if labels else ""


def _comparison(value: str) -> str:
    sign = {"~": "=~", "!": "!="}.get(value[:1])
    return f'{sign}"{value[1:]}"' if sign else f'="{value}"'


def total(metric: Metric, *by: str, **labels: str) -> str:
    """A gauge added up over partitions or workers, by labels."""
    assert metric.kind == "gauge", metric.name
    selected = f"{metric.name}{matching(**labels)}"
    if "partition" not in metric.labels:
        return f"sum{_by(by)} ({selected})"
    # every label stays until the sum: the largest of a partition's segments is not their number
    return f"sum{_by(by)} (max by ({', '.join(metric.labels)}) ({selected}))"


def per_second(metric: Metric, *by: str, **labels: str) -> str:
    """The rate of a counter, by labels."""
    assert metric.kind == "counter", metric.name
    return f"sum{_by(by)} (rate({metric.name}{matching(**labels)}[{WINDOW}]))"


def grown(metric: Metric, *by: str, **labels: str) -> str:
    """By how much a counter grew since the point before, by labels: whole numbers, and all bars add up to what came.

    `increase` over a window would count most of it in several bars, and guess at its edges. A counter that began anew
    counts as unchanged, once.
    """
    assert metric.kind == "counter", metric.name
    counter = f"{metric.name}{matching(**labels)}"
    return f"sum{_by(by)} (clamp_min({counter} - {counter} offset {STEP}, 0))"


def quantile(share: float, metric: Metric) -> str:
    """The value that this share of a histogram's observations stayed under."""
    assert metric.kind == "histogram", metric.name
    return f"histogram_quantile({share:g}, sum by (le) (rate({metric.name}_bucket[{WINDOW}])))"


def some(expr: str) -> str:
    """The values of an expression that are numbers: a quantile of no observations is none."""
    return f"{expr} >= 0"


def oldest(metric: Metric, **labels: str) -> str:
    """The value of whoever is furthest behind."""
    return f"min ({metric.name}{matching(**labels)})"


def changed(metric: Metric) -> str:
    """When the newest value became another."""
    return f"max ({metric.name}) > max ({metric.name} offset {STEP})"


def recorded(name: str, **labels: str) -> str:
    """What a recording rule has worked out."""
    return f"{name}{matching(**labels)}"


def _by(labels: tuple[str, ...]) -> str:
    return f" by ({', '.join(labels)})" if labels else ""
