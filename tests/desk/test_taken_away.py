"""A partition that is taken away while the desk asks how far it is: it isn't the desk's any more, and no failure."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError

from stream.desk.main import Process

KEPT, TAKEN = (TopicPartition("churn.alerts", number) for number in range(2))


@pytest.mark.parametrize("asked", ["highwater", "position"])
def test_of_a_partition_that_was_taken_nothing_is_known(asked: str) -> None:
    def highwater(one: TopicPartition) -> int:
        assert one == KEPT or asked != "highwater", "as aiokafka has it"
        return 7

    async def position(one: TopicPartition) -> int:
        if one == TAKEN:
            raise IllegalStateError(f"Partition {one} is not assigned")
        return 4

    desk = object.__new__(Process)
    consumer = SimpleNamespace(assignment=lambda: {KEPT, TAKEN}, highwater=highwater, position=position)
    desk._app = SimpleNamespace(consumer=consumer)  # type: ignore[assignment]
    assert asyncio.run(desk._unread()) == (7 - 4) + 1
