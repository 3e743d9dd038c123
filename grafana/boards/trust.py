"""The first row of every board: whether what stands below can be trusted.

Owns: five questions, the same everywhere, in the order in which one would ask them. A worker that is missing, an input
that has stopped or a day that is not closed makes every number below too small, and none of them would show it.
"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import Panel

from grafana.boards import look
from grafana.boards.assembly import Section, link
from grafana.boards.panels import About, Query, stat
from grafana.boards.queries import oldest, recorded
from stream import metrics

HEIGHT: Final = 3
DAY_SECONDS: Final = 86_400
REPLAY_SECONDS: Final = 30 * DAY_SECONDS  # no stall is left to last so long: further behind, history is being read


def trust() -> Section:
    """The row."""
    return Section("Can this be trusted?", (_pipeline(), _partitions(), _suspended(), _delay(), _closed()))


def _pipeline() -> Panel:
    about = About(
        number=1, title="Pipeline", width=5, height=HEIGHT, unit="none",
        says="Every partition is run by a worker, none is suspended, and less than a fifth of the input is refused. "
        "While it is broken, no business alert is sent: see the board Pipeline.",
        mappings=(look.words({"1": ("sound", look.GOOD), "0": ("broken", look.ALARM)}),),
    )  # fmt: skip
    panel = stat(about, Query(recorded("lapse:pipeline:ok"), "pipeline"))
    panel.links = [link("lapse-pipeline").build()]
    return panel


def _partitions() -> Panel:
    missing = f"{recorded('lapse:partitions_expected:count')} - {recorded('lapse:partitions_reporting:count')}"
    # the number expected becomes part of the name: "8 expected: all"
    named = f'({missing}) * on () group_left (expected) count_values("expected", lapse:partitions_expected:count)'
    about = About(
        number=2, title="Partitions reporting", width=5, height=HEIGHT, unit="suffix: missing",
        says="Partitions of customer.events that nobody runs. Their customers are in no number below.",
        mappings=(look.words({"0": ("all", look.GOOD)}),), thresholds=look.steps(look.GOOD, (0.5, look.ALARM)),
    )  # fmt: skip
    return stat(about, Query(named, "{{expected}} expected"), named=True)


def _suspended() -> Panel:
    about = About(
        number=3, title="Partitions suspended", width=4, height=HEIGHT, unit=look.COUNT,
        says="Partitions whose input has stopped for longer than it ever does. Their clocks stand still, so that an "
        "outage is nobody's silence: nothing is judged there.",
        mappings=(look.words({"0": ("none", look.GOOD)}),), thresholds=look.steps(look.GOOD, (0.5, look.BAD)),
    )  # fmt: skip
    return stat(about, Query(recorded("lapse:partitions_suspended:count"), "suspended"))


def _delay() -> Panel:
    about = About(
        number=4, title="Clock behind now", width=5, height=HEIGHT, unit=look.SECONDS, decimals=0,
        says="How far behind now the slowest partition's clock is. It waits for the grace of the policy (an hour by "
        "default). More than a month means that history is being read: its dates are in the past.",
        mappings=(look.between(REPLAY_SECONDS, None, "history", look.FACT),),
        thresholds=look.steps(look.GOOD, (2 * 3600, look.WATCH), (4 * 3600, look.ALARM)),
    )  # fmt: skip
    return stat(about, Query(recorded("lapse:watermark_delay:seconds"), "behind"))


def _closed() -> Panel:
    noon = f"({oldest(metrics.PERIOD_START, period='last_day')} + {DAY_SECONDS // 2}) * 1000"
    about = About(
        number=5, title="Last closed day", width=5, height=HEIGHT, unit=look.DATE,
        says="The newest business day that every worker has closed. Figures of later days are provisional.",
    )  # fmt: skip
    return stat(about, Query(noon, "closed"))
