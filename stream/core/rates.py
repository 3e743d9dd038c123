"""Rates out of counts: every ratio that is shown anywhere, once.

Owns: the formulas (DESIGN §7). Knows nothing of where counts come from; counts add up over partitions and segments,
rates don't, so a rate is reckoned last, where it is shown.

All rates are fractions: 0.6 is 60 %. The exception is NPS, by custom in points from −100 to 100. A rate whose base is
0 (or below, where only more than 0 makes sense) is None: never 0, never NaN. Money is in minor units of one currency.
"""

from __future__ import annotations

PROMOTER = 9  # a score from here on; NPS asks 0..10
PASSIVE = 7  # a score from here on that is no promoter's; anything lower is a detractor's
YEAR_DAYS = 365


def share(part: float, whole: float) -> float | None:
    """The share `part` ÷ `whole`, None without a whole: the base of the other rates.

    By itself: the repeat rate (customers who bought again ÷ who bought), repeat revenue ÷ revenue, the referral rate
    (acquired by a referral ÷ acquired), survey answers ÷ surveys sent, slow page loads ÷ page loads, discounted orders
    ÷ orders, trials that became paid ÷ trials that ended, a cohort's active members ÷ its members.

    >>> share(1, 4)
    0.25
    >>> share(0, 0) is None
    True
    """
    return part / whole if whole > 0 else None


def change(now: float | None, then: float | None) -> float | None:
    """By how much a ratio is more than another: than earlier, or than is wanted. None where either isn't known.

    A CRR of 75 % where 80 % are wanted, and a churn that has risen from 4 % to 6.5 %:

    >>> round(change(0.75, 0.8), 4), round(change(0.065, 0.04), 4)
    (-0.05, 0.025)
    >>> change(0.5, None) is None
    True
    """
    return None if now is None or then is None else now - then


# ---------------------------------------------------------------- customers


def crr(start: int, end: int, acquired: int) -> float | None:
    """Customer retention rate, the articles' formula: (E − N) ÷ S.

    `acquired` counts everybody acquired in the period, also who left again. Reactivated customers inflate it,
    newcomers who leave again sink it, even below 0; `crr_bridge` is the way from here to `crr_strict`.

    The articles' worked examples, 60 % and 86 %:

    >>> crr(1000, 800, 200)
    0.6
    >>> crr(70, 90, 30)
    0.8571428571428571
    >>> crr(0, 10, 10) is None
    True
    """
    return share(end - acquired, start)


def crr_strict(start: int, lost: int) -> float | None:
    """Share of the customers at the start who still are customers at the end: |S∩E| ÷ |S| = 1 − churn.

    >>> crr_strict(1000, 400)
    0.6
    """
    return share(start - lost, start)


def crr_bridge(start: int, reactivated: int, acquired_lost: int) -> float | None:
    """What CRR has over strict CRR: (reactivated − acquired_lost) ÷ start (follows from R5).

    S = 100; 20 lost, 5 reactivated; 30 acquired, of whom 10 left again: E = 105.

    >>> crr(100, 105, 30), crr_strict(100, 20), crr_bridge(100, 5, 10)
    (0.75, 0.8, -0.05)
    """
    return share(reactivated - acquired_lost, start)


def churn(start: int, lost: int) -> float | None:
    """Share of the customers at the start who are no customers at the end: |S∖E| ÷ |S|.

    >>> churn(1000, 400)
    0.4
    """
    return share(lost, start)


def churn_net(start: int, end: int) -> float | None:
    """One article's churn, (BC − RC) ÷ BC: it nets off the newcomers, so that a growing base has a negative churn.

    On the two worked examples of `crr`, 20 % and −29 %:

    >>> churn_net(1000, 800)
    0.2
    >>> churn_net(70, 90)
    -0.2857142857142857
    """
    return share(start - end, start)


def active_change(new: int, resurrected: int, dormant: int) -> int:
    """Growth accounting: Δactive = new + resurrected − dormant.

    >>> active_change(30, 5, 20)
    15
    """
    return new + resurrected - dormant


def quick_ratio(gained: float, lost: float) -> float | None:
    """What comes in for each that goes out; above 1 the base grows.

    Of customers: (new + resurrected) ÷ dormant. Of MRR: (new + expansion + reactivated) ÷ (contraction + churned).

    >>> quick_ratio(35, 20)
    1.75
    """
    return share(gained, lost)


def stickiness(dau: float, mau: float) -> float | None:
    """DAU ÷ MAU: on what share of days a month's active customer comes.

    >>> stickiness(300, 1500)
    0.2
    """
    return share(dau, mau)


# ---------------------------------------------------------------- revenue


