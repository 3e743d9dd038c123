"""T8–T10 from scratch: when a quiet input is an outage, and what is nobody's silence then. Knows nothing of rows."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

HOUR_MS = 3_600_000
LEAST_MS = 15 * 60_000


def local_hour(time_ms: int, zone: str) -> datetime:
    return _local(time_ms, zone).replace(minute=0, second=0, microsecond=0)


def _local(time_ms: int, zone: str) -> datetime:
    utc = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time_ms)
    return utc.astimezone(ZoneInfo(zone))


def hour_end(time_ms: int, zone: str) -> int:
    return time_ms + HOUR_MS - (_local(time_ms, zone) - local_hour(time_ms, zone)) // timedelta(milliseconds=1)


class Outages:
    """What a partition knows of its own gaps."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self.weeks: dict[tuple[int, int], list[tuple[int, int]]] = {}  # of an hour: (seconds, gaps), the newest first
        self.gaps: list[int] = []  # of this hour, ms
        self.end_ms = 0
        self.found: list[tuple[int, int]] = []
        self.live = False  # the record that set M came when its event happened

    def hear(self, last_ms: int | None, time_ms: int, grace_ms: int, live: bool, real: bool) -> bool:  # noqa: FBT001
        """T9: "between two live records"; `real`: "by which a source says …". Whether there was an outage."""
        if last_ms is not None and time_ms <= last_ms:
            return False
        was_live, self.live = self.live, live
        judged = last_ms is not None and was_live and live and not real
        found = judged and self.excuse(last_ms or 0, time_ms, grace_ms)
        self.beat(last_ms, time_ms)
        return found

    def cell(self, time_ms: int) -> tuple[int, int]:
        when = _local(time_ms, self.zone)
        return when.weekday(), when.hour

    def beat(self, last_ms: int | None, time_ms: int) -> None:
        """T8: "a gap is counted in the hour in which it begins"."""
        if last_ms is not None:
            self.gaps.append(time_ms - last_ms)
            if time_ms < self.end_ms:
                return
            gaps = sorted(self.gaps, reverse=True)
            usual_s = next(
                s for s in (2**b for b in range(20)) if s == 2**19 or self._above(gaps, s) * 1000 <= len(gaps)
            )
            known = self.weeks.setdefault(self.cell(last_ms), [])
            known.insert(0, (usual_s, min(len(gaps), 255)))
            del known[4:]  # "of the last 4 weeks that had any"
            self.gaps = []
        self.end_ms = hour_end(time_ms, self.zone)

    @staticmethod
    def _above(gaps: list[int], seconds: int) -> int:
        return sum(gap > 1000 * seconds for gap in gaps)

    def limit_ms(self, time_ms: int) -> float:
        """T8: "at least 2 weeks and 100 gaps"; "the largest of them, of three or more the second largest"."""
        known = self.weeks.get(self.cell(time_ms), [])
        if len(known) < 2 or sum(gaps for _, gaps in known) < 100:
            return math.inf
        usual = sorted((seconds for seconds, _ in known), reverse=True)
        return max(LEAST_MS, 3000 * (usual[0] if len(usual) == 2 else usual[1]))

    def lost_ms(self, last_ms: int, time_ms: int) -> int | None:
        """T8: "a minute of an hour with limit L uses up 1/L of the trust"."""
        used, at_ms = 0, last_ms
        for _ in range(4 * 168):
            if at_ms >= time_ms:
                return None
            limit, end_ms = self.limit_ms(at_ms), hour_end(at_ms, self.zone)
            if limit < math.inf:
                left = (2**20 - used) * int(limit) // 2**20
                if at_ms + left <= end_ms:
                    return at_ms + left if at_ms + left < time_ms else None
                used += (end_ms - at_ms) * 2**20 // int(limit)
            at_ms = end_ms
        return None

    def excuse(self, last_ms: int, time_ms: int, grace_ms: int) -> bool:
        """T9."""
        lost_ms = self.lost_ms(last_ms, time_ms) if time_ms - last_ms > LEAST_MS else None
        if lost_ms is None:
            return False
        begin_s = -(-max(last_ms, lost_ms - grace_ms) // 1000)
        self.found = [*self.found, (begin_s * 1000, time_ms // 1000 * 1000)][-32:]
        return True

    def after(self, from_ms: int, wait_ms: int) -> int:
        """T10: "outages are not counted"."""
        at_ms = from_ms
        for begin, end in self.found:
            if end <= at_ms:
                continue
            if at_ms + wait_ms <= max(begin, at_ms):
                break
            wait_ms -= max(begin, at_ms) - at_ms
            at_ms = end
        return at_ms + wait_ms
