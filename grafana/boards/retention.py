"""Retention, for those who answer for it: whether customers stay, whether it pays, and where they don't.

Owns: how a period that is still open is told from one that is closed: grey, dashed, and "so far" in its name.
"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard, DynamicConfigValue

from grafana.boards import look
from grafana.boards.assembly import Section, board, periods
from grafana.boards.panels import About, Query, bars, lines, stat, table
from grafana.boards.queries import matching, recorded, total
from grafana.boards.trust import trust
from stream import metrics

SAYS = "Do customers stay, do they stay worth it, and where don't they? For those who answer for it."
ALL: Final = "all"
EACH: Final = "!all"
CLOSED: Final = "last_$period"
OPEN: Final = "$period"
NO_TARGET: Final = "no target"
ENDS: Final = recorded("lapse:period_customers:sum", segment=EACH, period=CLOSED, role="end")


def retention() -> Dashboard:
    """The board."""
    rows = (trust(), _closed(), _open(), _segments(), _losses(), _money())
    return board("lapse-retention", SAYS, rows, (periods(),), "now-30d", "1m")


def ratio(name: str, period: str, segment: str = ALL) -> str:
    """A recorded ratio of one segment and period."""
    return recorded(f"lapse:{name}:ratio", segment=segment, period=period)


def limit(metric: metrics.Metric, segment: str = ALL) -> str:
    """What the policy wants of a segment in a period; of one that it doesn't name, what it wants of everybody."""
    own, common = (f"max ({metric.name}{matching(segment=one, period=OPEN)})" for one in (segment, ALL))
    return own if segment == ALL else f"({own} or {common})"


def against(name: str, metric: metrics.Metric, segment: str = ALL) -> str:
    """How far a closed period's ratio is above the policy's, in percentage points."""
    return f"100 * (max ({ratio(name, CLOSED, segment)}) - {limit(metric, segment)})"


def _closed() -> Section:
    crr = About(
        number=10, title="Customers kept (CRR), last $period", width=6, height=4, unit=look.RATIO, decimals=1,
        says="Customers at the end less those acquired in it, of those at its start. Reactivated customers count as "
        "kept, so that it may pass 100 %.",
    )  # fmt: skip
    target = About(
        number=11, title="CRR against the target", width=6, height=4, unit=look.POINTS, decimals=1, calm=NO_TARGET,
        says="CRR of the last closed period less the policy's target, in percentage points.",
        thresholds=look.steps(look.ALARM, (-1, look.WATCH), (0, look.GOOD)),
    )  # fmt: skip
    churn = About(
        number=12, title="Customers lost (churn), last $period", width=6, height=4, unit=look.RATIO, decimals=1,
        says="Of the customers at the start, those who are none at the end: 1 − strict CRR.",
    )  # fmt: skip
    accepted = About(
        number=13, title="Churn over what is accepted", width=6, height=4, unit=look.POINTS, decimals=1, calm=NO_TARGET,
        says="Churn of the last closed period less what the policy accepts, in percentage points.",
        thresholds=look.steps(look.GOOD, (0, look.WATCH), (1, look.ALARM)),
    )  # fmt: skip
    bridge = About(
        number=14, title="From start to end of last $period", width=8, height=8, unit=look.COUNT, least=0,
        says="start − lost + reactivated + acquired − acquired and lost again = end.",
    )  # fmt: skip
    over_time = About(
        number=15, title="CRR over time", width=16, height=8, unit=look.RATIO,
        says="Of the last closed period at each moment. Strict CRR counts only those who were there at both ends. The "
        "open period, grey and dashed, is what it would be if it ended now.",
    )  # fmt: skip
    return Section("The last closed $period", (
        stat(crr, Query(ratio("crr", CLOSED), "CRR"), colour=look.FACT),
        stat(target, Query(against("crr", metrics.TARGET_CRR), "against the target")),
        stat(churn, Query(ratio("churn", CLOSED), "churn"), colour=look.FACT),
        stat(accepted, Query(against("churn", metrics.ACCEPTABLE_CHURN), "over what is accepted")),
        lines(
            over_time, Query(ratio("crr", CLOSED), "CRR"), Query(ratio("crr_strict", CLOSED), "strict CRR"),
            Query(ratio("crr", OPEN), "CRR so far"), Query(limit(metrics.TARGET_CRR), "target"), stepped=True,
            styles={
                "CRR": [look.colour(look.FACT)], "strict CRR": [look.colour(look.OTHER)],
                "CRR so far": PROVISIONAL, "target": [look.colour(look.GOOD), look.dashed(2, 4)],
            },
        ),
        bars(bridge, *(_role(role, says, CLOSED) for role, (says, _) in ROLES.items()), styles=BRIDGE),
    ))  # fmt: skip


