"""The catalogue of metrics: name, kind, unit, help and labels, one declaration each.

Owns: what can be measured. The exporter, the boards, the rules and docs/metrics.md read it; nobody else names a
metric. Values are counts, never ratios, in base units, so that any number of workers adds up; the policy's own
thresholds are the exception, they are ratios because that is what somebody wrote down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from stream.core.families import Family
from stream.core.measures import FAMILIES

LABELS: Final = frozenset({
    "partition", "segment", "sign", "stage", "period", "role", "resolution", "severity", "reason", "variant", "cohort",
})  # fmt: skip
# what a value counts or measures; `timestamp` is seconds since 1970, `money` the policy's currency in whole units,
# `count` is for figures whose role says what is counted
UNITS: Final = frozenset({
    "alerts", "count", "customers", "days", "deliveries", "events", "money", "partitions", "ratio", "seconds",
    "timestamp", "transactions",
})  # fmt: skip
SUFFIXES: Final = {"seconds": "_seconds", "timestamp": "_timestamp_seconds", "days": "_days", "ratio": "_ratio"}
OBJECTIVE_SECONDS: Final = 0.15  # an edge of the histograms: the client can't make native ones
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, OBJECTIVE_SECONDS, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_RESTORE: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 7.5, 15.0, 60.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. Counters end in `_total`; a unit that is measured, not counted, stands last in the name."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what the contract rules out."""
        assert self.name.startswith("lapse_"), self.name
        assert self.unit in UNITS, f"{self.name}: {self.unit}"
        assert self.name.removesuffix("_total").endswith(SUFFIXES.get(self.unit, "")), f"{self.name}: {self.unit}"
        assert set(self.labels) <= LABELS, self.labels
        assert self.name.endswith("_total") == (self.kind == "counter"), self.name
        assert bool(self.buckets) == (self.kind == "histogram"), self.name
        assert self.help.endswith("."), self.help


def counter(name: str, unit: str, text: str, *labels: str) -> Metric:
    """Declare what only grows; a worker that starts begins at 0."""
    return Metric(name, "counter", unit, text, labels)


def gauge(name: str, unit: str, text: str, *labels: str) -> Metric:
    """Declare what is so now."""
    return Metric(name, "gauge", unit, text, labels)


def histogram(name: str, unit: str, text: str, buckets: tuple[float, ...]) -> Metric:
    """Declare what is counted by size; `buckets` are upper edges, the last one is open."""
    return Metric(name, "histogram", unit, text, (), buckets)


# ---------------------------------------------------------------- what goes through

EVENTS: Final = counter(
    "lapse_events_total", "events", "Records of customer.events that were processed and committed.", "partition"
)
DUPLICATES: Final = counter(
    "lapse_duplicate_events_total", "events", "Events ignored because their customer had them already.", "partition"
)
DEAD: Final = counter(
    "lapse_dead_letters_total", "events", "Records that went to the dead-letter topic.", "partition", "reason"
)
ALERTS_OPENED: Final = counter("lapse_alerts_opened_total", "alerts", "Alerts opened.", "partition", "sign", "severity")
ALERTS_ESCALATED: Final = counter(
    "lapse_alerts_escalated_total", "alerts", "Alerts that became graver.", "partition", "sign", "severity"
)
ALERTS_RESOLVED: Final = counter(
    "lapse_alerts_resolved_total", "alerts", "Alerts that ended, and how.", "partition", "sign", "resolution"
)
PLACED: Final = counter(
    "lapse_placed_keys_total",
    "events",
    "Sampled keys (one of a batch) by the partitioner that puts them where they lie, of those on which they differ.",
    "reason",
)
SPLIT: Final = counter(
    "lapse_split_customers_total",
    "customers",
    "Sampled customers who were placed otherwise than most, and were found to have a row where most would be as well.",
)
LAG: Final = gauge(
    "lapse_lag_events", "events", "Records between this partition's position and its end, while it runs.", "partition"
)
CLOCK: Final = gauge(
    "lapse_alert_clock_timestamp_seconds",
    "timestamp",
    "Event time up to which silences were judged: the newest event's time less the grace.",
    "partition",
)
GRACE: Final = gauge(
    "lapse_alert_grace_seconds", "seconds", "How far the policy keeps the alert clock behind the newest event."
)

# ---------------------------------------------------------------- who the customers are

CUSTOMERS: Final = gauge(
    "lapse_customers", "customers", "Customer rows, by stage of life.", "partition", "segment", "stage"
)
OPEN_ALERTS: Final = gauge("lapse_open_alerts", "alerts", "Alerts open now.", "partition", "segment", "sign")
VALUE_AT_RISK: Final = gauge(
    "lapse_value_at_risk",
    "money",
    "What customers with an open alert may still bring, in the policy's currency.",
    "partition", "segment", "severity",
)  # fmt: skip
OUTCOMES: Final = gauge(
    "lapse_alert_outcomes",
    "alerts",
    "Alerts that have ended since the history began, and how; of those the share that churned is a sign's precision.",
    "segment", "sign", "resolution",
)  # fmt: skip

# ---------------------------------------------------------------- how the worker does

