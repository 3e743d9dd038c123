"""The alert: what is published when a customer shows a sign of lapsing, and when that ends.

Owns: an alert's identity, its life as one table of transitions, its chance, its value at risk and severity. Made of a
customer row as it was at that moment; knows nothing of how rows change, nor of JSON.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Final

import msgspec
import numpy as np

from stream.core.batch import MARKETING, MARKETING_KNOWN
from stream.core.calendar import Calendar, date_of
from stream.core.evidence import DAY_S, Case, Evidence, evidence, silent_days
from stream.core.hashing import mix
from stream.core.life import (
    CHURNED,
    ERASED,
    ESCALATED,
    MUTED,
    OPENED,
    RECOVERED,
    RETRACTED,
    RETURNED,
    alert_hash,
    is_acceptable,
)
from stream.core.lifecycle import Stage, stage_of
from stream.core.policy import Policy
from stream.core.retention import segment_at
from stream.core.row import SUBSCRIPTION_EVENTS, SUBSCRIPTIONS, More, Row
from stream.core.signals import spend_then
from stream.core.signs import Sign
from stream.core.silence import SilenceParams, drop_out, p_none, predictive
from stream.core.views import Rules

SOURCE = "lapse/worker"
OPENED_STATUS, ESCALATED_STATUS, RESOLVED_STATUS = "opened", "escalated", "resolved"

# (status, what happens) → (status, resolution); an alert that is not in it does not exist yet. The diagram in
# docs/definitions.md is drawn from it.
_ENDS: Final = {
    RETURNED: "returned", RECOVERED: "recovered", RETRACTED: "retracted", CHURNED: "churned", ERASED: "erased",
    MUTED: "muted",
}  # fmt: skip
TRANSITIONS: Final[dict[tuple[str | None, int], tuple[str, str | None]]] = {
    (None, OPENED): (OPENED_STATUS, None),
    (OPENED_STATUS, ESCALATED): (ESCALATED_STATUS, None),
    **{
        (before, what): (RESOLVED_STATUS, resolution)
        for before in (OPENED_STATUS, ESCALATED_STATUS)
        for what, resolution in _ENDS.items()
    },
}

SEVERITIES: Final = ("low", "medium", "high", "critical")
SHORTEST_TENURE_DAYS = 28  # a customer of three days with one large basket is not worth 120 of them a year
MONTHS_A_DAY = 12 / 365


class Money(msgspec.Struct, frozen=True):
    """An amount in minor units of a currency."""

    minor: int
    currency: str


class Alert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """One message on `churn.alerts`.

    Times are epoch ms, money minor units; the wire turns them into the published JSON.
    """

    alert_id: str
    transition: int  # 1 for the opening, 2 … for what follows
    customer_id: str
    status: str
    resolution: str | None
    severity: str
    stage: str
    segment: str
    sign: str
    signs: list[Evidence]
    p_none: float
    base_rate: float
    horizon_days: int
    value_at_risk: Money
    loss: str
    acceptable: bool
    consent_marketing: bool
    play: str
    holdout: bool
    next_occasion: str | None
    episode_day: date
    event_time_ms: int
    observed_at_ms: int
    policy: str


def alert_id(customer_hash: int, sign: Sign, episode_day: int) -> str:
    """128 bits of a hash of what makes an episode: the same episode has the same id, whoever counts it.

    >>> from stream.core.hashing import hash_of
    >>> alert_id(hash_of("1228"), Sign.silent, 17_380)
    'ebdbd24acc2cc5e708ad6a273d736c1b'
    """
    first = np.uint64(alert_hash(np.uint64(customer_hash), int(sign), episode_day))
    return f"{int(first):016x}{int(mix(first ^ np.uint64(customer_hash))):016x}"


def held_out(customer_id: str, share: float) -> bool:
    """Whether the customer belongs to the share whom nobody should contact; the same answer for ever."""
    draw = int.from_bytes(hashlib.blake2b(b"holdout:" + customer_id.encode(), digest_size=8).digest(), "big")
    return draw < share * 2**64


def value_at_risk(row: Row, more: More, day: int, now_s: int, policy: Policy) -> int:
    """Remaining value in minor units over the policy's value horizon, × margin.

    What is expected: net revenue of orders per day of tenure, and the MRR of the subscriptions that live on that day.
    """
    tenure_days = max((now_s - int(row["first_s"])) / DAY_S, SHORTEST_TENURE_DAYS)
    a_day = max(int(row["revenue"]) - int(more["refunded"]), 0) / tenure_days
    for k in range(SUBSCRIPTIONS):
        last = k * SUBSCRIPTION_EVENTS + int(more["subscription_n"][k]) - 1
        if more["subscription_n"][k] and more["subscription_until"][last] > day:
            a_day += int(more["mrr"][k]) * MONTHS_A_DAY
    margin = (int(more["margin"]) - 1) / 10_000 if more["margin"] else policy.value.margin
    return round(a_day * policy.value.horizon_days * margin)


def severity(expected_loss: float, policy: Policy, *, graver: bool = False) -> str:
    """How grave: chance × value at risk against the policy's borders, never chance alone; `graver`: one higher."""
    borders = policy.severity
    level = sum(expected_loss >= border for border in (borders.medium, borders.high, borders.critical))
    return SEVERITIES[min(level + graver, len(SEVERITIES) - 1)]


