"""The figures of a day record: measures and counts in, sections of counts and ratios out.

Owns: which section has what, under which name, and that a ratio without a base is None. The formulas are
`core.rates`'s. Money stays in minor units here. Knows nothing of JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from stream.core import rates
from stream.core.families import (
    CAMPAIGNS,
    COSTS,
    FEEDBACK,
    PAGES,
    PAYMENTS,
    PROGRAMME,
    TICKETS,
    Family,
)
from stream.core.measures import COHORT_DAYS, DEPARTURES, EXIT_PREFIX, LIFECYCLE, MRR, NPS, REWARD_PREFIX

Number: TypeAlias = float | None
Section: TypeAlias = dict[str, Number]
Measures: TypeAlias = Mapping[str, int]  # those that are 0 are left out

TOP = 5  # one in so many
BUCKET_WIDTH = 0.25  # no customer of a bucket brings more than this above its least
DEVICES = ("mobile", "tablet", "desktop")


def _counts(measures: Measures, *names: str) -> Section:
    return {name: measures.get(name, 0) for name in names}


def _of(family: Family, measures: Measures) -> Section:
    return _counts(measures, *family.roles.values())


def revenue(measures: Measures, counts: Measures, days: int) -> Section:
    """Orders and what they brought, repeat business, lifetime value (definitions D3, V1–V4)."""
    m = _counts(
        measures, "orders", "first_orders", "discounted_orders", "refunds", "order_revenue", "first_revenue",
        "refunded", "order_cost", "customer_days", "cross_sells", "cross_sell_revenue",
    )  # fmt: skip
    get = measures.get
    churn = rates.churn(counts["start"], counts["lost"])
    lifetime = rates.share(days / rates.YEAR_DAYS, churn or 0)
    clv = (
        None
        if lifetime is None
        else rates.clv_revenue(get("orders", 0), get("order_revenue", 0), get("customer_days", 0), lifetime)
    )
    kept_back = ("refunded", "order_cost", "service_cost", "campaign_cost", "reward_cost")
    margin = get("order_revenue", 0) - sum(get(name, 0) for name in kept_back)
    return m | {
        "average_order": rates.share(get("order_revenue", 0), get("orders", 0)),
        "repeat_revenue_share": rates.share(
            get("order_revenue", 0) - get("first_revenue", 0), get("order_revenue", 0)
        ),
        "cross_sell_share": rates.share(get("cross_sells", 0), get("orders", 0) - get("first_orders", 0)),
        "discounted_share": rates.share(get("discounted_orders", 0), get("orders", 0)),
        "margin": margin,
        "per_customer_year": rates.per_customer_year(get("order_revenue", 0), get("customer_days", 0)),
        "clv_revenue": clv,
        "clv_margin": rates.clv_margin(clv, rates.share(margin, get("order_revenue", 0))),
        "clv_lost": None if clv is None else clv * counts["lost"],
        "referrals": get("referrals", 0),
        "referral_revenue": get("referral_revenue", 0),
        "referral_rate": rates.share(get("referrals", 0), counts["acquired"]),
    }  # fmt: skip


def departures(measures: Measures, counts: Measures) -> Section:
    """Who was lost, and how: members and others, with a word or without, a loss to regret or not (W5, W11)."""
    m = _of(DEPARTURES, measures)
    others_start, others_lost = counts["start"] - (m["members_start"] or 0), counts["lost"] - (m["members_lost"] or 0)
    regretted = counts["lost"] - (m["lost_acceptable"] or 0) - (m["lost_involuntary"] or 0)
    return m | {
        "lost_regretted": regretted,
        "regretted_churn": rates.share(regretted, counts["start"]),
        "members_churn": rates.share(m["members_lost"] or 0, m["members_start"] or 0),
        "others_churn": rates.share(others_lost, others_start),
        "unsaid_share": rates.share(m["lost_unsaid"] or 0, counts["lost"]),
    }


def last_kinds(measures: Measures) -> dict[str, dict[str, int]]:
    """How often each kind was among the last four events of the lost, and of those who stayed (definitions W7)."""
    return {who: by_reason(measures, f"{who}_last:") for who in ("lost", "kept")}


def retained(measures: Measures) -> Section:
    """What the period's first customers brought in it, and in the one before (definitions W4)."""
    m = _counts(measures, "start_revenue", "start_revenue_before", "start_revenue_kept")
    now, before, kept = (value or 0 for value in m.values())
    return m | {"nrr_orders": rates.nrr_orders(now, before), "grr_orders": rates.share(kept, before)}


