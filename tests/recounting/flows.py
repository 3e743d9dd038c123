"""The recount of flows (definitions D): what each accepted event brings to its day, written out kind by kind."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from tests.recounting.customer import Customer, Event, Trial
from tests.recounting.days import ms
from tests.recounting.rules import Rules

Flows = Mapping[date, Counter[tuple[str, str]]]  # by day: (segment, measure)

# D3: "each of these counts one"
ONE = {
    "order_refunded": "refunds",
    "session": "sessions",
    "feature_used": "features_used",
    "content_viewed": "content_viewed",
    "content_shared": "content_shared",
    "cart_abandoned": "carts_abandoned",
    "page_performance": "page_loads",
    "survey_sent": "surveys_sent",
    "survey_answered": "surveys_answered",
    "review_posted": "reviews",
    "feedback_answered": "feedback_answered",
    "ticket_opened": "tickets_opened",
    "ticket_replied": "tickets_replied",
    "ticket_resolved": "tickets_resolved",
    "ticket_reopened": "tickets_reopened",
    "programme_joined": "programme_joined",
    "programme_left": "programme_left",
    "payment_failed": "payments_failed",
    "payment_recovered": "payments_recovered",
    "trial_started": "trials_started",
    "trial_ended": "trials_ended",
    "referral_made": "referrals",
    "campaign_sent": "campaigns_sent",
    "campaign_opened": "campaigns_opened",
    "campaign_clicked": "campaigns_clicked",
    "unsubscribed": "unsubscribed",
}
# D3: "and its money in"
MONEY = {
    "order_refunded": ("amount", "refunded"),
    "referral_made": ("amount", "referral_revenue"),
    "campaign_sent": ("cost", "campaign_cost"),
    "service_cost": ("amount", "service_cost"),
}


def minor(amount: float | None) -> int:
    return 0 if amount is None else int(Decimal(str(amount)) * 100)


def flows_of(event: Event, customer: Customer, rules: Rules) -> Iterator[tuple[str, int]]:
    """What an event brings, given the customer as it was before."""
    kind = event["type"]
    if kind in ONE:
        yield ONE[kind], 1
    if kind in MONEY:
        field, measure = MONEY[kind]
        yield measure, minor(event.get(field))
    if kind == "order_completed":
        yield from _order(event, customer, rules)
    elif kind == "page_performance":
        yield from _page(event)
    elif kind.startswith("reward_"):
        yield from _reward(event, rules)
    elif kind == "exit_survey":
        yield f"exit:{_listed(event.get('reason'), rules.exit_reasons)}", 1
    elif kind == "profile_updated" and event.get("acquisition_cost") is not None:
        yield "acquisition_cost", minor(event["acquisition_cost"]) - customer.acquisition_cost
    yield from _activation(event, customer, rules)
    yield from _grievances(event, customer)
    yield from _trial(event, customer)


def variant_of(event: Event, customer: Customer, rules: Rules) -> str | None:
    """W12: "the last one that an event said of them, and that the policy lists; another name changes nothing"."""
    said = event.get("variant")
    return said if said in rules.variants else customer.variant


def pays(event: Event) -> bool:
    """D5: "a subscription that is started, renewed or changed, with an mrr above 0"."""
    kinds = ("subscription_started", "subscription_renewed", "subscription_changed")
    return event["type"] in kinds and minor(event.get("mrr")) > 0


def _trial(event: Event, customer: Customer) -> Iterator[tuple[str, int]]:
    """D5."""
    if customer.trial is None or ms(event["time"]) // 1000 < customer.trial.second:
        return
    least = max(one for one in (0, 1, 2, 3, 5, 10) if one <= customer.trial.uses)
    if (pays(event) or event["type"] == "trial_ended") and not customer.trial.over:
        yield f"trials_over:{least}", 1
    if pays(event):
        yield f"trials_paid:{least}", 1


def _activation(event: Event, customer: Customer, rules: Rules) -> Iterator[tuple[str, int]]:
    """D8: "the first trial or subscription that starts (B4) … the use by which it has as many as it takes"."""
    story = customer.story
    if event["type"] in ("trial_started", "subscription_started"):
        yield "activation_begun", story.begun_ms is None and not story.settled
    begun_ms = math.inf if story.begun_ms is None else story.begun_ms
    if event["type"] in rules.signs.engages and ms(event["time"]) // 1000 * 1000 >= begun_ms:
        yield "activated", story.uses + 1 >= int(rules.signs.of["never_activated"].get("uses", 3))


def _grievances(event: Event, customer: Customer) -> Iterator[tuple[str, int]]:
    kind = event["type"]
    if kind == "survey_answered" and event["survey"] == "csat":
        yield "unhappy_answers", event["score"] <= 2
    elif kind == "review_posted":
        yield "unhappy_answers", event["rating"] <= 2
    elif kind in ("ticket_resolved", "ticket_replied"):
        yield from _handled(event, customer)
    elif kind == "subscription_changed":
        yield from _raised(event, customer)
    elif kind == "ticket_opened":
        yield "complaints", event.get("category") == "complaint"
    elif kind == "payment_failed":
        yield "payments_given_up", event.get("final", False)


def _handled(event: Event, customer: Customer) -> Iterator[tuple[str, int]]:
    second, is_open = customer.tickets.get(event["ticket_id"], (0, False))
    if not is_open or second > ms(event["time"]) // 1000:
        return
    if event["type"] == "ticket_resolved":
        yield "tickets_handled", 1
        yield "handling_s", ms(event["time"]) // 1000 - second
        if event["ticket_id"] in customer.complaints:
            yield "complaints_handled", 1
            yield "complaint_handling_s", ms(event["time"]) // 1000 - second
    elif event["ticket_id"] not in customer.replied:
        # D3: "the first reply since it was last opened or reopened"
        yield "tickets_answered", 1
        yield "first_reply_s", ms(event["time"]) // 1000 - second


def _raised(event: Event, customer: Customer) -> Iterator[tuple[str, int]]:
    """D3: "to more than the event before it by time said, as known when it arrives"."""
    known = customer.subscriptions.get(event.get("subscription_id") or "", [])
    before = [mrr for when, _, mrr in known if when // 1000 <= ms(event["time"]) // 1000]
    if before and event.get("mrr") is not None and minor(event["mrr"]) > before[-1]:
        yield "plan_raises", 1
        yield "raised_mrr", minor(event["mrr"]) - before[-1]


def _reward(event: Event, rules: Rules) -> Iterator[tuple[str, int]]:
    points = event.get("points") or 0
    if event["type"] == "reward_redeemed":
        yield "points_redeemed", points
        yield "reward_cost", minor(event.get("amount"))
    else:
        yield "points_earned", points
        yield f"earned:{_listed(event.get('reason'), rules.reward_reasons)}", points


def _order(event: Event, customer: Customer, rules: Rules) -> Iterator[tuple[str, int]]:
    bought = {one for one in event.get("categories") or () if one in rules.categories}
    if customer.categories and not bought <= customer.categories:
        # D7: "an order in a category in which the customer had not bought before, but in another"
        yield "cross_sells", 1
        yield "cross_sell_revenue", minor(event["amount"])
    if (variant := variant_of(event, customer, rules)) is not None:
        yield f"variant_revenue:{variant}", minor(event["amount"])
    yield "orders", 1
    yield "order_revenue", minor(event["amount"])
    if customer.orders == 0:
        yield "first_orders", 1
        yield "first_revenue", minor(event["amount"])
    if customer.member:
        yield "member_revenue", minor(event["amount"])
    yield "order_cost", minor(event.get("cost"))
    if event.get("discount"):
        yield "discounted_orders", 1
        yield "discounts", minor(event["discount"])


def _page(event: Event) -> Iterator[tuple[str, int]]:
    slow = round(event["load_ms"]) > 3000
    yield "slow_loads", slow
    yield "load_ms", round(event["load_ms"])
    yield "failed_loads", not event.get("ok", True)
    yield "abandoned_loads", event.get("abandoned", False)
    if event.get("device") in ("mobile", "tablet", "desktop"):
        yield f"{event['device']}_loads", 1
        yield f"slow_{event['device']}_loads", slow


def _listed(reason: Any, reasons: tuple[str, ...]) -> str:
    return reason if reason in reasons else "other"


def _remember_trial(event: Event, customer: Customer, engages: Container[str]) -> None:
    now, trial = ms(event["time"]) // 1000, customer.trial
    if event["type"] == "trial_started" and (trial is None or trial.over):
        customer.trial = Trial(now)
    elif trial is not None and now >= trial.second:
        if pays(event):
            customer.trial = None
        trial.uses += event["type"] in engages and not trial.over
        trial.over |= event["type"] == "trial_ended"


def remember(event: Event, customer: Customer, rules: Rules) -> None:
    """What later flows go by."""
    _remember_trial(event, customer, rules.signs.engages)
    _remember_ticket(event, customer)
    customer.orders += event["type"] == "order_completed"
    customer.variant = variant_of(event, customer, rules)
    if event["type"] == "order_completed":
        customer.categories |= {one for one in event.get("categories") or () if one in rules.categories}
    if event["type"] == "campaign_sent":
        customer.campaign = max(customer.campaign, ms(event["time"]) // 1000)
    if event["type"] == "profile_updated" and event.get("acquisition_cost") is not None:
        customer.acquisition_cost = minor(event["acquisition_cost"])


def _remember_ticket(event: Event, customer: Customer) -> None:
    """V3: the last opening of a ticket, or an end that came before its opening."""
    name, now = event.get("ticket_id", ""), ms(event["time"]) // 1000
    second, is_open = customer.tickets.get(name, (-1, True))
    if event["type"] == "ticket_replied":
        if is_open and 0 <= second <= now:
            customer.replied.add(name)
    elif event["type"] in ("ticket_opened", "ticket_reopened"):
        if second < now:
            _remember_complaint(event, customer, was_open=is_open and second >= 0)
            customer.tickets[name] = (now, True)
            customer.replied.discard(name)
        elif not is_open:
            del customer.tickets[name]  # its end had come first
    elif event["type"] == "ticket_resolved":
        if second < 0:
            customer.tickets[name] = (now, False)
        elif second <= now:
            del customer.tickets[name]
            customer.replied.discard(name)


def _remember_complaint(event: Event, customer: Customer, *, was_open: bool) -> None:
    """D3: "a complaint by its last opening or reopening, or by one before while it was open"."""
    if not was_open:
        customer.complaints.discard(event["ticket_id"])
    if event.get("category") == "complaint":
        customer.complaints.add(event["ticket_id"])


def sums_of(flows: Flows, customers: Flows, since: date, first: date, last: date) -> Counter[tuple[str, str]]:
    """The flows of a period, and the customers of its days."""
    sums: Counter[tuple[str, str]] = Counter()
    # D1: "the flows of a period are the sums of its days from history_start on"
    for by_day in (flows, customers):
        for day, counts in by_day.items():
            if max(first, since) <= day <= last:
                sums.update(counts)
    # D4: "earned less redeemed since history_start, up to the period's end"
    for day, counts in flows.items():
        for (segment, measure), value in counts.items() if since <= day <= last else ():
            if measure in ("points_earned", "points_redeemed"):
                sums[segment, "points_outstanding"] += value if measure == "points_earned" else -value
    return sums
