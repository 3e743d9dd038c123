"""What an error of a transaction means, and who may commit at all."""

from __future__ import annotations

import struct
from datetime import date
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from stream.core import records
from stream.core.measures import flow_names, state_names
from stream.core.policy import MOST_SEGMENTS
from stream.core.reporting import MOST_REASONS, MOST_VARIANTS
from stream.core.retention import Part
from stream.core.settings import LONGEST_TEXT
from stream.tools.broker import Kafka
from stream.wire import encode
from stream.worker import clients, topics
from stream.worker.fence import MOST_CUTS, Rival
from stream.worker.settings import Settings
from stream.worker.transaction import (
    AbortError,
    BrokenError,
    FencedError,
    StaleError,
    Transactions,
    cause_of,
    refuse_stranger,
    sorted_error,
)  # fmt: skip
from tests.support.kafka import PATIENCE_SECONDS, read_all


def failure(code: int, *, abortable: bool = False, retriable: bool = False, fatal: bool = False) -> KafkaException:
    return KafkaException(KafkaError(code, "why", fatal, retriable, abortable))


def test_only_what_is_surely_abortable_is_aborted() -> None:
    abortable = sorted_error(failure(KafkaError.ILLEGAL_GENERATION, abortable=True), "commit")
    assert type(abortable) is StaleError
    assert "commit: why" in str(abortable)
    assert type(sorted_error(failure(KafkaError.UNKNOWN_MEMBER_ID, abortable=True), "commit")) is AbortError


@pytest.mark.parametrize(
    "error",
    [
        failure(KafkaError._TIMED_OUT, retriable=True),
        failure(KafkaError.MSG_SIZE_TOO_LARGE, abortable=True),
        failure(KafkaError._STATE),
        failure(KafkaError._FATAL, fatal=True),
    ],
)
def test_everything_else_needs_a_new_producer(error: KafkaException) -> None:
    assert type(sorted_error(error, "commit")) is BrokenError


def test_being_fenced_is_told_apart() -> None:
    assert type(sorted_error(failure(KafkaError._FENCED, fatal=True), "commit")) is FencedError
    assert type(sorted_error(failure(KafkaError.PRODUCER_FENCED, abortable=True), "commit")) is FencedError


class Cut:
    """A producer of whom another has taken over: only `abort_transaction` says so."""

    def __init__(self, why: KafkaException | None) -> None:
        self.why = why

    def abort_transaction(self, _: float) -> None:
        if self.why is not None:
            raise self.why


def test_what_was_fatal_is_asked_for_where_produce_does_not_say_it() -> None:
    fatal, fenced = failure(KafkaError._FATAL, fatal=True), failure(KafkaError._FENCED, fatal=True)
    cut: Any = Cut(fenced)
    assert type(sorted_error(cause_of(cut, fatal), "produce")) is FencedError
    unsaid: Any = Cut(None)
    assert type(sorted_error(cause_of(unsaid, fatal), "produce")) is BrokenError
    other = failure(KafkaError._TIMED_OUT)
    assert cause_of(cut, other) is other


def metadata(generation: int, member: bytes) -> bytes:
    return b"CGMDv2:" + struct.pack("=i", generation) + b"lapse\x00" + member + b"\x00\x01"


def test_a_member_may_commit() -> None:
    refuse_stranger(metadata(7, b"rdkafka-1"))


@pytest.mark.parametrize(("generation", "member"), [(-1, b"rdkafka-1"), (7, b""), (-1, b"")])
def test_who_is_no_member_may_not(generation: int, member: bytes) -> None:
    with pytest.raises(AbortError):
        refuse_stranger(metadata(generation, member))


def test_metadata_of_an_unknown_form_stop_the_worker() -> None:
    with pytest.raises(AssertionError, match="unknown form"):
        refuse_stranger(b"CGMDv9:")


