"""What the desk does with a batch of alerts, and how anything it remembers becomes durable.

Owns: the order of writes to the desk's log, on which rests that no delivery is ever lost; acknowledging; erasing. Read
`take_alerts` first. Knows nothing of Faust and HTTP.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from stream.desk.kafka import Follower, KeyValue, Writer
from stream.desk.model import Acked, Story
from stream.desk.outbox import Entry
from stream.desk.state import State, entry_record, story_record
from stream.names import DESK, EVENTS
from stream.wire.encode import AlertEvent

PRUNE_EVERY: Final = 500  # alerts

_decode = msgspec.json.Decoder(AlertEvent).decode
_log = logging.getLogger("lapse.desk")


def now_ms() -> int:
    """The wall clock, epoch ms."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Published:
    """A record of `churn.alerts`."""

    value: bytes
    partition: int


class Engine:
    """Turns alerts into the log's records."""

    def __init__(self, state: State, follower: Follower, writer: Writer) -> None:
        """The follower reads what the writer wrote back into the state."""
        self.state = state
        self._follower = follower
        self._writer = writer
        self._since_prune = 0

    async def remember(self, records: Sequence[KeyValue]) -> None:
        """Write to the log, and return when the state knows it."""
        if records:
            await self._follower.reached(DESK, await self._writer.write(DESK, records))

    async def send_elsewhere(self, topic: str, records: Sequence[KeyValue], partition: int | None = 0) -> None:
        """Write to another topic, and return when the cluster has it."""
        await self._writer.write(topic, records, partition)

    async def take_alerts(self, batch: Sequence[Published]) -> None:
        """Remember what a batch says and what has to be sent of it; only then may its offsets be committed.

        A replayed event is known by its alert and n, and says nothing new.
        """
        stories: dict[str, Story | None] = {}
        told: list[AlertEvent] = []
        records: list[KeyValue] = []
        now = now_ms()
        for one in batch:
            event = _read(one.value)
            if event is None:
                continue
            told.append(event)
            alert_id = event.data.alert_id
            known = stories[alert_id] if alert_id in stories else self.state.desk.story(alert_id)
            story = Story(life=(event,), seen_ms=(now,)) if known is None else known.told(event, now)
            if story is None:
                continue
            # the deliveries first: whoever finds the alert in the log may be sure that they are in it as well
            entry = Entry(event=msgspec.Raw(one.value), since_ms=now, partition=one.partition)
            wanting = [name for name, box in self.state.outboxes.items() if box.route.wants(story.life)]
            records += [entry_record(route, event.id, entry) for route in wanting]
            if event.data.resolution == "erased":
                records += self._forgotten(event.data.customer_id, stories, told)
            else:
                stories[alert_id] = story
                records.append(story_record(alert_id, story))
            self._since_prune += 1
        await self.remember(records)
        if self._since_prune >= PRUNE_EVERY:
            self._since_prune = 0
            await self.remember([story_record(one, None) for one in self.state.closed_beyond()])

    async def forget(self, customers: Collection[str]) -> None:
        """Forget the closed alerts of customers who were erased; open ones end as erased on `churn.alerts`."""
        closed = {
            event.data.alert_id
            for customer in customers
            for event in self.state.desk.of_customer(customer)
            if event.type == "churn.alert.resolved"
        }
        waiting = [
            entry_record(route, one.event.id, None)
            for customer in customers
            for route, one in self.state.pending_of(customer)
            if one.alert_id in closed
        ]
        await self.remember([*waiting, *(story_record(one, None) for one in sorted(closed))])

    def _forgotten(self, customer: str, stories: dict[str, Story | None], told: Sequence[AlertEvent]) -> list[KeyValue]:
        """Forget a customer, also in what still waits to be sent; that they were erased is sent nevertheless.

        `stories` and `told` are what this batch said of anybody, which the log doesn't know yet.
        """
        mine = [event for event in told if event.data.customer_id == customer]
        ids = {one.data.alert_id for one in (*self.state.desk.of_customer(customer), *mine)}
        stories.update(dict.fromkeys(ids))
        unsent = [event.id for event in mine if event.data.resolution != "erased"]
        waiting = {(route, one.event.id) for route, one in self.state.pending_of(customer)}
        waiting |= {(route, one) for route in self.state.outboxes for one in unsent}
        return [
            *(entry_record(route, one, None) for route, one in sorted(waiting)),
            *(story_record(one, None) for one in sorted(ids)),
        ]

    async def produce(self, event: dict[str, Any]) -> None:
        """Write an event of a customer to `customer.events`; an acknowledgement is noted here as well."""
        customer = str(event["customer_id"])
        row = await self.state.desk.locate(customer)
        # where their row is, however the sources place customers
        place = int(row["partition"]) if row else None
        await self.send_elsewhere(EVENTS, [(customer.encode(), msgspec.json.encode(event))], place)
        if event.get("type") == "alert_acked":
            story = self.state.desk.story(str(event.get("alert_id")))
            if story is not None:
                acked = Acked(str(event.get("by", "")), now_ms())
                story = msgspec.structs.replace(story, acked=acked)
                await self.remember([story_record(story.last.data.alert_id, story)])


def _read(value: bytes) -> AlertEvent | None:
    try:
        return _decode(value)
    except msgspec.DecodeError as error:  # of another version; nothing is gained by standing still
        _log.warning("a record of churn.alerts is no alert and is passed over: %s", error)
        return None
