"""Which partitions' silence is not trusted: alone, together, without a leader; and that their clocks stand still."""

from __future__ import annotations

from stream.core.policy import Policy
from stream.worker.incarnation import Incarnation, State
from stream.worker.suspension import judge
from tests.worker.standin import Counting

MINUTE_MS = 60_000
NOW_MS = 1_800_000_000_000


def running(number: int, quiet_minutes: float, trust_minutes: float = 15) -> Incarnation:
    one = Incarnation(number, Counting, since=0.0)
    assert isinstance(one.partition, Counting)
    one.partition.clock_ms = NOW_MS - int(quiet_minutes * MINUTE_MS)
    one.partition.trust_ms = int(trust_minutes * MINUTE_MS)
    one.state, one.caught_up, one.live = State.RUN, True, True
    return one


def test_a_quiet_partition_beside_busy_ones_is_suspended_alone() -> None:
    busy, quiet, usual = running(0, 0.1), running(1, 16), running(2, 60, trust_minutes=120)
    judge([busy, quiet, usual], NOW_MS, ())
    assert [bool(one.suspended) for one in (busy, quiet, usual)] == [False, True, False]
    assert "16 min" in quiet.suspended
    assert not quiet.may_follow(NOW_MS, 0)
    assert usual.may_follow(NOW_MS, 0)


def test_when_all_are_quiet_the_busiest_speaks_for_them() -> None:
    busiest, rare = running(0, 16), running(1, 40, trust_minutes=600)
    judge([busiest, rare], NOW_MS, ())
    assert busiest.suspended
    assert "any partition" in rare.suspended
    judge([busiest, rare], NOW_MS - 5 * MINUTE_MS, ())
    assert not busiest.suspended
    assert not rare.suspended


def test_what_arrives_is_heard_whatever_its_event_time_is() -> None:
    slow = running(0, 20)
    slow.heard_ms = NOW_MS - 1000
    judge([slow], NOW_MS, ())
    assert not slow.suspended
    assert slow.follow_to_ms(NOW_MS) == NOW_MS - 5 * MINUTE_MS, "but the clock goes no further than event time allows"


def test_without_a_leader_at_once() -> None:
    one = running(3, 0.1)
    judge([one], NOW_MS, frozenset({3}))
    assert one.suspended == "it has no leader"
    judge([one], NOW_MS, frozenset({2}))
    assert not one.suspended


def test_a_backlog_and_a_replay_are_not_judged_by_their_silence() -> None:
    backlog, replay = running(0, 100), running(1, 100)
    backlog.caught_up = False
    assert isinstance(replay.partition, Counting)
    replay.partition.clock_ms = None
    judge([backlog, replay], NOW_MS, ())
    assert not backlog.suspended
    assert not replay.suspended


def test_a_partition_that_restores_begins_trusted() -> None:
    one = running(0, 100)
    judge([one], NOW_MS, ())
    assert one.suspended
    one.drop(now=1.0)
    assert not one.suspended


def test_the_core_tells_what_the_worker_asks() -> None:
    from stream.core.partition import Partition

    partition = Partition(Policy("test"), 0)
    assert partition.live_ms is None
    assert partition.trusted_until_ms(NOW_MS, NOW_MS + 14 * MINUTE_MS) > NOW_MS + 14 * MINUTE_MS
    assert partition.trusted_until_ms(NOW_MS, NOW_MS + 15 * MINUTE_MS) == NOW_MS + 15 * MINUTE_MS
