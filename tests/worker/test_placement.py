"""Producers that differ are noticed; those that all do the same are not."""

from __future__ import annotations

import zlib

import pytest

from stream.wire.placing import partition_of
from stream.worker.placement import AGAIN_SECONDS, Placement

PARTITIONS = 8
KEYS = [b"customer%d" % n for n in range(3000)]


def java(key: bytes) -> int:
    return partition_of(key, PARTITIONS)


def native(key: bytes) -> int:
    return zlib.crc32(key) % PARTITIONS


@pytest.mark.parametrize("place", [java, native])
def test_one_way_for_all_is_fine(place: object) -> None:
    assert callable(place)
    one = Placement(PARTITIONS)
    assert not any(one.look(key, place(key), at, 0.0) for at, key in enumerate(KEYS))


def test_a_twentieth_placed_otherwise_is_told_once_in_a_while_and_names_nobody() -> None:
    one, said = Placement(PARTITIONS), []
    for at, key in enumerate(KEYS):
        said.append(one.look(key, native(key) if at % 20 == 7 else java(key), at, at * AGAIN_SECONDS / 2000))
    told = [text for text in said if text]
    assert 1 <= len(told) <= 2
    assert "not as murmur2 puts them" in told[0]
    assert "customer" not in told[0].replace("customers", "")


def test_no_way_at_all_is_told_and_one_partition_can_not_be_missed() -> None:
    one = Placement(PARTITIONS)
    said = [one.look(key, 0 if at % 2 else java(key), at, 0.0) for at, key in enumerate(KEYS[:200])]
    assert any(said)
    assert not any(Placement(1).look(key, 0, at, 0.0) for at, key in enumerate(KEYS))
