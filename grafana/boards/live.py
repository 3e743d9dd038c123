"""Live lapse monitor, for those who watch all day: who shows a sign of leaving now, its worth, what came of it."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.boards import look
from grafana.boards.assembly import Section, board, segments
from grafana.boards.panels import About, Query, bars, lines, stat
from grafana.boards.queries import grown, total
from grafana.boards.trust import trust
from stream import metrics

SAYS = "Who shows a sign of leaving now, what is it worth, and what came of it? For those who watch all day."
CHOSEN = "~$segment"


def live() -> Dashboard:
    """The board."""
    chosen = (segments(metrics.CUSTOMERS, several=True),)
    return board("lapse-live", SAYS, (trust(), _now(), _coming(), _customers()), chosen, "now-24h", "10s")


def _now() -> Section:
    alerts = About(
        number=10, title="Open alerts", width=6, height=5, unit=look.COUNT,
        says="Customers' signs of lapsing that are open now, in the chosen segments.",
    )  # fmt: skip
    value = About(
        number=11, title="Value at risk", width=6, height=5, unit=look.MONEY, decimals=1, calm="none",
        says="What the customers with open alerts are expected to bring, in the policy's currency.",
    )  # fmt: skip
    graver = About(
        number=12, title="Value at risk, by severity", width=12, height=5, unit=look.MONEY, decimals=1, calm="none",
        says="Severity is the chance that the customer leaves × what they are worth, against the policy's borders.",
    )  # fmt: skip
    return Section("Now", (
        stat(alerts, Query(total(metrics.OPEN_ALERTS, segment=CHOSEN), "open"), spark=True, colour=look.FACT),
        stat(value, Query(total(metrics.VALUE_AT_RISK, segment=CHOSEN), "at risk"), spark=True, colour=look.BAD),
        bars(
            graver,
            *(Query(total(metrics.VALUE_AT_RISK, segment=CHOSEN, severity=one), one) for one in look.SEVERITIES),
            styles=look.paint(look.SEVERITIES), above=True,
        ),
    ))  # fmt: skip


def _coming() -> Section:
    opened = About(
        number=20, title="Alerts opened, by severity", width=12, height=8, unit=look.COUNT, decimals=0, least=0,
        says="Alerts that opened, per bar. All segments: the counters don't tell them apart.",
    )  # fmt: skip
    ended = About(
        number=21, title="Alerts ended, by what came of it", width=12, height=8, unit=look.COUNT, decimals=0, least=0,
        says="returned: the customer came back. churned: nothing came until the horizon had passed. retracted: an "
        "event that came late showed that there was no silence.",
    )  # fmt: skip
    open_by_sign = About(
        number=22, title="Open alerts, by sign", width=24, height=8, unit=look.COUNT, decimals=0, least=0,
        says="How many alerts of each sign are open; signs without one are left out.", calm="no alert is open",
    )  # fmt: skip
    return Section("Coming and going", (
        lines(
            opened, *(Query(grown(metrics.ALERTS_OPENED, severity=one), one) for one in reversed(look.SEVERITIES)),
            bars=True, stacked=True, styles=look.paint(look.SEVERITIES),
        ),
        lines(
            ended, Query(grown(metrics.ALERTS_RESOLVED, "resolution"), "{{resolution}}"), bars=True, stacked=True,
            styles=look.paint(look.RESOLUTIONS),
        ),
        lines(
            open_by_sign, Query(f"{total(metrics.OPEN_ALERTS, 'sign', segment=CHOSEN)} > 0", "{{sign}}"), stacked=True,
            table=("lastNotNull", "max"),
        ),
    ))  # fmt: skip


def _customers() -> Section:
    stages = About(
        number=30, title="Customers, by stage of life", width=16, height=8, unit=look.COUNT, decimals=0, least=0,
        says="Every customer known, in the chosen segments: active, at risk (overdue for themselves), lapsed (not "
        "active in the last W days).",
    )  # fmt: skip
    where = About(
        number=31, title="Open alerts, by segment", width=8, height=8, unit=look.COUNT,
        says="Where the open alerts are.",
    )  # fmt: skip
    return Section("Customers", (
        lines(
            stages, Query(total(metrics.CUSTOMERS, "stage", segment=CHOSEN), "{{stage}}"), stacked=True,
            table=("lastNotNull",),
            styles=look.paint(look.STAGES),
        ),
        bars(
            where, Query(f"sort_desc({total(metrics.OPEN_ALERTS, 'segment', segment=CHOSEN)})", "{{segment}}"),
            above=True,
        ),
    ))  # fmt: skip
