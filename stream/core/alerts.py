"""The alert: what is published when a customer shows a sign of lapsing, and when that ends.

Owns: an alert's identity, its life as one table of transitions, its evidence in numbers and words, its value at risk
and severity. Made of a customer row as it was at that moment; knows nothing of how rows change, nor of JSON.
"""

from __future__ import annotations

import hashlib
import math
from datetime import date
from typing import Final

import msgspec

from stream.core.batch import MARKETING, MARKETING_KNOWN
from stream.core.calendar import DAY_MS, Calendar, date_of
from stream.core.kernel import CHURNED, OPENED, RETRACTED, RETURNED
from stream.core.lifecycle import Stage, stage_of
from stream.core.policy import Policy
from stream.core.retention import segment_at
from stream.core.silence import SilenceParams, drop_out, gap_quantile_days, p_none, predictive
from stream.core.table import Row

SOURCE = "lapse/worker"

# (status, what happens) → status, resolution; an alert that is not in it does not exist yet
TRANSITIONS: Final[dict[tuple[str | None, int], tuple[str, str | None]]] = {
    (None, OPENED): ("opened", None),
    ("opened", RETURNED): ("resolved", "returned"),
    ("opened", RETRACTED): ("resolved", "retracted"),
    ("opened", CHURNED): ("resolved", "churned"),
}

_EIGHT_OF_TEN = 0.8416212335729143  # standard normal quantile of .8
_SHORTEST_TENURE_DAYS = 28  # a customer of three days with one large basket is not worth 120 of them a year


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Why: one sign, in numbers and in words that can be read out."""

    sign: str
    says: str
    observed: float
    expected: float
    threshold: float
    unit: str


class Money(msgspec.Struct, frozen=True):
    """An amount in minor units of a currency."""

    minor: int
    currency: str


class Alert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """One message on `churn.alerts`.

    Times are epoch ms, money minor units; the wire turns them into the published JSON.
    """

    alert_id: str
    transition: int  # 1 for the opening, 2 for what follows
    customer_id: str
    status: str
    resolution: str | None
    severity: str
    stage: str
    segment: str
    sign: str
    signs: list[Evidence]
    p_none: float
    horizon_days: int
    value_at_risk: Money
    acceptable: bool
    consent_marketing: bool
    play: str
    holdout: bool
    next_occasion: str | None
    episode_day: date
    event_time_ms: int
    observed_at_ms: int
    policy: str


def alert_id(customer_id: str, sign: str, episode_day: date) -> str:
    """128 bits of a hash of what makes an episode: the same episode has the same id, whoever counts it.

    >>> alert_id("1228", "silent", date(2017, 8, 2))
    '3c20ca4e0486115b8f87a41e58e3d848'
    """
    text = f"{customer_id}\x00{sign}\x00{episode_day}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def held_out(customer_id: str, share: float) -> bool:
    """Whether the customer belongs to the share whom nobody should contact; the same answer for ever."""
    draw = int.from_bytes(hashlib.blake2b(b"holdout:" + customer_id.encode(), digest_size=8).digest(), "big")
    return draw < share * 2**64


def value_at_risk(row: Row, now_ms: int, policy: Policy) -> int:
    """Remaining value in minor units: net revenue per day of tenure, over the policy's value horizon, × margin."""
    tenure_days = max((now_ms - int(row["first_ms"])) / DAY_MS, _SHORTEST_TENURE_DAYS)
    net = max(int(row["revenue"]) - int(row["refunded"]), 0)
    return round(net / tenure_days * policy.value.horizon_days * policy.value.margin)


def severity(expected_loss: float, policy: Policy) -> str:
    """How grave: chance × value at risk against the policy's borders, never chance alone."""
    borders = policy.severity
    for name, border in (("critical", borders.critical), ("high", borders.high), ("medium", borders.medium)):
        if expected_loss >= border:
            return name
    return "low"


def of_note(note: Row, row: Row, customer_id: str, policy: Policy, days: Calendar, params: SilenceParams) -> Alert:
    """The alert of one note of the kernel; `row` is the customer's row as it was then."""
    what, time_ms = int(note["what"]), int(note["time_ms"])
    status, resolution = TRANSITIONS[None if what == OPENED else "opened", what]
    opened_ms = int(row["opened_ms"])
    loc, scale = predictive(float(row["gap_mean"]), float(row["gap_square"]), float(row["gap_weight"]), params)
    silent_days = max(1, round((opened_ms - int(row["purchase_ms"])) / DAY_MS))
    chance = p_none(silent_days, params.horizon_days, loc, scale, drop_out(int(row["purchase_days"]), params))
    value = value_at_risk(row, time_ms, policy)
    code = int(segment_at(row, time_ms // 1000))
    day = days.day(time_ms)
    stage = Stage(
        stage_of(row, day, days.end_ms(day) // 1000, policy.active_days[code], policy.silent.min_purchase_days)
    )
    consent = int(row["consent"])
    episode_day = date_of(int(row["episode_day"]))
    return Alert(
        alert_id=alert_id(customer_id, "silent", episode_day),
        transition=int(row["transitions"]),
        customer_id=customer_id,
        status=status,
        resolution=resolution,
        severity=severity(chance * value, policy),
        stage=(Stage.active if resolution in ("returned", "retracted") else stage).name,
        segment=policy.segments[code],
        sign="silent",
        signs=[silent_evidence(silent_days, loc, scale)],
        p_none=round(chance, 4),
        horizon_days=policy.silent.horizon_days,
        value_at_risk=Money(value, policy.currency),
        acceptable=False,
        consent_marketing=bool(consent & MARKETING) if consent & MARKETING_KNOWN else policy.consent_default.marketing,
        play=policy.silent.play,
        holdout=held_out(customer_id, policy.holdout_share),
        next_occasion=None,
        episode_day=episode_day,
        event_time_ms=time_ms,
        observed_at_ms=int(note["seen_ms"]),
        policy=policy.hash,
    )


def silent_evidence(silent_days: int, loc: float, scale: float) -> Evidence:
    """Why `silent` fired, on the day it fires.

    >>> silent_evidence(23, 1.2, 1.2).says
    '23 days without an order; 8 of 10 of their gaps end within 9 days'
    """
    expected = max(1, math.ceil(gap_quantile_days(_EIGHT_OF_TEN, loc, scale)))
    days = "1 day" if silent_days == 1 else f"{silent_days} days"
    within = "1 day" if expected == 1 else f"{expected} days"
    return Evidence(
        sign="silent",
        says=f"{days} without an order; 8 of 10 of their gaps end within {within}",
        observed=silent_days,
        expected=expected,
        threshold=silent_days,
        unit="days",
    )
