"""Day records when the desk is killed between any two of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import cast

import msgspec
import pytest

from stream.core.policy import Policy
from stream.core.retention import COUNTS, Head, Part
from stream.desk.kafka import Follower, KeyValue, Writer
from stream.desk.meters import Meters
from stream.desk.model import Desk
from stream.desk.publish import Publisher, Told, take_record
from stream.names import DAILY
from stream.wire.encode import DayRecord

SEGMENTS = ("young", "old")
DAYS = (date(2017, 1, 1), date(2017, 1, 2))
RECORDS = len(DAYS) * (1 + len(SEGMENTS))


class Killed(Exception):  # noqa: N818 (it is no error of the code under test)
    """What ends the desk."""


class Topic:
    """`retention.daily` and both of the desk's clients of it; takes `room` records, then the desk is killed."""

    def __init__(self, room: int) -> None:
        self.records: list[KeyValue] = []
        self.room = room

    async def reached(self, _topic: str, _offset: int) -> None:
        """Nothing is waited for here."""

    async def write(self, topic: str, records: Sequence[KeyValue]) -> int:
        """Append."""
        assert topic == DAILY
        for record in records:
            if len(self.records) == self.room:
                raise Killed
            self.records.append(record)
        return len(self.records) - 1


def begin(topic: Topic, *, final: bool) -> Publisher:
    """A desk that has read everything: both days' parts, closed or already final, and its own records."""
    desk = Desk(Policy("test", segments=SEGMENTS), partitions_total=1)
    for day in DAYS:
        counts = {"young": [7] * len(COUNTS), "old": [2] * len(COUNTS)}
        part = Part(
            period="day", start=day, partition=0, counts=counts, provisional=False, final=final, revision=0,
            closed_at_ms=1,
        )  # fmt: skip
        desk.tell_part(part, 1)
    end = date(2017, 1, 3)
    desk.tell_part(Head(partition=0, history_start=DAYS[0], closed_before=end, final_before=end), 1)
    for key, value in topic.records:
        take_record(desk)(key, value, 1)
    return Publisher(desk, cast("Follower", topic), cast("Writer", topic), Meters())  # it calls only the two methods


def last(topic: Topic) -> dict[bytes, DayRecord]:
    return {key: msgspec.json.decode(value or b"", type=DayRecord) for key, value in topic.records}


@pytest.mark.parametrize("survive", range(RECORDS + 1))
def test_a_desk_killed_between_any_two_records_says_the_rest_when_it_begins_again(survive: int) -> None:
    head = [Told(b"head:0", 1)]
    topic = Topic(RECORDS)
    asyncio.run(begin(topic, final=False).publish(head))
    assert len(last(topic)) == RECORDS
    assert not any(one.final for one in last(topic).values())
    topic.room = RECORDS + survive
    try:
        asyncio.run(begin(topic, final=True).publish(head))
    except Killed:
        assert survive < RECORDS
    topic.room = 9 * RECORDS
    asyncio.run(begin(topic, final=True).publish(head))
    assert all(one.final for one in last(topic).values())
    once = len(topic.records)
    asyncio.run(begin(topic, final=True).publish(head))
    assert len(topic.records) == once, "and nothing twice"
