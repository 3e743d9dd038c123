"""The recount's day records: sums over shards, and ratios (R6, R7). Knows nothing of how anything was counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Protocol

from tests.recounting.days import DAY, KINDS, end_of, last_day, period_of
from tests.recounting.rules import Rules

COUNTS = ("start", "end", "acquired", "acquired_lost", "lost", "reactivated")
Period = tuple[str, date]
Counts = Counter[tuple[str, str]]  # by (segment, name)


class Counted(Protocol):
    final: dict[Period, Counts]
    closed: dict[Period, Counts]

    @property
    def alert_clock(self) -> float: ...

    @property
    def close_clock(self) -> float: ...

    @property
    def history_start(self) -> date | None: ...


def records(rules: Rules, shards: Sequence[Counted]) -> Iterator[tuple[tuple[str, str, str], dict[str, Any]]]:
    starts = [shard.history_start for shard in shards if shard.history_start]
    if not starts:
        return
    warm = min(starts) + DAY * max(rules.active_days.values())
    alert_clock = min(shard.alert_clock for shard in shards)
    close_clock = min(shard.close_clock for shard in shards)
    for kind in KINDS:
        start = period_of(kind, min(starts))
        while (end := end_of(last_day(kind, start), rules.zone)) <= alert_clock:  # R7: closed
            total: Counts = Counter()
            for shard in shards:
                total.update(shard.final.get((kind, start)) or shard.closed.get((kind, start)))
            for segment in (*rules.segments, "all"):
                # R6: "`all` is the sum of the segments"
                parts = rules.segments if segment == "all" else (segment,)
                sums: Counter[str] = Counter()
                for (part, name), value in total.items():
                    sums[name] += value * (part in parts)
                # R7: "a period that begins before history_start + W is warmup: … ratios null"
                yield (kind, start.isoformat(), segment), record(sums, final=end <= close_clock, warmup=start < warm)
            start = last_day(kind, start) + DAY


def record(sums: Counter[str], *, final: bool, warmup: bool) -> dict[str, Any]:
    counts = {name: sums[name] for name in COUNTS}
    s, e, n = counts["start"], counts["end"], counts["acquired"]
    known = s > 0 and not warmup
    return {
        "counts": counts,
        "figures": {name: value for name, value in sorted(sums.items()) if value and name not in COUNTS},
        "final": final,
        "provisional": False,
        "warmup": warmup,
        "crr": (e - n) / s if known else None,
        "crr_strict": (s - counts["lost"]) / s if known else None,
        "churn": counts["lost"] / s if known else None,
        "churn_net": (s - e) / s if known else None,
    }
