"""Which flows an event brings: one function of the event and the row as it was before it.

Owns: what counts in which measure (definitions D3). Compiled; called once for each accepted event, before the row takes
it. Knows nothing of days closing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stream.core import batch as columns
from stream.core import signals
from stream.core.families import TRIAL_USES
from stream.core.flows import slot_of
from stream.core.kinds import Kind
from stream.core.measures import FLOWS
from stream.core.remembering import remember
from stream.core.retention import segment_at
from stream.core.row import MEMBER, SUBSCRIPTION_EVENTS, SUBSCRIPTIONS, TICKETS, More, Row
from stream.core.signals import ACTIVATED_MOST, MOST_TRIAL_USES, TRIAL_OVER
from stream.core.troubles import CLOSED, COMPLAINED, REPLIED
from stream.core.views import FlowView, Rule
from stream.jit import njit

SLOW_MS = 3_000  # a page load that takes longer is slow
UNHAPPY = 2  # a CSAT or a number of stars, up to here

PROFILE_UPDATED = int(Kind.profile_updated)
ORDER_COMPLETED = int(Kind.order_completed)
PAGE_PERFORMANCE = int(Kind.page_performance)
SURVEY_ANSWERED = int(Kind.survey_answered)
REVIEW_POSTED = int(Kind.review_posted)
TICKET_OPENED = int(Kind.ticket_opened)
TICKET_REPLIED, TICKET_RESOLVED = int(Kind.ticket_replied), int(Kind.ticket_resolved)
SUBSCRIPTION_STARTED, SUBSCRIPTION_CHANGED = int(Kind.subscription_started), int(Kind.subscription_changed)
TRIAL_STARTED, TRIAL_ENDED = int(Kind.trial_started), int(Kind.trial_ended)
PAYMENT_FAILED = int(Kind.payment_failed)
REWARD_EARNED = int(Kind.reward_earned)
REWARD_REDEEMED = int(Kind.reward_redeemed)
EXIT_SURVEY = int(Kind.exit_survey)

_AT = {name: place for place, name in enumerate(FLOWS)}
ORDERS, FIRST_ORDERS = _AT["orders"], _AT["first_orders"]
ORDER_REVENUE, FIRST_REVENUE, ORDER_COST = _AT["order_revenue"], _AT["first_revenue"], _AT["order_cost"]
MEMBER_REVENUE = _AT["member_revenue"]
CROSS_SELLS, CROSS_SELL_REVENUE = _AT["cross_sells"], _AT["cross_sell_revenue"]
DISCOUNTED_ORDERS, DISCOUNTS = _AT["discounted_orders"], _AT["discounts"]
SLOW_LOADS, LOAD_MS = _AT["slow_loads"], _AT["load_ms"]
FAILED_LOADS, ABANDONED_LOADS = _AT["failed_loads"], _AT["abandoned_loads"]
MOBILE_LOADS = _AT["mobile_loads"]  # then the slow ones, then the other devices likewise
COMPLAINTS, UNHAPPY_ANSWERS = _AT["complaints"], _AT["unhappy_answers"]
TICKETS_HANDLED, HANDLING_S = _AT["tickets_handled"], _AT["handling_s"]
COMPLAINTS_HANDLED, COMPLAINT_HANDLING_S = _AT["complaints_handled"], _AT["complaint_handling_s"]
TICKETS_ANSWERED, FIRST_REPLY_S = _AT["tickets_answered"], _AT["first_reply_s"]
PLAN_RAISES, RAISED_MRR = _AT["plan_raises"], _AT["raised_mrr"]
OVER, PAID = _AT["trials_over:0"], _AT["trials_paid:0"]  # plus the bucket
BUCKETS = np.array(TRIAL_USES, np.int64)
ACTIVATION_BEGUN, ACTIVATED = _AT["activation_begun"], _AT["activated"]
PAYMENTS_GIVEN_UP = _AT["payments_given_up"]
ACQUISITION_COST, REWARD_COST = _AT["acquisition_cost"], _AT["reward_cost"]
POINTS_EARNED, POINTS_REDEEMED = _AT["points_earned"], _AT["points_redeemed"]
REASONS = len(FLOWS)

# kinds of which each event counts once, whatever else it says
_ONCE = {
    Kind.order_refunded: "refunds",
    Kind.session: "sessions",
    Kind.feature_used: "features_used",
    Kind.content_viewed: "content_viewed",
    Kind.content_shared: "content_shared",
    Kind.cart_abandoned: "carts_abandoned",
    Kind.page_performance: "page_loads",
    Kind.survey_sent: "surveys_sent",
    Kind.survey_answered: "surveys_answered",
    Kind.review_posted: "reviews",
    Kind.feedback_answered: "feedback_answered",
    Kind.ticket_opened: "tickets_opened",
    Kind.ticket_replied: "tickets_replied",
    Kind.ticket_resolved: "tickets_resolved",
    Kind.ticket_reopened: "tickets_reopened",
    Kind.programme_joined: "programme_joined",
    Kind.programme_left: "programme_left",
    Kind.payment_failed: "payments_failed",
    Kind.payment_recovered: "payments_recovered",
    Kind.trial_started: "trials_started",
    Kind.trial_ended: "trials_ended",
    Kind.referral_made: "referrals",
    Kind.campaign_sent: "campaigns_sent",
    Kind.campaign_opened: "campaigns_opened",
    Kind.campaign_clicked: "campaigns_clicked",
    Kind.unsubscribed: "unsubscribed",
}
# kinds whose amount counts in one measure
_AMOUNT = {
    Kind.order_refunded: "refunded",
    Kind.referral_made: "referral_revenue",
    Kind.campaign_sent: "campaign_cost",
    Kind.service_cost: "service_cost",
}


def _table(measures: dict[Kind, str]) -> NDArray[np.int64]:
    """By kind, the place of its measure; −1 where there is none."""
    return np.array([-1, *(_AT[measures[kind]] if kind in measures else -1 for kind in Kind)], np.int64)


# kinds that go on with something of which the row knows
GOES_ON = np.array(
    [False, *(kind.name in (
        "ticket_replied", "ticket_resolved", "trial_ended", "subscription_started", "subscription_renewed",
        "subscription_changed",
    ) for kind in Kind)]
)  # fmt: skip
ONCE, AMOUNT = _table(_ONCE), _table(_AMOUNT)


@njit
def _reason(hashes: NDArray[np.int64], wanted: int) -> int:
    """The place of a reason in the policy's list, the one behind it for any other."""
    for place in range(hashes.size):
        if hashes[place] == wanted:
            return place
    return hashes.size