def subscriptions(measures: Measures) -> Section:
    """Monthly recurring revenue, what moved it, and what was retained of it (definitions W8)."""
    m = _of(MRR, measures)
    start, end, new, expansion, contraction, churned, reactivated = (
        measures.get(f"mrr_{what}", 0)
        for what in ("start", "end", "new", "expansion", "contraction", "churned", "reactivated")
    )
    assert end == start + new + expansion + reactivated - contraction - churned, "MRR has moved by itself"
    return (
        m
        | _counts(measures, "plan_raises", "raised_mrr")
        | {
            "grr": rates.grr(start, contraction, churned),
            "nrr": rates.nrr(start, expansion, contraction, churned),
            "churn_revenue": rates.churn_revenue(start, contraction, churned),
            "quick_ratio": rates.quick_ratio(new + expansion + reactivated, contraction + churned),
        }
    )


def nps(measures: Measures) -> Section:
    """Customers by their last answer in the period, and the score in points (definitions W9)."""
    m = _of(NPS, measures)
    return m | {"nps": rates.nps(*(measures.get(name, 0) for name in NPS.roles.values()))}


def pareto(measures: Measures) -> Section:
    """The revenue share of the fifth of customers who brought most, and how far off it may be (definitions W6).

    >>> pareto({"pareto_customers:0": 8, "pareto_revenue:0": 8, "pareto_customers:12": 2, "pareto_revenue:12": 16})
    {'customers': 10, 'top20_share': 0.6666666666666666, 'error': 0.0}
    """
    customers, revenue = (
        {int(name.rpartition(":")[2]): value for name, value in measures.items() if name.startswith(prefix)}
        for prefix in ("pareto_customers:", "pareto_revenue:")
    )
    everybody, total = sum(customers.values()), sum(revenue.values())
    left, share, error = everybody / TOP, 0.0, 0.0
    for bucket in sorted(customers, reverse=True):
        taken = min(left, customers[bucket])
        share += revenue[bucket] * taken / customers[bucket]
        if 0 < taken < customers[bucket]:  # its dearest may be dearer than its mean: by a quarter of an octave at most
            error = revenue[bucket] * taken / customers[bucket] * BUCKET_WIDTH
        left -= taken
    known = everybody > 0
    return {
        "customers": everybody,
        "top20_share": rates.share(share, total) if known else None,
        "error": rates.share(error, total) if known else None,
    }


def activity(measures: Measures) -> Section:
    """How many came, and how the active ones changed (definitions W1, W2)."""
    m = _counts(measures, "dau", "wau", "mau") | _of(LIFECYCLE, measures) | _counts(measures, "buyers", "repeat_buyers")
    get = measures.get
    return m | {
        "stickiness": rates.stickiness(get("dau", 0), get("mau", 0)),
        "quick_ratio": rates.quick_ratio(get("new", 0) + get("resurrected", 0), get("dormant", 0)),
        "repeat_rate": rates.share(get("repeat_buyers", 0), get("buyers", 0)),
    }


