"""The kinds of event that leave more than activity and orders do: subscriptions, tickets, answers, payments, pages.

Owns: which of `core.signals` and `core.troubles` each of them concerns. Compiled. Knows nothing of clocks, nor of the
life of alerts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stream.core import batch as columns
from stream.core import signals, troubles
from stream.core.effects import consent, set_subscription
from stream.core.kinds import Kind
from stream.core.life import alert_hash
from stream.core.remembering import keep_answer
from stream.core.row import NEVER_S, OPEN_ENDED, SIGNS, More, Row
from stream.core.views import Rule
from stream.jit import njit, whole

PROFILE_UPDATED, CONSENT_CHANGED = int(Kind.profile_updated), int(Kind.consent_changed)
UNSUBSCRIBED = int(Kind.unsubscribed)
ORDER_COMPLETED, ORDER_REFUNDED = int(Kind.order_completed), int(Kind.order_refunded)
SERVICE_COST, CAMPAIGN_SENT = int(Kind.service_cost), int(Kind.campaign_sent)
CART_ABANDONED, PAGE_PERFORMANCE = int(Kind.cart_abandoned), int(Kind.page_performance)
SURVEY_ANSWERED, REVIEW_POSTED = int(Kind.survey_answered), int(Kind.review_posted)
TICKET_OPENED, TICKET_RESOLVED = int(Kind.ticket_opened), int(Kind.ticket_resolved)
TICKET_REPLIED, TICKET_REOPENED = int(Kind.ticket_replied), int(Kind.ticket_reopened)
SUBSCRIPTION_STARTED, SUBSCRIPTION_RENEWED = int(Kind.subscription_started), int(Kind.subscription_renewed)
SUBSCRIPTION_CHANGED, SUBSCRIPTION_CANCELLED = int(Kind.subscription_changed), int(Kind.subscription_cancelled)
TRIAL_STARTED, TRIAL_ENDED = int(Kind.trial_started), int(Kind.trial_ended)
PAYMENT_FAILED, PAYMENT_RECOVERED = int(Kind.payment_failed), int(Kind.payment_recovered)
CUSTOMER_ERASED, ALERT_MUTED = int(Kind.customer_erased), int(Kind.alert_muted)


class Said(NamedTuple):
    """One event, as numbers: the columns of a batch."""

    kind: int
    time_s: int
    day: int
    until_day: int  # business day of x where x is an instant
    x: int
    y: int
    amount: int
    ref: np.uint64


@njit
def _subscription(r: Row, m: More, e: Said, rule: Rule, episodes: signals.Days) -> int:
    """A subscription event: until when it lives, and the sign `cancelling` (definitions R2, Y5)."""
    cancelled, has_end = e.kind == SUBSCRIPTION_CANCELLED, e.x != columns.NONE
    if cancelled:
        until_day = max(e.until_day, 0) if has_end and e.x // 1000 > e.time_s else e.day
    else:
        until_day = max(e.until_day, 0) if has_end and e.y == 0 else OPEN_ENDED  # 1969 somewhere is no number of a day
    place, latest = set_subscription(m, e.ref, e.time_s, until_day, e.amount)
    if e.kind == SUBSCRIPTION_STARTED:
        signals.begins(r, m, e.time_s)
    if not cancelled and e.amount > 0:
        signals.trial_ends(m, e.time_s, True)
    if not latest:
        return signals.NOTHING
    renews_not = e.y == 0 and not cancelled
    ends_s = e.x // 1000 if renews_not and e.x // 1000 > e.time_s else 0
    how = signals.NOTHING
    if cancelled:
        how = troubles.CANCELLED
    elif e.kind == SUBSCRIPTION_CHANGED and renews_not:
        how = troubles.RENEWS_NOT
    return troubles.subscription(r, m, place, e.day, e.amount, ends_s, how, rule, episodes)


@njit
def mutes(r: Row, m: More, customer_hash: np.uint64, e: Said, rule: Rule) -> int:
    """Somebody mutes a sign, or the sign of one alert: the bits of those signs (definitions L6)."""
    signs = 0
    for sign in range(SIGNS):
        this = e.ref != 0 and r.episode[sign] != 0
        this = this and alert_hash(customer_hash, sign, whole(r.episode[sign])) == e.ref
        if this or e.y == rule.sign_hash[sign]:
            signs |= 1 << sign
            if e.x != columns.NONE or not this:  # one alert alone is over when it is muted
                m.muted |= 1 << sign
                m.muted_until_s = e.x // 1000 if e.x != columns.NONE else NEVER_S
    return signs


@njit
def _profile(r: Row, m: More, e: Said, rule: Rule, episodes: signals.Days) -> int:
    """What is known of the customer, and what they allow."""
    consent(r, m, e.time_s, e.x)
    if e.kind == PROFILE_UPDATED:
        if e.amount != columns.NONE:
            m.acquisition_cost = e.amount
        if e.y != columns.NONE:
            m.margin = e.y + 1
        if e.ref != 0:
            m.birthday = e.ref
    if e.kind == UNSUBSCRIBED and rule.unsubscribe:
        return troubles.cancels(r, m, e.day, troubles.UNSUBSCRIBED, episodes)
    return signals.NOTHING


@njit
def service(r: Row, m: More, e: Said, rule: Rule, episodes: signals.Days) -> int:
    """The kinds of event that leave more than activity and orders do; what their signs ask for."""
    if SUBSCRIPTION_STARTED <= e.kind <= SUBSCRIPTION_CANCELLED:
        return _subscription(r, m, e, rule, episodes)
    if e.kind in (PROFILE_UPDATED, CONSENT_CHANGED, UNSUBSCRIBED):
        return _profile(r, m, e, rule, episodes)
    if e.kind == PAGE_PERFORMANCE:
        return troubles.page_loads(m, e.day, e.x, e.y, rule, episodes)
    if e.kind in (SURVEY_ANSWERED, REVIEW_POSTED):
        if e.y == columns.NPS:
            keep_answer(m, e.time_s, e.x)
        return troubles.answers(m, e.time_s, e.day, e.x, e.y, episodes)
    if e.kind in (TICKET_OPENED, TICKET_REOPENED):
        again, complaint = e.kind == TICKET_REOPENED, e.x == 1
        return troubles.ticket_opens(m, e.ref, e.time_s, e.day, complaint, e.y, again, rule, episodes)
    if e.kind == TICKET_REPLIED:
        troubles.ticket_replied(m, e.ref, e.time_s)
        return signals.NOTHING
    if e.kind == TICKET_RESOLVED:
        return troubles.ticket_closes(m, e.ref, e.time_s)
    if e.kind == PAYMENT_FAILED:
        return troubles.payment_fails(m, e.time_s, e.day, e.y == 1, rule, episodes)
    if e.kind == PAYMENT_RECOVERED:
        return troubles.payment_recovers(m, e.time_s)
    if e.kind in (CART_ABANDONED, ORDER_REFUNDED):
        if e.kind == ORDER_REFUNDED:
            m.refunded += e.amount
        return troubles.leaves(r, m, e.time_s, e.day, rule, episodes)
    if e.kind == SERVICE_COST:
        m.cost_to_serve += e.amount
    elif e.kind == CAMPAIGN_SENT:
        m.campaign_s = max(whole(m.campaign_s), e.time_s)
    elif e.kind == TRIAL_STARTED:
        signals.begins(r, m, e.time_s)
        signals.trial_begins(m, e.time_s)
    elif e.kind == TRIAL_ENDED:
        signals.trial_ends(m, e.time_s, False)
    return signals.NOTHING
