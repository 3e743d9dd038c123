"""The sections of a day record, each ratio by hand."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core import sections, trying
from stream.core.figures import _bucket

COUNTS = {"start": 100, "end": 110, "acquired": 40, "acquired_lost": 5, "lost": 30, "reactivated": 5}


def test_revenue_by_hand() -> None:
    measures = {
        "orders": 200, "first_orders": 40, "discounted_orders": 50, "order_revenue": 8_000_00,
        "first_revenue": 1_000_00, "refunded": 300_00, "order_cost": 5_000_00, "service_cost": 200_00,
        "campaign_cost": 100_00, "reward_cost": 50_00, "discounts": 400_00, "customer_days": 3_650, "referrals": 10,
        "cross_sells": 8,
        "referral_revenue": 70_00,
    }  # fmt: skip
    found = sections.revenue(measures, COUNTS, days=73)
    assert found["margin"] == 2_350_00  # 8,000 − 300 − 5,000 − 200 − 100 − 50
    assert found["average_order"] == 40_00
    assert found["repeat_revenue_share"] == 0.875
    assert found["discounted_share"] == 0.25
    assert found["cross_sell_share"] == 0.05  # 8 of the 160 that were not the first
    assert found["per_customer_year"] == 800_00  # 3,650 customer days are ten customer-years
    # 20 orders a customer-year of 40.00; a fifth of a year in which 30 % leave: two thirds of a year
    assert found["clv_revenue"] == pytest.approx(20 * 40_00 * 0.2 / 0.3)
    assert found["clv_lost"] == pytest.approx(30 * 20 * 40_00 * 0.2 / 0.3)
    assert found["clv_margin"] == pytest.approx(20 * 40_00 * 0.2 / 0.3 * 2_350 / 8_000)
    assert found["referral_rate"] == 0.25


def test_nobody_lost_has_no_lifetime() -> None:
    found = sections.revenue({"orders": 1, "order_revenue": 5, "customer_days": 9}, COUNTS | {"lost": 0}, days=30)
    assert found["clv_revenue"] is None
    assert found["clv_lost"] is None
    nothing = sections.revenue({}, dict.fromkeys(COUNTS, 0), days=30)
    assert nothing["average_order"] is None
    assert nothing["margin"] == 0


def test_activity_by_hand() -> None:
    measures = {"dau": 30, "mau": 120, "new": 40, "resurrected": 20, "dormant": 30, "buyers": 80, "repeat_buyers": 20}
    found = sections.activity(measures)
    assert found["stickiness"] == 0.25
    assert found["quick_ratio"] == 2
    assert found["repeat_rate"] == 0.25
    assert sections.activity({})["stickiness"] is None


def test_cohorts_by_hand() -> None:
    measures = {"members:d7": 40, "active:d7": 10, "later:d7": 20, "bracket_members:d7": 30, "bracket_active:d7": 12}
    seventh, thirtieth = (sections.cohorts(measures)[name] for name in ("d7", "d30"))
    assert (seventh["members"], seventh["active"], seventh["share"]) == (40, 10, 0.25)
    assert (seventh["later_share"], seventh["bracket_share"]) == (0.5, 0.4)
    assert (thirtieth["members"], thirtieth["share"], thirtieth["bracket_share"]) == (0, None, None)


def test_costs_by_hand() -> None:
    measures = {
        "acquisition_cost": 800_00, "service_cost": 250_00, "campaign_cost": 100_00, "reward_cost": 50_00,
        "discounts": 200_00,
    }  # fmt: skip
    found = sections.costs(measures, COUNTS, clv=60_00)
    assert found["cac"] == 20_00
    assert found["cac_to_clv"] == pytest.approx(1 / 3)
    assert found["cost_to_serve"] == 2_50
    assert found["cost_to_keep"] == 5_00  # 350.00 for the 70 who stayed
    assert found["cac_to_cost_to_keep"] == 4


def test_shares_by_hand() -> None:
    measures = {
        "tickets_handled": 4, "handling_s": 7_200, "tickets_answered": 5, "first_reply_s": 3_000,
        "surveys_sent": 40, "surveys_answered": 10, "page_loads": 200, "failed_loads": 1, "slow_loads": 20,
        "mobile_loads": 50, "slow_mobile_loads": 10, "points_earned": 100, "points_redeemed": 30,
        "complaints_handled": 3, "complaint_handling_s": 6_000, "load_ms": 300_000,
    }  # fmt: skip
    assert sections.service(measures)["response_rate"] == 0.25
    assert sections.service(measures)["handling_mean_s"] == 1_800
    assert sections.service(measures)["complaint_handling_mean_s"] == 2_000
    assert sections.service(measures)["first_reply_mean_s"] == 600
    experience = sections.experience(measures)
    assert (experience["uptime"], experience["slow_share"], experience["load_mean_ms"]) == (0.995, 0.1, 1_500)
    assert (experience["slow_mobile_share"], experience["slow_tablet_share"]) == (0.2, None)
    assert sections.programme(measures)["redeemed_share"] == 0.3
    assert sections.reasons({"exit:price": 3, "earned:review": 5, "orders": 1}) == {
        "exit": {"price": 3},
        "earned": {"review": 5},
    }


def test_departures_by_hand() -> None:
    found = sections.departures({"members_start": 40, "members_lost": 4, "lost_unsaid": 12}, COUNTS)
    assert found["members_churn"] == 0.1
    assert found["others_churn"] == 26 / 60
    assert found["unsaid_share"] == 0.4
    kinds = sections.last_kinds({"lost_last:session": 3, "kept_last:session": 9})
    assert kinds == {"lost": {"session": 3}, "kept": {"session": 9}}


def test_losses_by_hand() -> None:
    """Of 30 lost 6 cost more than they left, and 4 went because a charge failed: 20 of the 100 are to be regretted."""
    found = sections.departures({"lost_acceptable": 6, "lost_involuntary": 4}, COUNTS)
    assert found["lost_regretted"] == 20
    assert found["regretted_churn"] == 0.2


def test_members_by_hand() -> None:
    """Ten customer-years of members at 90.00, twenty of others at 60.00."""
    found = sections.programme({
        "order_revenue": 2_100_00, "member_revenue": 900_00, "customer_days": 30 * 365, "member_days": 10 * 365,
    })  # fmt: skip
    assert found["member_customer_year"] == 90_00
    assert found["other_customer_year"] == 60_00
    assert sections.programme({"order_revenue": 5})["member_customer_year"] is None


def test_win_back_by_hand() -> None:
    """Newcombe's own example: 56 of 70 against 48 of 80, as if the former were treated and the latter held out."""
    found = trying.win_back({
        "win_back_treated": 70, "win_back_treated_returned": 56, "win_back_contacted": 20,
        "win_back_contacted_returned": 5, "win_back_held_out": 80, "win_back_held_out_returned": 48,
    })  # fmt: skip
    assert (found["treated_share"], found["contacted_share"], found["held_out_share"]) == (0.8, 0.25, 0.6)
    interval = [round(found[name] or 0, 4) for name in ("effect", "effect_low", "effect_high")]
    assert interval == [0.2, 0.0524, 0.3339]
    alone = trying.win_back({"win_back_treated": 3})
    assert alone["treated_share"] == 0
    assert [alone[name] for name in ("held_out_share", "effect", "effect_low", "effect_high")] == [None] * 4


