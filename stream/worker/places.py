"""From where the group's consumer goes on with a partition: nowhere until it is restored, then at its own position.

Owns: assigning, pausing, seeking and resuming; a partition that can't be sought yet is held and tried again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from stream.worker import clients
from stream.worker.incarnation import Incarnation
from stream.worker.topics import EVENTS

HOLD_SECONDS: Final = 5.0

_log = logging.getLogger("lapse.worker")


class Places:
    """The places of one consumer."""

    def __init__(self, consumer: Consumer) -> None:
        """Nothing is assigned yet."""
        self._consumer = consumer
        self._held: dict[Incarnation, float] = {}  # since when

    def given(self, partitions: list[TopicPartition]) -> None:
        """Assign, and read nothing for now.

        At any offset, as it is set before anything is read: without one librdkafka would ask for the committed one and
        wait until it is stable, so that a partition whose owner has died could not be sought when it was restored.
        """
        self._consumer.incremental_assign([TopicPartition(one.topic, one.partition, 0) for one in partitions])
        if partitions:
            self._consumer.pause(partitions)

    def go_on(self, ready: Iterable[Incarnation]) -> list[Incarnation]:
        """Consume from their own positions, and from those of whom that failed before; those that do so now."""
        going = []
        for one in dict.fromkeys([*self._held, *ready]):
            place = TopicPartition(EVENTS, one.number, one.position)
            one.caught_up = False
            try:
                self._consumer.seek(place)
                self._consumer.resume([place])
            except KafkaException as error:
                self.pause(one)
                if one not in self._held:
                    self._held[one] = time.monotonic()
                    _log.info("partition %d can't be read yet: %s", one.number, error.args[0].str())
            else:
                self._held.pop(one, None)
                going.append(one)
        if going:
            clients.wake(self._consumer, EVENTS, going[0].number)
        return going

    def overdue(self) -> list[Incarnation]:
        """Those that are held for too long."""
        return [one for one, since in self._held.items() if time.monotonic() - since > HOLD_SECONDS]

    def pause(self, one: Incarnation) -> None:
        """Read no more of it for now."""
        try:
            self._consumer.pause([TopicPartition(EVENTS, one.number)])
        except KafkaException as error:  # taken meanwhile; the callback tells
            _log.debug("pause %d: %s", one.number, error)

    def forget(self, one: Incarnation) -> None:
        """It is another's, or not restored any more."""
        self._held.pop(one, None)
