"""A day record as JSON: the types of which its schema is made, and how a Record becomes one.

Owns: which sections a record has, and their filling. What is in a section, and in which unit, is `wire.shapes`'s.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal, TypeVar

from msgspec import Struct
from msgspec.structs import fields

from stream.core import sections
from stream.core.calendar import day_of, period_end
from stream.core.money import from_minor, minor_digits
from stream.core.retention import Record
from stream.wire.shapes import (
    Activity,
    Cohort,
    Costs,
    Counts,
    Departures,
    Experience,
    LastKinds,
    Money,
    MoneyRatio,
    Nps,
    Pareto,
    Programme,
    Ratio,
    Reasons,
    Retained,
    Revenue,
    Service,
    Subscriptions,
)
from stream.wire.stamps import Time, rfc3339


class DayRecord(Struct, kw_only=True):
    """A period of a segment on `retention.daily`, key `period:start:segment`.

    A ratio whose base is 0 is null, as are all ratios in warmup. What only the end of a period can tell (`activity`,
    `cohorts`, `subscriptions`, `nps`, `departures`, `last_kinds`) is null of one that is not over; `retained` and
    `pareto` are told of months and quarters only.
    """

    period: Literal["day", "week", "month", "quarter", "year"]
    start: date
    segment: str
    counts: Counts
    crr: float | None
    crr_strict: float | None
    churn: float | None
    churn_net: float | None
    currency: str
    revenue: Revenue
    activity: Activity | None
    cohorts: dict[str, Cohort] | None
    subscriptions: Subscriptions | None
    nps: Nps | None
    departures: Departures | None
    last_kinds: LastKinds | None
    retained: Retained | None
    pareto: Pareto | None
    costs: Costs
    service: Service
    experience: Experience
    programme: Programme
    reasons: Reasons
    provisional: bool
    final: bool
    warmup: bool
    revision: int
    closed_at: Time


S = TypeVar("S", bound=Struct)


def day_record(record: Record) -> DayRecord:
    """The published form of a record."""
    m, counts = record.figures, record.counts
    days = period_end(record.period, day_of(record.start)) - day_of(record.start) + 1
    revenue = sections.revenue(m, counts, days)
    closed = not record.provisional
    monthly = closed and record.period in ("month", "quarter")
    return DayRecord(
        period=record.period,  # type: ignore[arg-type]  # one of calendar.PERIODS
        start=record.start,
        segment=record.segment,
        counts=Counts(**counts),
        crr=record.crr,
        crr_strict=record.crr_strict,
        churn=record.churn,
        churn_net=record.churn_net,
        currency=record.currency,
        revenue=_made(Revenue, revenue, record),
        activity=_made(Activity, sections.activity(m), record) if closed else None,
        cohorts={name: _made(Cohort, one, record) for name, one in sections.cohorts(m).items()} if closed else None,
        subscriptions=_made(Subscriptions, sections.subscriptions(m), record) if closed else None,
        nps=_made(Nps, sections.nps(m), record) if closed else None,
        departures=_made(Departures, sections.departures(m, counts), record) if closed else None,
        last_kinds=LastKinds(**sections.last_kinds(m)) if closed else None,
        retained=_made(Retained, sections.retained(m), record) if monthly else None,
        pareto=_made(Pareto, sections.pareto(m), record) if monthly else None,
        costs=_made(Costs, sections.costs(m, counts, revenue["clv_revenue"]), record),
        service=_made(Service, sections.service(m), record),
        experience=_made(Experience, sections.experience(m), record),
        programme=_made(Programme, sections.programme(m), record),
        reasons=Reasons(**sections.reasons(m)),
        provisional=record.provisional,
        final=record.final,
        warmup=record.warmup,
        revision=record.revision,
        closed_at=rfc3339(record.closed_at_ms),
    )


def _made(kind: type[S], section: sections.Section, record: Record) -> S:
    """A section in its published form: money in units, no ratios in warmup."""
    shown: dict[str, Any] = {}
    for field in fields(kind):
        value = section[field.name]
        if field.type in (Ratio, MoneyRatio) and record.warmup:
            value = None
        elif field.type == Money:
            value = from_minor(int(value or 0), record.currency)
        elif field.type == MoneyRatio and value is not None:
            value = round(value / 10 ** minor_digits(record.currency), 6)
        shown[field.name] = value
    return kind(**shown)
