"""A day record as JSON: the types of which its schema is made, and how a Record becomes one.

Owns: which sections a record has, and their filling. What is in a section, and in which unit, is `wire.shapes`'s.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any, Literal, TypeVar

from msgspec import Struct
from msgspec.structs import fields

from stream.core import rates, sections, trying
from stream.core.calendar import day_of, period_end
from stream.core.comparing import Beside, Earlier
from stream.core.money import from_minor, minor_digits
from stream.core.retention import Record
from stream.wire.attempts import Activation, Lead, Trials, Variant, WinBack
from stream.wire.shapes import (
    Activity,
    Cohort,
    Compared,
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
    Wanted,
)
from stream.wire.stamps import Time, rfc3339


class DayRecord(Struct, kw_only=True):
    """A period of a segment on `retention.daily`, key `period:start:segment`.

    A ratio whose base is 0 is null, as are all ratios in warmup. What only the end of a period can tell (`activity`,
    `cohorts`, `subscriptions`, `nps`, `departures`, `last_kinds`, `variants`) is null of one that is not over, and of a
    year; `before` and `year_before` of one that is not over; `retained` and `pareto` are told of months and quarters
    only, `wanted` of months.
    """

    period: Literal["day", "week", "month", "quarter", "year"]
    start: date
    segment: str
    counts: Counts
    crr: float | None
    crr_strict: float | None
    churn: float | None
    churn_net: float | None
    before: Compared | None
    year_before: Compared | None
    wanted: Wanted | None
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
    trials: dict[str, Trials]
    activation: Activation
    leads: dict[str, Lead]
    win_back: WinBack
    variants: dict[str, Variant] | None
    reasons: Reasons
    provisional: bool
    final: bool
    warmup: bool
    revision: int
    closed_at: Time


S = TypeVar("S", bound=Struct)


def day_record(record: Record, beside: Beside) -> DayRecord:
    """The published form of a record, and what it is held against."""
    m, counts = record.figures, record.counts
    days = period_end(record.period, day_of(record.start)) - day_of(record.start) + 1
    revenue = sections.revenue(m, counts, days)
    closed = not record.provisional
    told = closed and record.period != "year"
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
        before=_compared(record, beside.before),
        year_before=_compared(record, beside.year_before),
        wanted=_wanted(record, beside),
        currency=record.currency,
        revenue=_made(Revenue, revenue, record),
        activity=_made(Activity, sections.activity(m), record) if told else None,
        cohorts={name: _made(Cohort, one, record) for name, one in sections.cohorts(m).items()} if told else None,
        subscriptions=_made(Subscriptions, sections.subscriptions(m), record) if told else None,
        nps=_made(Nps, sections.nps(m), record) if told else None,
        departures=_made(Departures, sections.departures(m, counts), record) if told else None,
        last_kinds=LastKinds(**sections.last_kinds(m)) if told else None,
        retained=_made(Retained, sections.retained(m), record) if monthly else None,
        pareto=_made(Pareto, sections.pareto(m), record) if monthly else None,
        costs=_made(Costs, sections.costs(m, counts, revenue["clv_revenue"]), record),
        service=_made(Service, sections.service(m), record),
        experience=_made(Experience, sections.experience(m), record),
        programme=_made(Programme, sections.programme(m), record),
        trials={uses: _made(Trials, one, record) for uses, one in trying.trials(m).items()},
        activation=_made(Activation, trying.activation(m), record),
        leads={sign: _made(Lead, one, record) for sign, one in trying.leads(m).items()},
        variants=_variants(record, beside) if told else None,
        win_back=_made(WinBack, trying.win_back(m), record),
        reasons=Reasons(**sections.reasons(m)),
        provisional=record.provisional,
        final=record.final,
        warmup=record.warmup,
        revision=record.revision,
        closed_at=rfc3339(record.closed_at_ms),
    )


def _variants(record: Record, beside: Beside) -> dict[str, Variant]:
    told = trying.variants(record.figures, beside.variants)
    return {name: _made(Variant, one, record) for name, one in told.items()}


def _compared(record: Record, earlier: Earlier | None) -> Compared | None:
    if earlier is None:
        return None
    return Compared(
        **earlier._asdict(),
        lost_change=record.counts["lost"] - earlier.lost,
        crr_change=rates.change(record.crr, earlier.crr),
        crr_strict_change=rates.change(record.crr_strict, earlier.crr_strict),
        churn_change=rates.change(record.churn, earlier.churn),
    )


def _wanted(record: Record, beside: Beside) -> Wanted | None:
    crr, churn = beside.target_crr, beside.acceptable_churn
    if crr is None and churn is None:
        return None
    return Wanted(
        crr=crr,
        acceptable_churn=churn,
        crr_over=rates.change(record.crr, crr),
        churn_over=rates.change(record.churn, churn),
    )


@cache
def _units(kind: type[Struct]) -> list[tuple[str, Any]]:
    """The names of a section's fields and what each is told in, None if as it is; msgspec works them out each time."""
    told = Ratio, MoneyRatio, Money
    return [(field.name, next((unit for unit in told if field.type == unit), None)) for field in fields(kind)]


def _made(kind: type[S], section: sections.Section, record: Record) -> S:
    """A section in its published form: money in units, no ratios in warmup."""
    shown: dict[str, Any] = {}
    for name, unit in _units(kind):
        value = section[name]
        if unit is not Money and unit is not None and record.warmup:
            value = None
        elif unit is Money:
            value = from_minor(int(value or 0), record.currency)
        elif unit is MoneyRatio and value is not None:
            value = round(value / 10 ** minor_digits(record.currency), 6)
        shown[name] = value
    return kind(**shown)
