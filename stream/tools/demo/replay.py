"""The replay: a year's events into `customer.events`, in time order, at a steady pace of event time.

Owns: producing, keyed by customer, and when which event is due. Knows neither the worker nor the screen.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from confluent_kafka import Message, Producer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DAY_MS = 86_400_000
YEAR_DAYS = 365
BURST = 2000  # events sent before looking at anything else
FLUSH_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it goes out; no key: for every partition (`clock_advanced`)."""

    time_ms: int
    key: bytes | None
    value: bytes


class Replay:
    """Sends `events`, which are in time order, so that a year takes `year_seconds` (0: as fast as it goes)."""

    def __init__(
        self, kafka: Mapping[str, object], topic: str, partitions: int, events: Sequence[Event], year_seconds: int
    ) -> None:
        self._topic = topic
        self._partitions = partitions
        self._events = events
        self._year_seconds = year_seconds
        self._next = 0
        self._began: float | None = None
        self._failed = ""
        settings = {"enable.idempotence": True, "linger.ms": 5, "partitioner": "murmur2_random"}
        self._producer = Producer({**kafka, **settings})

    @property
    def sent(self) -> int:
        """How many events were handed over so far."""
        return self._next

    @property
    def done(self) -> bool:
        """Whether all were."""
        return self._next == len(self._events)

    @property
    def day(self) -> str:
        """The day reached, in UTC."""
        return datetime.fromtimestamp(self._events[max(self._next - 1, 0)].time_ms / 1000, UTC).date().isoformat()

    @property
    def share(self) -> float:
        """How much of all was sent, 0 … 1."""
        return self._next / len(self._events)

    def step(self) -> int:
        """Send what is due by now, a burst at most; how many that was."""
        due_ms = self._due_ms()
        sent = 0
        while not self.done and sent < BURST and self._events[self._next].time_ms <= due_ms:
            self._send(self._events[self._next])
            self._next += 1
            sent += 1
        self._producer.poll(0)
        self._check()
        return sent

    def close(self) -> None:
        """Leave the cluster; what was not sent yet is dropped."""
        self._producer.purge()
        self._producer.close()

    def finish(self) -> None:
        """Wait until the broker has everything."""
        if self._producer.flush(FLUSH_SECONDS):
            message = f"the broker took none of the last events within {FLUSH_SECONDS:.0f} s"
            raise TimeoutError(message)
        self._check()

    def _due_ms(self) -> float:
        if self._year_seconds == 0:
            return float("inf")
        now = time.monotonic()
        if self._began is None:
            self._began = now
        speed = YEAR_DAYS * DAY_MS / self._year_seconds
        return self._events[0].time_ms + (now - self._began) * speed

    def _send(self, event: Event) -> None:
        where = [-1] if event.key is not None else range(self._partitions)
        for partition in where:
            while True:
                try:
                    self._producer.produce(self._topic, event.value, event.key, partition, on_delivery=self._delivered)
                    break
                except BufferError:  # the local queue is full
                    self._producer.poll(0.1)

    def _delivered(self, error: object, _message: Message) -> None:
        if error is not None:
            self._failed = str(error)

    def _check(self) -> None:
        if self._failed:
            raise ConnectionError(f"an event was not taken: {self._failed}")
