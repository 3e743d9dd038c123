"""More partitions for a system that has customers: rows go where their events will come from then on.

Owns: which records move, what a new partition begins with, and doing it in one transaction. Nothing may run meanwhile
and nothing may be unread: then a customer is on one partition before, and on one after. What no row holds (flows,
published parts) stays where it was counted: such figures are sums over the partitions.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from confluent_kafka import (
    Consumer,
    ConsumerGroupState,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewPartitions  # type: ignore[attr-defined]

from stream.core import erasures
from stream.core.control import Control
from stream.core.hashing import SEPARATOR
from stream.names import ALERTS, CHANGELOG, EVENTS
from stream.tools.cluster import quiet
from stream.wire.placing import partition_of
from stream.worker.restore import CONTROL_KEY, control_record
from stream.worker.settings import Settings

POSITION_BYTES: Final = 8
PATIENCE_SECONDS: Final = 30.0
AGAIN_SECONDS: Final = 0.2
TRANSACTION_SECONDS: Final = 600
MISPLACED_SHARE: Final = 0.01
TRANSACTIONAL_ID: Final = "repartition"

# what is said of a group while its coordinator moves, or comes up where nobody has used any group yet
_ON_ITS_WAY: Final = {
    KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.NOT_COORDINATOR,
}  # fmt: skip

Records = dict[bytes, bytes]  # of one partition's changelog, the last of each key


class RepartitionError(RuntimeError):
    """It can't be done now; the text says what to do first."""


