"""Whether a quiet input is silence or an outage: which partitions' clocks stand still for now (DESIGN §4).

Owns: that verdict. How long a silence is usual is the core's to say (`core.pulse`). Does no I/O and asks no clock: it
is told what time it is and which partitions have no leader.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable

from stream.worker.incarnation import Incarnation, State

_log = logging.getLogger("lapse.input")


def judge(incarnations: Iterable[Incarnation], wall_ms: int, leaderless: Collection[int]) -> None:
    """Set `suspended` of every running incarnation anew: the reason in words, empty where the input is trusted.

    A partition whose newest event was of the past when it came is in a replay, and never judged by how quiet it is.
    """
    running = [one for one in incarnations if one.state is State.RUN]
    since = {one: _quiet_since_ms(one) for one in running}
    latest_ms = max((ms for ms in since.values() if ms is not None), default=wall_ms)
    # all of them together are at least as busy as the busiest: what would be unusual for one of them is for all
    all_quiet = any(ms is not None and _lost(one, latest_ms, wall_ms) for one, ms in since.items())
    for one in running:
        reason, quiet_ms = "", since[one]
        if one.number in leaderless:
            reason = "it has no leader"
        elif quiet_ms is not None and one.caught_up:
            if all_quiet:
                reason = f"nothing has come on any partition here for {_minutes(wall_ms - latest_ms)}"
            elif _lost(one, quiet_ms, wall_ms):
                reason = f"nothing has come for {_minutes(wall_ms - quiet_ms)}, which is unusual at this hour"
        _set(one, reason)


def _quiet_since_ms(one: Incarnation) -> int | None:
    live_ms = one.partition.live_ms
    return None if live_ms is None else max(live_ms, one.heard_ms)


def _lost(one: Incarnation, since_ms: int, wall_ms: int) -> bool:
    return one.partition.trusted_until_ms(since_ms, wall_ms) <= wall_ms


def _set(one: Incarnation, reason: str) -> None:
    if reason and not one.suspended:
        _log.warning("partition %d is suspended, its clock stands still: %s", one.number, reason)
    elif one.suspended and not reason:
        _log.warning("partition %d is trusted again", one.number)
    one.suspended = reason


def _minutes(ms: int) -> str:
    return f"{ms / 60_000:.0f} min"
