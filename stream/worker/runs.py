"""What one call of consume returned, partition by partition.

Owns: telling records, ends of partitions and errors apart. The records of a partition lie together, so this costs one
comparison each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from confluent_kafka import KafkaError, Message


@dataclass(slots=True)
class Run:
    """Consecutive records of one partition; `at_end` is its end's offset if the end was seen after them."""

    partition: int
    records: list[Message]
    at_end: int | None = None
    errors: list[KafkaError] = field(default_factory=list)


def runs(messages: list[Message]) -> Iterator[Run]:
    """The runs of `messages` in their order; a partition may have several."""
    marked = any(message.error() is not None for message in messages)
    for partition, together in groupby(messages, Message.partition):
        assert partition is not None, "a message from the broker has a partition"
        run = Run(partition, list(together))
        if marked:
            _part(run)
        yield run


def _part(run: Run) -> None:
    """Take out what is no record."""
    records, run.records = run.records, []
    for message in records:
        error = message.error()
        run.at_end = None
        if error is None:
            run.records.append(message)
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 (its public name)
            run.at_end = message.offset()
        else:
            run.errors.append(error)
