"""One transaction at a time: what is sent in it, its offsets, its commit, and what an error in it means.

Owns: the producer. Errors come in two kinds: `AbortError`: abort, restore what was touched, go on with this producer.
`BrokenError`: the outcome is unknown or the producer unusable: a new producer, and every partition restores.
Knows nothing of partitions' states nor of what the records mean.
"""

from __future__ import annotations

import logging
import struct
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError, KafkaException, Producer

from stream.worker import direct

if TYPE_CHECKING:
    from confluent_kafka import TopicPartition

    from stream.core.records import Records
    from stream.wire.dead import Headers

CALL_SECONDS: Final = 5.0  # each call's own limit; the watchdog's is 15 s, for calls that don't keep theirs
FULL_SECONDS: Final = 10.0  # how long a full queue may stay full
STALE_SECONDS: Final = 1.0  # the answer with the new generation is a few milliseconds behind
_PAUSE_SECONDS: Final = 0.002
_MOST_REPEATS: Final = 3
CONNECT_SECONDS: Final = 60.0  # how long a cluster may be away before the worker gives up


_log = logging.getLogger("lapse.transaction")
_METADATA = b"CGMDv2:"


class AbortError(Exception):
    """The transaction can't be committed; nothing of it will be seen. The producer is good."""


class StaleError(AbortError):
    """Only the group's generation was another: members came or went while the transaction was under way."""


class BrokenError(Exception):
    """It is not known what became of the transaction, or the producer can't be used any more."""


class FencedError(BrokenError):
    """Another producer took the transactional id."""


class Transactions:
    """The transactions of one slot."""

    def __init__(self, connect: Callable[[], Producer], alive: Callable[[], None]) -> None:
        """`connect` makes a producer; `alive` is called between the tries of something that takes long."""
        self._connect = connect
        self._alive = alive
        self.open = False
        self.since = 0.0  # monotonic seconds of `begin`
        self._sent: list[Callable[[], None]] = []  # since `begin`, to be done again
        self._producer = self._new()

    def begin(self) -> None:
        """Open a transaction."""
        assert not self.open, "a transaction is open"
        self._call(self._producer.begin_transaction)
        self.open = True
        self.since = time.monotonic()
        self._sent = []

    def send(
        self, topic: str, value: bytes | None, key: bytes | None, headers: Headers | None = None, partition: int = -1
    ) -> None:
        """Send one record, to the partition of its key unless another is given."""
        self._insist(topic, value, key, partition, headers or [])
        self._sent.append(partial(self.send, topic, value, key, headers, partition))

    def send_all(self, topic: str, records: Records, partition: int) -> None:
        """Send many records to one partition: the hot path."""
        left = direct.produce(self._producer, topic, records, partition)
        if left:  # why shows when it is tried again
            keys, values = records.lists()
            for i in left:
                self._insist(topic, values[i], keys[i], partition, [])
        self._sent.append(partial(self.send_all, topic, records, partition))

    def commit(self, offsets: list[TopicPartition], group: Callable[[], object]) -> None:
        """Commit all that was sent together with the offsets; `group` is asked for the group's metadata of now.

        A survivor of somebody's death would often be refused for its generation alone, and restoring for that would
        take its partitions away for as long as those of the dead. While no callback is served nothing is taken from a
        member that stays one, so the same may be sent again under the new generation.
        """
        for repeats in range(_MOST_REPEATS + 1):
            now = group()
            refuse_stranger(now)
            try:
                self._call(self._producer.send_offsets_to_transaction, offsets, now, CALL_SECONDS)
                break
            except StaleError:
                if repeats == _MOST_REPEATS or not _renewed(now, group):
                    raise
                self._repeat()
        self._call(self._producer.commit_transaction, CALL_SECONDS)
        self.open = False
        self._sent = []

    def _repeat(self) -> None:
        """Abort, and send the same once more."""
        sent, since = self._sent, self.since
        _log.info("the group has a new generation: sending again")
        self._alive()
        self.abort()
        self.begin()
        self.since = since
        for again in sent:
            again()

    def abort(self) -> None:
        """Take back everything since `begin`."""
        if self.open:
            self.open = False  # also where the abort fails: nothing of it may ever be committed
            self._call(self._producer.abort_transaction, CALL_SECONDS)

    def renew(self) -> None:
        """Take a new producer in place of this one, which cuts off whatever this one left open."""
        try:
            self._producer.purge(blocking=False)
        except KafkaException as error:
            _log.debug("purge: %s", error)
        self._producer = self._new()
        self.open = False

    def _new(self) -> Producer:
        """Connect and take over the transactional id. Raises ConnectionError when the cluster stays away."""
        producer = self._connect()
        deadline = time.monotonic() + CONNECT_SECONDS
        while True:
            self._alive()
            try:
                producer.init_transactions(CALL_SECONDS)
            except KafkaException as error:
                cause = error.args[0]
                if not cause.retriable():
                    producer = self._connect()
                if time.monotonic() > deadline or cause.code() in _REFUSED:
                    raise ConnectionError(f"no transactions with this cluster: {cause.str()}") from error
                _log.warning("no transactions yet: %s", cause.str())
                time.sleep(0.2)
            else:
                return producer

    def _insist(self, topic: str, value: bytes | None, key: bytes | None, partition: int, headers: Headers) -> None:
        deadline = time.monotonic() + FULL_SECONDS
        while True:
            try:
                self._producer.produce(topic, value, key, partition, headers=dict(headers))
            except BufferError:  # the local queue is full
                if time.monotonic() > deadline:
                    raise BrokenError(f"the broker took no record for {FULL_SECONDS:.0f} s") from None
                self._producer.poll(0.02)
            except KafkaException as error:
                raise sorted_error(cause_of(self._producer, error), "produce") from error
            else:
                return

    def _call(self, call: Callable[..., object], *args: object) -> None:
        try:
            call(*args)
        except KafkaException as error:
            raise sorted_error(cause_of(self._producer, error), call.__name__) from error