def grr(start: float, contraction: float, churned: float) -> float | None:
    """Gross revenue retention: (MRR at the start − contraction − churned) ÷ MRR at the start. Never above 1.

    >>> grr(10_000, 500, 1_000)
    0.85
    """
    return share(start - contraction - churned, start)


def nrr(start: float, expansion: float, contraction: float, churned: float) -> float | None:
    """Net revenue retention: GRR with the expansion of the customers at the start.

    New and reactivated MRR isn't theirs and stays out.

    >>> nrr(10_000, 2_000, 500, 1_000)
    1.05
    """
    return share(start + expansion - contraction - churned, start)


def nrr_orders(revenue: float, revenue_before: float) -> float | None:
    """Net retention of order revenue: S's customers in the period ÷ the same customers in the equal period before.

    >>> nrr_orders(9_000, 10_000)
    0.9
    """
    return share(revenue, revenue_before)


def churn_revenue(start: float, contraction: float, churned: float) -> float | None:
    """Churn by revenue: the share of MRR at the start that went, 1 − GRR.

    >>> churn_revenue(10_000, 500, 1_000)
    0.15
    """
    return share(contraction + churned, start)


# ---------------------------------------------------------------- feedback


def nps_group(score: int) -> str:
    """Which group an answer 0..10 belongs to: 9–10 promoter, 7–8 passive, 0–6 detractor.

    >>> [nps_group(score) for score in (10, 9, 8, 7, 6, 0)]
    ['promoter', 'promoter', 'passive', 'passive', 'detractor', 'detractor']
    """
    if score >= PROMOTER:
        return "promoter"
    return "passive" if score >= PASSIVE else "detractor"


def nps(promoters: int, passives: int, detractors: int) -> float | None:
    """Net promoter score in points −100..100: %(9–10) − %(0–6), with the passives in the denominator.

    >>> nps(60, 20, 20)
    40.0
    >>> nps(0, 5, 5)
    -50.0
    """
    answered = promoters + passives + detractors
    return 100 * (promoters - detractors) / answered if answered > 0 else None


# ---------------------------------------------------------------- value and cost


def clv_revenue(orders: float, revenue: float, customer_days: float, lifetime_years: float) -> float | None:
    """Customer lifetime value in revenue: frequency × average order × expected lifetime.

    `orders` and `revenue` were seen in `customer_days` days of being a customer, summed over customers; the frequency
    is orders a customer-year. None without orders: there is no average order then.

    2 customers, each for a year, 8 orders of 25.00; expected for 5 years: 4 a year × 25.00 × 5 = 500.00

    >>> clv_revenue(8, 200_00, 2 * 365, 5)
    50000.0
    """
    frequency, average_order = share(orders * YEAR_DAYS, customer_days), share(revenue, orders)
    if frequency is None or average_order is None:
        return None
    return frequency * average_order * lifetime_years


def clv_margin(clv: float | None, margin: float | None) -> float | None:
    """Customer lifetime value in margin: `clv_revenue` × the share of revenue that is margin.

    >>> clv_margin(500_00, 0.25)
    12500.0
    """
    return None if clv is None or margin is None else clv * margin


def per_customer(amount: float, customers: float) -> float | None:
    """An amount per customer: the cost to serve, the CLV lost per lost customer, the cost to keep.

    The cost to keep is what campaigns, rewards and discounts cost, for each customer kept.

    >>> per_customer(1_000_00, 40)
    2500.0
    """
    return share(amount, customers)


def per_customer_year(amount: float, customer_days: float) -> float | None:
    """An amount per customer and year, so that groups of different age compare: members of a programme and others.

    >>> per_customer_year(300_00, 2 * 365)
    15000.0
    """
    return share(amount * YEAR_DAYS, customer_days)


def cac(acquisition_cost: float, acquired: float) -> float | None:
    """Customer acquisition cost: what acquiring cost ÷ customers acquired.

    >>> cac(5_000_00, 100)
    5000.0
    """
    return share(acquisition_cost, acquired)


def cac_ratio(cac: float | None, clv: float | None) -> float | None:
    """CAC:CLV as a number: what acquiring a customer costs for each unit of what the customer brings.

    >>> cac_ratio(50_00, 150_00)
    0.3333333333333333
    """
    return None if cac is None or clv is None else share(cac, clv)


def cac_to_keep(cac: float | None, cost_to_keep: float | None) -> float | None:
    """How many times what keeping a customer costs it costs to acquire one: CAC ÷ cost to keep.

    >>> cac_to_keep(50_00, 10_00)
    5.0
    """
    return None if cac is None or cost_to_keep is None else share(cac, cost_to_keep)
