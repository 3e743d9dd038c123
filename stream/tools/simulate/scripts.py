"""What a scripted customer does: small scripts from which scenarios are put together.

Owns: the events of a scenario, without chance. Every event comes at noon unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from stream.core.kinds import NAMES
from stream.tools.simulate.life import DAY_S, Life

Script = Callable[[Life], None]
NOON_S = 12 * 3600
PERIOD_DAYS = 30


def profile(life: Life, *, tracking: bool) -> None:
    """Known from the first moment of the first day."""
    life.tell(0, "profile_updated", segment="scenario", consent_tracking=tracking, consent_marketing=True)


def orders(days: Iterable[int], amount: float = 100.0) -> Script:
    """One order on each of some days."""

    def script(life: Life) -> None:
        for day in days:
            life.tell(day * DAY_S + NOON_S, "order_completed", amount=amount, currency="USD",
                      order_id=f"{life.customer_id}-{day}")  # fmt: skip

    return script


def sessions(days: Iterable[int], uses: int = 3) -> Script:
    """A session on each of some days, in which features are used."""

    def script(life: Life) -> None:
        for day in days:
            life.tell(day * DAY_S + NOON_S, "session", duration_s=600, pages=5, channel="app")
            for n in range(uses):
                life.tell(day * DAY_S + NOON_S + 60 * n, "feature_used", name="report")

    return script


def trial(day: int) -> Script:
    """A trial of two weeks."""

    def script(life: Life) -> None:
        life.tell(day * DAY_S + NOON_S - 60, "trial_started", period_end=life.midnight(day + 14))
        life.tell((day + 14) * DAY_S, "trial_ended")

    return script


def nps(*scores: tuple[int, int], survey: str = "nps") -> Script:
    """Surveys that were answered: (day, score)."""

    def script(life: Life) -> None:
        for day, score in scores:
            life.tell(day * DAY_S, "survey_sent", survey=survey)
            life.tell(day * DAY_S + NOON_S, "survey_answered", survey=survey, score=score)

    return script


def tickets(*cases: tuple[int, float, float | None]) -> Script:
    """Complaints: (day, hours to the reply, hours until it is settled, None: it never is)."""

    def script(life: Life) -> None:
        for day, reply_h, solved_h in cases:
            about = {"ticket_id": f"{life.customer_id}-{day}", "category": "complaint"}
            opened = day * DAY_S + NOON_S
            life.tell(opened, "ticket_opened", priority="normal", channel="mail", **about)
            life.tell(opened + reply_h * 3600, "ticket_replied", **about)
            if solved_h is not None:
                life.tell(opened + solved_h * 3600, "ticket_resolved", **about)

    return script


def renewals(days: Iterable[int], mrr: float = 50.0) -> Script:
    """A subscription that begins on day 0 and is renewed on the other days, used all the while."""

    def script(life: Life) -> None:
        each = list(days)
        for day in each:
            kind = "subscription_renewed" if day else "subscription_started"
            life.tell(day * DAY_S + NOON_S, kind, subscription_id="s", plan="pro", mrr=mrr, currency="USD",
                      period_end=life.midnight(day + PERIOD_DAYS), auto_renew=True)  # fmt: skip
        sessions(range(each[0], each[-1] + PERIOD_DAYS, 2))(life)

    return script


def charge(*attempts: tuple[int, int, bool], recovered_s: int | None = None) -> Script:
    """Charges that fail: (day, attempt, for good); the last goes through `recovered_s` seconds later."""

    def script(life: Life) -> None:
        about: dict[str, Any] = {"amount": 50.0, "currency": "USD"}
        for day, attempt, final in attempts:
            life.tell(day * DAY_S + NOON_S - 3600, "payment_failed", attempt=attempt, final=final, **about)
        if recovered_s is not None:
            day, attempt, _ = attempts[-1]
            life.tell(day * DAY_S + NOON_S - 3600 + recovered_s, "payment_recovered", attempt=attempt + 1, **about)

    return script


def pages(days: Iterable[int], load_ms: int, *, count: int = 4, broken: int = 0) -> Script:
    """Pages on each of some days; of `broken` one fails (0: none)."""

    def script(life: Life) -> None:
        for day in days:
            life.tell(day * DAY_S + NOON_S, "session", duration_s=300, pages=count, channel="web")
            for n in range(count):
                ok = not broken or n % broken != broken - 1
                life.tell(day * DAY_S + NOON_S + 20 * n, "page_performance", load_ms=load_ms + 10 * n, ok=ok,
                          device="desktop")  # fmt: skip

    return script


def cart(*days: int) -> Script:
    """A cart filled and left behind on each day."""

    def script(life: Life) -> None:
        for day in days:
            about = {"amount": 80.0, "currency": "USD", "items": 3}
            life.tell(day * DAY_S + NOON_S, "cart_updated", **about)
            life.tell(day * DAY_S + NOON_S + 3600, "cart_abandoned", **about)

    return script


def perform(*events: tuple[int, str, dict[str, Any]]) -> Script:
    """Single events: (day, kind, fields); a `period_end` is given as a day."""

    def script(life: Life) -> None:
        for day, kind, given in events:
            fields = dict(given)
            if "period_end" in fields:
                fields["period_end"] = life.midnight(fields["period_end"])
            life.tell(day * DAY_S + NOON_S, kind, **fields)

    return script


_WITH: dict[str, dict[str, Any]] = {
    "order_completed": {"amount": 42.17, "currency": "USD"},
    "order_refunded": {"amount": 5.0, "currency": "USD"},
    "page_performance": {"load_ms": 640},
    "survey_sent": {"survey": "csat"},
    "survey_answered": {"survey": "csat", "score": 5},
    "review_posted": {"rating": 5},
    "service_cost": {"amount": 1.0, "currency": "USD"},
    "alert_muted": {"sign": "silent", "until": "2000-01-01T00:00:00Z"},
    "alert_acked": {"sign": "silent"},
    **{f"ticket_{one}": {"ticket_id": "t"} for one in ("opened", "replied", "resolved", "reopened")},
    **{f"subscription_{one}": {"subscription_id": "s"} for one in ("started", "renewed", "changed", "cancelled")},
}


def every_kind(life: Life) -> None:
    """Every kind of event there is, one a day, but for being erased; and an order every week to the end."""
    told = [name for name in NAMES if name not in {"customer_erased", "clock_advanced"}]
    for day, name in enumerate(told):
        life.tell(day * DAY_S + NOON_S, name, **_WITH.get(name, {}))
    life.tell(len(told) * DAY_S, "ticket_resolved", ticket_id="t")
    orders(range(0, life.days, 7))(life)
