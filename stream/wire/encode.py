"""Core values → keys and values of records: alerts, partial counts, day records.

Owns: the published JSON of an alert (CloudEvents 1.0, structured) and of a day record, as types of which the schemas
are made. Times become RFC 3339, money decimal numbers. Knows nothing of topics or producers.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from stream.core.alerts import SOURCE, Alert
from stream.core.comparing import ALONE, Beside
from stream.core.evidence import Evidence
from stream.core.money import from_minor
from stream.core.retention import Head, Part, Record
from stream.wire import record as shape
from stream.wire import stamps

Chance: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
KeyValue: TypeAlias = tuple[bytes, bytes]
DayRecord: TypeAlias = shape.DayRecord
Time: TypeAlias = stamps.Time
rfc3339 = stamps.rfc3339

_to_json = msgspec.json.Encoder().encode


class MoneyJson(Struct):
    """An amount in units of a currency, exact to its minor unit."""

    amount: float
    currency: str


class AlertData(Struct, kw_only=True):
    """What the alert says of the customer.

    `p_none` is the chance that the alert comes true: no such activity in the next `horizon_days`, from the model of
    `silent`, else the share of such alerts that came true. `base_rate` is the policy's one
    figure for everybody, whatever the sign and its horizon: the share of all customers who leave within a horizon. It
    tells whether a chance is a high one, not how often the same would happen without this sign. `event_time` is when it
    fell due in the time of the events, `observed_at` when that was seen.
    """

    alert_id: str
    customer_id: str
    status: Literal["opened", "escalated", "resolved"]
    resolution: Literal["returned", "recovered", "retracted", "churned", "erased", "muted"] | UnsetType = UNSET
    severity: Literal["low", "medium", "high", "critical"]
    stage: str
    segment: str
    sign: str
    signs: list[Evidence]
    p_none: Chance
    base_rate: Chance
    horizon_days: int
    value_at_risk: MoneyJson
    loss: Literal["regretted", "acceptable", "involuntary"]
    acceptable: bool
    consent_marketing: bool
    play: str
    holdout: bool
    next_occasion: str | None
    episode_day: date
    event_time: Time
    observed_at: Time
    policy: str


class AlertEvent(Struct, kw_only=True):
    """A message on `churn.alerts`, keyed by customer. `id` is `alert_id:n`, the same again after any replay."""

    specversion: Literal["1.0"] = "1.0"
    type: Literal["churn.alert.opened", "churn.alert.escalated", "churn.alert.resolved"]
    source: str
    id: str
    time: Time
    data: AlertData


_ALERT_FIELDS = frozenset(AlertData.__struct_fields__)


def alert(alert: Alert) -> KeyValue:
    """Key and value of an alert's record."""
    fields = {name: value for name, value in msgspec.structs.asdict(alert).items() if name in _ALERT_FIELDS}
    currency = alert.value_at_risk.currency
    fields |= {
        "resolution": alert.resolution or UNSET,
        "value_at_risk": MoneyJson(from_minor(alert.value_at_risk.minor, currency), currency),
        "event_time": rfc3339(alert.event_time_ms),
        "observed_at": rfc3339(alert.observed_at_ms),
    }
    event = AlertEvent(
        type=f"churn.alert.{alert.status}",  # type: ignore[arg-type]  # one of the three, as TRANSITIONS says
        source=SOURCE,
        id=f"{alert.alert_id}:{alert.transition}",
        time=fields["event_time"],
        data=AlertData(**fields),
    )
    return alert.customer_id.encode(), _to_json(event)


def part(part: Part | Head) -> KeyValue:
    """Key and value of a partition's share of a period, or of how far the partition is."""
    return part.key.encode(), _to_json(part)


def record(record: Record, beside: Beside = ALONE) -> KeyValue:
    """Key and value of a day record, and what it is held against."""
    return record.key.encode(), _to_json(shape.day_record(record, beside))
