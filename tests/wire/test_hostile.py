"""Input that means harm: what is too much is refused with a reason, what is only odd is taken, and nothing grows."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.partition import Partition
from stream.core.policy import Policy
from stream.wire.dead import MAX_BYTES, DeadLetter, Reason
from stream.wire.decode import decode

POLICY = Policy("test")
NOW_MS = 1_800_000_000_000


def text(**fields: Any) -> bytes:
    whole = {"id": "1", "type": "session", "customer_id": "c", "time": NOW_MS, **fields}
    return json.dumps(whole, ensure_ascii=False).encode("utf-8", "surrogatepass")


def read(*texts: bytes, stamp_ms: int = NOW_MS) -> tuple[Any, list[DeadLetter]]:
    return decode(list(texts), None, stamp_ms, None, POLICY)


def reasons(*texts: bytes, stamp_ms: int = NOW_MS) -> list[Reason | None]:
    _, dead = read(*texts, stamp_ms=stamp_ms)
    found: dict[int, Reason] = {letter.record: letter.reason for letter in dead}
    return [found.get(at) for at in range(len(texts))]


def test_an_id_of_a_customer_has_1_to_256_characters() -> None:
    for one in ("c" * 256, "ü" * 256, "\U0001f6d2" * 256):
        assert reasons(text(customer_id=one)) == [None]
        assert reasons(text(customer_id=one + one[0])) == [Reason.bad_field]
    assert reasons(text(customer_id=""))[0] in {Reason.bad_field, Reason.missing_field}


def test_an_event_has_at_most_512_kB() -> None:  # noqa: N802 (the unit is written so)
    empty = len(text(more=""))
    assert reasons(text(more="x" * (MAX_BYTES - empty))) == [None]
    assert reasons(text(more="x" * (MAX_BYTES - empty + 1))) == [Reason.too_large]


@pytest.mark.parametrize(
    "when", [0, -1, 10**10, 2**63 - 1, 2**63, 10**30, -(2**63), "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
)
def test_an_absurd_time_moves_no_clock(when: Any) -> None:
    partition = Partition(POLICY, 0)
    batch, dead = read(text(time=when), text(id="2"))
    assert [letter.record for letter in dead] == [0]
    assert dead[0].reason in {Reason.time_absurd, Reason.bad_field}
    partition.apply(batch)
    assert partition.clock_ms is not None
    assert partition.clock_ms <= NOW_MS


@settings(max_examples=25)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40), min_size=1, max_size=5))
def test_ids_of_any_unicode_come_back_as_they_were(ids: list[str]) -> None:
    texts = [text(id=str(at), customer_id=one) for at, one in enumerate(ids)]
    batch, dead = read(*texts)
    refused = {letter.record for letter in dead}
    assert {at for at, one in enumerate(ids) if "\x00" in one} == refused, "NUL, and nothing else, is refused"
    partition = Partition(POLICY, 0)
    partition.apply(batch)
    keys, values = partition.changes().lists()
    after = Partition(POLICY, 0)
    after.load(keys, values)
    after.load_control(partition.control())
    for at, one in enumerate(ids):
        assert (after.table.row_of(one) is not None) == (at not in refused), one


def test_a_million_distinct_segments_are_other_and_cost_nothing() -> None:
    partition = Partition(POLICY, 0)
    before = len(partition.control())
    for first in range(0, 1_000_000, 50_000):
        batch, dead = read(
            *(
                b'{"id":"%d","type":"profile_updated","customer_id":"c","time":%d,"segment":"s%d"}' % (n, NOW_MS, n)
                for n in range(first, first + 50_000)
            )
        )
        assert not dead
        assert not batch.segment.any() or set(batch.segment.tolist()) <= {0}
        partition.apply(batch)
    assert partition.rows == 1
    assert len(partition.control()) < before + 2_000
    assert partition.gauges().customers.shape[0] == len(POLICY.segments)


def test_one_customer_with_half_the_traffic_costs_what_others_cost() -> None:
    """Events a second of one customer alone, and of as many customers: within a factor that no machine's load makes."""

    def seconds(customers: int) -> float:
        texts = [text(id=str(n), customer_id=f"c{n % customers}", time=NOW_MS + n) for n in range(20_000)]
        batch, dead = decode(texts, None, NOW_MS + 20_000, None, POLICY)
        assert not dead
        partition = Partition(POLICY, 0)
        began = time.process_time()
        partition.apply(batch)
        return time.process_time() - began

    seconds(10)  # compiled
    assert seconds(1) < 10 * seconds(10_000) + 0.1