ROLES: Final = {
    "start": ("at the start", look.FACT), "lost": ("− lost", look.ALARM), "reactivated": ("+ reactivated", look.GOOD),
    "acquired": ("+ acquired", look.GOOD), "acquired_lost": ("− lost again", look.BAD),
    "end": ("at the end", look.FACT),
}  # fmt: skip
BRIDGE: Final = look.paint(dict(ROLES.values()))
PROVISIONAL: Final[list[DynamicConfigValue]] = [look.colour(look.OPEN), look.dashed()]


def _role(role: str, says: str, period: str, segment: str = ALL) -> Query:
    return Query(recorded("lapse:period_customers:sum", segment=segment, period=period, role=role), says)


def _open() -> Section:
    def so_far(number: int, title: str, unit: str, says: str, decimals: int) -> About:
        return About(
            number=number, title=f"{title}, so far", width=6, height=4, unit=unit, decimals=decimals,
            says=f"{says} Provisional: the period is open, up to the last closed day.",
        )  # fmt: skip

    began = About(
        number=20, title="This $period began", width=6, height=4, unit=look.DATE,
        says="The first day of the open period.",
    )  # fmt: skip
    start = f'(min ({metrics.PERIOD_START.name}{{period="$period"}}) + 43200) * 1000'
    return Section("The open $period, so far", (
        stat(began, Query(start, "began"), colour=look.OPEN),
        stat(so_far(21, "CRR", look.RATIO, "As above.", 1), Query(ratio("crr", OPEN), "CRR"), colour=look.OPEN),
        stat(so_far(22, "Churn", look.RATIO, "As above.", 1), Query(ratio("churn", OPEN), "churn"), colour=look.OPEN),
        stat(so_far(23, "Customers lost", look.COUNT, "Customers at its start who are none now.", 0),
            _role("lost", "lost", OPEN), colour=look.OPEN),
    ))  # fmt: skip


def _segments() -> Section:
    where = About(
        number=30, title="Segments, last $period", width=14, height=9, unit=look.COUNT,
        says="Where customers are lost. Churn is red where the policy says less is acceptable. A segment opens on its "
        "own board.",
    )  # fmt: skip
    churn = f"max by (segment) ({ratio('churn', CLOSED, EACH)})"
    life = About(
        number=31, title="Active in the last $period", width=10, height=9, unit=look.COUNT, least=0, decimals=0,
        says="Customers by what their activity was: new, back as in the period before (returning), back after a pause "
        "(resurrected); dormant were active only in the one before.", calm="no period has closed yet",
    )  # fmt: skip
    percent = [look.setting("unit", look.RATIO), look.setting("decimals", 1)]
    return Section("Where", (
        table(
            where, "segment",
            Query(f"max by (segment) ({ENDS})", "Customers"),
            Query(f"max by (segment) ({ratio('crr', CLOSED, EACH)})", "CRR"), Query(churn, "Churn"),
            Query(f"100 * ({churn} - on (segment) {_accepted()})", "Over accepted"),
            Query(total(metrics.VALUE_AT_RISK, "segment"), "At risk"),
            sort="Customers",
            styles={
                "Segment": [look.setting("links", [TO_SEGMENT])], "CRR": percent, "Churn": percent,
                "Over accepted": [
                    look.setting("unit", look.POINTS), look.setting("decimals", 1),
                    look.limits(look.GOOD, (0, look.ALARM)), look.setting("custom.cellOptions", {"type": "color-text"}),
                ],
                "At risk": [look.setting("unit", look.MONEY), look.setting("decimals", 0)],
            },
        ),
        lines(
            life,
            *(Query(recorded("lapse:lifecycle_customers:sum", segment=ALL, period=CLOSED, role=r), r) for r in LIVES),
            stacked=True, stepped=True, styles=look.paint(LIVES),
        ),
    ))  # fmt: skip


LIVES: Final = {"returning": look.GOOD, "new": "#5ad1a0", "resurrected": look.FACT, "dormant": look.BAD}


TO_SEGMENT: Final = {
    "title": "Open this segment", "targetBlank": False,
    "url": "/d/lapse-segment?var-segment=${__value.raw}&${period:queryparam}&${datasource:queryparam}"
    "&${__url_time_range}",
}  # fmt: skip


