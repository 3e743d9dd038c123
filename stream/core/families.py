"""The measures that events bring, day by day, in families that add up alike (definitions D).

Owns: what a family is, which periods are shown as metrics, and the families of flows. Knows nothing of events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from stream.core.signs import Sign

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
    unit: Literal["count", "customers", "days", "money", "seconds"]
    roles: dict[str, str]
    shown: tuple[str, ...]
    flows: bool = True  # brought by events, day by day; else counted by a scan
    label: Literal["role", "reason", "sign", "cohort", "variant"] = "role"
    per_unit: int = 1  # how many of what the measures count make one of the unit


ORDERS: Final = Family(
    "orders",
    "Orders; first: of a customer who had none before; discounted: with a discount; refunded: refunds, also of a part; "
    "cross: of a customer who had never bought in one of the order's categories, but in another.",
    "count",
    {
        "all": "orders",
        "first": "first_orders",
        "discounted": "discounted_orders",
        "refunded": "refunds",
        "cross": "cross_sells",
    },
    LIVE,
)
ORDER_REVENUE: Final = Family(
    "order_revenue",
    "What orders brought, in the reporting currency; first: first orders; refunded: given back; cost: the goods, where "
    "known; members: orders of members of a programme; cross: orders in a category new to the customer.",
    "money",
    {
        "all": "order_revenue",
        "first": "first_revenue",
        "refunded": "refunded",
        "cost": "order_cost",
        "members": "member_revenue",
        "cross": "cross_sell_revenue",
    },
    LIVE,
)
PLAN_RAISES: Final = Family(
    "plan_raises",
    "Subscriptions changed to a higher MRR.",
    "count",
    {"all": "plan_raises"},
    ("last_month",),
)
RAISED_MRR: Final = Family(
    "raised_mrr",
    "By how much those changes raised the MRR, in the reporting currency.",
    "money",
    {"all": "raised_mrr"},
    ("last_month",),
)
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
    "Tickets; complaints are part of the opened ones, handled of the resolved, answered of the replied: those known "
    "to be open, answered for the first time since; complaints_handled: complaints of those handled.",
    "count",
    {
        "opened": "tickets_opened", "complaints": "complaints", "replied": "tickets_replied",
        "resolved": "tickets_resolved", "reopened": "tickets_reopened", "handled": "tickets_handled",
        "answered": "tickets_answered", "complaints_handled": "complaints_handled",
    },
    FLOW_PERIODS,
)  # fmt: skip
HANDLING: Final = Family(
    "handling_seconds",
    "From the last opening of tickets to their being resolved, added up over those handled; first_reply: to the first "
    "reply, added up over those answered; complaints: over the complaints of those handled.",
    "seconds",
    {"handled": "handling_s", "first_reply": "first_reply_s", "complaints": "complaint_handling_s"},
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
LOAD_TIME: Final = Family(
    "page_load_seconds",
    "How long page loads took, added up over all of them.",
    "seconds",
    {"all": "load_ms"},
    FLOW_PERIODS,
    per_unit=1_000,
)
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
    "Programmes joined and left; points earned and redeemed, and outstanding at the period's end: earned less redeemed "
    "since the history began.",
    "count",
    {
        "joined": "programme_joined", "left": "programme_left", "earned": "points_earned",
        "redeemed": "points_redeemed", "outstanding": "points_outstanding",
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
WIN_BACK: Final = Family(
    "win_back_alerts",
    "Alerts of silent that ended with a purchase (returned) or without one: of customers who may be contacted "
    "(treated), of these to whom a campaign was sent meanwhile (contacted), and of those held out.",
    "count",
    {
        "treated": "win_back_treated", "treated_returned": "win_back_treated_returned",
        "contacted": "win_back_contacted", "contacted_returned": "win_back_contacted_returned",
        "held_out": "win_back_held_out", "held_out_returned": "win_back_held_out_returned",
    },
    ("last_month",),
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
TRIAL_USES: Final = (0, 1, 2, 3, 5, 10)  # from so many uses on
TRIALS_BY_USES: Final = Family(
    "trials_by_uses",
    "Trials that were over, and that were paid, by the uses they had: the role ends in the least of its group.",
    "count",
    {f"{what}_{uses}": f"trials_{what}:{uses}" for what in ("over", "paid") for uses in TRIAL_USES},
    ("last_month",),
)
ACTIVATION: Final = Family(
    "activation",
    "Customers whose first trial or subscription started (begun), and those who reached the uses that the policy's "
    "never_activated asks for (activated), each on its own day.",
    "count",
    {"begun": "activation_begun", "activated": "activated"},
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
VARIANT_REVENUE: Final = Family(
    "variant_revenue",
    "What orders of the customers of each variant of an experiment brought, in the reporting currency.",
    "money",
    {"all": "variant_revenue"},
    ("last_month",),
    label="variant",
)
CUSTOMER_DAYS: Final = Family(
    "customer_days",
    "Customers at the end of each day, added up over the days; members: of a programme.",
    "count",
    {"all": "customer_days", "members": "member_days"},
    FLOW_PERIODS,
)
LEAD_DAYS: Final = Family(
    "lead_days",
    "Days from the opening of an alert to the day on which its customer was lost, added up over lapse_lead_customers.",
    "days",
    {sign.name: f"lead_days:{sign.name}" for sign in Sign},
    ("last_month",),
    label="sign",
)
LEAD_CUSTOMERS: Final = Family(
    "lead_customers",
    "Customers who were lost after an alert of this sign had told of it.",
    "customers",
    {sign.name: f"lead_customers:{sign.name}" for sign in Sign},
    ("last_month",),
    label="sign",
)
