"""What one call of consume returned, partition by partition.

Owns: telling records, ends of partitions and errors apart. At low rates a partition comes in many small pieces; they
are put together, because a batch costs a tenth of a millisecond however small it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from confluent_kafka import KafkaError, Message, TopicPartition


@dataclass(slots=True)
class Run:
    """Records of one partition in offset order; `at_end` is its end's offset if the end was seen after them."""

    partition: int
    records: list[Message] = field(default_factory=list)
    at_end: int | None = None
    errors: list[KafkaError] = field(default_factory=list)


def runs(messages: list[Message]) -> list[Run]:
    """One run for each partition among `messages`."""
    marked = any(map(Message.error, messages))
    found: dict[int, Run] = {}
    for partition, together in groupby(messages, Message.partition):
        assert partition is not None, "a message from the broker has a partition"
        run = found.get(partition)
        if run is None:
            run = found[partition] = Run(partition)
        if marked:
            _add(run, together)
        else:
            run.records.extend(together)
    return list(found.values())


def _add(run: Run, messages: Iterable[Message]) -> None:
    """Add what may be no record."""
    for message in messages:
        error = message.error()
        run.at_end = None
        if error is None:
            run.records.append(message)
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 (its public name)
            run.at_end = message.offset()
        else:
            run.errors.append(error)


def numbers(partitions: Iterable[TopicPartition]) -> str:
    """Partitions in words, for the log."""
    return "partitions " + ", ".join(str(number) for number in sorted(one.partition for one in partitions))