@njit
def _order(
    view: FlowView, flow: NDArray[np.int64], r: Row, amount: int, cost: int, discount: int, categories: np.uint64
) -> None:
    flow[ORDERS] += 1
    flow[ORDER_REVENUE] += amount
    if r.orders == 0:
        flow[FIRST_ORDERS] += 1
        flow[FIRST_REVENUE] += amount
    if r.member & MEMBER:
        flow[MEMBER_REVENUE] += amount
    if cost != columns.NONE:
        flow[ORDER_COST] += cost
    if discount > 0:
        flow[DISCOUNTED_ORDERS] += 1
        flow[DISCOUNTS] += discount
    if r.categories and categories & ~np.uint64(r.categories):
        flow[CROSS_SELLS] += 1
        flow[CROSS_SELL_REVENUE] += amount
    if r.variant:
        flow[REASONS + view.exit_reasons.size + view.reward_reasons.size + 1 + r.variant] += amount


@njit
def _page(flow: NDArray[np.int64], load_ms: int, bits: int) -> None:
    slow = load_ms > SLOW_MS
    flow[LOAD_MS] += load_ms
    flow[SLOW_LOADS] += slow
    flow[FAILED_LOADS] += bits & columns.PAGE_OK == 0
    flow[ABANDONED_LOADS] += bits & columns.PAGE_ABANDONED != 0
    device = bits >> columns.DEVICE_SHIFT  # 0: another, or not told
    if device > 0:
        at = MOBILE_LOADS + 2 * (device - 1)
        flow[at] += 1
        flow[at + 1] += slow


@njit
def _rewards(view: FlowView, flow: NDArray[np.int64], kind: int, amount: int, points: int, reason: int) -> None:
    points = max(points, 0)
    if kind == REWARD_REDEEMED:
        flow[REWARD_COST] += amount
        flow[POINTS_REDEEMED] += points
        return
    flow[POINTS_EARNED] += points
    flow[REASONS + view.exit_reasons.size + 1 + _reason(view.reward_reasons, reason)] += points


@njit
def _ticket(
    flow: NDArray[np.int64], m: More, ref: np.uint64, time_s: int, bits: int, number: int, seconds: int
) -> None:
    """A ticket that is known to be open, without any of these bits: count it, and the time since it was opened."""
    ticket = np.uint32(ref & np.uint64(0xFFFFFFFF))
    for k in range(TICKETS):
        opened_s = np.int64(m.ticket_s[k])
        if m.ticket[k] == ticket and 0 < opened_s <= time_s and not m.ticket_bits[k] & bits:
            flow[number] += 1
            flow[seconds] += time_s - opened_s
            if number == TICKETS_HANDLED and m.ticket_bits[k] & COMPLAINED:
                flow[COMPLAINTS_HANDLED] += 1
                flow[COMPLAINT_HANDLING_S] += time_s - opened_s
            return


