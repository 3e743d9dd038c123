"""What a route still has to be sent, and what goes next: one by one, or as one message.

Owns: quiet hours, digests and storms. Pure: entries and the time go in, a plan comes out; whoever carries it out makes
it durable first. The same entries at the same time give the same plan, so a restart in between changes nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import msgspec

from stream.desk.routes import SEVERITIES, Route
from stream.wire.encode import AlertEvent

HOUR_MS: Final = 3_600_000
GATHER_MS: Final = 1_000  # an alert waits so long for others: a storm is told by what comes together
MOST_TOGETHER: Final = 10_000  # members of one message: what is kept of it fits a record
MOST_AT_ONCE: Final = 1_000  # single messages under way

Why = Literal["quiet", "digest", "storm"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One event of an alert that a route has to be sent; `partition` of `churn.alerts` it came from."""

    event: msgspec.Raw  # as published, byte for byte
    since_ms: int
    partition: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """An entry with what is asked of it often."""

    entry: Entry
    event: AlertEvent
    held: bool = False  # it came in quiet hours

    @property
    def alert_id(self) -> str:
        """The alert."""
        return self.event.data.alert_id


@dataclass(frozen=True, slots=True)
class Group:
    """Entries that go out as one message, by event id."""

    why: Why
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes now, and when to look again (epoch ms; None: when something changes)."""

    singles: tuple[str, ...] = ()
    group: Group | None = None
    look_ms: int | None = None
    waiting: tuple[tuple[str, int], ...] = ()  # why: how many


@dataclass(slots=True)
class Outbox:
    """The entries of one route, in the order in which they came, and when it was last written to."""

    route: Route
    entries: dict[str, Waiting] = field(default_factory=dict)  # by event id
    sent_ms: list[int] = field(default_factory=list)  # of single messages of the last hour, in order
    incident_ms: int | None = None  # the last storm's message

    def add(self, event_id: str, waiting: Waiting) -> None:
        """Take what has to be sent; the same again changes nothing."""
        if event_id not in self.entries:
            self.entries[event_id] = replace(waiting, held=self._is_held(waiting))

    def remove(self, event_ids: Iterable[str]) -> None:
        """Forget what was sent or given up."""
        for one in event_ids:
            self.entries.pop(one, None)

    def started(self, now_ms: int) -> None:
        """Count a single message towards the budget."""
        self.sent_ms.append(now_ms)

    def grouped(self, group: Group, now_ms: int) -> None:
        """Remember when a storm was last told of."""
        if group.why == "storm":
            self.incident_ms = now_ms

    def plan(self, now_ms: int, busy: Collection[str], partitions: Collection[int]) -> Plan:
        """What goes now, of the entries from these partitions, none of which is under way (`busy`, event ids).

        Transitions of one alert go one after the other.
        """
        ready, quiet_until = self._out_of_quiet(now_ms, busy, partitions)
        held = [one for one, waiting in ready.items() if waiting.held and not self._goes_through(waiting)]
        if len(held) > 1:
            return Plan(group=Group("quiet", tuple(held[:MOST_TOGETHER])), look_ms=now_ms)
        if self.route.digest_minutes:
            return self._digest(now_ms, ready, quiet_until)
        gathered = [one for one, waiting in ready.items() if waiting.entry.since_ms <= now_ms - GATHER_MS]
        look = _soonest(
            quiet_until,
            *(w.entry.since_ms + GATHER_MS for w in ready.values() if w.entry.since_ms > now_ms - GATHER_MS),
        )
        quiet = len(self.entries) - len(busy) - len(ready) if quiet_until else 0
        if gathered and self._over_budget(len(ready), now_ms):  # also by those that came a moment ago
            return self._storm(now_ms, list(ready), look, quiet)
        room = max(0, MOST_AT_ONCE - len(busy))
        singles = self._first_of_each(gathered, busy)[:room]
        return Plan(tuple(singles), look_ms=look, waiting=(("quiet", quiet), ("ready", len(ready))))

    def _out_of_quiet(
        self, now_ms: int, busy: Collection[str], partitions: Collection[int]
    ) -> tuple[dict[str, Waiting], int | None]:
        free = {
            one: waiting
            for one, waiting in self.entries.items()
            if one not in busy and waiting.entry.partition in partitions
        }
        until = self.route.quiet.until_ms(now_ms) if self.route.quiet else None
        if until is None:
            return free, None
        return {one: waiting for one, waiting in free.items() if self._goes_through(waiting)}, until

    def _goes_through(self, waiting: Waiting) -> bool:
        through = self.route.quiet.through if self.route.quiet else None
        return through is not None and SEVERITIES.index(waiting.event.data.severity) >= SEVERITIES.index(through)

    def _is_held(self, waiting: Waiting) -> bool:
        quiet = self.route.quiet
        return quiet is not None and quiet.until_ms(waiting.entry.since_ms) is not None

    def _digest(self, now_ms: int, ready: dict[str, Waiting], quiet_until: int | None) -> Plan:
        step = self.route.digest_minutes * 60_000
        border = now_ms // step * step
        due = tuple(one for one, waiting in ready.items() if waiting.entry.since_ms < border)
        if due:
            return Plan(group=Group("digest", due[:MOST_TOGETHER]), look_ms=now_ms)
        look = _soonest(quiet_until, border + step) if ready else quiet_until
        return Plan(look_ms=look, waiting=(("quiet", len(self.entries) - len(ready)), ("digest", len(ready))))

    def _over_budget(self, more: int, now_ms: int) -> bool:
        del self.sent_ms[: bisect_left(self.sent_ms, now_ms - HOUR_MS)]
        budget = self.route.budget_per_hour
        return bool(budget and more) and len(self.sent_ms) + more > budget

    def _storm(self, now_ms: int, together: list[str], look: int | None, quiet: int) -> Plan:
        again = now_ms if self.incident_ms is None else self.incident_ms + self.route.storm_minutes * 60_000
        if now_ms >= again:
            return Plan(group=Group("storm", tuple(together[:MOST_TOGETHER])), look_ms=now_ms)
        return Plan(look_ms=_soonest(look, again), waiting=(("quiet", quiet), ("storm", len(together))))

    def _first_of_each(self, ids: list[str], busy: Collection[str]) -> list[str]:
        """Of each alert the earliest that waits, unless something of it is under way."""
        taken = {self.entries[one].alert_id for one in busy if one in self.entries}
        first = []
        for one in ids:
            alert = self.entries[one].alert_id
            if alert not in taken:
                taken.add(alert)
                first.append(one)
        return first


def _soonest(*times: int | None) -> int | None:
    return min((one for one in times if one is not None), default=None)