_REFUSED: Final = {
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError._AUTHENTICATION,  # noqa: SLF001 (its public name)
}
FENCED: Final = {KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH}  # noqa: SLF001


def cause_of(producer: Producer, error: KafkaException) -> KafkaException:
    """What went wrong: most calls say only that something fatal did before, `abort_transaction` says what."""
    if error.args[0].code() != KafkaError._FATAL:  # noqa: SLF001 (its public name)
        return error
    try:
        producer.abort_transaction(CALL_SECONDS)
    except KafkaException as fatal:
        return fatal
    return error


def sorted_error(error: KafkaException, during: str) -> AbortError | BrokenError:
    """What a failed call of a transaction means: anything that is not surely abortable is broken."""
    cause = error.args[0]
    text = f"{during}: {cause.str()} ({cause.name()})"
    if cause.code() in FENCED:
        return FencedError(text)
    # after an abort for a record that is too large the next transaction was seen to fail as well
    if cause.txn_requires_abort() and cause.code() != KafkaError.MSG_SIZE_TOO_LARGE:
        return (StaleError if cause.code() == KafkaError.ILLEGAL_GENERATION else AbortError)(text)
    return BrokenError(text)


def refuse_stranger(group: object) -> None:
    r"""Raise AbortError for group metadata without a generation or a member: a broker would accept it unfenced.

    >>> refuse_stranger(b"CGMDv2:\x01\x00\x00\x00lapse\x00member\x00\x01")
    """
    generation, member = _member(group)
    if generation < 0 or not member:
        raise AbortError("this worker is no member of its group at the moment")


def _member(group: object) -> tuple[int, bytes]:
    """Generation and member id."""
    assert isinstance(group, bytes), "librdkafka's group metadata were bytes"
    assert group.startswith(_METADATA), f"unknown form of group metadata: {group[:16]!r}"
    generation: int = struct.unpack_from("=i", group, len(_METADATA))[0]
    return generation, group[len(_METADATA) + 4 :].split(b"\x00")[1]


def _renewed(before: object, group: Callable[[], object]) -> bool:
    """Wait for another generation; whether it came, and this is the same member as before."""
    generation, member = _member(before)
    until = time.monotonic() + STALE_SECONDS
    while time.monotonic() < until:
        now = _member(group())
        if now[0] != generation:
            return now[0] >= 0 and now[1] == member
        time.sleep(_PAUSE_SECONDS)
    return False
