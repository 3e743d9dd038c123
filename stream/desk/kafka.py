"""The desk's own clients beside Faust's agents: one that follows compacted topics, one that writes.

Owns: reading topics of one partition from their beginning, for ever, and knowing how far that is; writes that are
waited for. Knows nothing of what is in a record. Faust's tables would do neither: see decision 0040.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

Handler = Callable[[bytes, bytes | None, int], None]  # key, value (None: forget the key), epoch ms
KeyValue = tuple[bytes, bytes | None]

_POLL_MS: Final = 200
_SLICE: Final = 2000
_REQUEST_MS: Final = 30_000


class Follower:
    """Reads topics of one partition each, from their beginning; committed records only."""

    def __init__(self, connection: Mapping[str, Any], handlers: Mapping[str, Handler]) -> None:
        """`handlers` by topic; each is given every record in the order of its topic."""
        self._connection = connection
        self._handlers = {TopicPartition(topic, 0): handler for topic, handler in handlers.items()}
        self._next = dict.fromkeys(self._handlers, 0)
        self._moved = asyncio.Condition()
        self._consumer: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Connect, and return when everything that is there now has been handled."""
        self._consumer = AIOKafkaConsumer(
            **self._connection,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=100,
            request_timeout_ms=_REQUEST_MS,
        )
        await self._consumer.start()
        places = list(self._handlers)
        self._consumer.assign(places)
        ends = await self._consumer.end_offsets(places)
        while any(self._next[place] < ends[place] for place in places):
            await self._step()

    async def run(self) -> None:
        """Follow for ever."""
        while True:
            await self._step()

    async def stop(self) -> None:
        """Leave the cluster."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def reached(self, topic: str, offset: int) -> None:
        """Return when the record at this offset has been handled."""
        place = TopicPartition(topic, 0)
        async with self._moved:
            await self._moved.wait_for(lambda: self._next[place] > offset)

    def next_offset(self, topic: str) -> int:
        """The offset that is read next."""
        return self._next[TopicPartition(topic, 0)]

    async def _step(self) -> None:
        assert self._consumer is not None, "started"
        found = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_SLICE)
        for place, records in found.items():
            handle = self._handlers[place]
            for record in records:
                if record.key is not None:
                    handle(record.key, record.value, record.timestamp)
        for place in self._handlers:
            # not the last record's: the mark at the end of a transaction is a record too
            self._next[place] = max(self._next[place], await self._consumer.position(place))
        async with self._moved:
            self._moved.notify_all()


class Writer:
    """Writes records, and returns when the cluster has them for good."""

    def __init__(self, connection: Mapping[str, Any]) -> None:
        """Records of one call are kept in their order: aiokafka has one request under way to a broker."""
        self._connection = connection
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect."""
        # Its partitioner is Java's murmur2: events go where other producers put the same customer. Not idempotent in
        # Kafka's sense, which the embedded broker refuses: a batch that comes twice says the same twice.
        self._producer = AIOKafkaProducer(
            **self._connection, acks="all", compression_type="lz4", request_timeout_ms=_REQUEST_MS
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Leave the cluster."""
        if self._producer is not None:
            await self._producer.stop()

    async def write(self, topic: str, records: Sequence[KeyValue], partition: int | None = 0) -> int:
        """Write records; the offset of the last one, −1 for none. Raises KafkaError when the cluster won't have them.

        With `partition` None, each goes where its key belongs.
        """
        assert self._producer is not None, "started"
        sent: list[Awaitable[Any]] = [
            await self._producer.send(topic, key=key, value=value, partition=partition) for key, value in records
        ]
        done = await asyncio.gather(*sent)
        return max((one.offset for one in done), default=-1)