@dataclass(slots=True)
class Moves:
    """What is to be written: partition → key → value (None: gone), and the partitions that begin at offset 0."""

    writes: dict[int, dict[bytes, bytes | None]] = field(default_factory=dict)
    begin: list[int] = field(default_factory=list)
    customers: int = 0

    def write(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Have a record written."""
        self.writes.setdefault(partition, {})[key] = value


def moves(changelog: Mapping[int, Records], partitions: int) -> Moves:
    """What brings every customer to the partition of their key, among so many. Doing it twice does nothing more.

    Raises RepartitionError where the partitions aren't equally far.
    """
    controls = {
        number: _control(records[CONTROL_KEY]) for number, records in changelog.items() if CONTROL_KEY in records
    }
    if not controls:
        raise RepartitionError("there are no customers yet: delete the topics and make them with more partitions")
    days = {(control.open_day, control.final_day) for control in controls.values()}
    if len(days) > 1 or len(controls) < len([one for one in changelog.values() if one]):
        raise RepartitionError(
            "the partitions' clocks stand on different days: send a `clock_advanced` to each, and wait for the workers"
        )
    _refuse_other_partitioner(changelog, {len(controls), len(changelog)})
    found = Moves()
    erased = {key: value for records in changelog.values() for key, value in records.items() if _is_erasure(key)}
    for number, records in changelog.items():
        for key, value in records.items():
            place = number if key.startswith(SEPARATOR) else partition_of(key, partitions)
            if place != number:
                found.write(place, key, value)
                found.write(number, key, None)
                found.customers += 1
    first = _beginning(list(controls.values()))
    for number in range(partitions):
        for key, value in erased.items():  # whose they are can't be read off them, so they go everywhere
            if changelog.get(number, {}).get(key) != value:
                found.write(number, key, value)
        if number not in controls:
            found.write(number, CONTROL_KEY, control_record(0, msgspec.json.encode(first)))
            found.begin.append(number)
    return found


def _refuse_other_partitioner(changelog: Mapping[int, Records], counts: set[int]) -> None:
    """Customers must lie where murmur2 puts them; `counts`: of partitions before, and of an interrupted run."""
    places = [(key, number) for number, of in changelog.items() for key in of if not key.startswith(SEPARATOR)]
    wrong = min(sum(partition_of(key, count) != number for key, number in places) for count in counts)
    if wrong > MISPLACED_SHARE * len(places):
        raise RepartitionError(
            f"{wrong:,} of {len(places):,} customers don't lie where murmur2 puts them: have all producers use it first"
        )


def _is_erasure(key: bytes) -> bool:
    return key.startswith(erasures.KEY)


def _control(record: bytes) -> Control:
    return msgspec.json.decode(record[POSITION_BYTES:], type=Control)


def _beginning(controls: list[Control]) -> Control:
    """What a new partition begins with: as far as the others, nothing published.

    Its rhythm, and the outages it knows of, are at first those of another partition of the same input.
    """
    days = [control.first_day for control in controls if control.first_day is not None]
    return msgspec.structs.replace(
        min(controls, key=lambda control: control.alert_ms),
        max_ms=min(control.max_ms for control in controls),
        first_day=min(days, default=None), late_change=False, published={}, ended=[], leads={},
    )  # fmt: skip


def run(settings: Settings, partitions: int) -> int:
    """Do it; how many customers moved. Raises RepartitionError, KafkaException."""
    admin = AdminClient(quiet(settings))
    _refuse_while_running(admin, settings.group)
    there = admin.list_topics(timeout=PATIENCE_SECONDS).topics
    have = {name: len(there[name].partitions) for name in (EVENTS, CHANGELOG, ALERTS) if name in there}
    if len(have) < 3 or max(have.values()) > partitions:  # noqa: PLR2004 (three topics)
        raise RepartitionError(f"there are {have}: Kafka can't take partitions away")
    reader = Consumer({**quiet(settings), "group.id": settings.group, "isolation.level": "read_committed",
                       "enable.auto.commit": False, "enable.partition.eof": True})  # fmt: skip
    try:
        changelog = {number: _read(reader, number) for number in range(have[CHANGELOG])}
        _refuse_unread(reader, changelog, have[EVENTS])
        found = moves(changelog, partitions)
        more = [NewPartitions(name, partitions) for name, count in have.items() if count < partitions]
        for future in (admin.create_partitions(more) if more else {}).values():
            future.result(PATIENCE_SECONDS)
        _write(settings, reader, found)
    finally:
        reader.close()
    return found.customers


def _refuse_while_running(admin: AdminClient, group: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            found: Any = admin.describe_consumer_groups([group])[group].result(PATIENCE_SECONDS)
            break
        except KafkaException as error:
            code = error.args[0].code()
            if code == KafkaError.GROUP_ID_NOT_FOUND:
                return
            if code not in _ON_ITS_WAY or time.monotonic() > deadline:
                raise
            time.sleep(AGAIN_SECONDS)
    if found.state not in (ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD):
        raise RepartitionError(f"workers of group {group} are running: stop the producers, wait for lag 0, stop these")


def _read(reader: Consumer, number: int) -> Records:
    """The last record of each key of a changelog partition."""
    found: Records = {}
    reader.assign([TopicPartition(CHANGELOG, number, 0)])
    while True:
        for message in reader.consume(50_000, 1.0):
            error, key = message.error(), message.key()
            if error is not None and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 (its public name)
                return found
            if error is not None:
                raise KafkaException(error)
            value = message.value()
            assert isinstance(key, bytes)
            if value is None:
                found.pop(key, None)
            else:
                found[key] = value


def _refuse_unread(reader: Consumer, changelog: Mapping[int, Records], events: int) -> None:
    asked = [TopicPartition(EVENTS, number) for number in range(events)]
    for place in reader.committed(asked, PATIENCE_SECONDS):
        low, end = reader.get_watermark_offsets(TopicPartition(EVENTS, place.partition), PATIENCE_SECONDS)
        done = max(place.offset, low)
        if done < end:
            raise RepartitionError(
                f"partition {place.partition} has {end - done} events that no worker has read: let the workers finish"
            )
        control = changelog.get(place.partition, {}).get(CONTROL_KEY)
        if control is not None and int.from_bytes(control[:POSITION_BYTES], "big") != place.offset:
            raise RepartitionError(f"partition {place.partition}: offset and changelog differ: let workers run")


def _write(settings: Settings, reader: Consumer, found: Moves) -> None:
    """All of it or nothing."""
    producer = Producer({
        **quiet(settings), "transactional.id": f"{settings.group}.{TRANSACTIONAL_ID}", "compression.type": "lz4",
        "transaction.timeout.ms": TRANSACTION_SECONDS * 1000, "linger.ms": 20,
    })  # fmt: skip
    producer.init_transactions(PATIENCE_SECONDS)
    producer.begin_transaction()
    for number, records in found.writes.items():
        for key, value in records.items():
            while True:
                try:
                    producer.produce(CHANGELOG, value, key, number)
                    break
                except BufferError:  # the local queue is full
                    producer.poll(0.1)
    offsets = [TopicPartition(EVENTS, number, 0) for number in found.begin]
    if offsets:
        producer.send_offsets_to_transaction(offsets, reader.consumer_group_metadata(), PATIENCE_SECONDS)
    producer.commit_transaction(TRANSACTION_SECONDS)
