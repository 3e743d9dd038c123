"""Pipeline, for on-call: whether everything is read, in time and once, and what was refused."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.boards import look
from grafana.boards.assembly import Section, board
from grafana.boards.panels import About, Query, lines, stat
from grafana.boards.queries import grown, per_second, quantile, some, total
from grafana.boards.trust import trust
from stream import metrics

SAYS: Final = "Is every event read, in time and once, and what was refused? For on-call."
MEDIAN: Final = "median"
MOST: Final = "99 of 100"


def pipeline() -> Dashboard:
    """The board."""
    return board("lapse-pipeline", SAYS, (trust(), _flow(), _promise(), _refused(), _desk()), (), "now-6h", "10s")


def _flow() -> Section:
    through = About(
        number=10, title="Events committed", width=12, height=7, unit="eps", least=0,
        says="Records of customer.events processed and committed, a second.",
    )  # fmt: skip
    lag = About(
        number=11, title="Waiting to be read", width=6, height=7, unit=look.COUNT, least=0,
        says="Records between the workers' positions and the ends of their partitions: all of them, and the partition "
        "that is furthest behind.",
    )  # fmt: skip
    states = About(
        number=12, title="What partitions do", width=6, height=7, unit=look.COUNT, least=0, decimals=0,
        says="A partition that changes hands waits for a stable offset, restores its rows, then runs. Running should "
        "be all that are expected.",
    )  # fmt: skip
    return Section("Flow", (
        lines(through, Query(per_second(metrics.EVENTS), "events"), styles={"events": [
            look.colour(look.FACT), look.setting("custom.fillOpacity", 15)]}),
        lines(
            lag, Query(total(metrics.LAG), "all"), Query(f"max ({metrics.LAG.name})", "furthest behind"),
            styles=look.paint({"all": look.FACT, "furthest behind": look.BAD}),
        ),
        lines(
            states, Query(total(metrics.RUNNING), "running"), Query(f"{total(metrics.RESTORING)} > 0", "restoring"),
            Query(f"{total(metrics.WAITING)} > 0", "waiting"),
            Query(f"max ({metrics.EXPECTED.name})", "expected"),
            stacked=True,
            styles=look.paint({"running": look.GOOD, "restoring": look.WATCH, "waiting": look.BAD})
            | {"expected": [look.colour(look.OPEN), look.dashed(), look.unstacked()]},
        ),
    ))  # fmt: skip


def _promise() -> Section:
    objective = look.steps(look.GOOD, (metrics.OBJECTIVE_SECONDS, look.ALARM))
    delay = About(
        number=20, title="From event to commit", width=12, height=7, unit=look.SECONDS, least=0, thresholds=objective,
        says="From the timestamp of a transaction's oldest record to its commit. The promise, the dashed line: 99 of "
        "100 within 150 ms while keeping up.",
    )  # fmt: skip
    commits = About(
        number=21, title="Transactions", width=6, height=7, unit="suffix:/s", least=0,
        says="Transactions committed, and those that were not, a second. One that was not is done again: nothing is "
        "lost, but everything is later.",
    )  # fmt: skip
    restores = About(
        number=22, title="Taking over", width=6, height=7, unit=look.SECONDS, least=0, calm="no take-over",
        thresholds=look.steps(look.GOOD, (15, look.BAD)),
        says="From being given a partition to running it: nobody processes it meanwhile.",
    )  # fmt: skip
    return Section("The promise", (
        lines(
            delay, Query(quantile(0.5, metrics.DELAY_SECONDS), MEDIAN),
            Query(quantile(0.99, metrics.DELAY_SECONDS), MOST),
            Query(quantile(0.99, metrics.COMMIT_SECONDS), "99 of 100: the commit alone"), limit=True,
            styles=look.paint({MEDIAN: look.FACT, MOST: look.BAD, "99 of 100: the commit alone": look.OPEN}),
        ),
        lines(
            commits, Query(per_second(metrics.TRANSACTIONS), "committed"),
            Query(f"{per_second(metrics.ABORTED, 'reason')} > 0", "not: {{reason}}"),
            styles=look.paint({"committed": look.GOOD}),
        ),
        lines(
            restores, Query(some(quantile(0.5, metrics.RESTORE_SECONDS)), MEDIAN),
            Query(some(quantile(0.99, metrics.RESTORE_SECONDS)), MOST),
            styles=look.paint({MEDIAN: look.FACT, MOST: look.BAD}),
        ),
    ))  # fmt: skip


def _refused() -> Section:
    dead = About(
        number=30, title="Refused, by reason", width=12, height=7, unit=look.COUNT, least=0, calm="nothing was refused",
        says="Records that went to customer.events.dead, each with its reason and original bytes. `lapse dead list` "
        "shows them. too_late: older than the policy allows.",
    )  # fmt: skip
    twice = About(
        number=31, title="Had already", width=6, height=7, unit=look.COUNT, least=0,
        calm="none", says="Events that were ignored because their customer had them: a source sends twice. No harm.",
    )  # fmt: skip
    skew = About(
        number=32, title="Clocks apart", width=6, height=7, unit=look.SECONDS, least=0,
        says="Event time between the partition that is furthest and the one furthest behind. Days close when the last "
        "partition has passed their end.",
    )  # fmt: skip
    apart = f"max ({metrics.CLOCK.name}) - min ({metrics.CLOCK.name})"
    return Section("Refused, repeated, uneven", (
        lines(dead, Query(f'{grown(metrics.DEAD, "reason")} > 0', "{{reason}}"), bars=True, stacked=True),
        lines(
            twice, Query(f"{grown(metrics.DUPLICATES)} > 0", "had already"), bars=True,
            styles=look.paint({"had already": look.FACT}),
        ),
        lines(skew, Query(apart, "apart"), styles=look.paint({"apart": look.FACT})),
    ))  # fmt: skip


def _desk() -> Section:
    deliveries = About(
        number=40, title="Deliveries to people", width=8, height=6, unit=look.COUNT, least=0,
        calm="nothing was delivered",
        says="Alerts handed to webhooks by the desk; given_up means that somebody was not told.",
    )  # fmt: skip
    waiting = About(
        number=41, title="Waiting to be told", width=6, height=6, unit=look.COUNT, least=0, calm="nobody waits",
        says="Alerts held back, and why: quiet hours, a digest, a storm told as one, or a receiver that is away.",
    )  # fmt: skip
    oldest_wait = About(
        number=42, title="Longest wait", width=4, height=6, unit=look.SECONDS, calm="no desk",
        thresholds=look.steps(look.GOOD, (900, look.WATCH), (3600, look.ALARM)),
        says="How long the oldest alert that is due has not been delivered.",
    )  # fmt: skip
    behind = About(
        number=43, title="Not yet read by the desk", width=6, height=6, unit=look.COUNT, least=0, calm="no desk",
        says="Alerts and parts of days that workers have published and the desk has still to take in: until then the "
        "live page and published days are behind.",
    )  # fmt: skip
    return Section("Desk", (
        lines(
            deliveries, Query(f"{grown(metrics.DESK_DELIVERIES, 'reason')} > 0", "{{reason}}"), bars=True, stacked=True,
            styles=look.paint({"sent": look.GOOD, "retry": look.WATCH, "refused": look.BAD, "given_up": look.ALARM}),
        ),
        lines(
            waiting, Query(f"{total(metrics.DESK_WAITING, 'reason')} > 0", "{{reason}}"), stacked=True,
            styles=look.paint({
                "ready": look.FACT, "quiet": look.OTHER, "digest": look.OPEN, "storm": look.BAD, "retry": look.WATCH,
            }),
        ),
        lines(
            behind, Query(f"max ({metrics.DESK_LAG.name})", "not yet read"),
            styles=look.paint({"not yet read": look.FACT}),
        ),
        stat(oldest_wait, Query(f"max ({metrics.DESK_OLDEST.name})", "oldest")),
    ))  # fmt: skip
