"""The recount of what customers keep for later (definitions W4 to W7): months, last kinds, words, memberships."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from tests.recounting.customer import Customer, Event, mrr_at
from tests.recounting.days import DAY, day_of, end_of, ms, period_of
from tests.recounting.flows import minor
from tests.recounting.rules import Rules

NOT_MET = {
    "profile_updated", "survey_sent", "feedback_answered", "campaign_sent", "service_cost", "customer_erased",
    "alert_muted", "alert_acked",
}  # fmt: skip
WORDS = {"survey_answered", "review_posted", "ticket_opened", "ticket_reopened", "exit_survey"}


def keep(event: Event, customer: Customer, day: date) -> None:
    kind = event["type"]
    if kind in ("order_completed", "order_refunded"):
        # W4: "net order revenue by month, of the 8 months up to the latest one"
        month = day.year * 12 + day.month
        sign = 1 if kind == "order_completed" else -1
        customer.months[month] = customer.months.get(month, 0) + sign * minor(event["amount"])
        customer.months = {one: net for one, net in customer.months.items() if one > max(customer.months) - 8}
    if kind in ("programme_joined", "programme_left"):
        customer.member = kind == "programme_joined"
    if kind not in NOT_MET:
        customer.kinds = [*customer.kinds, kind][-4:]
    if kind == "survey_answered" and event["survey"] == "nps":
        # W9: "the latest 3 answers by time are kept"
        answers = [*customer.nps, (ms(event["time"]) // 1000, event["score"])]
        customer.nps = sorted(answers, key=lambda one: one[0])[-3:]
    if kind in WORDS:
        customer.word = max(customer.word or day, day)


def leaving_of(
    customer: Customer, kind: str, first: date, last: date, rules: Rules, *, at_start: bool, at_end: bool
) -> Iterator[tuple[str, int]]:
    if customer.variant is not None:  # W12
        acquired = customer.acquired is not None and first <= customer.acquired <= last
        held = {"start": at_start, "lost": at_start and not at_end, "acquired": acquired, "end": at_end}
        yield from ((f"variant_{name}:{customer.variant}", value) for name, value in held.items())
    yield "members_end", customer.member and at_end
    if at_start:
        yield "members_start", customer.member
        who = "kept" if at_end else "lost"
        for one in customer.kinds:
            yield f"{who}_last:{one}", 1
        if not at_end:
            yield "members_lost", customer.member
            yield from _loss(customer, rules)
            # W5: "no word in the 30 days that end with the last activity, nor since"
            since = max(customer.active) - 29 * DAY if customer.active else None
            yield "lost_unsaid", since is not None and (customer.word is None or customer.word < since)
    if kind in ("month", "quarter"):
        revenue = _net(customer, first, last)
        if at_start:
            yield "start_revenue", revenue
            before = _net(customer, period_of(kind, first - DAY), first - DAY)
            yield "start_revenue_before", before
            yield "start_revenue_kept", min(revenue, before)  # W4: "of each the lesser of both"
        if revenue > 0:
            digits = f"{revenue:b}00"
            bucket = 4 * (len(digits) - 3) + int(digits[1:3], 2)
            yield f"pareto_customers:{bucket}", 1
            yield f"pareto_revenue:{bucket}", revenue


def _loss(customer: Customer, rules: Rules) -> Iterator[tuple[str, int]]:
    """W11: "acceptable (L7); else involuntary …"."""
    story = customer.story
    kept = max(story.revenue - story.refunded, 0) * (rules.margin if story.margin is None else story.margin)
    if rules.cost_share > 0 and story.cost > rules.cost_share * kept:
        yield "lost_acceptable", 1
    elif story.failed_ms is not None:
        # "a charge failed, on one of the 30 days that end with the last activity or later, and was not recovered"
        failed = day_of(story.failed_ms, rules.zone)
        yield "lost_involuntary", not customer.active or failed > max(customer.active) - 30 * DAY


def _net(customer: Customer, first: date, last: date) -> int:
    a, b = first.year * 12 + first.month, last.year * 12 + last.month
    return sum(net for month, net in customer.months.items() if a <= month <= b)


def money_and_mood_of(customer: Customer, first: date, last: date, zone: str) -> Iterator[tuple[str, int]]:
    begin_ms, end_ms = end_of(first - DAY, zone), end_of(last, zone)
    start, end = mrr_at(customer, first - DAY, zone), mrr_at(customer, last, zone)
    yield "mrr_start", start
    yield "mrr_end", end
    if start == 0:
        earlier = any(known[0][0] // 1000 < begin_ms // 1000 for known in customer.subscriptions.values())
        yield ("mrr_reactivated" if earlier else "mrr_new"), end
    elif end == 0:
        yield "mrr_churned", start
    else:
        yield "mrr_expansion", max(end - start, 0)
        yield "mrr_contraction", max(start - end, 0)
    scores = [score for second, score in customer.nps if begin_ms // 1000 <= second < end_ms // 1000]
    if scores:
        yield ("promoters" if scores[-1] >= 9 else "passives" if scores[-1] >= 7 else "detractors"), 1
