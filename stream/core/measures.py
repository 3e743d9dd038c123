"""The measures that figures are made of: what is counted, per business day or period, and per segment.

Owns: their names, in families that add up alike, and which of them the events of a day bring (flows), which a scan of
the rows at the close of a period does. A measure is a whole number: a count, or money in minor units, or seconds. All
of them add up over partitions; only those that flow add up over days. Knows nothing of events, rows or metrics' form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from stream.core.kinds import NAMES

OTHER: Final = "other"
# which periods are shown as metrics: every one costs a series for each segment
LIVE: Final = ("day", "month", "last_day", "last_month")
FLOW_PERIODS: Final = ("last_day", "last_month")
LAST: Final = ("last_day", "last_week", "last_month", "last_quarter")


@dataclass(frozen=True, slots=True)
class Family:
    """Measures of one kind, told apart by `role`; the metric is `lapse_` + name, with labels segment, period, role.

    `roles` maps the role to the name of the measure in a Part. `shown` is which periods are shown as metrics: the
    record of every period has them all.
    """

    name: str
    help: str
    unit: Literal["count", "money", "seconds"]
    roles: dict[str, str]
    shown: tuple[str, ...]
    flows: bool = True  # brought by events, day by day; else counted by a scan
    label: Literal["role", "reason", "cohort"] = "role"


PERIOD_CUSTOMERS: Final = Family(
    "period_customers",
    "Customers by what became of them in the period (definitions R5): end = start - lost + reactivated + acquired - "
    "acquired_lost.",
    "count",
    {name: name for name in ("start", "end", "acquired", "acquired_lost", "lost", "reactivated")},
    ("month", *LAST),
    flows=False,
)
ORDERS: Final = Family(
    "orders",
    "Orders; first: of a customer who had none before; discounted: with a discount; refunded: refunds, also of a part.",
    "count",
    {"all": "orders", "first": "first_orders", "discounted": "discounted_orders", "refunded": "refunds"},
    LIVE,
)
ORDER_REVENUE: Final = Family(
    "order_revenue",
    "What orders brought, in the reporting currency; first: first orders; refunded: given back; cost: the goods, where "
    "known.",
    "money",
    {"all": "order_revenue", "first": "first_revenue", "refunded": "refunded", "cost": "order_cost"},
    LIVE,
)
START_REVENUE: Final = Family(
    "start_customers_revenue",
    "Order revenue of the customers at the period's start, in the period and in the equal one before.",
    "money",
    {"now": "start_revenue", "before": "start_revenue_before"},
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
COSTS: Final = Family(
    "costs",
    "What customers cost, in the reporting currency: acquiring them, serving them, and keeping them (campaigns, "
    "rewards, discounts).",
    "money",
    {
        "acquisition": "acquisition_cost", "service": "service_cost", "campaigns": "campaign_cost",
        "rewards": "reward_cost", "discounts": "discounts",
    },
    LIVE,
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
    "Customers whose day N after the first fell into the period, and how many of them were active on that day.",
    "count",
    {},
    ("last_week", "last_month"),
    flows=False,
    label="cohort",
)
DEPARTURES: Final = Family(
    "departures",
    "Customers at the period's start who were members of a programme, those of them who were lost, and the lost who "
    "left without a word (no ticket, answer or review in their last 30 days or since).",
    "count",
    {"members_start": "members_start", "members_lost": "members_lost", "unsaid": "lost_unsaid"},
    ("last_month",),
    flows=False,
)
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
FEEDBACK: Final = Family(
    "feedback",
    "Surveys sent and answered, reviews posted, and answers given to feedback; unhappy: CSAT or stars of 2 and less.",
    "count",
    {
        "sent": "surveys_sent", "answered": "surveys_answered", "reviews": "reviews", "unhappy": "unhappy_answers",
        "replied": "feedback_answered",
    },
    FLOW_PERIODS,
)  # fmt: skip
TICKETS: Final = Family(
    "tickets",
    "Tickets; complaints are part of the opened ones, handled of the resolved: those known to be open.",
    "count",
    {
        "opened": "tickets_opened", "complaints": "complaints", "replied": "tickets_replied",
        "resolved": "tickets_resolved", "reopened": "tickets_reopened", "handled": "tickets_handled",
    },
    FLOW_PERIODS,
)  # fmt: skip
HANDLING: Final = Family(
    "handling_seconds",
    "From the last opening of tickets to their being resolved, added up over those handled.",
    "seconds",
    {"handled": "handling_s"},
    FLOW_PERIODS,
)
PAGES: Final = Family(
    "page_loads",
    "Page loads as met by customers; slow: more than 3 seconds; failed: not ok; abandoned: left before it was there.",
    "count",
    {
        "all": "page_loads", "slow": "slow_loads", "failed": "failed_loads", "abandoned": "abandoned_loads",
        "mobile": "mobile_loads", "mobile_slow": "slow_mobile_loads",
        "tablet": "tablet_loads", "tablet_slow": "slow_tablet_loads",
        "desktop": "desktop_loads", "desktop_slow": "slow_desktop_loads",
    },
    FLOW_PERIODS,
)  # fmt: skip
USAGE: Final = Family(
    "usage",
    "What customers do: sessions, features used, content viewed and shared, carts abandoned.",
    "count",
    {
        "sessions": "sessions", "features": "features_used", "viewed": "content_viewed", "shared": "content_shared",
        "carts_abandoned": "carts_abandoned",
    },
    FLOW_PERIODS,
)  # fmt: skip
PROGRAMME: Final = Family(
    "programme",
    "Programmes joined and left; points earned and redeemed (what was never redeemed is the difference over time).",
    "count",
    {
        "joined": "programme_joined", "left": "programme_left", "earned": "points_earned",
        "redeemed": "points_redeemed",
    },
    FLOW_PERIODS,
)  # fmt: skip
REFERRALS: Final = Family("referrals", "Customers brought by customers.", "count", {"all": "referrals"}, FLOW_PERIODS)
REFERRAL_REVENUE: Final = Family(
    "referral_revenue",
    "What referrals were worth, in the reporting currency.",
    "money",
    {"all": "referral_revenue"},
    FLOW_PERIODS,
)
CAMPAIGNS: Final = Family(
    "campaign_messages",
    "Messages of campaigns sent, opened and clicked, and customers who unsubscribed.",
    "count",
    {
        "sent": "campaigns_sent", "opened": "campaigns_opened", "clicked": "campaigns_clicked",
        "unsubscribed": "unsubscribed",
    },
    FLOW_PERIODS,
)  # fmt: skip
PAYMENTS: Final = Family(
    "payments",
    "Charges that failed, that failed for good, and that went through after all.",
    "count",
    {"failed": "payments_failed", "given_up": "payments_given_up", "recovered": "payments_recovered"},
    FLOW_PERIODS,
)
TRIALS: Final = Family(
    "trials",
    "Trials started and ended.",
    "count",
    {"started": "trials_started", "ended": "trials_ended"},
    FLOW_PERIODS,
)
EXITS: Final = Family(
    "exit_reasons",
    "Answers to exit surveys, by the reasons that the policy lists; others count as other.",
    "count",
    {},
    ("last_month",),
    label="reason",
)
REWARDS: Final = Family(
    "reward_points",
    "Points earned, by the reasons that the policy lists; others count as other.",
    "count",
    {},
    ("last_month",),
    label="reason",
)
CUSTOMER_DAYS: Final = Family(
    "customer_days",
    "Customers at the end of each day, added up over the days.",
    "count",
    {"all": "customer_days"},
    FLOW_PERIODS,
)
FAMILIES: Final = (
    PERIOD_CUSTOMERS, ORDERS, ORDER_REVENUE, START_REVENUE, MRR, COSTS, ACTIVE, LIFECYCLE, COHORT, BUYERS, DEPARTURES,
    NPS,
    FEEDBACK, TICKETS, HANDLING, PAGES, USAGE, PROGRAMME, REFERRALS, REFERRAL_REVENUE, CAMPAIGNS, PAYMENTS, TRIALS,
    CUSTOMER_DAYS, EXITS, REWARDS,
)  # fmt: skip

# the measures that a scan of the rows brings, in the order of its array; the six counts have their own
COHORT_MEASURES: Final = tuple(f"{role}:{one}" for one in COHORTS for role in ("members", "active"))
PARETO_BUCKETS: Final = 140  # quarters of an octave, up to three months of the most that one can bring in each
SCANNED: Final = (ACTIVE, LIFECYCLE, BUYERS, START_REVENUE, DEPARTURES, MRR, NPS)
STATE: Final = (
    *(
        one
        for family in (ACTIVE, LIFECYCLE, BUYERS, START_REVENUE, DEPARTURES, MRR, NPS)
        for one in family.roles.values()
    ),
    *COHORT_MEASURES,
    *(f"{who}_last:{kind}" for who in ("lost", "kept") for kind in NAMES),
    *(f"pareto_{what}:{bucket}" for what in ("customers", "revenue") for bucket in range(PARETO_BUCKETS)),
)
# the measures that flow, in the order of the table's last axis; behind them come those by reason
FLOWS: Final = tuple(measure for family in FAMILIES if family.flows for measure in family.roles.values())
EXIT_PREFIX, REWARD_PREFIX = "exit:", "earned:"


def flow_names(exit_reasons: Sequence[str], reward_reasons: Sequence[str]) -> tuple[str, ...]:
    """The names of all measures that flow, in the order of the table's last axis."""
    exits = (EXIT_PREFIX + reason for reason in (*exit_reasons, OTHER))
    return (*FLOWS, *exits, *(REWARD_PREFIX + reason for reason in (*reward_reasons, OTHER)))
