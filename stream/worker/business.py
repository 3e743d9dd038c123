"""The figures of a partition as series: what is shown of which period, and how many series a policy comes to.

Owns: the way from parts and flows to the metrics of `core.measures`. Counts stay counts, money becomes units of the
reporting currency; ratios are made where they are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Final

from stream import metrics
from stream.core import lifecycle, measures
from stream.core.calendar import calendar
from stream.core.families import EXITS, OTHER, Family
from stream.core.latest import Shown
from stream.core.measures import FAMILIES, PERIOD_CUSTOMERS
from stream.core.money import minor_digits
from stream.core.partition import Partition
from stream.core.policy import Policy
from stream.metrics import Metric
from stream.worker.meters import Labels

MOST_SERIES: Final = 5_000  # a worker
CROSS_SELLS: Final = ("cross_sells", "cross_sell_revenue")
PARTITIONS: Final = 4  # of one worker, for the sum; a worker that stands in for others has more for a while

Series = list[tuple[Labels, float]]


def figures(policy: Policy, partition: Partition) -> list[tuple[Metric, Series]]:
    """The series of all figures of a partition."""
    shown = partition.ledger.shown()
    warm = partition.ledger.warm_day
    starts: Series = [((name,), calendar(policy.zone).start_ms(one.start) / 1000) for name, one in shown.items()]
    found: list[tuple[Metric, Series]] = [(metrics.PERIOD_START, starts), *targets(policy)]
    for family in FAMILIES:
        if family.name not in policy.figures.metrics:
            continue
        known = {name: one for name, one in shown.items() if name in family.shown}
        if family is PERIOD_CUSTOMERS:  # a panel's first customers are no acquisitions (definitions R7)
            known = {name: one for name, one in known.items() if one.start >= warm}
        found.append((metrics.FIGURES[family.name], list(_series(policy, family, known))))
    return found


def _series(policy: Policy, family: Family, shown: Mapping[str, Shown]) -> Iterator[tuple[Labels, float]]:
    unit = 10 ** minor_digits(policy.currency) if family.unit == "money" else family.per_unit
    roles = _roles(policy, family)
    for period, one in shown.items():
        for segment in policy.segments:
            values = one.values.get(segment, {})
            for labels, measure in roles:
                yield (segment, period, *labels), values.get(measure, 0) / unit


def _roles(policy: Policy, family: Family) -> list[tuple[Labels, str]]:
    """The labels after segment and period, and the measure of each."""
    if family.label == "cohort":
        return [((one, role), f"{role}:{one}") for one in measures.COHORTS for role in measures.COHORT_ROLES]
    if family.label == "reason":
        exits = family is EXITS
        prefix = measures.EXIT_PREFIX if exits else measures.REWARD_PREFIX
        listed = policy.figures.exit_reasons if exits else policy.figures.reward_reasons
        return [((reason,), prefix + reason) for reason in (*listed, OTHER)]
    if family.label == "variant":
        return [
            ((variant, role), f"{measure}:{variant}")
            for variant in policy.figures.variants
            for role, measure in family.roles.items()
        ]
    left_out = () if policy.figures.categories else CROSS_SELLS  # without a list nobody knows whether there were any
    return [((role,), measure) for role, measure in family.roles.items() if measure not in left_out]


def targets(policy: Policy) -> list[tuple[Metric, Series]]:
    """What the policy aims at a month, where it does."""
    reporting = policy.figures
    return [
        (metric, [((segment, "month"), share) for segment, share in wanted.items()])
        for metric, wanted in (
            (metrics.TARGET_CRR, reporting.target_crr),
            (metrics.ACCEPTABLE_CHURN, reporting.acceptable_churn),
        )
    ]


def most_series(policy: Policy) -> int:
    """The most series that a worker of PARTITIONS partitions may show under a policy."""
    segments = len(policy.segments)
    sizes = {"partition": PARTITIONS, "segment": segments, "stage": len(lifecycle.Stage), **metrics.MOST}
    plain = [metric for metric in metrics.WORKER if metric not in metrics.FIGURES.values()]
    return _figure_series(policy) + sum(
        prod(sizes.get(label, 1) for label in metric.labels) * (len(metric.buckets) + 3 if metric.buckets else 1)
        for metric in plain
    )


def _figure_series(policy: Policy) -> int:
    shown = [family for family in FAMILIES if family.name in policy.figures.metrics]
    return len(policy.segments) * sum(len(family.shown) * len(_roles(policy, family)) for family in shown)


def problem(policy: Policy) -> str:
    """What to say of a policy that comes to too many series, else nothing."""
    total, segments = most_series(policy), len(policy.segments)
    if total <= MOST_SERIES:
        return ""
    own = _figure_series(policy)
    return (
        f"policy {policy.name}: up to {total:,} series a worker, {MOST_SERIES:,} are the most: {segments} segments x "
        f"{own // segments} of figures, and {total - own:,} of the pipeline and alerts with {PARTITIONS} partitions. "
        "List fewer segments, or fewer families in figures.metrics"
    )
