"""The sections of a day record as types: the published names and units of figures.

Owns: those names. Ratios are fractions, NPS in points; money is in units of `currency`, exact to its minor unit where
it is a sum. The schema is written from these.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

Money: TypeAlias = Annotated[float, Meta(description="in units of `currency`")]
Ratio: TypeAlias = Annotated[float | None, Meta(description="null without a base, or in warmup")]
MoneyRatio: TypeAlias = Annotated[float | None, Meta(description="in units of `currency`; null without a base")]


class Counts(Struct, kw_only=True):
    """Customers (definitions R5): end = start − lost + reactivated + acquired − acquired_lost."""

    start: int
    end: int
    acquired: int
    acquired_lost: int
    lost: int
    reactivated: int


class Compared(Struct, kw_only=True):
    """An earlier period of the same segment, and by how much more it is now (definitions V6)."""

    start: date
    lost: int
    crr: Ratio
    crr_strict: Ratio
    churn: Ratio
    lost_change: int
    crr_change: Ratio
    crr_strict_change: Ratio
    churn_change: Ratio


class Wanted(Struct, kw_only=True):
    """What the policy wants of a month, and by how much it is more than that (definitions V7)."""

    crr: float | None
    acceptable_churn: float | None
    crr_over: Ratio
    churn_over: Ratio


class Revenue(Struct, kw_only=True):
    """Orders, what they brought, and what a customer is worth (definitions D3, V1–V4)."""

    orders: int
    first_orders: int
    discounted_orders: int
    refunds: int
    order_revenue: Money
    first_revenue: Money
    refunded: Money
    order_cost: Money
    margin: Money
    customer_days: int
    average_order: MoneyRatio
    repeat_revenue_share: Ratio
    discounted_share: Ratio
    cross_sells: int
    cross_sell_revenue: Money
    cross_sell_share: Ratio
    per_customer_year: MoneyRatio
    clv_revenue: MoneyRatio
    clv_margin: MoneyRatio
    clv_lost: MoneyRatio
    referrals: int
    referral_revenue: Money
    referral_rate: Ratio


class Activity(Struct, kw_only=True):
    """Who came, and how the active ones changed (definitions W1, W2): Δactive = new + resurrected − dormant."""

    dau: int
    wau: int
    mau: int
    new: int
    returning: int
    resurrected: int
    dormant: int
    buyers: int
    repeat_buyers: int
    stickiness: Ratio
    quick_ratio: Ratio
    repeat_rate: Ratio


class Departures(Struct, kw_only=True):
    """Who of the customers at the start was lost, and how (definitions W5, W11)."""

    members_start: int
    members_lost: int
    members_end: int
    lost_unsaid: int
    lost_acceptable: int
    lost_involuntary: int
    lost_regretted: int
    regretted_churn: Ratio
    members_churn: Ratio
    others_churn: Ratio
    unsaid_share: Ratio


class LastKinds(Struct, kw_only=True):
    """How often each kind was among the last four events: of the lost, and of those who stayed (definitions W7)."""

    lost: dict[str, int]
    kept: dict[str, int]


class Retained(Struct, kw_only=True):
    """Order revenue, less refunds, of the customers at the start: now, and in the period before (definitions W4)."""

    start_revenue: Money
    start_revenue_before: Money
    start_revenue_kept: Money
    nrr_orders: Ratio
    grr_orders: Ratio


class Subscriptions(Struct, kw_only=True):
    """Monthly recurring revenue (definitions W8): what there was at both ends, and what moved it."""

    mrr_start: Money
    mrr_new: Money
    mrr_expansion: Money
    mrr_contraction: Money
    mrr_churned: Money
    mrr_reactivated: Money
    mrr_end: Money
    plan_raises: int
    raised_mrr: Money
    grr: Ratio
    nrr: Ratio
    churn_revenue: Ratio
    quick_ratio: Ratio


class Nps(Struct, kw_only=True):
    """Customers by their last NPS answer in the period, and the score in points, −100…100 (definitions W9)."""

    promoters: int
    passives: int
    detractors: int
    nps: Ratio


class Pareto(Struct, kw_only=True):
    """The revenue share of the fifth of customers who brought most; it is off by `error` at most (definitions W6)."""

    customers: int
    top20_share: Ratio
    error: Ratio


class Cohort(Struct, kw_only=True):
    """Customers whose day N after the first fell into the period, and those active on it (definitions W3, W10).

    `later`: active on day N or after it, as known at the period's end. `bracket_members` are those whose day N + 6
    fell into the period, `bracket_active` those of them who came on any of the seven days.
    """

    members: int
    active: int
    share: Ratio
    later: int
    later_share: Ratio
    bracket_members: int
    bracket_active: int
    bracket_share: Ratio


class Costs(Struct, kw_only=True):
    """What customers cost (definitions V5)."""

    acquisition_cost: Money
    service_cost: Money
    campaign_cost: Money
    reward_cost: Money
    discounts: Money
    cac: MoneyRatio
    cac_to_clv: Ratio
    cost_to_serve: MoneyRatio
    cost_to_keep: MoneyRatio
    cac_to_cost_to_keep: Ratio


class Service(Struct, kw_only=True):
    """Tickets, feedback and payments (definitions D3)."""

    tickets_opened: int
    complaints: int
    tickets_replied: int
    tickets_resolved: int
    tickets_reopened: int
    tickets_handled: int
    handling_mean_s: Ratio
    complaints_handled: int
    complaint_handling_mean_s: Ratio
    tickets_answered: int
    first_reply_mean_s: Ratio
    surveys_sent: int
    surveys_answered: int
    response_rate: Ratio
    reviews: int
    unhappy_answers: int
    feedback_answered: int
    payments_failed: int
    payments_given_up: int
    payments_recovered: int


class Experience(Struct, kw_only=True):
    """Page loads as customers met them (definitions D3)."""

    page_loads: int
    slow_loads: int
    failed_loads: int
    abandoned_loads: int
    mobile_loads: int
    slow_mobile_loads: int
    tablet_loads: int
    slow_tablet_loads: int
    desktop_loads: int
    slow_desktop_loads: int
    uptime: Ratio
    load_mean_ms: Ratio
    slow_share: Ratio
    slow_mobile_share: Ratio
    slow_tablet_share: Ratio
    slow_desktop_share: Ratio


class Programme(Struct, kw_only=True):
    """Programmes, points and campaigns (definitions D3, D4)."""

    programme_joined: int
    programme_left: int
    points_earned: int
    points_redeemed: int
    points_outstanding: int
    redeemed_share: Ratio
    member_revenue: Money
    member_days: int
    member_customer_year: MoneyRatio
    other_customer_year: MoneyRatio
    campaigns_sent: int
    campaigns_opened: int
    campaigns_clicked: int
    unsubscribed: int


class Reasons(Struct, kw_only=True):
    """Answers to exit surveys, and points earned, by the reasons that the policy lists."""

    exit: dict[str, int]
    earned: dict[str, int]
