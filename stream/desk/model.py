"""What the desk knows: open alerts and their lives, day records, how far the partitions are.

Owns: the one picture that page, API, metrics and routing read. Pure: it is told everything, it reads and sends nothing
itself. Whatever it is told twice changes nothing: alerts are kept by id and transition, records and parts by their key.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from typing import Any, Final

import msgspec

from stream.core.calendar import calendar, date_of, day_of
from stream.core.policy import Policy
from stream.core.retention import Head, Part
from stream.core.schedule import NO_VERSION, Schedule
from stream.wire.encode import AlertEvent, DayRecord
from stream.wire.policies import PolicyVersion

MOST_WAITING: Final = 1000  # events of one subscriber; who reads no faster loses the oldest
CLOSED: Final = "resolved"


class Acked(msgspec.Struct, frozen=True):
    """Somebody took an alert on."""

    by: str
    at_ms: int


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """An alert's life: its CloudEvents, oldest first, when the desk first saw each (epoch ms), and who took it on."""

    life: tuple[AlertEvent, ...]
    seen_ms: tuple[int, ...]
    acked: Acked | None = None

    @property
    def last(self) -> AlertEvent:
        """The alert as it is now."""
        return self.life[-1]

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.last.data.status != CLOSED

    def told(self, event: AlertEvent, now_ms: int) -> Story | None:
        """The life with one more event; None when it says nothing new: a replay, or an older one than is known."""
        if transition(event) <= transition(self.last):
            return None
        return msgspec.structs.replace(self, life=(*self.life, event), seen_ms=(*self.seen_ms, now_ms))


def transition(event: AlertEvent) -> int:
    """Which change of its alert an event is: the n of `alert_id:n`."""
    return int(event.id.rpartition(":")[2])


async def _nowhere(_customer_id: str) -> dict[str, Any] | None:
    return None


async def _nothing(_event: dict[str, Any]) -> None:
    """Send nothing: a desk without a broker, as in tests."""