def _accepted() -> str:
    """What the policy accepts of each segment: its own, or everybody's."""
    name = metrics.ACCEPTABLE_CHURN.name
    common = f'max ({name}{{segment="all", period="$period"}})'
    own = f'max by (segment) ({name}{{segment!="all", period="$period"}})'
    return f"({own} or max by (segment) (0 * {ENDS}) + on () group_left () {common})"


def _losses() -> Section:
    kinds = About(
        number=35, title="Kinds of loss, last month", width=12, height=6, unit=look.COUNT, decimals=0, calm="not yet",
        says="Of the customers lost in the last closed month: to be regretted; acceptable, who cost more than they "
        "left; involuntary, by a charge that failed.",
    )  # fmt: skip
    points = About(
        number=36, title="Points outstanding", width=12, height=6, unit=look.COUNT, least=0, calm="no points",
        says="Points earned and not redeemed since the history began, as of the last closed day: what is owed to "
        "members.",
    )  # fmt: skip
    lost = recorded("lapse:period_customers:sum", segment=ALL, period="last_month", role="lost")
    known = {
        role: recorded("lapse:departures:sum", segment=ALL, period="last_month", role=role)
        for role in ("~acceptable|involuntary", "acceptable", "involuntary")
    }
    every, acceptable, involuntary = known.values()
    return Section("What was lost, what is owed", (
        bars(
            kinds, Query(f"max ({lost}) - sum ({every})", "to be regretted"),
            Query(f"max ({acceptable})", "acceptable"), Query(f"max ({involuntary})", "involuntary"),
            styles=look.paint({"to be regretted": look.ALARM, "acceptable": look.OPEN, "involuntary": look.BAD}),
        ),
        lines(
            points, Query(total(metrics.FIGURES["programme"], period="last_day", role="outstanding"), "points"),
            stepped=True, styles={"points": [look.colour(look.FACT)]},
        ),
    ))  # fmt: skip


def _money() -> Section:
    kept = About(
        number=40, title="Revenue kept, last $period", width=12, height=8, unit=look.RATIO,
        calm="nothing to compare with yet",
        says="Order revenue of the customers at the start, against the equal period before; and subscriptions (MRR): "
        "gross, which counts only what shrank, and net, with what grew.",
    )  # fmt: skip
    risk = About(
        number=41, title="Value at risk in open alerts", width=12, height=8, unit=look.MONEY, least=0,
        calm="none", says="What the customers with open alerts are expected to bring, by severity.",
    )  # fmt: skip
    sticky = About(
        number=42, title="Stickiness", width=6, height=4, unit=look.RATIO, decimals=0, calm="not yet",
        says="Of the customers active in the last 30 days, those active on the last closed one (DAU ÷ MAU).",
    )  # fmt: skip
    nps = About(
        number=43, title="NPS, last $period", width=6, height=4, unit=look.COUNT, decimals=0, calm="no answers",
        says="Promoters less detractors, of a hundred who answered; each customer's last answer counts.",
    )  # fmt: skip
    clv = About(
        number=44, title="CLV", width=6, height=4, unit=look.MONEY, decimals=1, calm="not yet",
        says="Revenue of the last closed period by customer lost in it: what a customer brings until they leave.",
    )  # fmt: skip
    cac = About(
        number=45, title="CAC ÷ CLV", width=6, height=4, unit=look.RATIO, decimals=0, calm="no costs known",
        says="What acquiring a customer costs, as a share of what they bring. A third or less is taken for healthy.",
        thresholds=look.steps(look.GOOD, (1 / 3, look.WATCH), (1, look.ALARM)),
    )  # fmt: skip
    severities = reversed(look.SEVERITIES)
    return Section("Money", (
        stat(sticky, Query(ratio("stickiness", "last_day"), "DAU ÷ MAU")),
        stat(nps, Query(f"100 * {ratio('nps', CLOSED)}", "NPS")),
        stat(clv, Query(recorded("lapse:clv:currency", segment=ALL, period=CLOSED), "CLV")),
        stat(cac, Query(f"{recorded('lapse:cac_clv:ratio', segment=ALL, period=CLOSED)} > 0", "CAC ÷ CLV")),
        lines(
            kept, Query(ratio("nrr_orders", CLOSED), "orders, net"), Query(ratio("nrr", CLOSED), "MRR, net"),
            Query(ratio("grr", CLOSED), "MRR, gross"), stepped=True,
            styles=look.paint({"orders, net": look.FACT, "MRR, net": look.GOOD, "MRR, gross": look.OTHER}),
        ),
        lines(
            risk, *(Query(recorded("lapse:value_at_risk:sum", segment=ALL, severity=one), one) for one in severities),
            stacked=True, styles=look.paint(look.SEVERITIES),
        ),
    ))  # fmt: skip