COMMIT_SECONDS: Final = histogram(
    "lapse_commit_seconds", "seconds", "Time that the commit of one transaction took.", _SECONDS
)
DELAY_SECONDS: Final = histogram(
    "lapse_delay_seconds",
    "seconds",
    "From the timestamp of a transaction's oldest record to its commit: the promise is 0.15 at p99.",
    _SECONDS,
)
RESTORE_SECONDS: Final = histogram(
    "lapse_restore_seconds",
    "seconds",
    "From being given a partition (or an aborted transaction) to running it.",
    _RESTORE,
)
TRANSACTIONS: Final = counter("lapse_transactions_total", "transactions", "Transactions committed.")
ABORTED: Final = counter(
    "lapse_transactions_aborted_total", "transactions", "Transactions that were not committed, and why.", "reason"
)
LAST_COMMIT: Final = gauge(
    "lapse_last_commit_timestamp_seconds", "timestamp", "When the last transaction was committed."
)
EXPECTED: Final = gauge(
    "lapse_partitions_expected", "partitions", "Partitions of customer.events, which somebody must run."
)
WAITING: Final = gauge("lapse_partitions_waiting", "partitions", "Partitions that wait for a stable committed offset.")
RESTORING: Final = gauge(
    "lapse_partitions_restoring", "partitions", "Partitions whose rows are read from the changelog."
)
RUNNING: Final = gauge("lapse_partitions_running", "partitions", "Partitions whose events are processed.")
POLICY_SINCE: Final = gauge(
    "lapse_policy_effective_timestamp_seconds",
    "seconds",
    "Since when the policy in force holds, a business day's beginning; 0 for the one the worker was started with.",
    "partition",
)
SUSPENDED: Final = gauge(
    "lapse_partition_suspended",
    "partitions",
    "1 while the partition's clock stands still because its input stopped, else 0.",
    "partition",
)

# ---------------------------------------------------------------- how the desk does

DESK_OPEN_ALERTS: Final = gauge("lapse_desk_open_alerts", "alerts", "Open alerts that the desk knows of.", "severity")
DESK_DELIVERIES: Final = counter(
    "lapse_desk_deliveries_total",
    "deliveries",
    "Tries to hand something to a receiver: sent, to be tried again (retry), given_up or refused by the receiver.",
    "reason",
)
DESK_WAITING: Final = gauge(
    "lapse_desk_waiting", "deliveries", "What is still to be handed over, and what it waits for.", "reason"
)
DESK_OLDEST: Final = gauge(
    "lapse_desk_oldest_waiting_seconds", "seconds", "For how long the oldest of what may be sent now has waited."
)
DESK_GROUPED: Final = counter(
    "lapse_desk_grouped_total", "alerts", "Alerts that were told together with others, and why.", "reason"
)
DESK_RECORDS: Final = counter("lapse_desk_records_total", "count", "Day records published on retention.daily.")
DESK_LAG: Final = gauge(
    "lapse_desk_lag_events", "events", "Records of churn.alerts and retention.parts that the desk has still to read."
)

# ---------------------------------------------------------------- figures, and what the policy wants of them

PERIOD_START: Final = gauge(
    "lapse_period_start_timestamp_seconds", "timestamp", "When the period that is shown as `period` began.", "period"
)
TARGET_CRR: Final = gauge(
    "lapse_target_crr_ratio", "ratio", "The CRR that the policy aims at, where it does.", "segment", "period"
)
ACCEPTABLE_CHURN: Final = gauge(
    "lapse_acceptable_churn_ratio", "ratio", "The churn that the policy accepts, where it does.", "segment", "period"
)


def _figure(family: Family) -> Metric:
    """A family of figures: summed over the worker's partitions, so that its series do not grow with these."""
    own = () if family.label == "role" else (family.label,)
    role = () if family.label in ("reason", "sign") else ("role",)
    return gauge(f"lapse_{family.name}", family.unit, family.help, "segment", "period", *own, *role)


FIGURES: Final = {family.name: _figure(family) for family in FAMILIES}
# how many values a label may have, where that is neither the policy's nor Kafka's to say
MOST: Final = {"sign": 13, "severity": 4, "resolution": 6, "reason": 16}

WORKER: Final = (
    EVENTS, DUPLICATES, DEAD, ALERTS_OPENED, ALERTS_ESCALATED, ALERTS_RESOLVED, PLACED, SPLIT, LAG, CLOCK, GRACE,
    CUSTOMERS, OPEN_ALERTS, VALUE_AT_RISK, OUTCOMES, COMMIT_SECONDS, DELAY_SECONDS,
    RESTORE_SECONDS, TRANSACTIONS, ABORTED, LAST_COMMIT, EXPECTED, WAITING, RESTORING, RUNNING, POLICY_SINCE, SUSPENDED,
    PERIOD_START, TARGET_CRR, ACCEPTABLE_CHURN, *FIGURES.values(),
)  # fmt: skip
DESK: Final = (
    DESK_OPEN_ALERTS, DESK_DELIVERIES, DESK_WAITING, DESK_OLDEST, DESK_GROUPED, DESK_RECORDS, DESK_LAG,
)  # fmt: skip
CATALOGUE: Final = (*WORKER, *DESK)
