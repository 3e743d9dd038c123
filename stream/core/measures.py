"""The measures that figures are made of: what is counted, per business day or period, and per segment.

Owns: the families that a scan of the rows at the close of a period counts, and the order of all measures in arrays;
the families that events bring are `core.families`'s. A measure is a whole number: a count, or money in minor units, or
seconds. All of them add up over partitions; only those that flow add up over days. Knows nothing of events, rows or
metrics' form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stream.core.families import (
    ACTIVATION,
    CAMPAIGNS,
    COSTS,
    CUSTOMER_DAYS,
    EXITS,
    FEEDBACK,
    HANDLING,
    LAST,
    LEAD_CUSTOMERS,
    LEAD_DAYS,
    LOAD_TIME,
    ORDER_REVENUE,
    ORDERS,
    OTHER,
    PAGES,
    PAYMENTS,
    PLAN_RAISES,
    PROGRAMME,
    RAISED_MRR,
    REFERRAL_REVENUE,
    REFERRALS,
    REWARDS,
    TICKETS,
    TRIALS,
    TRIALS_BY_USES,
    USAGE,
    VARIANT_REVENUE,
    WIN_BACK,
    Family,
)
from stream.core.kinds import NAMES

PERIOD_CUSTOMERS: Final = Family(
    "period_customers",
    "Customers by what became of them in the period (definitions R5): end = start - lost + reactivated + acquired - "
    "acquired_lost.",
    "count",
    {name: name for name in ("start", "end", "acquired", "acquired_lost", "lost", "reactivated")},
    ("month", *LAST),
    flows=False,
)
START_REVENUE: Final = Family(
    "start_customers_revenue",
    "Order revenue of the customers at the period's start, in the period and in the equal one before; kept: the lesser "
    "of both, of each.",
    "money",
    {"now": "start_revenue", "before": "start_revenue_before", "kept": "start_revenue_kept"},
    ("last_month", "last_quarter"),
    flows=False,
)
MRR: Final = Family(
    "mrr",
    "Monthly recurring revenue of subscriptions at the period's start and end, and what moved it: end = start + new + "
    "expansion + reactivated - contraction - churned.",
    "money",
    {
        "start": "mrr_start", "new": "mrr_new", "expansion": "mrr_expansion", "contraction": "mrr_contraction",
        "churned": "mrr_churned", "reactivated": "mrr_reactivated", "end": "mrr_end",
    },
    LAST,
    flows=False,
)  # fmt: skip
ACTIVE: Final = Family(
    "active_customers",
    "Customers with qualifying activity on the last closed day (dau), or in the 7 (wau) or 30 (mau) days up to it.",
    "count",
    {"dau": "dau", "wau": "wau", "mau": "mau"},
    ("last_day",),
    flows=False,
)
LIFECYCLE: Final = Family(
    "lifecycle_customers",
    "Active in the period: new, returning (active in the one before as well) or resurrected; dormant: active only in "
    "the one before.",
    "count",
    {name: name for name in ("new", "returning", "resurrected", "dormant")},
    LAST,
    flows=False,
)
COHORT_DAYS: Final = (1, 7, 14, 30, 60, 90)
COHORTS: Final = tuple(f"d{days}" for days in COHORT_DAYS)
COHORT: Final = Family(
    "cohort_customers",
    "Customers whose day N after the first fell into the period (members), and how many of them were active on that "
    "day, or on it or later; bracket: whose day N + 6 did, and those active on any of the seven days.",
    "count",
    {},
    ("last_month",),
    flows=False,
    label="cohort",
)
DEPARTURES: Final = Family(
    "departures",
    "Customers at the period's start who were members of a programme, those of them who were lost, and members at its "
    "end; of the lost: without a word (no ticket, answer or review in their last 30 days or since), acceptable (they "
    "cost more than they left), involuntary (by a charge that failed).",
    "count",
    {
        "members_start": "members_start", "members_lost": "members_lost", "members_end": "members_end",
        "unsaid": "lost_unsaid", "acceptable": "lost_acceptable", "involuntary": "lost_involuntary",
    },
    ("last_month",),
    flows=False,
)  # fmt: skip
BUYERS: Final = Family(
    "buyers",
    "Customers active in the period who ever ordered, and those of them who ordered more than once.",
    "count",
    {"all": "buyers", "repeat": "repeat_buyers"},
    ("last_month",),
    flows=False,
)
NPS: Final = Family(
    "nps_customers",
    "Customers by their last NPS answer in the period: promoter 9-10, passive 7-8, detractor 0-6.",
    "count",
    {"promoter": "promoters", "passive": "passives", "detractor": "detractors"},
    ("last_day", "last_month", "last_quarter"),
    flows=False,
)
VARIANTS: Final = Family(
    "variant_customers",
    "Customers of each variant of an experiment: at the period's start, of these lost, acquired in it, and at its end.",
    "count",
    {"start": "variant_start", "lost": "variant_lost", "acquired": "variant_acquired", "end": "variant_end"},
    ("last_month",),
    flows=False,
    label="variant",
)
FAMILIES: Final = (
    PERIOD_CUSTOMERS, ORDERS, ORDER_REVENUE, START_REVENUE, MRR, PLAN_RAISES, RAISED_MRR, COSTS, ACTIVE, LIFECYCLE,
    COHORT, BUYERS, DEPARTURES, NPS, VARIANTS, VARIANT_REVENUE,
    FEEDBACK, TICKETS, HANDLING, PAGES, LOAD_TIME, USAGE, PROGRAMME, REFERRALS, REFERRAL_REVENUE, CAMPAIGNS, WIN_BACK,
    PAYMENTS, TRIALS, TRIALS_BY_USES, ACTIVATION, CUSTOMER_DAYS, EXITS, REWARDS, LEAD_DAYS, LEAD_CUSTOMERS,
)  # fmt: skip

# the measures that a scan of the rows brings, in the order of its array; the six counts have their own
COHORT_ROLES: Final = ("members", "active", "later", "bracket_members", "bracket_active")
COHORT_MEASURES: Final = tuple(f"{role}:{one}" for one in COHORTS for role in COHORT_ROLES[:2])
BRACKET_DAYS: Final = 7  # from day N on
LATER_MEASURES: Final = tuple(f"{role}:{one}" for one in COHORTS for role in COHORT_ROLES[2:])
PARETO_BUCKETS: Final = 140  # quarters of an octave, up to three months of the most that one can bring in each
SCANNED: Final = (ACTIVE, LIFECYCLE, BUYERS, START_REVENUE, DEPARTURES, MRR, NPS)
STATE: Final = (
    *(
        one
        for family in (ACTIVE, LIFECYCLE, BUYERS, START_REVENUE, DEPARTURES, MRR, NPS)
        for one in family.roles.values()
    ),
    *COHORT_MEASURES,
    *LATER_MEASURES,
    *(f"{who}_last:{kind}" for who in ("lost", "kept") for kind in NAMES),
    *(f"pareto_{what}:{bucket}" for what in ("customers", "revenue") for bucket in range(PARETO_BUCKETS)),
)
# the measures that flow, in the order of the table's last axis; behind them come those by reason
FLOWS: Final = tuple(
    measure
    for family in FAMILIES
    if family.flows and family.label in ("role", "sign")
    for measure in family.roles.values()
)
EXIT_PREFIX, REWARD_PREFIX = "exit:", "earned:"


def flow_names(
    exit_reasons: Sequence[str], reward_reasons: Sequence[str], variants: Sequence[str] = ()
) -> tuple[str, ...]:
    """The names of all measures that flow, in the order of the table's last axis."""
    exits = (EXIT_PREFIX + reason for reason in (*exit_reasons, OTHER))
    rewards = (REWARD_PREFIX + reason for reason in (*reward_reasons, OTHER))
    return (*FLOWS, *exits, *rewards, *(f"variant_revenue:{name}" for name in variants))


def state_names(variants: Sequence[str]) -> tuple[str, ...]:
    """The names of all measures that a scan brings, in the order of its array; those of variants are behind STATE."""
    return (*STATE, *(f"{measure}:{name}" for name in variants for measure in VARIANTS.roles.values()))
