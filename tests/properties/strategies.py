"""Hypothesis strategies: policies with small thresholds, and customers with habits, at the borders of business days.

Owns: what the property tests are fed. Purely random events never raise an alert: a customer here is a habit (a usual
gap) with pauses, and what happens is put on days and moments that matter: midnight in the policy's zone, changes to
and from summer time, the moment at which something falls due. Knows nothing of what comes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.properties.everything import EVERYTHING

DAY = timedelta(days=1)
DAY_MS = 86_400_000
MINUTE_MS = 60_000

# a day before something happens to the clocks of the zone, or to the calendar
ZONES = {
    "UTC": ["2017-02-27", "2017-06-29", "2020-02-27"],
    "America/New_York": ["2017-03-11", "2017-11-04", "2017-12-30"],
    "Europe/Berlin": ["2017-03-25", "2017-10-28"],
    "Australia/Lord_Howe": ["2017-04-01", "2017-09-30"],  # by half an hour
    "America/Sao_Paulo": ["2017-10-14", "2018-02-16"],  # at midnight
}
NAMES = ["a", "b", "B", "aa", "é", "日"]
SEGMENTS = ["young", "old", "gold"]
CATEGORIES = ["dairy", "bread", "fish"]
VARIANTS = ["as it was", "new", "newer"]


@dataclass(frozen=True)
class Case:
    policy: dict[str, Any]
    events: list[dict[str, Any]]  # in order of arrival


def midnight_ms(day: date, zone: str) -> int:
    """When a day begins; not the recount's, nor the core's."""
    return int(datetime.combine(day, time(), ZoneInfo(zone)).timestamp() * 1000)


# ---------------------------------------------------------------- policies


def _tenths(low: int, high: int) -> st.SearchStrategy[float]:
    return st.integers(low, high).map(lambda n: n / 10)


@st.composite
def _signs(draw: st.DrawFn) -> dict[str, Any]:
    """The signs beside `silent`, each now and then off, with thresholds that few events reach."""
    some: dict[str, dict[str, Any]] = {
        "buying_less_often": {"threshold": draw(_tenths(1, 20)), "min_gaps": draw(st.integers(1, 4))},
        "spending_less": {"share": draw(_tenths(3, 9)), "min_orders": draw(st.integers(2, 4))},
        "engaging_less": {
            "threshold": draw(_tenths(1, 20)), "share": draw(_tenths(1, 9)), "min_gaps": draw(st.integers(1, 3)),
            "usual_gap_days": draw(_tenths(5, 60)),
        },
        "never_activated": {"uses": draw(st.integers(1, 3)), "days": draw(st.integers(1, 20))},
        "cooling": {},
        "detractor": {},
        "complaint": {
            "repeated": draw(st.integers(1, 3)), "within_days": draw(st.integers(1, 20)),
            "target_hours": {"high": draw(st.integers(1, 100))},
        },
        "payment_failed": {"patience_minutes": draw(st.sampled_from([0, 60, 3000]))},
        "cancelling": {
            "plan_cut": draw(_tenths(0, 5)), "unsubscribe": draw(st.booleans()),
            "notice_days": draw(st.integers(0, 10)), "idle_days": draw(st.integers(1, 10)),
        },
        "poor_experience": {"loads": draw(st.sampled_from([1.0, 1.5, 2.0])), "share": draw(_tenths(1, 9))},
        "abandoning": {"count": draw(st.sampled_from([1.0, 1.5, 2.5]))},
        "neglected": {"enabled": draw(st.booleans()), "days": draw(st.integers(1, 30))},
    }  # fmt: skip
    return {
        name: {
            "enabled": draw(st.integers(0, 9)) > 0,
            "horizon_days": draw(st.integers(1, 30)),
            "cooldown_days": draw(st.integers(1, 30)),
            **settings,
        }
        for name, settings in some.items()
    }


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    zone = draw(st.sampled_from(sorted(ZONES)))
    segments = SEGMENTS[: draw(st.integers(0, 3))]
    w = st.sampled_from([5, 6, 7, 10, 14, 30, 60])
    silent = {
        "activity": draw(st.sampled_from([["order_completed"], ["order_completed", "session"]])),
        "horizon_days": draw(st.sampled_from([3, 7, 14, 28])),
        "theta": draw(_tenths(1, 6)),
        "overdue": draw(_tenths(3, 9)),
        "min_purchase_days": draw(st.integers(2, 4)),
        "model": {
            "memory": draw(_tenths(5, 10)),
            "mu0": draw(_tenths(0, 20)),
            "k0": draw(_tenths(1, 10)),
            "a0": draw(_tenths(10, 40)),
            "b0": draw(_tenths(2, 20)),
            "a": draw(st.sampled_from([0.005, 0.05, 0.6])),
            "b": draw(_tenths(5, 20)),
            "usual_spend": draw(st.sampled_from([0, 500, 2000])),
            "spend_power": draw(st.sampled_from([0.0, 0.5, 1.2])),
            "segment_odds": {name: draw(_tenths(2, 90)) for name in segments if draw(st.booleans())},
        },
    }
    policy: dict[str, Any] = {
        "zone": zone,
        "alert_grace_minutes": draw(st.sampled_from([0, 60, 60, 1440])),
        "allowed_lateness_days": draw(st.sampled_from([0, 1, 2, 2, 5, 10])),
        "segments": segments,
        "qualifying": draw(
            st.sampled_from(
                [
                    ["order_completed", "session", "feature_used", "subscription_renewed"],
                    ["order_completed"],
                    ["session", "content_viewed"],
                ]
            )
        ),
        "segment_qualifying": {
            name: draw(st.sampled_from([["session"], ["subscription_renewed", "subscription_started"]]))
            for name in segments
            if draw(st.integers(0, 3)) == 0
        },
        "active_days": draw(w),
        "segment_active_days": {name: draw(w) for name in segments if draw(st.booleans())},
        "signs": {"silent": silent, **draw(_signs())},
        "acceptable": {"cost_share": draw(st.sampled_from([0, 0.1, 1.0]))},
        "value": {"margin": draw(st.sampled_from([0.2, 1.0]))},
        "figures": {
            "categories": CATEGORIES[: draw(st.integers(0, 3))],
            "variants": VARIANTS[: draw(st.integers(0, 3))],
        },
        "holdout_share": draw(st.sampled_from([0.0, 0.3, 0.5])),
        "consent_default": {"tracking": draw(st.sampled_from([True, True, False]))},
    }
    if draw(st.booleans()):
        first = date.fromisoformat(draw(st.sampled_from(ZONES[zone])))
        policy["history_start"] = first + draw(st.integers(-10, 10)) * DAY
    return policy


# ---------------------------------------------------------------- events

# a moment of a day, from its midnight on: −1 is the last millisecond of the day before
MOMENTS_MS = [-1, 0, 1, 999, 1000, 59 * MINUTE_MS, 90 * MINUTE_MS, 12 * 60 * MINUTE_MS, 22 * 60 * MINUTE_MS, DAY_MS - 1]
SHOPPER = ["order_completed"] * 9 + ["session", "feature_used", "subscription", "subscription", "profile", "noise"]
MEMBER = ["programme_joined", "programme_left", "reward_earned"] + ["order_completed"] * 6 + ["session"]
CLIENT = ["ticket_opened", "ticket_replied", "ticket_resolved"] * 3 + ["service_cost"] * 2 + ["order_completed"] * 3
MAILED = ["order_completed"] * 6 + ["campaign_sent"] * 4
TRIER = ["trial_started", "trial_ended", "subscription"] * 2 + ["feature_used"] * 4 + ["session"]
TALKER = ["noise"] * 12 + ["order_completed", "profile"]
SUBSCRIBER = ["subscription"] * 6 + ["order_completed", "session", "profile"]
HABITS = [*[SHOPPER] * 3, SUBSCRIBER, MEMBER, CLIENT, TRIER, MAILED, MAILED, TALKER, [], []]  # []: a troubled customer


def _subscription(draw: st.DrawFn, at_ms: int) -> dict[str, Any]:
    kind = draw(st.sampled_from(["started", "renewed", "changed", "cancelled"]))
    fields: dict[str, Any] = {"type": f"subscription_{kind}", "subscription_id": draw(st.sampled_from("12345"))}
    end = draw(st.sampled_from([None, -1, 0, 0.5, 1, 3, 10, 31]))
    if end is not None:
        fields["period_end"] = at_ms + int(end * DAY_MS)
    mrr = draw(st.sampled_from([None, 0, 10, 8, 5.5]))
    if mrr is not None:
        fields["mrr"] = mrr
    renew = draw(st.sampled_from([None, True, False]))
    if renew is not None:
        fields["auto_renew"] = renew
    return fields


def _profile(draw: st.DrawFn) -> dict[str, Any]:
    fields: dict[str, Any] = {"type": draw(st.sampled_from(["profile_updated", "consent_changed"]))}
    tracking = draw(st.sampled_from([None, None, True, False]))
    if tracking is not None:
        fields["consent_tracking"] = tracking
    return fields


TICKETS = list("sssstuvw")  # mostly the same one, so that it is opened and replied to
SIGNALS: dict[str, dict[str, list[Any]]] = {
    "survey_answered": {"survey": ["nps"], "score": [10, 9, 8, 7, 6, 0]},
    "survey_answered again": {"survey": ["csat"], "score": [5, 4, 3, 1]},
    "review_posted": {"rating": [1, 2, 3, 4, 5]},
    "ticket_opened": {
        "ticket_id": TICKETS,
        "category": ["complaint", "question"],
        "priority": ["high", "urgent"],
    },
    "ticket_reopened": {"ticket_id": TICKETS, "category": ["complaint", "question"]},
    "ticket_replied": {"ticket_id": TICKETS},
    "ticket_resolved": {"ticket_id": TICKETS},
    "service_cost": {"amount": [2, 30]},
    "payment_failed": {"amount": [1], "final": [False, False, True]},
    "payment_recovered": {"amount": [1]},
    "page_performance": {"load_ms": [100, 5000], "ok": [True, True, False], "abandoned": [False, False, True]},
    "cart_abandoned": {},
    "order_refunded": {"amount": [3]},
    "trial_started": {},
    "feature_used": {},
    "content_viewed": {},
    "campaign_sent": {},
    "feedback_answered": {},
    "unsubscribed": {},
    "alert_muted": {"sign": ["silent", "complaint", "cancelling", "unheard_of"], "until": [1_500_000_000_000, None]},
    "customer_erased": {},
}


def _signal(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """An event on which a sign may rest, or that ends one."""
    fields = {name: draw(st.sampled_from(values)) for name, values in SIGNALS[kind].items()}
    return {"type": kind.partition(" ")[0], **{name: value for name, value in fields.items() if value is not None}}


def _troubled(draw: st.DrawFn) -> list[str]:
    """A customer of whom a few kinds of signal come again and again; now and then one is erased."""
    own = draw(st.lists(st.sampled_from([one for one in SIGNALS if one != "customer_erased"]), min_size=1, max_size=3))
    erased = ["customer_erased"] if draw(st.integers(0, 4)) == 0 else []
    return [*own * 5, "order_completed", "session", "subscription", "profile", *erased]


def _body(draw: st.DrawFn, kinds: list[str], at_ms: int) -> dict[str, Any]:
    kind = draw(st.sampled_from(kinds))
    if kind == "order_completed":
        order = {"type": kind, "amount": draw(st.sampled_from([10, 10, 1, 0]))}
        bought = draw(st.sampled_from([None, None, [], ["dairy"], ["bread", "bread"], ["fish", "dairy"], ["soap"]]))
        return order if bought is None else order | {"categories": bought}
    if kind == "subscription":
        return _subscription(draw, at_ms)
    if kind == "profile":
        return _profile(draw)
    if kind in SIGNALS:
        return _signal(draw, kind)
    return dict(draw(st.sampled_from(EVERYTHING))) if kind == "noise" else {"type": kind}


@st.composite
def _customers_events(
    draw: st.DrawFn, name: str, first: date, policy: dict[str, Any], *, late: bool
) -> list[tuple[int, dict[str, Any]]]:
    """(arrival, event) of one customer: a usual gap, now and then a pause.

    Before a late event comes a heartbeat, so that it is late for sure; the latest delays straddle the allowed one.
    """
    zone = policy["zone"]
    allowed_ms = policy["allowed_lateness_days"] * DAY_MS + policy["alert_grace_minutes"] * MINUTE_MS
    delays_ms = st.sampled_from(
        [0] * 9 + [1000, allowed_ms // 3, allowed_ms // 2, allowed_ms, allowed_ms + 1, 20 * DAY_MS]
    )
    kinds = draw(st.sampled_from(HABITS)) or _troubled(draw)
    usual = draw(st.integers(1, 7))
    gaps = st.sampled_from([0, usual, usual, usual, usual, usual + 1, 2 * usual, 15 + usual, 50])
    day = first + draw(st.integers(-3, 12)) * DAY
    sent: list[tuple[int, dict[str, Any]]] = []
    for number in range(draw(st.integers(1, 16))):
        day += draw(gaps) * DAY
        at_ms = midnight_ms(day, zone) + draw(st.sampled_from(MOMENTS_MS))
        event = {"id": f"{name}{number}", "customer_id": name, "time": at_ms, **_body(draw, kinds, at_ms)}
        segment = draw(st.sampled_from([None, None, None, None, *SEGMENTS, "unheard of"]))
        if segment:
            event["segment"] = segment
        variant = draw(st.sampled_from([None] * 5 + [*VARIANTS, "unheard of"]))
        if variant:
            event["variant"] = variant
        delay_ms = draw(delays_ms) if late else 0
        if delay_ms and draw(st.booleans()):
            sent.append((at_ms + delay_ms, clock(at_ms + delay_ms)))
        sent.append((at_ms + delay_ms, event))
        if draw(st.integers(0, 11)) == 0:
            again_ms = at_ms + (draw(delays_ms) if late else draw(st.sampled_from([0, 20 * DAY_MS])))
            changed = {"time": again_ms} if late and draw(st.booleans()) else {}
            sent.append((again_ms, event | changed))  # the same id once more
    return sent


def clock(at_ms: int) -> dict[str, Any]:
    return {"type": "clock_advanced", "time": at_ms}


@st.composite
def cases(draw: st.DrawFn, *, late: bool = True, ended: bool = False) -> Case:
    """A policy and events in order of arrival; `late`: some arrive late or too late; `ended`: all has fallen due."""
    policy = draw(policies())
    zone = policy["zone"]
    first = date.fromisoformat(draw(st.sampled_from(ZONES[zone]))) - draw(st.sampled_from([0, 7, 40])) * DAY
    names = NAMES[: draw(st.integers(1, len(NAMES)))]
    sent = [one for name in names for one in draw(_customers_events(name, first, policy, late=late))]
    grace_ms = policy["alert_grace_minutes"] * MINUTE_MS
    for _ in range(draw(st.integers(0, 4))):
        # heartbeats where something may just fall due: whole days after an event, give or take
        _, event = draw(st.sampled_from(sent))
        after_ms = draw(st.integers(1, 30)) * DAY_MS + grace_ms + draw(st.sampled_from([-1, 0, 1]))
        sent.append((event["time"] + after_ms, clock(event["time"] + after_ms)))
    sent.sort(key=lambda one: one[0])
    events = [event for _, event in sent]
    if ended or draw(st.integers(0, 3)):
        last_ms = max(event["time"] for event in events)
        events.append(clock(last_ms + draw(st.sampled_from([150, 60])) * DAY_MS if ended else last_ms + 30 * DAY_MS))
    return Case(policy, events)