def of_note(
    note: Row, row: Row, more: More, customer: tuple[str, int], policy: Policy, days: Calendar, rules: Rules
) -> Alert:
    """The alert of one note of the kernel.

    `row` and `more` are the customer's as they were then, `customer` is the id and its hash.
    """
    what, sign, time_s = int(note["what"]), Sign(int(note["sign"])), int(note["time_s"])
    bit = 1 << sign
    graver = bool(int(row["escalated"]) & bit)
    turns = int(row["turns"][sign])
    status, resolution = TRANSITIONS[_before(what, graver=graver, turns=turns), what]
    case = Case(row, more, time_s, policy, days, rules.silence)
    day = days.day(time_s * 1000)
    code = int(segment_at(row, time_s))
    stage = stage_of(
        row, more, day, days.end_ms(day) // 1000, policy.active_days[code], policy.silent.min_purchase_days
    )
    came_back = sign is Sign.silent and resolution in {"returned", "retracted"}
    others = [other for other in Sign if int(row["open"]) & (1 << other) and other is not sign]
    chance = _silent_chance(case) if sign is Sign.silent else policy.signs[sign].chance_in(policy.segments[code])
    value = value_at_risk(row, more, day, time_s, policy)
    acceptable = bool(is_acceptable(row, more, policy.acceptable.cost_share, policy.value.margin))
    consent = int(row["consent"])
    episode = int(row["episode"][sign])
    return Alert(
        alert_id=alert_id(customer[1], sign, episode),
        transition=turns,
        customer_id=customer[0],
        status=status,
        resolution=resolution,
        severity="low" if acceptable else severity(chance * value, policy, graver=graver),
        stage=(Stage.active if came_back else Stage(stage)).name,
        segment=policy.segments[code],
        sign=sign.name,
        signs=[evidence(one, case) for one in (sign, *others)],
        p_none=round(chance, 4),
        base_rate=policy.base_rate,
        horizon_days=policy.silent.horizon_days if sign is Sign.silent else policy.signs[sign].horizon_days,
        value_at_risk=Money(value, policy.currency),
        loss="acceptable" if acceptable else "involuntary" if sign is Sign.payment_failed else "regretted",
        acceptable=acceptable,
        consent_marketing=bool(consent & MARKETING) if consent & MARKETING_KNOWN else policy.consent_default.marketing,
        play=policy.silent.play if sign is Sign.silent else policy.signs[sign].play,
        holdout=held_out(customer[0], policy.holdout_share),
        next_occasion=_occasion(int(more["birthday"]), date_of(day)),
        episode_day=date_of(episode),
        event_time_ms=time_s * 1000,
        observed_at_ms=int(note["seen_ms"]),
        policy=policy.hash,
    )


def _before(what: int, *, graver: bool, turns: int) -> str | None:
    """The status before this transition: an alert escalates at most once, at its opening or after it."""
    if what == OPENED:
        return None
    return ESCALATED_STATUS if graver and turns > 2 else OPENED_STATUS  # noqa: PLR2004 (opened, escalated, then this)


def _silent_chance(case: Case) -> float:
    told = silence_told(case.row, case.policy, case.silence)
    return float(p_none(silent_days(case.row), case.silence.horizon_days, *told))


def silence_told(row: Row, policy: Policy, params: SilenceParams) -> tuple[float, float, float, float]:
    """What a row tells of the silence since the last purchase: loc, scale, drop-out and the segment's odds."""
    loc, scale = predictive(float(row["gap_mean"]), float(row["gap_square"]), float(row["gap_weight"]), params)
    spend = spend_then(float(row["spend"]), int(row["spend_day"]), int(row["purchase_day"]))
    odds = policy.segment_odds[segment_at(row, int(row["purchase_s"]))]
    return loc, scale, drop_out(int(row["purchase_days"]), spend, params), odds


def _occasion(birthday: int, today: date) -> str | None:
    """The next birthday (month × 100 + day) after today; one of 29 February is kept on 1 March in other years.

    >>> _occasion(914, date(2017, 8, 25)), _occasion(229, date(2017, 3, 1)), _occasion(0, date(2017, 3, 1))
    ('2017-09-14 birthday', '2018-03-01 birthday', None)
    """
    if birthday == 0:
        return None
    for year in (today.year, today.year + 1):
        try:
            when = date(year, birthday // 100, birthday % 100)
        except ValueError:
            when = date(year, 3, 1)
        if when > today:
            return f"{when} birthday"
    raise AssertionError(f"no birthday {birthday}")
