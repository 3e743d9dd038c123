"""The read model → what may be shown to everybody: now, a period, the segments. No customer's data.

Owns: these sums, and the answer to "can this be trusted?". Pure: the wall clock is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, Literal

from stream.core.calendar import calendar, date_of, day_of, period_end
from stream.core.policy import Policy
from stream.desk.answers import Now, PastPeriod, Period, SegmentLine, Segments, Tally, Targets, Trust
from stream.desk.model import Desk
from stream.desk.words import SEVERITIES, SIGNS
from stream.wire.encode import AlertEvent, DayRecord, rfc3339

SHOWN_PERIODS: Final = {"day": 60, "week": 26, "month": 13, "quarter": 8, "year": 6}  # closed ones, before the open one
LIVE_SECONDS: Final = 300.0  # so far behind the wall clock, beyond the grace, is still live
HISTORY_SECONDS: Final = 3 * 86_400.0  # so far behind is no delay: history is being read
BEHIND_RECORDS: Final = 100  # marks of transactions count as records, and what has just come
HEARD_SECONDS: Final = 60.0  # a worker that says nothing for longer is missed
_ALL = "all"


def expected_loss(event: AlertEvent) -> float:
    """Chance × value at risk, in units of the currency: what the severity goes by."""
    return event.data.p_none * event.data.value_at_risk.amount


def now(desk: Desk, wall_ms: int) -> Now:
    """Everything that is open, and whether it can be trusted."""
    policy = desk.policy
    cells: dict[tuple[str, str, str], Tally] = {}
    for event in desk.open_alerts():
        data = event.data
        _count(cells.setdefault((data.severity, data.sign, data.segment), Tally()), event)
    by_severity = {name: Tally() for name in SEVERITIES} | _summed(cells, 0)
    opened, ended = _today(desk)
    return Now(
        at=rfc3339(wall_ms),
        currency=policy.currency,
        zone=policy.zone,
        policy=policy.name,
        segments=segment_names(policy),
        trust=trust(desk, wall_ms),
        open=_sum(by_severity.values()),
        severity=by_severity,
        sign=_summed(cells, 1),
        titles={name: word.title for name, word in SIGNS.items()},
        segment=_summed(cells, 2),
        opened_today=opened,
        ended_today=ended,
    )


def _count(tally: Tally, event: AlertEvent) -> None:
    tally.count += 1
    tally.value += event.data.value_at_risk.amount
    tally.expected_loss += expected_loss(event)


def _sum(tallies: Iterable[Tally]) -> Tally:
    found = list(tallies)
    return Tally(
        count=sum(one.count for one in found),
        value=round(sum(one.value for one in found), 4),
        expected_loss=round(sum(one.expected_loss for one in found), 4),
    )


def _summed(cells: Mapping[tuple[str, str, str], Tally], which: int) -> dict[str, Tally]:
    """The cells summed by one of their three names."""
    groups: dict[str, list[Tally]] = {}
    for names, tally in cells.items():
        groups.setdefault(names[which], []).append(tally)
    return {name: _sum(tallies) for name, tallies in groups.items()}


def _today(desk: Desk) -> tuple[int, dict[str, int]]:
    """Alerts opened, and ended by how, since the business day of the slowest clock began."""
    clock = clock_ms(desk)
    if clock is None:
        return 0, {}
    days = calendar(desk.policy.zone)
    since = rfc3339(days.start_ms(days.day(clock)))
    opened, ended = 0, Counter[str]()
    for _, story in desk.stories():
        opened += story.life[0].time >= since
        if story.last.time >= since and isinstance(story.last.data.resolution, str):
            ended[story.last.data.resolution] += 1
    return opened, dict(ended)


def clock_ms(desk: Desk) -> int | None:
    """The alert clock of the slowest partition, epoch ms; None while no partition has said how far it is."""
    return min((clock for clock, _ in desk.heads.values() if clock), default=None)


def trust(desk: Desk, wall_ms: int) -> Trust:
    """Whether what is shown is whole and of now, in a sentence, with what speaks against it."""
    heard = [at for _, at in desk.heads.values()]
    reporting = sum(wall_ms - at < HEARD_SECONDS * 1000 for at in heard)
    heard_s = (wall_ms - max(heard)) / 1000 if heard else None
    clock = clock_ms(desk)
    delay = None if clock is None else max(0.0, (wall_ms - clock - desk.policy.alert_grace_ms) / 1000)
    bad, doubts = _against(desk, reporting, delay, heard_s)
    state: Literal["good", "doubtful", "bad"] = "bad" if bad else "doubtful" if doubts else "good"
    history = delay is not None and delay >= HISTORY_SECONDS
    says = {
        "good": "History is being read: the figures are of that time" if history else "The figures can be trusted",
        "doubtful": "The figures are incomplete",
        "bad": "Don't trust the figures now",
    }[state]
    return Trust(
        state=state,
        says=says,
        why=bad + doubts,
        partitions_reporting=reporting,
        partitions_total=desk.partitions_total,
        partitions_suspended=sorted(desk.suspended),
        clock=None if clock is None else rfc3339(clock),
        delay_s=delay,
        heard_s=heard_s,
    )


def _against(desk: Desk, reporting: int, delay: float | None, heard_s: float | None) -> tuple[list[str], list[str]]:
    """What makes the figures wrong, and what makes them incomplete."""
    bad, doubts = [], []
    total = desk.partitions_total
    if heard_s is None:
        bad.append("no worker has said anything yet")
    elif reporting == 0:
        bad.append(f"no worker has been heard of for {duration(heard_s)}")
    elif total is not None and reporting < total:
        doubts.append(f"{total - reporting} of {total} partitions don't report")
    if desk.behind > BEHIND_RECORDS:
        doubts.append(f"the desk has still {desk.behind:,} records to read")
    if delay is not None and LIVE_SECONDS <= delay < HISTORY_SECONDS:
        doubts.append(f"the slowest partition is {duration(delay)} behind")
    if desk.suspended:
        which = ", ".join(map(str, sorted(desk.suspended)))
        doubts.append(f"no input on partition {which}: its clock stands still, nobody there is counted as silent")
    return bad, doubts


def duration(seconds: float) -> str:
    """A span of time as a person says it, in its one largest unit.

    >>> [duration(s) for s in (0.2, 59, 90, 7200, 200_000)]
    ['0 s', '59 s', '1 min', '2 h', '2 days']
    """
    for size, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size * (2 if name == "days" else 1):
            return f"{seconds // size:.0f} {name}"
    return f"{seconds:.0f} s"


def period(desk: Desk, kind: str, segment: str) -> Period:
    """The open period of a segment (the last, when none is open), and those before it."""
    found = sorted((r for r in desk.records().values() if r.period == kind and r.segment == segment), key=_start)
    last = found[-1] if found else None
    clock = clock_ms(desk)
    first_day, last_day, done = None, None, 0
    if last is not None:
        last_day = period_last(kind, last.start)
        today = calendar(desk.policy.zone).day(clock) if clock is not None else day_of(last.start)
        done = min(max(today - day_of(last.start), 0), (last_day - last.start).days + 1)
        first_day = last.start
    return Period(
        period=kind,
        segment=segment,
        first=first_day,
        last=last_day,
        days_done=done,
        days=(last_day - first_day).days + 1 if first_day and last_day else 0,
        record=last,
        history=[_past(one) for one in found[-1 - SHOWN_PERIODS[kind] : -1]],
        targets=targets(desk.policy, segment),
    )


def _past(record: DayRecord) -> PastPeriod:
    return PastPeriod(
        start=record.start,
        counts=record.counts,
        crr=record.crr,
        crr_strict=record.crr_strict,
        churn=record.churn,
        warmup=record.warmup,
    )


def period_last(kind: str, start: date) -> date:
    """The last day of the period that begins then."""
    return date(start.year, 12, 31) if kind == "year" else date_of(period_end(kind, day_of(start)))


def segments(desk: Desk, kind: str = "month") -> Segments:
    """Every segment of the policy beside each other, the whole first."""
    by_segment: dict[str, list[DayRecord]] = {}
    for record in desk.records().values():
        if record.period == kind:
            by_segment.setdefault(record.segment, []).append(record)
    tallies: dict[str, Tally] = {}
    for event in desk.open_alerts():
        _count(tallies.setdefault(event.data.segment, Tally()), event)
    tallies = {name: _sum([tally]) for name, tally in tallies.items()}
    tallies[_ALL] = _sum(tallies.values())
    names = (_ALL, *segment_names(desk.policy))
    newest = max((record.start for records in by_segment.values() for record in records), default=None)
    lines = [_line(name, sorted(by_segment.get(name, []), key=_start), tallies, desk.policy) for name in names]
    return Segments(currency=desk.policy.currency, period=kind, first=newest, segments=lines)


def _line(name: str, records: list[DayRecord], tallies: Mapping[str, Tally], policy: Policy) -> SegmentLine:
    last = records[-1] if records else None
    closed = [one.churn for one in records if not one.provisional][-SHOWN_PERIODS["month"] :]
    known = sorted(churn for churn in closed if churn is not None)
    return SegmentLine(
        segment=name,
        customers=last.counts.end if last else None,
        open=tallies.get(name, Tally()),
        crr=last.crr if last else None,
        crr_strict=last.crr_strict if last else None,
        churn=last.churn if last else None,
        usual_churn=known[len(known) // 2] if known else None,
        history=closed,
        targets=targets(policy, name),
    )


def segment_names(policy: Policy) -> list[str]:
    """The segments in the order of their names, `other` last."""
    other, *named = policy.segments
    return [*sorted(named), other]


def targets(policy: Policy, segment: str) -> Targets:
    """What the policy wants of a segment: its own, else what holds for all."""
    crr, churn = policy.figures.wanted(segment)
    return Targets(crr=crr, acceptable_churn=churn)


def _start(record: DayRecord) -> date:
    return record.start
