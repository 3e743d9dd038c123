"""Segment, for whoever looks after one group of customers: how it does beside everybody, and what they meet."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.boards import look
from grafana.boards.assembly import Section, board, periods, segments
from grafana.boards.panels import About, Query, bars, lines, stat
from grafana.boards.queries import recorded, total
from grafana.boards.retention import CLOSED, LIVES, NO_TARGET, OPEN, PROVISIONAL, against, limit, ratio
from grafana.boards.trust import trust
from stream import metrics
from stream.core.families import TRIAL_USES
from stream.core.measures import COHORT_DAYS
from stream.metrics import FIGURES

SAYS = "How does one segment do beside all customers, and what do its customers meet? For whoever looks after it."
ONE: Final = "$segment"
MONTH: Final = "last_month"  # flows are not counted by week or quarter


def segment() -> Dashboard:
    """The board."""
    chosen = (segments(metrics.CUSTOMERS, several=False), periods())
    rows = (trust(), _stay(), _alerts(), _buy(), _meet())
    return board("lapse-segment", SAYS, rows, chosen, "now-30d", "1m")


def _stay() -> Section:
    crr = About(
        number=10, title="CRR, last $period", width=6, height=4, unit=look.RATIO, decimals=1,
        says="Of this segment's customers at the start, those still there at the end, as the board Retention has it.",
    )  # fmt: skip
    target = About(
        number=11, title="CRR against the target", width=6, height=4, unit=look.POINTS, decimals=1, calm=NO_TARGET,
        says="CRR less the policy's target for this segment, or for everybody where it has none, in percentage points.",
        thresholds=look.steps(look.ALARM, (-1, look.WATCH), (0, look.GOOD)),
    )  # fmt: skip
    churn = About(
        number=12, title="Churn, last $period", width=6, height=4, unit=look.RATIO, decimals=1,
        says="Of this segment's customers at the start, those who are none at the end.",
    )  # fmt: skip
    accepted = About(
        number=13, title="Churn over what is accepted", width=6, height=4, unit=look.POINTS, decimals=1, calm=NO_TARGET,
        says="Churn less what the policy accepts of this segment, or of everybody where it says nothing, in percentage "
        "points. Churn is not always bad.",
        thresholds=look.steps(look.GOOD, (0, look.WATCH), (1, look.ALARM)),
    )  # fmt: skip
    beside = About(
        number=15, title="CRR beside everybody's", width=14, height=8, unit=look.RATIO,
        says="This segment, all customers, and the target; the open period, grey and dashed, is not over yet.",
    )  # fmt: skip
    life = About(
        number=16, title="Active in the last $period", width=10, height=8, unit=look.COUNT, least=0, decimals=0,
        says="New, back as in the period before (returning), back after a pause (resurrected); dormant: only before.",
        calm="no period has closed yet",
    )  # fmt: skip
    return Section("Do they stay?", (
        stat(crr, Query(ratio("crr", CLOSED, ONE), "CRR"), colour=look.FACT),
        stat(target, Query(against("crr", metrics.TARGET_CRR, ONE), "against the target")),
        stat(churn, Query(ratio("churn", CLOSED, ONE), "churn"), colour=look.FACT),
        stat(accepted, Query(against("churn", metrics.ACCEPTABLE_CHURN, ONE), "over what is accepted")),
        lines(
            beside, Query(ratio("crr", CLOSED, ONE), "this segment"), Query(ratio("crr", CLOSED), "everybody"),
            Query(ratio("crr", OPEN, ONE), "this segment so far"), Query(limit(metrics.TARGET_CRR, ONE), "target"),
            stepped=True,
            styles={
                "this segment": [look.colour(look.FACT)], "everybody": [look.colour(look.OTHER)],
                "this segment so far": PROVISIONAL, "target": [look.colour(look.GOOD), look.dashed(2, 4)],
            },
        ),
        lines(
            life,
            *(Query(recorded("lapse:lifecycle_customers:sum", segment=ONE, period=CLOSED, role=r), r) for r in LIVES),
            stacked=True, stepped=True, styles=look.paint(LIVES),
        ),
    ))  # fmt: skip


def _alerts() -> Section:
    stages = About(
        number=20, title="By stage of life", width=8, height=10, unit=look.COUNT, decimals=0, least=0,
        says="Every customer known in this segment. At risk: overdue for themselves. Lapsed: was a customer, is none.",
    )  # fmt: skip
    signs = About(
        number=21, title="Open alerts, by sign", width=8, height=10, unit=look.COUNT, decimals=0,
        calm="no alert is open", says="Which signs of lapsing are open now.",
    )  # fmt: skip
    risk = About(
        number=22, title="Value at risk", width=8, height=10, unit=look.MONEY, least=0, calm="none",
        says="What the customers with open alerts are expected to bring, by severity.",
    )  # fmt: skip
    by_sign = f"sort_desc({recorded('lapse:open_alerts:sum', segment=ONE)} > 0)"
    severities = reversed(look.SEVERITIES)
    return Section("Who shows a sign of leaving?", (
        lines(
            stages, *(Query(recorded("lapse:customers:sum", segment=ONE, stage=one), one) for one in look.STAGES),
            stacked=True, styles=look.paint(look.STAGES),
        ),
        bars(signs, Query(by_sign, "{{sign}}"), colour=look.BAD),
        lines(
            risk, *(Query(recorded("lapse:value_at_risk:sum", segment=ONE, severity=one), one) for one in severities),
            stacked=True, styles=look.paint(look.SEVERITIES),
        ),
    ))  # fmt: skip


def _figure(name: str, role: str, period: str = MONTH) -> str:
    return total(FIGURES[name], segment=ONE, period=period, role=role)


def _buy() -> Section:
    revenue = About(
        number=30, title="Order revenue, last month", width=8, height=4, unit=look.MONEY, decimals=1,
        says="What orders of the last closed month brought, before refunds.",
    )  # fmt: skip
    average = About(
        number=31, title="Average order, last month", width=8, height=4, unit=look.MONEY, decimals=2, calm="no orders",
        says="Order revenue of the last closed month by its orders.",
    )  # fmt: skip
    repeat = About(
        number=32, title="Repeat orders, last month", width=8, height=4, unit=look.RATIO, decimals=0, calm="no orders",
        says="Orders of the last closed month by customers who had ordered before; cross: in a category new to "
        "somebody who had bought in another (list them in figures.categories).",
    )  # fmt: skip
    cohorts = About(
        number=34, title="Back on day N after the first", width=8, height=8, unit=look.RATIO, decimals=0,
        says="Of the customers whose day N fell into the last closed month, those who were active on that day.",
        least=0, most=1, calm="nobody so old yet",
    )  # fmt: skip
    by_day = About(
        number=35, title="Order revenue by day", width=16, height=8, unit=look.MONEY, least=0,
        says="Of the last closed day at each moment.",
    )  # fmt: skip
    orders = _figure("orders", "all")
    return Section("What do they buy?", (
        stat(revenue, Query(_figure("order_revenue", "all"), "revenue")),
        stat(average, Query(f"{_figure('order_revenue', 'all')} / ({orders} > 0)", "average order")),
        stat(
            repeat, Query(f"1 - {_figure('orders', 'first')} / ({orders} > 0)", "repeat"),
            Query(f"{_figure('orders', 'cross')} / ({orders} > 0)", "cross"), named=True,
        ),
        lines(
            by_day, Query(_figure("order_revenue", "all", "last_day"), "revenue"), stepped=True,
            styles={"revenue": [look.colour(look.FACT), look.setting("custom.fillOpacity", 15)]},
        ),
        bars(cohorts, *(Query(_back(f"d{n}"), f"day {n}") for n in COHORT_DAYS)),
    ))  # fmt: skip


def _back(cohort: str) -> str:
    metric = FIGURES["cohort_customers"]
    active = total(metric, segment=ONE, period=MONTH, cohort=cohort, role="active")
    members = total(metric, segment=ONE, period=MONTH, cohort=cohort, role="members")
    return f"{active} / ({members} > 0)"


def _meet() -> Section:
    def share(number: int, title: str, calm: str, says: str) -> About:
        return About(
            number=number, title=title, width=4, height=5, unit=look.RATIO, decimals=0, calm=calm,
            says=f"{says} Last closed month.",
        )  # fmt: skip

    nps = About(
        number=40, title="NPS, last month", width=4, height=5, unit=look.COUNT, decimals=0, calm="no answers",
        says="Promoters less detractors, of a hundred who answered.",
    )  # fmt: skip
    answered = share(41, "Surveys answered", "none sent", "Of the surveys sent, those answered: silence is a sign too.")
    slow = share(42, "Slow pages", "not measured", "Page loads that took more than 3 seconds.")
    reasons = About(
        number=44, title="Why they say they left", width=12, height=5, unit=look.COUNT, decimals=0,
        calm="nobody said", says="Answers to exit surveys of the last closed month.",
    )  # fmt: skip
    paid = About(
        number=46, title="Trials that paid, by uses", width=12, height=6, unit=look.RATIO, decimals=0, least=0, most=1,
        calm="no trials", says="Of the trials that were over in the last closed month, those that were paid in it, by "
        "how often they had been used: where it rises is what a newcomer must be brought to.",
    )  # fmt: skip
    handled = About(
        number=45, title="Time to resolve a ticket", width=12, height=6, unit=look.SECONDS,
        calm="no ticket was resolved", says="From opening to resolving, the mean of the last closed month.",
    )  # fmt: skip
    exits = total(FIGURES["exit_reasons"], "reason", segment=ONE, period=MONTH)
    return Section("What do they meet, and say?", (
        stat(nps, Query(f"100 * {ratio('nps', MONTH, ONE)}", "NPS")),
        stat(answered, Query(_part("feedback", "answered", "sent"), "answered")),
        stat(slow, Query(_part("page_loads", "slow", "all"), "slow")),
        bars(reasons, Query(f"sort_desc({exits} > 0)", "{{reason}}")),
        lines(
            handled,
            Query(f"{_figure('handling_seconds', 'handled')} / ({_figure('tickets', 'handled')} > 0)", "mean"),
            stepped=True, styles={"mean": [look.colour(look.FACT)]},
        ),
        bars(paid, *(Query(_paid(n), f"{n} or more" if n == TRIAL_USES[-1] else f"from {n}") for n in TRIAL_USES)),
    ))  # fmt: skip


def _paid(uses: int) -> str:
    return _part("trials_by_uses", f"paid_{uses}", f"over_{uses}")


def _part(name: str, part: str, whole: str) -> str:
    return f"{_figure(name, part)} / ({_figure(name, whole)} > 0)"
