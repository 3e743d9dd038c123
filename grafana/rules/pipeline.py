"""Recorded state of the pipeline: who runs what, how far behind, how late, and whether it can be trusted.

Owns: what `ok`, `live` and `trusted` mean; boards show them, and every message about customers asks them.
"""

from __future__ import annotations

from typing import Final

from grafana.rules.form import Group, Recording

OBJECTIVE: Final = '{le="0.15"}'  # metrics.OBJECTIVE_SECONDS
BURN_WINDOWS: Final = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
LIVE_SECONDS: Final = 3600  # so far behind the wall clock it is a backlog or a replay, no news

_DEAD: Final = "sum(rate(lapse_dead_letters_total%s[15m])) / (sum(rate(lapse_events_total[15m])) > 0)"
_BURNS: Final = [
    Recording(
        f"lapse:late_commits:ratio{window}",
        f"1 - sum(rate(lapse_delay_seconds_bucket{OBJECTIVE}[{window}]))"
        f" / (sum(rate(lapse_delay_seconds_count[{window}])) > 0)",
    )
    for window in BURN_WINDOWS
]
PIPELINE: Final = Group(
    "lapse-pipeline",
    [
        Recording("lapse:partitions_expected:count", "max(lapse_partitions_expected)"),
        Recording("lapse:partitions_reporting:count", "count(count by (partition) (lapse_lag_events)) or vector(0)"),
        Recording(
            "lapse:partitions_suspended:count", "sum(max by (partition) (lapse_partition_suspended)) or vector(0)"
        ),
        Recording(
            "lapse:watermark_delay:seconds",
            "time() - min(max by (partition) (lapse_alert_clock_timestamp_seconds))",
        ),
        Recording("lapse:events:rate", "sum(rate(lapse_events_total[5m]))"),
        Recording(
            "lapse:commit_delay:p99", "histogram_quantile(0.99, sum by (le) (rate(lapse_delay_seconds_bucket[5m])))"
        ),
        *_BURNS,
        Recording("lapse:dead_letters:ratio", _DEAD % '{reason!="too_late"}'),
        Recording("lapse:late_events:ratio", _DEAD % '{reason="too_late"}'),
        Recording(
            "lapse:misplaced_keys:ratio",
            "1 - max(sum by (reason) (increase(lapse_placed_keys_total[1h])))"
            " / (sum(increase(lapse_placed_keys_total[1h])) > 0)",
        ),
        Recording(
            "lapse:pipeline:ok",
            """
            (lapse:partitions_reporting:count == bool lapse:partitions_expected:count)
            * (lapse:partitions_suspended:count == bool 0)
            * ((lapse:dead_letters:ratio <= bool 0.2) or vector(1))
            or vector(0)
            """,
        ),
        Recording(
            "lapse:pipeline:live",
            f"lapse:watermark_delay:seconds - max(lapse_alert_grace_seconds) < bool {LIVE_SECONDS} or vector(0)",
        ),
        # what a message about customers rests on: whole, and about now
        Recording("lapse:pipeline:trusted", "lapse:pipeline:ok * lapse:pipeline:live"),
    ],
)
GROUPS: Final = (PIPELINE,)
