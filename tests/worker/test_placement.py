"""Producers that differ are noticed; those that all do the same are not."""

from __future__ import annotations

import zlib

import pytest

from stream import metrics
from stream.wire.placing import partition_of
from stream.worker.meters import Meters
from stream.worker.placement import AGAIN_SECONDS, Placement

PARTITIONS = 8
KEYS = [b"customer%d" % n for n in range(3000)]


def nobody(_partition: int, _customer: str) -> bool:
    return False


def placement(partitions: int = PARTITIONS) -> Placement:
    return Placement(partitions, Meters(), nobody)


def java(key: bytes) -> int:
    return partition_of(key, PARTITIONS)


def native(key: bytes) -> int:
    return zlib.crc32(key) % PARTITIONS


@pytest.mark.parametrize("place", [java, native])
def test_one_way_for_all_is_fine(place: object) -> None:
    assert callable(place)
    one = placement()
    assert not any(one.look(key, place(key), at, 0.0) for at, key in enumerate(KEYS))


def test_a_twentieth_placed_otherwise_is_told_once_in_a_while_and_names_nobody() -> None:
    one, said = placement(), []
    for at, key in enumerate(KEYS):
        said.append(one.look(key, native(key) if at % 20 == 7 else java(key), at, at * AGAIN_SECONDS / 2000))
    told = [text for text in said if text]
    assert 1 <= len(told) <= 2
    assert "not as murmur2 puts them" in told[0]
    assert "customer" not in told[0].replace("customers", "")


def test_no_way_at_all_is_told_and_one_partition_can_not_be_missed() -> None:
    one = placement()
    said = [one.look(key, 0 if at % 2 else java(key), at, 0.0) for at, key in enumerate(KEYS[:200])]
    assert any(said)
    assert not any(placement(1).look(key, 0, at, 0.0) for at, key in enumerate(KEYS))


def test_keys_are_counted_by_who_puts_them_there_and_one_customer_on_two_partitions_is_found() -> None:
    meters, asked = Meters(), []

    def has(partition: int, customer: str) -> bool:
        asked.append((partition, customer))
        return customer == "customer700"

    one = Placement(PARTITIONS, meters, has)
    for at, key in enumerate(KEYS[:800]):
        one.look(key, native(key) if at in {650, 700} else java(key), at, float(at))
    placed = meters.snapshot(ready=True).values
    assert asked == [(java(key), key.decode()) for key in (KEYS[650], KEYS[700]) if java(key) != native(key)]
    assert placed[metrics.SPLIT] == {(): 1}
    assert placed[metrics.PLACED][("crc32",)] == len(asked)
    assert placed[metrics.PLACED][("neither",)] == 0
    assert placed[metrics.PLACED][("murmur2",)] == sum(java(key) != native(key) for key in KEYS[:800]) - len(asked)
