"""What an error of a transaction means, and who may commit at all."""

from __future__ import annotations

import struct

import pytest
from confluent_kafka import KafkaError, KafkaException

from stream.worker.fence import MOST_CUTS, Rival
from stream.worker.transaction import AbortError, BrokenError, FencedError, refuse_stranger, sorted_error


def failure(code: int, *, abortable: bool = False, retriable: bool = False, fatal: bool = False) -> KafkaException:
    return KafkaException(KafkaError(code, "why", fatal, retriable, abortable))


def test_only_what_is_surely_abortable_is_aborted() -> None:
    abortable = sorted_error(failure(KafkaError.ILLEGAL_GENERATION, abortable=True), "commit")
    assert type(abortable) is AbortError
    assert "commit: why" in str(abortable)


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


def test_being_cut_off_again_and_again_is_a_rival() -> None:
    rival = Rival("lapse.a")
    for minute in range(10):
        rival.cut(60.0 * minute)
    for second in range(MOST_CUTS):
        rival.cut(1000.0 + second)
    with pytest.raises(RuntimeError, match=r"lapse\.a"):
        rival.cut(1010.0)
