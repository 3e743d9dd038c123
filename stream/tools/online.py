"""Alerts as they would have come: how often they were right, how many were not, and how early.

Owns: counting openings and what became of them, of the core's own alerts and of a rule of fixed inactivity with as
many alerts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.core.batch import Batch
from stream.core.calendar import DAY_MS, calendar, day_of
from stream.core.policy import Policy
from stream.tools.history import History
from stream.tools.measures import Interval, share
from stream.tools.replay import Replay

MONTH_DAYS = 365.25 / 12
SIGN = "silent"

Days = NDArray[np.int64]
Flags = NDArray[np.bool_]


CLAIMS = (0.20, 0.25, 0.30, 0.35)
CLAIM_WIDTH = 0.05


class Claimed(msgspec.Struct, frozen=True):
    """The alerts that claim about the same chance: within half a CLAIM_WIDTH of `claim`."""

    claim: float
    alerts: int
    mean_claimed: float
    precision: Interval


class Alerts(msgspec.Struct, frozen=True):
    """What one rule opened in the window, of which the horizon has passed."""

    rule: str
    opened: int
    claimed: float | None  # mean of the chances that the alerts claim
    precision: Interval  # share of them after which no purchase came within the horizon
    false_per_1000_months: float  # per 1,000 customer-months
    caught: float  # share of the long silences during which an alert opened,
    caught_early: float  # and of those during which it opened before the horizon's length had passed
    median_day: float | None  # of the long silences caught: the day of silence on which the alert opened
    by_claim: list[Claimed] = []


@dataclass(frozen=True, slots=True)
class Window:
    """Alerts opened from day `first` to `last`; the horizon of every one of them ends within the history."""

    first: int
    last: int
    horizon_days: int
    customer_days: float


@dataclass(frozen=True, slots=True)
class Silences:
    """Every silence that an alert may concern: those after the n-th purchase day, n ≥ the policy's fewest."""

    customer: Days
    began: Days  # the last purchase day before
    lasted: Days  # days to the next one; a far day when there was none

    def long(self, window: Window) -> Flags:
        """Those that reached the horizon's length within the window (and the horizon after it)."""
        h = window.horizon_days
        reached = self.began + h
        return (self.lasted >= h) & (reached >= window.first) & (reached <= window.last + h)


def silences(past: History, fewest: int, judged: Flags) -> Silences:
    """The silences of the judged customers."""
    customer = np.repeat(np.arange(len(past.customers)), past.counts)
    number = np.arange(past.days.size) - past.starts[customer] + 1
    following = np.append(past.days[1:], 0)
    following[past.starts[1:] - 1] = 2**31
    wanted = (number >= fewest) & judged[customer]
    return Silences(customer[wanted], past.days[wanted], (following - past.days)[wanted])


def of_core(
    source: Sequence[Batch], policy: Policy, theta: float, past: History, found: Silences, window: Window
) -> Alerts:
    """The core's own alerts with another theta."""
    replay = Replay(replace(policy, silent=replace(policy.silent, theta=theta)))
    replay.run(source)
    codes = {name: c for c, name in enumerate(past.customers)}
    judged = set(found.customer.tolist())
    zone, horizon_ms = calendar(policy.zone), window.horizon_days * DAY_MS
    resolved = {alert.alert_id: alert.resolution for alert in replay.alerts if alert.status == "resolved"}
    day_of_silence: dict[tuple[int, int], int] = {}
    rows: list[tuple[int, bool, float]] = []
    for alert in replay.alerts:
        code = codes.get(alert.customer_id, -1)
        if alert.sign != SIGN or alert.status != "opened" or code not in judged:
            continue
        day = zone.day(alert.event_time_ms)
        episode = day_of(alert.episode_day)
        day_of_silence[code, episode] = day - episode
        end = resolved.get(alert.alert_id)
        matured = alert.event_time_ms + horizon_ms <= replay.clock_ms and end in {"churned", "returned", "retracted"}
        if window.first <= day <= window.last and matured:
            rows.append((code, end == "churned", alert.p_none))
    pairs = zip(found.customer.tolist(), found.began.tolist(), strict=True)
    opened_on = np.array([day_of_silence.get(pair, 2**31) for pair in pairs])
    hit = np.array([row[1] for row in rows], bool)
    claimed = float(np.mean([row[2] for row in rows])) if rows else None
    who = np.array([row[0] for row in rows], np.int64)
    told = _alerts(f"this model, theta {theta:g}", hit, who, claimed, opened_on, found, window)
    return msgspec.structs.replace(told, by_claim=_by_claim(np.array([row[2] for row in rows]), hit, who))


def _by_claim(chance: NDArray[np.float64], hit: Flags, who: Days) -> list[Claimed]:
    found = []
    for claim in CLAIMS:
        there = np.abs(chance - claim) <= CLAIM_WIDTH / 2
        if there.any():
            found.append(
                Claimed(claim, int(there.sum()), round(float(chance[there].mean()), 4), share(hit[there], who[there]))
            )
    return found


def fixed_inactivity(budget: int, found: Silences, window: Window) -> Alerts:
    """The rule "silent for D days", with the D that opens as nearly `budget` alerts as whole days allow."""

    def opens(days: int) -> Flags:
        on = found.began + days
        fires: Flags = (found.lasted > days) & (on >= window.first) & (on <= window.last)
        return fires

    counts = np.array([opens(days).sum() for days in range(1, 366)])
    days = int(np.abs(counts - budget).argmin()) + 1
    fired = opens(days)
    hit = found.lasted[fired] > days + window.horizon_days
    opened_on = np.where(found.lasted > days, days, 2**31)
    return _alerts(f"silent for {days} days", hit, found.customer[fired], None, opened_on, found, window)


def _alerts(
    rule: str, hit: Flags, who: Days, claimed: float | None, opened_on: Days, found: Silences, window: Window
) -> Alerts:
    """`opened_on`: of each silence, the day of it on which an alert opened, or a far day."""
    long = found.long(window)
    caught = opened_on[long] <= found.lasted[long]
    on = opened_on[long][caught]
    months = window.customer_days / MONTH_DAYS
    return Alerts(
        rule=rule,
        opened=hit.size,
        claimed=None if claimed is None else round(claimed, 4),
        precision=share(hit, who),
        false_per_1000_months=round(float((~hit).sum()) / max(months, 1e-9) * 1000, 2),
        caught=round(float(caught.mean()), 4) if caught.size else float("nan"),
        caught_early=round(float((on < window.horizon_days).sum() / caught.size), 4) if caught.size else float("nan"),
        median_day=float(np.median(on)) if on.size else None,
    )