def cohorts(measures: Measures) -> dict[str, Section]:
    """Of those whose day N fell into the period, how many were active on it, later, in the week from it (W3, W10)."""
    found: dict[str, Section] = {}
    for days in COHORT_DAYS:
        names = ("members", "active", "later", "bracket_members", "bracket_active")
        members, active, later, begun, came = (measures.get(f"{name}:d{days}", 0) for name in names)
        found[f"d{days}"] = {
            "members": members,
            "active": active,
            "share": rates.share(active, members),
            "later": later,
            "later_share": rates.share(later, members),
            "bracket_members": begun,
            "bracket_active": came,
            "bracket_share": rates.share(came, begun),
        }
    return found


def costs(measures: Measures, counts: Measures, clv: Number) -> Section:
    """What customers cost: to acquire, to serve, to keep (definitions V5)."""
    get = measures.get
    cac = rates.cac(get("acquisition_cost", 0), counts["acquired"])
    keep = sum(get(name, 0) for name in ("campaign_cost", "reward_cost", "discounts"))
    to_keep = rates.per_customer(keep, counts["start"] - counts["lost"])
    return _of(COSTS, measures) | {
        "cac": cac,
        "cac_to_clv": rates.cac_ratio(cac, clv),
        "cost_to_serve": rates.per_customer(get("service_cost", 0), counts["start"]),
        "cost_to_keep": to_keep,
        "cac_to_cost_to_keep": rates.cac_to_keep(cac, to_keep),
    }


def service(measures: Measures) -> Section:
    """Tickets, payments and feedback."""
    get = measures.get
    return (
        _of(TICKETS, measures)
        | {
            "handling_mean_s": rates.share(get("handling_s", 0), get("tickets_handled", 0)),
            "complaint_handling_mean_s": rates.share(get("complaint_handling_s", 0), get("complaints_handled", 0)),
            "first_reply_mean_s": rates.share(get("first_reply_s", 0), get("tickets_answered", 0)),
        }
        | _of(FEEDBACK, measures)
        | _of(PAYMENTS, measures)
        | {"response_rate": rates.share(get("surveys_answered", 0), get("surveys_sent", 0))}
    )


def experience(measures: Measures) -> Section:
    """Page loads as customers met them; uptime is the share that was served."""
    get = measures.get
    loads = get("page_loads", 0)
    shares = {f"slow_{device}_share": rates.share(get(f"slow_{device}_loads", 0), get(f"{device}_loads", 0))
              for device in DEVICES}  # fmt: skip
    return (
        _of(PAGES, measures)
        | {
            "slow_share": rates.share(get("slow_loads", 0), loads),
            "load_mean_ms": rates.share(get("load_ms", 0), loads),
            "uptime": rates.share(loads - get("failed_loads", 0), loads),
        }
        | shares
    )


def programme(measures: Measures) -> Section:
    """Programmes, what members and others bring, points and the share of them that was redeemed, campaigns."""
    redeemed = rates.share(measures.get("points_redeemed", 0), measures.get("points_earned", 0))
    m = _counts(measures, "order_revenue", "customer_days", "member_revenue", "member_days")
    revenue, days, of_members, member_days = (value or 0 for value in m.values())
    return (
        _of(PROGRAMME, measures)
        | _of(CAMPAIGNS, measures)
        | {
            "redeemed_share": redeemed,
            "member_revenue": of_members,
            "member_days": member_days,
            "member_customer_year": rates.per_customer_year(of_members, member_days),
            "other_customer_year": rates.per_customer_year(revenue - of_members, days - member_days),
        }
    )


def by_reason(measures: Measures, prefix: str) -> dict[str, int]:
    """Counts by the reasons of the policy's lists (EXIT_PREFIX, REWARD_PREFIX)."""
    return {name.removeprefix(prefix): value for name, value in sorted(measures.items()) if name.startswith(prefix)}


def reasons(measures: Measures) -> dict[str, dict[str, int]]:
    """Exit reasons and what points were earned for."""
    return {"exit": by_reason(measures, EXIT_PREFIX), "earned": by_reason(measures, REWARD_PREFIX)}
