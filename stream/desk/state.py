"""The desk's log: what it knows of alerts and still has to send, on one compacted topic.

Owns: the form of that log, and building desk and outboxes from it. The log is the state: nothing is changed here but by
reading it, so a desk after kill -9, and every other desk of the group, knows the same. Order is what makes it safe: an
alert's deliveries stand before the alert, a group before the end of its members.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from stream.desk.kafka import KeyValue
from stream.desk.messages import Sealed
from stream.desk.model import Desk, Story
from stream.desk.outbox import Entry, Outbox, Waiting
from stream.desk.routes import Route
from stream.wire.encode import AlertEvent

MOST_CLOSED: Final = 2000  # ended alerts that are kept to be looked at

_story = msgspec.json.Decoder(Story)
_entry = msgspec.json.Decoder(Entry)
_sealed = msgspec.json.Decoder(Sealed)
_event = msgspec.json.Decoder(AlertEvent)
_log = logging.getLogger("lapse.desk")


def story_record(alert_id: str, story: Story | None) -> KeyValue:
    """An alert's life; None forgets it."""
    return f"alert:{alert_id}".encode(), None if story is None else msgspec.json.encode(story)


def entry_record(route: str, event_id: str, entry: Entry | None) -> KeyValue:
    """What a route has to be sent; None: it was, or it never will be."""
    return f"send:{route}:{event_id}".encode(), None if entry is None else msgspec.json.encode(entry)


def sealed_record(route: str, group_id: str, sealed: Sealed | None) -> KeyValue:
    """A message about many; None: it was sent."""
    return f"group:{route}:{group_id}".encode(), None if sealed is None else msgspec.json.encode(sealed)


class State:
    """Alerts in `desk`; by route, what waits in `outboxes` and the groups under way in `sealed`."""

    def __init__(self, desk: Desk, routes: Iterable[Route], changed: Callable[[str], None]) -> None:
        """`changed` is called with a route's name when there is something new for it."""
        self.desk = desk
        self.outboxes = {route.name: Outbox(route) for route in routes}
        self.sealed: dict[str, dict[str, Sealed]] = {name: {} for name in self.outboxes}
        self.strays: set[bytes] = set()  # keys of routes that are no more
        self._changed = changed

    def take(self, key: bytes, value: bytes | None, _at_ms: int) -> None:
        """Take a record of the log."""
        kind, _, rest = key.decode().partition(":")
        try:
            if kind == "alert":
                self.desk.tell_story(rest, None if value is None else _story.decode(value))
            else:
                self._take_delivery(key, kind, *rest.partition(":")[::2], value)
        except msgspec.DecodeError as error:  # of another version, whose form this one doesn't know
            _log.warning("the log's record %s can't be read and is passed over: %s", key.decode(), error)

    def closed_beyond(self, most: int = MOST_CLOSED) -> list[str]:
        """Ended alerts that are too many to keep, those that ended longest ago."""
        closed = [(story.seen_ms[-1], one) for one, story in self.desk.stories() if not story.is_open]
        closed.sort()
        return [one for _, one in closed[: max(0, len(closed) - most)]]

    def pending_of(self, customer_id: str) -> list[tuple[str, Waiting]]:
        """(route, entry) of what waits to be sent of a customer, but for the news that they were erased."""
        return [
            (name, waiting)
            for name, outbox in self.outboxes.items()
            for waiting in outbox.entries.values()
            if waiting.event.data.customer_id == customer_id and waiting.event.data.resolution != "erased"
        ]

    def _take_delivery(self, key: bytes, kind: str, route: str, one: str, value: bytes | None) -> None:
        outbox = self.outboxes.get(route)
        if outbox is None:
            (self.strays.discard if value is None else self.strays.add)(key)
            return
        if kind == "send":
            if value is None:
                outbox.remove([one])
            else:
                entry = _entry.decode(value)
                outbox.add(one, Waiting(entry, _event.decode(entry.event)))
        elif value is None:
            self.sealed[route].pop(one, None)
        else:
            sealed = self.sealed[route][one] = _sealed.decode(value)
            outbox.remove(sealed.members)
        self._changed(route)
