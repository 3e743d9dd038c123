"""A customer's last events, read from the end of the partition that the customer is in.

Owns: how far back that looks. The desk keeps no events: they are asked for when somebody looks at a customer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from stream import names

FARTHEST: Final = 200_000  # records back from the end
PATIENCE_SECONDS: Final = 4.0
_STEP: Final = 20_000
_AT_ONCE: Final = 2
_FETCH_MS: Final = 500


class LastEvents:
    """Reads them; a few questions at a time, the others wait."""

    def __init__(self, connection: Mapping[str, Any]) -> None:
        """`connection` is what every aiokafka client starts from."""
        self._connection = connection
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def of(self, customer_id: str, partition: int, limit: int) -> list[dict[str, Any]] | None:
        """The customer's last events, newest first, as far as patience reaches; None when the topic can't be read."""
        found: list[dict[str, Any]] = []
        async with self._turn:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._read(customer_id.encode(), TopicPartition(names.EVENTS, partition), limit, found)
            except TimeoutError:
                pass  # what was found by then
            except KafkaError:
                return None
        return found

    async def _read(self, key: bytes, place: TopicPartition, limit: int, found: list[dict[str, Any]]) -> None:
        consumer = AIOKafkaConsumer(
            **self._connection, group_id=None, enable_auto_commit=False, isolation_level="read_committed"
        )
        await consumer.start()
        try:
            consumer.assign([place])
            first = (await consumer.beginning_offsets([place]))[place]
            end = await self._end(consumer, place, first)
            oldest = max(first, end - FARTHEST)
            while end > oldest and len(found) < limit:
                begin = max(oldest, end - _STEP)
                consumer.seek(place, begin)
                found += await self._between(consumer, place, key, end)
                end = begin
        finally:
            await consumer.stop()
        del found[limit:]

    @staticmethod
    async def _end(consumer: AIOKafkaConsumer, place: TopicPartition, first: int) -> int:
        """Where the committed records end: told by a fetch, since the embedded broker tells other ends than it has."""
        told = (await consumer.end_offsets([place]))[place]
        if told <= first:
            return first
        consumer.seek(place, told - 1)
        await consumer.getmany(place, timeout_ms=_FETCH_MS, max_records=1)
        return int(max(told, consumer.last_stable_offset(place) or 0))

    @staticmethod
    async def _between(consumer: AIOKafkaConsumer, place: TopicPartition, key: bytes, end: int) -> list[dict[str, Any]]:
        """The customer's events from where the consumer stands up to `end`, newest first."""
        mine: list[dict[str, Any]] = []
        while await consumer.position(place) < end:
            for record in (await consumer.getmany(place, timeout_ms=_FETCH_MS)).get(place, ()):
                if record.offset < end and record.key == key and record.value is not None:
                    content = _content(record.value)
                    if content is not None:
                        mine.append(content)
        return mine[::-1]


def _content(value: bytes) -> dict[str, Any] | None:
    """An event as JSON; None for what is none (those are among the dead letters)."""
    try:
        found = msgspec.json.decode(value)
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, dict) else None
