"""The kinds of event and their stable numbers.

Owns: the numbers. They are kept in customers' rows and in changelogs, so they never change. Knows nothing else.
"""

from __future__ import annotations

from enum import IntEnum


class Kind(IntEnum):
    """The kinds of event. The numbers are kept in customers' rows: append, never renumber. 0 is nobody's."""

    profile_updated = 1
    order_completed = 2
    order_refunded = 3
    session = 4
    feature_used = 5
    content_viewed = 6
    content_shared = 7
    cart_updated = 8
    cart_abandoned = 9
    page_performance = 10
    survey_sent = 11
    feedback_answered = 12
    survey_answered = 13
    review_posted = 14
    ticket_opened = 15
    ticket_replied = 16
    ticket_resolved = 17
    ticket_reopened = 18
    programme_joined = 19
    programme_left = 20
    subscription_started = 21
    subscription_renewed = 22
    subscription_changed = 23
    subscription_cancelled = 24
    trial_started = 25
    trial_ended = 26
    payment_failed = 27
    payment_recovered = 28
    reward_earned = 29
    reward_redeemed = 30
    referral_made = 31
    campaign_sent = 32
    campaign_opened = 33
    campaign_clicked = 34
    unsubscribed = 35
    consent_changed = 36
    exit_survey = 37
    service_cost = 38
    customer_erased = 39
    alert_muted = 40
    alert_acked = 41
    clock_advanced = 42


NAMES: tuple[str, ...] = tuple(kind.name for kind in Kind)  # in the order of CONTRACT
