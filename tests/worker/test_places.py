"""Where a restored partition is read from, also where librdkafka isn't ready for that yet."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from stream.worker import places
from stream.worker.incarnation import Incarnation
from stream.worker.places import Places
from tests.worker.standin import Counting


class Consumer:
    """Keeps what it was told; refuses to seek while `refusing`."""

    def __init__(self) -> None:
        self.refusing = False
        self.assigned: list[int] = []
        self.paused: set[int] = set()
        self.at: dict[int, int] = {}

    def incremental_assign(self, found: list[TopicPartition]) -> None:
        self.assigned += [one.offset for one in found]

    def pause(self, found: list[TopicPartition]) -> None:
        self.paused |= {one.partition for one in found}

    def resume(self, found: list[TopicPartition]) -> None:
        self.paused -= {one.partition for one in found}

    def seek(self, place: TopicPartition) -> None:
        if self.refusing:
            raise KafkaException(KafkaError(KafkaError._STATE))
        self.at[place.partition] = place.offset

    def get_watermark_offsets(self, *_: Any, **__: Any) -> tuple[int, int]:
        return 0, 0


def restored(number: int, position: int) -> Incarnation:
    one = Incarnation(number, Counting, 0.0)
    one.position = position
    return one


def test_what_is_given_is_at_an_offset_and_paused() -> None:
    """Without an offset librdkafka asks for the committed one, which isn't stable after a death: no seek till then."""
    consumer: Any = Consumer()
    Places(consumer).given([TopicPartition("e", 3), TopicPartition("e", 5)])
    assert consumer.assigned == [0, 0]
    assert consumer.paused == {3, 5}


def test_one_that_can_not_be_sought_yet_keeps_what_was_restored_and_is_tried_again() -> None:
    consumer: Any = Consumer()
    there, one = Places(consumer), restored(3, 70)
    there.given([TopicPartition("e", 3)])
    consumer.refusing = True
    assert there.go_on([one]) == []
    assert there.go_on([]) == []
    assert not there.overdue()
    consumer.refusing = False
    assert there.go_on([]) == [one]
    assert (consumer.at, consumer.paused) == ({3: 70}, set())
    assert there.go_on([]) == []


def test_held_for_too_long_it_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer: Any = Consumer()
    there, one, other = Places(consumer), restored(3, 70), restored(4, 1)
    monkeypatch.setattr(places, "HOLD_SECONDS", -1.0)
    consumer.refusing = True
    there.go_on([one, other])
    there.forget(other)
    assert there.overdue() == [one]
    there.forget(one)
    consumer.refusing = False
    assert there.go_on([]) == []