def test_variants_by_hand() -> None:
    """Newcombe's example once more: 56 of 70 kept with the new checkout, 48 of 80 as it was."""
    measures = {
        "variant_start:old": 80, "variant_lost:old": 32, "variant_start:new": 70, "variant_lost:new": 14,
        "variant_acquired:new": 30, "variant_end:new": 80, "variant_revenue:new": 5_000_00,
    }  # fmt: skip
    found = trying.variants(measures, ("old", "new", "unseen"))
    assert (found["old"]["kept"], found["old"]["crr_strict"], found["old"]["difference"]) == (48, 0.6, None)
    new = found["new"]
    assert [round(new[name] or 0, 4) for name in ("difference", "difference_low", "difference_high")] == [
        0.2, 0.0524, 0.3339,
    ]  # fmt: skip
    assert (new["acquired"], new["end"], new["revenue_each"]) == (30, 80, 50_00)
    assert [found["unseen"][name] for name in ("crr_strict", "difference", "revenue_each")] == [None] * 3


def test_trials_by_hand() -> None:
    """Of those who used it once or not at all few pay, of those who used it five times and more the half."""
    found = trying.trials({"trials_over:0": 40, "trials_paid:0": 2, "trials_over:5": 10, "trials_paid:5": 5})
    assert (found["0"]["share"], found["5"]["share"], found["10"]["share"]) == (0.05, 0.5, None)


def test_activation_by_hand() -> None:
    assert trying.activation({"activation_begun": 40, "activated": 10}) == {
        "begun": 40,
        "activated": 10,
        "share": 0.25,
    }
    assert trying.activation({"activated": 1})["share"] is None


def test_leads_by_hand() -> None:
    """Of a sign that told of nobody there is nothing to say."""
    found = trying.leads({"lead_customers:silent": 4, "lead_days:silent": 50, "orders": 9})
    assert found == {"silent": {"customers": 4, "days": 50, "mean_days": 12.5}}


def test_subscriptions_by_hand() -> None:
    measures = {
        "mrr_start": 1_000_00, "mrr_new": 150_00, "mrr_expansion": 100_00, "mrr_contraction": 50_00,
        "mrr_churned": 200_00, "mrr_reactivated": 50_00, "mrr_end": 1_050_00,
    }  # fmt: skip
    found = sections.subscriptions(measures)
    assert (found["grr"], found["nrr"], found["churn_revenue"]) == (0.75, 0.85, 0.25)
    assert found["quick_ratio"] == 300 / 250
    assert sections.subscriptions({"mrr_new": 5, "mrr_end": 5})["grr"] is None


def test_nps_by_hand() -> None:
    assert sections.nps({"promoters": 60, "passives": 20, "detractors": 20})["nps"] == 40
    assert sections.nps({})["nps"] is None


def test_retained_by_hand() -> None:
    found = sections.retained({"start_revenue": 90_00, "start_revenue_before": 100_00, "start_revenue_kept": 60_00})
    assert (found["nrr_orders"], found["grr_orders"]) == (0.9, 0.6)
    assert sections.retained({"start_revenue": 90_00})["nrr_orders"] is None


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=60))
def test_the_pareto_share_is_as_near_as_it_says(revenues: list[int]) -> None:
    """W6: of the histogram, against all values sorted; a share of a customer counts as that share of the next."""
    measures: Counter[str] = Counter()
    for revenue in revenues:
        bucket = _bucket(revenue)
        measures[f"pareto_customers:{bucket}"] += 1
        measures[f"pareto_revenue:{bucket}"] += revenue
    ordered = sorted(revenues, reverse=True)
    whole, part = divmod(len(revenues), 5)
    exact = (sum(ordered[:whole]) + (ordered[whole] * part / 5 if part else 0)) / sum(revenues)
    found = sections.pareto(measures)
    assert found["customers"] == len(revenues)
    assert (found["top20_share"] or 0) <= exact + 1e-9
    assert exact <= (found["top20_share"] or 0) + (found["error"] or 0) + 1e-9