class Standin:
    """A producer whose broker takes offsets of generation 8 only."""

    def __init__(self) -> None:
        self.sent: list[tuple[object, ...]] = []
        self.committed: list[tuple[object, ...]] = []

    def init_transactions(self, _: float) -> None: ...
    def begin_transaction(self) -> None:
        assert not self.sent

    def produce(self, *record: object, headers: object = None) -> None:
        self.sent.append((*record, headers or {}))

    def send_offsets_to_transaction(self, _: object, group: bytes, __: float) -> None:
        if group != metadata(8, b"m"):
            raise failure(KafkaError.ILLEGAL_GENERATION, abortable=True)

    def abort_transaction(self, _: float) -> None:
        self.sent.clear()

    def commit_transaction(self, _: float) -> None:
        self.committed, self.sent = self.sent, []


def under_way() -> tuple[Standin, Transactions]:
    producer = Standin()
    transactions = Transactions(lambda: producer, lambda: None)  # type: ignore[arg-type,return-value]
    transactions.begin()
    transactions.send("alerts", b"a", b"k")
    transactions.send_all("changelog", records.of([b"x", b"y"], [b"1", None]), 3)
    transactions.send("changelog", b"c", b"control", [("life", b"l")], 3)
    return producer, transactions


def test_a_member_whose_generation_is_outdated_sends_the_same_again() -> None:
    producer, transactions = under_way()
    said, sent = iter([metadata(7, b"m")] * 3 + [metadata(8, b"m")] * 9), list(producer.sent)
    transactions.commit([], lambda: next(said))
    assert producer.committed == sent
    assert not transactions.open


@pytest.mark.parametrize("then", [metadata(8, b"another"), metadata(-1, b""), metadata(7, b"m"), metadata(9, b"m")])
def test_who_is_not_the_same_member_any_more_does_not(then: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.worker.transaction.STALE_SECONDS", 0.01)
    producer, transactions = under_way()
    said = iter([metadata(7, b"m")])
    with pytest.raises(AbortError):
        transactions.commit([], lambda: next(said, then))
    assert not producer.committed


def test_being_cut_off_again_and_again_is_a_rival() -> None:
    rival = Rival("lapse.a")
    for minute in range(10):
        rival.cut(60.0 * minute)
    for second in range(MOST_CUTS):
        rival.cut(1000.0 + second)
    with pytest.raises(RuntimeError, match=r"lapse\.a"):
        rival.cut(1010.0)


def longest(count: int) -> tuple[str, ...]:
    """So many names, each as long as a policy may have them."""
    return tuple(f"{number:02}{chr(0x1F600) * (LONGEST_TEXT - 2)}" for number in range(count))


@pytest.mark.kafka
@pytest.mark.usefixtures("_kafka_can_run")
def test_the_largest_part_that_a_policy_can_have_is_taken_by_a_broker_as_it_is_by_default(kafka: Kafka) -> None:
    variants, segments = longest(MOST_VARIANTS), longest(MOST_SEGMENTS)
    names = [*flow_names(longest(MOST_REASONS), longest(MOST_REASONS), variants), *state_names(variants)]
    part = Part(
        period="day", start=date(2026, 1, 1), partition=0, counts={segment: [2**53] * 6 for segment in segments},
        figures={segment: dict.fromkeys(names, 2**53) for segment in segments}, currency="EUR", provisional=True,
        final=False, revision=0, closed_at_ms=2**53,
    )  # fmt: skip
    key, value = encode.part(part)
    assert len(value) > 1_500_000, "what a client takes unless it is told otherwise is a million"
    topics.create(kafka.bootstrap, 1, 1)
    producer = clients.producer(Settings(kafka.bootstrap), "lapse.a")
    producer.init_transactions(PATIENCE_SECONDS)
    producer.begin_transaction()
    producer.produce(topics.PARTS, value, key)
    producer.commit_transaction(PATIENCE_SECONDS)
    assert [one.value for one in read_all(kafka.bootstrap, topics.PARTS)] == [value]
