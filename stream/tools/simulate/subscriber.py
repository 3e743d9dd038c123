"""A subscriber's life: a trial, a subscription with its renewals, use on working days, dunning, and the end.

Owns: the events of subscriptions, payments and use, and which signs ought to tell of a subscriber's troubles.
"""

from __future__ import annotations

from stream.tools.simulate.life import DAY_S, WORKING_WEEK, Life
from stream.tools.simulate.person import NOT_ACTIVATED, Person
from stream.tools.simulate.use import fading, use

PLANS = {"basic": 19.0, "pro": 49.0, "team": 129.0}
TRIAL_DAYS = 14
PERIOD_DAYS = 30
RETRIES_DAYS = (0, 3, 7)
NEWCOMERS_WITH_A_TRIAL = 0.7
UPGRADES = 0.01  # of renewals
HICCUPS = 0.02  # of charges: over before anybody could call


def live(who: Person, life: Life) -> list[int]:
    """Trial, subscription and use; gives the days of use."""
    if who.reason == NOT_ACTIVATED:
        _trial(life, who.came)
        life.show("never_activated", who.came + 5, who.came + 45)
        return use(who, life, WORKING_WEEK, who.came)
    start = who.came
    if not who.known_before and life.rng.random() < NEWCOMERS_WITH_A_TRIAL:
        _trial(life, who.came)
        start += TRIAL_DAYS
    used = use(who, life, WORKING_WEEK, _subscription(who, life, start))
    fading(who, life, used)
    return used


def _trial(life: Life, day: int) -> None:
    now = life.moment(day, 8, 10)
    life.tell(now, "trial_started", period_end=life.midnight(day + TRIAL_DAYS))
    life.tell(now + TRIAL_DAYS * DAY_S, "trial_ended")


def _subscription(who: Person, life: Life, start: int) -> int:
    """Renewals every 30 days until the end, or until they leave, each for a reason of their own; gives the last day."""
    rng = life.rng
    plan = rng.choice(tuple(PLANS))
    about = {"subscription_id": f"{who.customer_id}-s", "plan": plan, "mrr": PLANS[plan], "currency": "USD"}
    at = life.moment(start, 8, 18)
    life.tell(at, "subscription_started", period_end=life.midnight(start + PERIOD_DAYS), auto_renew=True, **about)
    last = life.days + 1 if who.left is None else who.left
    cut = next((one for one in who.troubles if one.reason == "price"), None)
    paid_until = start + PERIOD_DAYS
    while paid_until < min(last, life.days):
        if cut and plan != "basic" and cut.since <= paid_until:
            plan = "basic"
            about |= {"plan": plan, "mrr": PLANS[plan]}
            life.tell(life.moment(paid_until, 8, 9), "subscription_changed", **about)
            life.show("cancelling", paid_until, paid_until + 45)
        elif rng.random() < UPGRADES and plan != "team":
            plan = "team"
            about |= {"plan": plan, "mrr": PLANS[plan]}
            life.tell(life.moment(paid_until, 8, 9), "subscription_changed", **about)
        if not _paid(who, life, paid_until, float(PLANS[plan])):
            life.tell(life.moment(paid_until + RETRIES_DAYS[-1], 19, 20), "subscription_cancelled",
                      subscription_id=about["subscription_id"], reason="payment")  # fmt: skip
            return paid_until + RETRIES_DAYS[-1]
        life.tell(life.moment(paid_until, 10, 12), "subscription_renewed",
                  period_end=life.midnight(paid_until + PERIOD_DAYS), auto_renew=True, **about)  # fmt: skip
        paid_until += PERIOD_DAYS
    if who.left is not None:
        _give_up(who, life, about, paid_until)
    return last


def _give_up(who: Person, life: Life, about: dict[str, object], paid_until: int) -> None:
    assert who.left is not None
    rng = life.rng
    notice = max(who.left - rng.randint(1, 12), who.came + 1)
    if rng.random() < 0.4:
        life.tell(life.moment(notice - 2), "subscription_changed", auto_renew=False,
                  period_end=life.midnight(paid_until), **about)  # fmt: skip
        life.show("cancelling", notice - 2, paid_until + 30)
    else:
        life.show("cancelling", notice, paid_until + 30)
    life.tell(life.moment(notice), "subscription_cancelled", subscription_id=about["subscription_id"],
              reason=who.reason or "other", period_end=life.midnight(paid_until))  # fmt: skip


def _paid(who: Person, life: Life, day: int, amount: float) -> bool:
    """Charge them, again if need be; whether it went through."""
    rng = life.rng
    trouble = who.trouble(day)
    lost = trouble is not None and trouble.reason == "payment"
    charge: dict[str, object] = {"amount": amount, "currency": "USD"}
    if not lost:
        if rng.random() < HICCUPS:
            now = life.moment(day, 9, 10)
            life.tell(now, "payment_failed", attempt=1, **charge)
            life.tell(now + 600, "payment_recovered", attempt=2, **charge)
        return True
    leaves = who.left is not None and trouble is not None and trouble.until == who.left
    life.show("payment_failed", day, day + RETRIES_DAYS[-1] + 14)
    for attempt, later in enumerate(RETRIES_DAYS, 1):
        now = life.moment(day + later, 9, 10)
        final = leaves and attempt == len(RETRIES_DAYS)
        life.tell(now, "payment_failed", attempt=attempt, final=final, **charge)
    if leaves:
        return False
    life.tell(life.moment(day + RETRIES_DAYS[-1], 15, 16), "payment_recovered", attempt=4, **charge)
    return True