@njit
def _raised(flow: NDArray[np.int64], m: More, ref: np.uint64, time_s: int, mrr: int) -> None:
    """A subscription that brings more than it did by its event before (definitions D3)."""
    own = np.uint32(ref & np.uint64(0xFFFFFFFF))
    for slot in range(SUBSCRIPTIONS):
        n = np.int64(m.subscription_n[slot])
        if n == 0 or m.subscription[slot] != own:
            continue
        for k in range(slot * SUBSCRIPTION_EVENTS + n - 1, slot * SUBSCRIPTION_EVENTS - 1, -1):
            if m.subscription_s[k] <= time_s:
                more = mrr - np.int64(m.subscription_mrr[k])
                if more > 0:
                    flow[PLAN_RAISES] += 1
                    flow[RAISED_MRR] += more
                return
        return


@njit
def _trial(flow: NDArray[np.int64], m: More, time_s: int, paid: bool, ended: bool) -> None:  # noqa: FBT001 (two flags)
    """A trial that is over, or paid, by its uses until it was over (definitions D5)."""
    if m.trial_s == 0 or time_s < m.trial_s or not (paid or ended):
        return
    uses = np.int64(m.trial_uses) & MOST_TRIAL_USES
    bucket = np.searchsorted(BUCKETS, uses, side="right") - 1
    if not m.trial_uses & TRIAL_OVER:
        flow[OVER + bucket] += 1
    if paid:
        flow[PAID + bucket] += 1


@njit
def _activation(flow: NDArray[np.int64], r: Row, m: More, kind: int, time_s: int, rule: Rule) -> None:
    """Who begins, and the use that makes somebody activated (definitions D8)."""
    if m.activate_s == 0:
        if kind in (TRIAL_STARTED, SUBSCRIPTION_STARTED):
            flow[ACTIVATION_BEGUN] += signals.may_begin(r, m)
    elif rule.engages[kind] and time_s >= m.activate_s:
        flow[ACTIVATED] += np.int64(m.uses & ACTIVATED_MOST) + 1 >= rule.activation_uses


@njit
def _known(flow: NDArray[np.int64], m: More, kind: int, ref: np.uint64, time_s: int, amount: int) -> None:
    """What counts only with what is known of the same ticket, subscription or trial."""
    if kind == TICKET_RESOLVED:
        _ticket(flow, m, ref, time_s, CLOSED, TICKETS_HANDLED, HANDLING_S)
    elif kind == TICKET_REPLIED:
        _ticket(flow, m, ref, time_s, CLOSED | REPLIED, TICKETS_ANSWERED, FIRST_REPLY_S)
    else:
        _trial(flow, m, time_s, kind != TRIAL_ENDED and amount > 0, kind == TRIAL_ENDED)
        if kind == SUBSCRIPTION_CHANGED:
            _raised(flow, m, ref, time_s, amount)


@njit
def _answers(view: FlowView, flow: NDArray[np.int64], kind: int, x: int, y: int) -> None:
    if kind in (SURVEY_ANSWERED, REVIEW_POSTED):
        flow[UNHAPPY_ANSWERS] += y != columns.NPS and x <= UNHAPPY
    elif kind == TICKET_OPENED:
        flow[COMPLAINTS] += x == 1
    elif kind == PAYMENT_FAILED:
        flow[PAYMENTS_GIVEN_UP] += y == 1
    elif kind == EXIT_SURVEY:
        flow[REASONS + _reason(view.exit_reasons, x)] += 1


@njit
def count_event(
    view: FlowView, r: Row, m: More, kind: int, time_s: int, day: int, amount: int, x: int, y: int, ref: np.uint64,
    rule: Rule,
) -> None:  # fmt: skip
    """Count an event on its day (definitions D1, D3), where it is one that counts."""
    remember(view.months, r, kind, day, amount)
    if day < view.first[0]:
        return
    slot = slot_of(view.day, day)
    group = r.segment[0] if r.segments_n == 1 else segment_at(r, view.starts_s[max(day, 0)] - 1)
    view.dirty[slot, group] = 1
    flow = view.values[slot, group]
    _activation(flow, r, m, kind, time_s, rule)
    if kind == ORDER_COMPLETED:
        _order(view, flow, r, amount, x, y, ref)
        return
    if ONCE[kind] >= 0:
        flow[ONCE[kind]] += 1
    if AMOUNT[kind] >= 0:
        flow[AMOUNT[kind]] += amount
    if kind == PAGE_PERFORMANCE:
        _page(flow, x, y)
    elif kind in (REWARD_EARNED, REWARD_REDEEMED):
        _rewards(view, flow, kind, amount, x, y)
    elif kind == PROFILE_UPDATED:
        flow[ACQUISITION_COST] += 0 if amount == columns.NONE else amount - m.acquisition_cost
    elif GOES_ON[kind]:
        _known(flow, m, kind, ref, time_s, amount)
    else:
        _answers(view, flow, kind, x, y)
