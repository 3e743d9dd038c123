"""One example of everything on the wire: what documentation shows, schemas are published with, and fuzzing mutates.

Owns: the examples. Knows nothing else; a test holds them against the types.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from stream.core.alerts import Alert, Money
from stream.core.comparing import Beside, Earlier
from stream.core.evidence import Evidence
from stream.core.kinds import NAMES
from stream.core.retention import Record

_TICKET = {"ticket_id": "T-1", "category": "complaint", "priority": "high", "channel": "chat"}
_SUBSCRIPTION = {"subscription_id": "S-1", "plan": "pro", "mrr": 49.0, "currency": "USD", "auto_renew": True}
_CAMPAIGN = {"campaign": "spring", "channel": "email", "cost": 0.02}
_UNTIL = {"period_end": "2017-09-25T00:00:00Z"}

_FIELDS: dict[str, dict[str, Any]] = {
    "profile_updated": {
        "segment": "45-54",
        "acquired_via": "search",
        "acquisition_cost": 12.5,
        "currency": "USD",
        "consent_marketing": True,
        "consent_tracking": True,
        "account_id": "A-7",
        "referred_by": "77",
        "birthday": "09-14",
        "margin": 0.35,
    },
    "order_completed": {
        "order_id": "O-1",
        "amount": 42.17,
        "currency": "USD",
        "items": 3,
        "categories": ["dairy", "bread"],
        "discount": 2.0,
        "cost": 27.4,
        "coupon": "SPRING",
    },
    "order_refunded": {"order_id": "O-1", "amount": 12.5, "currency": "USD", "items": 1, "reason": "damaged"},
    "session": {"duration_s": 312, "pages": 9, "channel": "app"},
    "feature_used": {"name": "export"},
    "content_viewed": {"name": "how-to-brew"},
    "content_shared": {"name": "how-to-brew"},
    "cart_updated": {"amount": 30.0, "currency": "USD", "items": 2},
    "cart_abandoned": {"amount": 30.0, "currency": "USD", "items": [{"sku": "1"}, {"sku": "2"}]},
    "page_performance": {"load_ms": 850, "ok": True, "device": "mobile", "abandoned": False},
    "survey_sent": {"survey": "nps"},
    "feedback_answered": {"ref": "T-1"},
    "survey_answered": {"survey": "nps", "score": 9, "text": "quick and friendly"},
    "review_posted": {"rating": 4, "text": "good"},
    "ticket_opened": _TICKET,
    "ticket_replied": _TICKET,
    "ticket_resolved": _TICKET,
    "ticket_reopened": _TICKET,
    "programme_joined": {"programme": "club", "tier": "gold"},
    "programme_left": {"programme": "club", "tier": "gold"},
    "subscription_started": _SUBSCRIPTION | _UNTIL,
    "subscription_renewed": _SUBSCRIPTION | _UNTIL,
    "subscription_changed": _SUBSCRIPTION | {"mrr": 99.0, "plan": "team"},
    "subscription_cancelled": {"subscription_id": "S-1", "reason": "price"} | _UNTIL,
    "trial_started": _UNTIL,
    "trial_ended": _UNTIL,
    "payment_failed": {"amount": 49.0, "currency": "USD", "attempt": 2, "final": False},
    "payment_recovered": {"amount": 49.0, "currency": "USD", "attempt": 3, "final": False},
    "reward_earned": {"points": 120, "reason": "purchase"},
    "reward_redeemed": {"points": 500, "amount": 5.0, "currency": "USD"},
    "referral_made": {"referred_customer_id": "1300", "amount": 10.0, "currency": "USD"},
    "campaign_sent": _CAMPAIGN,
    "campaign_opened": _CAMPAIGN,
    "campaign_clicked": _CAMPAIGN,
    "unsubscribed": {"channel": "email"},
    "consent_changed": {"channel": "email", "consent_marketing": False, "consent_tracking": True},
    "exit_survey": {"reason": "price", "text": "found a cheaper one"},
    "service_cost": {"amount": 3.2, "currency": "USD", "category": "call"},
    "customer_erased": {},
    "alert_muted": {"sign": "silent", "until": "2017-12-01T00:00:00Z", "by": "ana"},
    "alert_acked": {"alert_id": "35236b4f7ad254ff82bb85b6ab2c7fa9", "by": "ana"},
}


def events() -> dict[str, dict[str, Any]]:
    """One plain event of every type, in the order of CONTRACT."""
    common = {"customer_id": "1228", "time": "2017-08-25T18:42:10Z", "source": "shop"}
    plain = {
        name: {"id": f"example-{name}", "type": name, **common, **_FIELDS[name]} for name in NAMES if name in _FIELDS
    }
    return plain | {"clock_advanced": {"type": "clock_advanced", "time": "2017-08-25T18:42:10Z"}}


def foreign() -> dict[str, dict[str, Any]]:
    """The same order in other forms."""
    order = {"order_id": "O-1", "currency": "USD"}
    time = "2017-08-25T18:42:10Z"
    return {
        "cloudevents": {
            "specversion": "1.0",
            "type": "com.example.order_completed",
            "source": "shop",
            "id": "example-cloudevents",
            "time": time,
            "subject": "1228",
            "data": order | {"amount": 42.17},
        },
        "segment": {
            "type": "track",
            "event": "Order Completed",
            "messageId": "example-segment",
            "userId": "1228",
            "timestamp": time,
            "properties": order | {"total": 42.17, "products": [{"sku": "1"}]},
        },
        "identify": {
            "type": "identify",
            "messageId": "example-identify",
            "userId": "1228",
            "timestamp": time,
            "traits": {"segment": "45-54"},
        },
    }


def alert() -> Alert:
    """An alert that opens."""
    return Alert(
        alert_id="35236b4f7ad254ff82bb85b6ab2c7fa9",
        transition=1,
        customer_id="1228",
        status="opened",
        resolution=None,
        severity="high",
        stage="at_risk",
        segment="45-54",
        sign="silent",
        signs=[
            Evidence(
                sign="silent",
                says="23 days without an order; 8 of 10 of their gaps end within 9 days",
                observed=23,
                expected=9,
                threshold=23,
                unit="days",
            )
        ],
        p_none=0.34,
        base_rate=0.1,
        horizon_days=28,
        value_at_risk=Money(18240, "USD"),
        loss="regretted",
        acceptable=False,
        consent_marketing=True,
        play="win_back",
        holdout=False,
        next_occasion="2017-09-14 birthday",
        episode_day=date(2017, 8, 2),
        event_time_ms=1_503_686_530_000,
        observed_at_ms=1_503_690_130_000,
        policy="0123456789abcdef",
    )


# of the record below; money in cents
_FIGURES = {
    "orders": 3120, "first_orders": 200, "discounted_orders": 780, "refunds": 31, "order_revenue": 124_800_00,
    "first_revenue": 9_000_00, "refunded": 1_240_00, "order_cost": 81_120_00, "customer_days": 27_900,
    "referrals": 12, "referral_revenue": 480_00, "acquisition_cost": 5_000_00, "service_cost": 2_000_00,
    "campaign_cost": 610_00, "reward_cost": 500_00, "discounts": 1_330_00, "dau": 110, "wau": 420, "mau": 790,
    "new": 200, "returning": 560, "resurrected": 10, "dormant": 340, "buyers": 770, "repeat_buyers": 616,
    "members:d7": 180, "active:d7": 27, "page_loads": 52_000, "slow_loads": 1_300, "failed_loads": 52,
    "mobile_loads": 30_000, "slow_mobile_loads": 1_200, "tickets_opened": 96, "complaints": 31, "tickets_resolved": 90,
    "tickets_handled": 88, "handling_s": 316_800, "complaints_handled": 30, "complaint_handling_s": 129_600,
    "tickets_answered": 92, "first_reply_s": 165_600,
    "plan_raises": 40, "raised_mrr": 1_800_00,
    "member_revenue": 62_400_00, "member_days": 10_950, "members_end": 310, "lost_acceptable": 20,
    "lost_involuntary": 35, "points_outstanding": 412_000, "later:d7": 60, "bracket_members:d7": 172,
    "bracket_active:d7": 52, "trials_over:0": 60, "trials_paid:0": 3, "trials_over:5": 40, "trials_paid:5": 18,
    "surveys_sent": 400, "surveys_answered": 88, "points_earned": 61_000, "points_redeemed": 24_400,
    "members_start": 400, "members_lost": 80, "lost_unsaid": 312, "lost_last:order_completed": 900,
    "lost_last:session": 660, "kept_last:order_completed": 1_900, "start_revenue": 108_000_00,
    "start_revenue_before": 120_000_00, "start_revenue_kept": 84_000_00, "load_ms": 57_200_000,
    "activation_begun": 100, "activated": 35, "lead_customers:silent": 210, "lead_days:silent": 2_940,
    "pareto_customers:48": 700, "pareto_revenue:48": 3_200_000,
    "pareto_customers:60": 140, "pareto_revenue:60": 5_000_000,
    "mrr_start": 10_000_00, "mrr_new": 900_00, "mrr_expansion": 2_000_00, "mrr_contraction": 500_00,
    "mrr_churned": 1_000_00, "mrr_reactivated": 100_00, "mrr_end": 11_500_00, "promoters": 48, "passives": 20,
    "detractors": 12,
    "campaigns_sent": 6_100, "campaigns_opened": 1_525, "exit:price": 14, "exit:other": 5, "earned:purchase": 61_000,
}  # fmt: skip


def record() -> Record:
    """A month that is final: the articles' first example, 60 %."""
    counts = {"start": 1000, "end": 800, "acquired": 200, "acquired_lost": 20, "lost": 390, "reactivated": 10}
    return Record(
        period="month",
        start=date(2017, 8, 1),
        segment="all",
        counts=counts,
        figures=_FIGURES,
        currency="USD",
        crr=0.6,
        crr_strict=0.61,
        churn=0.39,
        churn_net=0.2,
        provisional=False,
        final=True,
        warmup=False,
        revision=1,
        closed_at_ms=1_504_410_000_000,
    )


def beside() -> Beside:
    """What that month is held against: the month before, and a target."""
    return Beside(before=Earlier(date(2017, 7, 1), 360, 0.63, 0.64, 0.36), target_crr=0.65)


def policy() -> tuple[str, str, date, str]:
    """A version of the policy: its text, its name, from when it is in force, when it was published."""
    return "[signs.silent]\ntheta = 0.35\n", "mine", date(2017, 9, 1), "2017-08-25T18:42:10Z"