class Desk:
    """The read model. `changed` grows with every change of anything.

    `locate` asks the workers for a customer's row (None: nobody has one); `produce` writes an event to
    `customer.events`, keyed by its customer.
    """

    def __init__(
        self,
        policy: Policy,
        partitions_total: int | None = None,
        locate: Callable[[str], Awaitable[dict[str, Any] | None]] = _nowhere,
        produce: Callable[[dict[str, Any]], Awaitable[None]] = _nothing,
    ) -> None:
        """`partitions_total` is how many partitions `customer.events` has, None while that is not known."""
        self.schedule = Schedule(policy)
        self.versions: dict[date, PolicyVersion] = {}  # those of the schedule, by the day from which they are in force
        self.first_text = ""  # the first policy's TOML, for people; empty: what every setting is by default
        self.partitions_total = partitions_total
        self.locate = locate
        self.produce = produce
        self.changed = 0
        self.behind = 0  # records that the desk has still to read
        self.heads: dict[int, tuple[int, int]] = {}  # partition: (its alert clock as last published, when), epoch ms
        self.suspended: set[int] = set()
        self.closed: dict[int, Head] = {}  # how far each partition's days are
        self.parts: dict[str, Part] = {}
        self._stories: dict[str, Story] = {}
        self._open: dict[str, AlertEvent] = {}
        self._of: dict[str, set[str]] = {}  # customer: alert ids
        self._records: dict[str, DayRecord] = {}
        self._subscribers: set[asyncio.Queue[AlertEvent]] = set()

    # ------------------------------------------------------------------ what is asked

    @property
    def policy_since(self) -> date | None:
        """The day from which the policy in force is so, by the newest partition's clock; None of the first one."""
        clock_ms = max((clock for clock, _ in self.heads.values()), default=0)
        since = self.schedule.since(calendar(self.schedule.first.zone).day(clock_ms))
        return None if since == NO_VERSION else date_of(since)

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        since = self.policy_since
        return self.schedule.first if since is None else self.schedule.in_force(day_of(since))

    @property
    def policy_text(self) -> str:
        """Its TOML, for people; empty: what every setting is by default."""
        since = self.policy_since
        return self.first_text if since is None else self.versions[since].toml

    def open_alerts(self) -> list[AlertEvent]:
        """The latest event of each open alert; the one that changed last comes first."""
        return list(reversed(self._open.values()))

    def alert(self, alert_id: str) -> AlertEvent | None:
        """The latest event of an alert, None when the desk doesn't know it (any more)."""
        story = self._stories.get(alert_id)
        return story.last if story else None

    def story(self, alert_id: str) -> Story | None:
        """All that is known of an alert."""
        return self._stories.get(alert_id)

    def life(self, alert_id: str) -> list[AlertEvent]:
        """The alert's events, oldest first."""
        story = self._stories.get(alert_id)
        return list(story.life) if story else []

    def acked(self, alert_id: str) -> tuple[str, int] | None:
        """Who took the alert on, and when (epoch ms)."""
        story = self._stories.get(alert_id)
        return (story.acked.by, story.acked.at_ms) if story and story.acked else None

    def of_customer(self, customer_id: str) -> list[AlertEvent]:
        """The latest events of a customer's alerts, the newest first."""
        stories = [self._stories[one] for one in self._of.get(customer_id, ())]
        return [story.last for story in sorted(stories, key=lambda one: one.seen_ms[-1], reverse=True)]

    def recent(self, limit: int) -> list[AlertEvent]:
        """The latest openings, escalations and resolutions, newest first."""
        steps = (
            (seen, transition(event), event.id, event)
            for story in self._stories.values()
            for seen, event in zip(story.seen_ms, story.life, strict=True)
        )
        return [event for *_, event in heapq.nlargest(limit, steps, key=lambda step: step[:3])]

    def records(self) -> dict[str, DayRecord]:
        """The day records by `period:start:segment`; not to be changed."""
        return self._records

    def stories(self) -> Iterator[tuple[str, Story]]:
        """Alert ids and lives, in the order of their last change."""
        return iter(self._stories.items())

    def subscribe(self) -> asyncio.Queue[AlertEvent]:
        """A queue of what happens from now on; `unsubscribe` it in the end."""
        queue: asyncio.Queue[AlertEvent] = asyncio.Queue(MOST_WAITING)
        self._subscribers.add(queue)
        return queue

    def unsubscribe(self, queue: asyncio.Queue[AlertEvent]) -> None:
        """Tell a subscriber nothing more."""
        self._subscribers.discard(queue)

    # ------------------------------------------------------------------ what is told

    def tell_story(self, alert_id: str, story: Story | None) -> None:
        """Set an alert's life; None forgets it. Subscribers hear of what is new in it."""
        known = self._stories.pop(alert_id, None)
        self._open.pop(alert_id, None)
        self.changed += 1
        if story is None:
            self._forget(alert_id, known)
            return
        self._stories[alert_id] = story
        self._of.setdefault(story.last.data.customer_id, set()).add(alert_id)
        if story.is_open:
            self._open[alert_id] = story.last
        news = story.life[len(known.life) if known else 0 :]
        if known is not None and not news and story.acked != known.acked:
            news = (story.last,)  # somebody has it: everybody who looks should see that
        for event in news:
            for queue in self._subscribers:
                if queue.full():
                    queue.get_nowait()
                queue.put_nowait(event)

    def tell_record(self, key: str, record: DayRecord | None) -> None:
        """Set a day record, as published."""
        self.changed += 1
        if record is None:
            self._records.pop(key, None)
        else:
            self._records[key] = record

    def tell_part(self, part: Part | Head, at_ms: int) -> None:
        """Set one partition's share of a period, or how far the partition is; it was published at `at_ms`."""
        self.changed += 1
        clock_ms = self.heads.get(part.partition, (0, 0))[0]
        if isinstance(part, Head):
            self.closed[part.partition] = part
        else:
            self.parts[part.key] = part
            clock_ms = max(clock_ms, part.closed_at_ms)
        self.heads[part.partition] = (clock_ms, at_ms)

    def _forget(self, alert_id: str, known: Story | None) -> None:
        if known is not None:
            customer = known.last.data.customer_id
            self._of[customer].discard(alert_id)
            if not self._of[customer]:
                del self._of[customer]
