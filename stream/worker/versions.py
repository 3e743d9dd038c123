"""Versions of the policy as they arrive on `lapse.policy`, taken up without a restart.

Owns: reading that topic: to its end before the first event is applied, and then once a second. When a version comes
into force is the partitions' to say, each by its own event time (`core.schedule`). A record that is no version, or one
that would change what rows are counted by, is told and left out: the policy in force goes on.
"""

from __future__ import annotations

import logging
import time
from datetime import date
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, Message, TopicPartition

from stream.core.calendar import day_of
from stream.core.schedule import Schedule
from stream.names import POLICY
from stream.wire import policies
from stream.worker import clients
from stream.worker.settings import Settings

LOOK_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 10.0
MOST_AT_ONCE: Final = 100

_log = logging.getLogger("lapse.worker")


class Versions:
    """Adds to a schedule what stands on the topic."""

    def __init__(self, settings: Settings, schedule: Schedule) -> None:
        """Read all there is. Raises KafkaException when the topic can't be read to its end in PATIENCE_SECONDS."""
        self._schedule = schedule
        self._consumer = clients.reader(settings)
        self._consumer.assign([TopicPartition(POLICY, 0, OFFSET_BEGINNING)])
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._read(0.2):
            if time.monotonic() > deadline:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"{POLICY} can't be read"))  # noqa: SLF001
        self._looked = time.monotonic()

    def look(self, now: float) -> None:
        """Take up what is new, at most once in LOOK_SECONDS."""
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._read(0.0)

    def close(self) -> None:
        """Leave the topic."""
        self._consumer.close()

    def _read(self, wait_seconds: float) -> bool:
        """Take what has come; whether the end of the topic was seen."""
        ended = False
        for message in self._consumer.consume(MOST_AT_ONCE, wait_seconds):
            error = message.error()
            if error is None:
                self._take(message)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 — that is its name
                ended = True
            else:
                _log.warning("%s: %s", POLICY, error.str())
        return ended

    def _take(self, message: Message) -> None:
        value, key = message.value(), message.key() or b""
        if not value:  # taken back
            try:
                self._schedule.remove(day_of(date.fromisoformat(key.decode())))
                _log.info("%s: the version from %s on is taken back", POLICY, key.decode())
            except ValueError:
                _log.error("%s: offset %s is no version of a policy", POLICY, message.offset())
            return
        try:
            version, since, policy = policies.decode(value)
        except policies.VersionError as problem:
            _log.error("%s: offset %s is no version of a policy: %s", POLICY, message.offset(), problem)
            return
        wrong = self._schedule.add(day_of(since), policy)
        if wrong:
            _log.error("%s: version %s from %s on is not taken up: %s", POLICY, version.hash, since, "; ".join(wrong))
        else:
            _log.info("%s: policy %s (%s) is in force from %s on", POLICY, version.name, version.hash, since)
