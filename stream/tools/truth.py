"""The core's alerts on simulated customers, held against the truth about them.

Owns: what counts as right, and the verdict on each scenario. An alert is *right* when it opened while the sign was to
be seen of that customer, by the truth; it is *followed* when the customer really left within the horizon after it.
What was to be seen is *covered* when an alert of that sign opened while it was. Knows nothing of how the events were
made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path

import msgspec
import numpy as np

from stream.core.batch import Batch
from stream.core.calendar import calendar, date_of
from stream.core.policy import Policy
from stream.tools.measures import Interval, share
from stream.tools.replay import Replay
from stream.tools.simulate import Simulated, Truth
from stream.tools.simulate.scenarios import Judged

_Line = Simulated | Truth | Judged
FAR = date.max
WARNED_DAYS = 60
BASE_DAYS = 28


class NoTruthError(ValueError):
    """There is no file of the truth beside the events, or it is none."""


class SignLine(msgspec.Struct, frozen=True):
    """One sign over the drawn customers (scenarios are left out)."""

    sign: str
    opened: int
    right: Interval  # precision by truth
    followed: Interval  # left within the horizon of the alert
    shown: int  # times that the sign was to be seen,
    covered: Interval  # of them, with an alert in time
    median_days: float | None  # from its first day to that alert


class Verdict(msgspec.Struct, frozen=True):
    """One scenario: what must happen, what happened, and whether that is right."""

    customer_id: str
    sign: str
    must: str
    happened: str
    right: bool
    says: str


class Against(msgspec.Struct, frozen=True):
    """All that was found."""

    policy: str
    customers: int
    left: int
    warned: Interval  # share of those who left with any alert opened in the 60 days up to that day
    warned_days: float | None  # median days from the first of them to the day
    base_rate: float  # share of customers who leave within 28 days, on average over the days
    signs: list[SignLine]
    scenarios: list[Verdict]


class _Opened(msgspec.Struct, frozen=True):
    day: date
    horizon_days: int


def read_truth(path: Path) -> tuple[Simulated, list[Truth], list[Judged]]:
    """Read the file of the truth. Raises NoTruthError."""
    decode = msgspec.json.Decoder(_Line).decode
    try:
        with path.open("rb") as file:
            lines = [decode(line) for line in file]
    except OSError as problem:
        raise NoTruthError(f"{path} can't be read ({problem.strerror}): `lapse simulate` writes it") from None
    except msgspec.DecodeError as problem:
        raise NoTruthError(f"{path} is no truth of `lapse simulate`: {problem}") from None
    if not lines or not isinstance(lines[0], Simulated):
        raise NoTruthError(f"{path} does not begin with what was simulated")
    customers = [line for line in lines if isinstance(line, Truth)]
    return lines[0], customers, [line for line in lines if isinstance(line, Judged)]


def against_truth(
    source: Iterable[Batch], truth_file: Path, policy: Policy, say: Callable[[str], None] = lambda _: None
) -> Against:
    """Run the core over the events and hold its alerts against the truth. Raises NoTruthError."""
    simulated, customers, scenarios = read_truth(truth_file)
    replay = Replay(policy)
    replay.run(_told(source, policy, say))
    say("holding alerts against the truth")
    days = calendar(policy.zone)
    opened: defaultdict[tuple[str, str], list[_Opened]] = defaultdict(list)
    ended: dict[tuple[str, str, date], str] = {}
    begun: dict[str, date] = {}
    for alert in replay.alerts:
        day = date_of(days.day(alert.event_time_ms))
        if alert.status == "opened":
            opened[alert.customer_id, alert.sign].append(_Opened(day, alert.horizon_days))
            begun[alert.alert_id] = day
        elif alert.resolution is not None:
            ended[alert.customer_id, alert.sign, begun.get(alert.alert_id, FAR)] = alert.resolution
    signs = sorted({one.sign for person in customers for one in person.signs} | {alert.sign for alert in replay.alerts})
    warned = _warned(customers, {alert.sign for alert in replay.alerts}, opened)
    return Against(
        policy=policy.name,
        customers=len(customers),
        left=sum(one.left is not None for one in customers),
        warned=_share([(n, days is not None) for n, days in warned]),
        warned_days=_median([days for _, days in warned if days is not None]),
        base_rate=_base_rate(simulated, customers),
        signs=[_sign(sign, customers, opened) for sign in signs],
        scenarios=[_verdict(one, opened[one.customer_id, one.sign], ended) for one in scenarios],
    )


def _told(source: Iterable[Batch], policy: Policy, say: Callable[[str], None]) -> Iterable[Batch]:
    days = calendar(policy.zone)
    for batch in source:
        if len(batch):
            say(str(date_of(days.day(int(batch.time_ms[-1])))))
        yield batch


def _sign(sign: str, customers: list[Truth], opened: dict[tuple[str, str], list[_Opened]]) -> SignLine:
    right: list[tuple[int, bool, bool]] = []  # customer, right, followed
    covered: list[tuple[int, bool]] = []
    waited: list[int] = []
    for n, person in enumerate(customers):
        shown = [one for one in person.signs if one.sign == sign]
        alerts = opened.get((person.customer_id, sign), [])
        for alert in alerts:
            seen = any(one.since <= alert.day <= one.until for one in shown)
            gone = person.left is not None and person.left <= alert.day + timedelta(alert.horizon_days)
            right.append((n, seen, gone))
        for one in shown:
            first = next((alert.day for alert in alerts if one.since <= alert.day <= one.until), None)
            covered.append((n, first is not None))
            if first is not None:
                waited.append((first - one.since).days)
    return SignLine(
        sign=sign,
        opened=len(right),
        right=_share([(n, seen) for n, seen, _ in right]),
        followed=_share([(n, gone) for n, _, gone in right]),
        shown=len(covered),
        covered=_share(covered),
        median_days=_median(waited),
    )


def _share(rows: list[tuple[int, bool]]) -> Interval:
    return share(np.array([hit for _, hit in rows], bool), np.array([n for n, _ in rows], np.int64))


def _warned(
    customers: list[Truth], signs: set[str], opened: dict[tuple[str, str], list[_Opened]]
) -> list[tuple[int, int | None]]:
    """Of each who left: the days from the first alert of the WARNED_DAYS before to the last day, None without one."""
    found: list[tuple[int, int | None]] = []
    for n, person in enumerate(customers):
        if person.left is None:
            continue
        early = person.left - timedelta(WARNED_DAYS)
        days = [one.day for sign in signs for one in opened.get((person.customer_id, sign), [])]
        first = min((day for day in days if early <= day <= person.left), default=None)
        found.append((n, None if first is None else (person.left - first).days))
    return found


def _median(days: list[int]) -> float | None:
    return float(np.median(days)) if days else None


def _base_rate(simulated: Simulated, customers: list[Truth]) -> float:
    """How often a customer of some day has left BASE_DAYS days later: what any alert must be better than."""
    last = simulated.last_day
    there = sum(((one.left or last) - one.came).days + 1 for one in customers)
    leaving = sum(min(BASE_DAYS, (one.left - one.came).days + 1) for one in customers if one.left is not None)
    return round(leaving / max(there, 1), 4)


def _verdict(must: Judged, alerts: list[_Opened], ended: dict[tuple[str, str, date], str]) -> Verdict:
    since, until = date.fromisoformat(must.since), date.fromisoformat(must.until)
    first = min((one.day for one in alerts), default=None)
    resolution = None if first is None else ended.get((must.customer_id, must.sign, first))
    if must.must == "fire":
        right = first is not None and since <= first <= until
        right = right and must.resolution in {None, resolution}
    else:
        right = first is None
    happened = "nothing" if first is None else f"opened {first}" + (f", {resolution}" if resolution else "")
    wanted = must.must if must.must != "fire" else f"fire {must.since} … {must.until}"
    if must.resolution is not None:
        wanted += f", {must.resolution}"
    return Verdict(must.customer_id, must.sign, wanted, happened, right, must.says)
