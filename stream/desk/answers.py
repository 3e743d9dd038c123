"""What the desk answers: the types of every answer of its API, from which the OpenAPI document is written.

Owns: names, units and meaning of what the page and `lapse` read. Computes nothing and knows neither HTTP nor Kafka.
Money is in units of `currency`; times are RFC 3339; a share or chance is 0..1; what is not known is null.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from stream.core.evidence import Evidence
from stream.wire.encode import Chance, DayRecord, MoneyJson
from stream.wire.shapes import Counts
from stream.wire.stamps import Time

Name = Annotated[str, Meta(min_length=1, max_length=100)]


class Tally(Struct, kw_only=True):
    """So many open alerts, and what is at stake: the value of these customers, and chance × value summed."""

    count: int = 0
    value: float = 0.0
    expected_loss: float = 0.0


class Trust(Struct, kw_only=True):
    """Can the figures be trusted now? `says` is the answer in a sentence; `why` what speaks against it.

    `delay_s` is how far the slowest partition's clock is behind the wall clock; `heard_s` how long ago the desk heard
    of any worker.
    """

    state: Literal["good", "doubtful", "bad"]
    says: str
    why: list[str]
    partitions_reporting: int
    partitions_total: int | None
    partitions_suspended: list[int]
    clock: Time | None
    delay_s: float | None
    heard_s: float | None


class Now(Struct, kw_only=True):
    """Aggregates of this moment, no customer's data; `titles` is what people call each sign."""

    at: Time
    currency: str
    zone: str
    policy: str
    segments: list[str]
    trust: Trust
    open: Tally
    severity: dict[str, Tally]
    sign: dict[str, Tally]
    titles: dict[str, str]
    segment: dict[str, Tally]
    opened_today: int
    ended_today: dict[str, int]


class Targets(Struct, kw_only=True):
    """What the policy wants of a segment; null where it says nothing."""

    crr: float | None = None
    acceptable_churn: float | None = None


class PastPeriod(Struct, kw_only=True):
    """A period before: what it is compared by."""

    start: date
    counts: Counts
    crr: float | None
    crr_strict: float | None
    churn: float | None
    warmup: bool


class Period(Struct, kw_only=True):
    """The open or last period of a segment, and the closed ones before it, oldest first."""

    period: str
    segment: str
    first: date | None
    last: date | None
    days_done: int
    days: int
    record: DayRecord | None
    history: list[PastPeriod]
    targets: Targets


class SegmentLine(Struct, kw_only=True):
    """One segment: its customers, its open alerts, and its churn month by month, oldest first."""

    segment: str
    customers: int | None
    open: Tally
    crr: float | None
    crr_strict: float | None
    churn: float | None
    usual_churn: float | None
    history: list[float | None]
    targets: Targets


class Segments(Struct, kw_only=True):
    """Every segment of the policy, the whole first."""

    currency: str
    period: str
    first: date | None
    segments: list[SegmentLine]


class Acked(Struct, kw_only=True):
    """Somebody took it on."""

    by: str
    at: Time | None = None


class AlertLine(Struct, kw_only=True):
    """One alert in a list: who, why in words, how likely, what it is worth, what is suggested."""

    alert_id: str
    customer_id: str
    status: str
    resolution: str | None
    severity: str
    stage: str
    segment: str
    sign: str
    title: str
    says: list[str]
    p_none: Chance
    horizon_days: int
    value_at_risk: MoneyJson
    expected_loss: float
    play: str
    consent_marketing: bool
    holdout: bool
    opened_at: Time
    changed_at: Time
    observed_at: Time
    acked: Acked | None


class Alerts(Struct, kw_only=True):
    """A page of open alerts. `next` is the `after` of the next page, null on the last one."""

    total: int
    alerts: list[AlertLine]
    next: str | None


class Step(Struct, kw_only=True):
    """One thing that happened to an alert."""

    at: Time
    what: str
    says: str
    severity: str | None = None


class AlertStory(Struct, kw_only=True):
    """Why an alert opened, in sentences; its evidence in numbers; what the policy says; its life so far."""

    alert: AlertLine
    because: list[str]
    evidence: list[Evidence]
    policy: list[str]
    life: list[Step]


class Fact(Struct, kw_only=True):
    """One thing that is known of a customer, in words."""

    name: str
    says: str


class CustomerEvent(Struct, kw_only=True):
    """One event of the customer's, as it came."""

    time: Time
    type: str
    says: str
    event: dict[str, Any]


class Customer(Struct, kw_only=True):
    """One customer's story. `row` is null where the worker that has it gave no answer; `missing` says so."""

    customer_id: str
    row: list[Fact] | None
    alerts: list[AlertLine]
    life: list[Step]
    events: list[CustomerEvent] | None
    missing: list[str]


class SettingLine(Struct, kw_only=True):
    """One threshold of the policy: its name in the file, its value, the default, and what it means."""

    name: str
    value: Any
    default: Any
    means: str


class VersionLine(Struct, kw_only=True):
    """One policy and the business day from which it is in force, in event time; null: that of the start."""

    since: date | None
    name: str
    hash: str
    in_force: bool


class PolicyView(Struct, kw_only=True):
    """The policy in force, and which ones come before and after it."""

    name: str
    hash: str
    currency: str
    zone: str
    segments: list[str]
    settings: list[SettingLine]
    warnings: list[str]
    versions: list[VersionLine]


class Ack(Struct, kw_only=True):
    """To say that somebody took an alert on."""

    by: Name


class Mute(Struct, kw_only=True):
    """To end an alert and hear nothing more of its sign for this customer until then."""

    by: Name
    until: date


class Taken(Struct, kw_only=True):
    """The event that was written to `customer.events`."""

    id: str
    type: str


class Wrong(Struct, kw_only=True):
    """Why there is no answer, in a sentence."""

    error: str
