"""The catalogue of metrics: name, kind, help and labels, one declaration each.

Owns: what can be measured. The exporter, the boards, the rules and the documentation read it; nobody else names a
metric. Values are counts, never ratios, in base units, so that any number of workers adds up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from stream.core.measures import FAMILIES, Family

LABELS: Final = frozenset({
    "partition", "segment", "sign", "stage", "period", "role", "resolution", "severity", "reason", "variant", "cohort",
})  # fmt: skip
OBJECTIVE_SECONDS: Final = 0.15  # an edge of the histograms: the client can't make native ones
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, OBJECTIVE_SECONDS, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. Counters end in `_total`; a unit stands last in the name."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what the contract rules out."""
        assert self.name.startswith("lapse_"), self.name
        assert set(self.labels) <= LABELS, self.labels
        assert self.name.endswith("_total") == (self.kind == "counter"), self.name
        assert bool(self.buckets) == (self.kind == "histogram"), self.name


EVENTS: Final = Metric(
    "lapse_events_total", "counter", "Records of customer.events that were processed and committed.", ("partition",)
)
DUPLICATES: Final = Metric(
    "lapse_duplicate_events_total", "counter", "Events ignored because their customer had them already.", ("partition",)
)
DEAD: Final = Metric(
    "lapse_dead_letters_total", "counter", "Records that went to the dead-letter topic.", ("partition", "reason")
)
ALERTS_OPENED: Final = Metric(
    "lapse_alerts_opened_total", "counter", "Alerts opened.", ("partition", "sign", "severity")
)
ALERTS_ESCALATED: Final = Metric(
    "lapse_alerts_escalated_total", "counter", "Alerts that became graver.", ("partition", "sign", "severity")
)
ALERTS_RESOLVED: Final = Metric(
    "lapse_alerts_resolved_total", "counter", "Alerts that ended, and how.", ("partition", "sign", "resolution")
)
LAG: Final = Metric(
    "lapse_lag_events", "gauge", "Records between this partition's position and its end.", ("partition",)
)
CLOCK: Final = Metric(
    "lapse_alert_clock_timestamp_seconds",
    "gauge",
    "Event time up to which silences were judged: the newest event's time less the grace.",
    ("partition",),
)
CUSTOMERS: Final = Metric(
    "lapse_customers", "gauge", "Customer rows, by stage of life.", ("partition", "segment", "stage")
)
OPEN_ALERTS: Final = Metric("lapse_open_alerts", "gauge", "Alerts open now.", ("partition", "segment", "sign"))
COMMIT_SECONDS: Final = Metric(
    "lapse_commit_seconds", "histogram", "Time that the commit of one transaction took.", (), _SECONDS
)
DELAY_SECONDS: Final = Metric(
    "lapse_delay_seconds",
    "histogram",
    "From the timestamp of a transaction's oldest record to its commit: the promise is 0.15 at p99.",
    (),
    _SECONDS,
)
RESTORE_SECONDS: Final = Metric(
    "lapse_restore_seconds",
    "histogram",
    "From being given a partition (or an aborted transaction) to running it.",
    (),
    (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 7.5, 15.0, 60.0),
)
TRANSACTIONS: Final = Metric("lapse_transactions_total", "counter", "Transactions committed.")
ABORTED: Final = Metric(
    "lapse_transactions_aborted_total", "counter", "Transactions that were not committed, and why.", ("reason",)
)
LAST_COMMIT: Final = Metric("lapse_last_commit_timestamp_seconds", "gauge", "When the last transaction was committed.")
WAITING: Final = Metric("lapse_partitions_waiting", "gauge", "Partitions that wait for a stable committed offset.")
RESTORING: Final = Metric("lapse_partitions_restoring", "gauge", "Partitions whose rows are read from the changelog.")
RUNNING: Final = Metric("lapse_partitions_running", "gauge", "Partitions whose events are processed.")
PERIOD_START: Final = Metric(
    "lapse_period_start_timestamp_seconds", "gauge", "When the period that is shown as `period` began.", ("period",)
)
TARGET_CRR: Final = Metric(
    "lapse_target_crr_ratio", "gauge", "The CRR that the policy aims at, where it does.", ("segment", "period")
)
ACCEPTABLE_CHURN: Final = Metric(
    "lapse_acceptable_churn_ratio", "gauge", "The churn that the policy accepts, where it does.", ("segment", "period")
)


def _figure(family: Family) -> Metric:
    """A family of figures: summed over the worker's partitions, so that its series do not grow with these."""
    own = () if family.label == "role" else (family.label,)
    role = () if family.label == "reason" else ("role",)
    return Metric(f"lapse_{family.name}", "gauge", family.help, ("segment", "period", *own, *role))


FIGURES: Final = {family.name: _figure(family) for family in FAMILIES}

CATALOGUE: Final = (
    EVENTS, DUPLICATES, DEAD, ALERTS_OPENED, ALERTS_ESCALATED, ALERTS_RESOLVED, LAG, CLOCK, CUSTOMERS, OPEN_ALERTS,
    COMMIT_SECONDS, DELAY_SECONDS, RESTORE_SECONDS, TRANSACTIONS, ABORTED, LAST_COMMIT, WAITING, RESTORING, RUNNING,
    PERIOD_START, TARGET_CRR, ACCEPTABLE_CHURN, *FIGURES.values(),
)  # fmt: skip
