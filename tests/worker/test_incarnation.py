"""The life of an assignment: what leads where, and when its clock may follow the wall clock."""

from __future__ import annotations

import pytest

from stream.worker.incarnation import NEAR_MS, TRANSITIONS, Incarnation, Signal, State
from tests.worker.standin import Counting

NOW_MS = 1_800_000_000_000
GRACE_MS = 3_600_000


def incarnation(clock_ms: int | None = None) -> Incarnation:
    one = Incarnation(3, Counting, since=0.0)
    assert isinstance(one.partition, Counting)
    one.partition.clock_ms = clock_ms
    return one


def test_the_straight_way() -> None:
    one = incarnation()
    for signal, state in ((Signal.STABLE, State.RESTORE), (Signal.EQUAL, State.RUN), (Signal.TAKEN, State.GONE)):
        one.on(signal)
        assert one.state is state


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("signal", list(Signal))
def test_what_the_table_does_not_name_is_a_bug(state: State, signal: Signal) -> None:
    one = incarnation()
    one.state = state
    if signal in TRANSITIONS[state]:
        one.on(signal)
        assert one.state is TRANSITIONS[state][signal]
    else:
        with pytest.raises(AssertionError, match="partition 3"):
            one.on(signal)


def test_every_state_but_gone_can_be_taken_and_aborted() -> None:
    for state in set(State) - {State.GONE}:
        assert TRANSITIONS[state][Signal.TAKEN] is State.GONE
        assert TRANSITIONS[state][Signal.ABORTED] is State.WAIT


def test_dropping_forgets_all_that_was_read_and_applied() -> None:
    one = incarnation(NOW_MS)
    before = one.partition
    one.state = State.RUN
    one.control, one.committed, one.read_to, one.caught_up = 5, 5, 9, True
    one.drop(now=7.0)
    assert one.partition is not before
    assert one.state is State.WAIT
    fresh = Incarnation(3, Counting, since=7.0)
    for name in ("control", "committed", "read_to", "target", "caught_up", "since"):
        assert getattr(one, name) == getattr(fresh, name), name


def test_the_clock_follows_at_the_end_of_live_events() -> None:
    one = incarnation(NOW_MS - GRACE_MS - NEAR_MS)
    one.caught_up = True
    assert one.may_follow(NOW_MS, GRACE_MS)


def test_the_clock_stays_in_a_backlog_and_in_a_replay() -> None:
    behind = incarnation(NOW_MS - GRACE_MS)
    assert not behind.may_follow(NOW_MS, GRACE_MS)
    replay = incarnation(NOW_MS - GRACE_MS - NEAR_MS - 1)
    replay.caught_up = True
    assert not replay.may_follow(NOW_MS, GRACE_MS)
    empty = incarnation(None)
    empty.caught_up = True
    assert not empty.may_follow(NOW_MS, GRACE_MS)


def test_once_live_the_clock_follows_on_but_not_while_there_is_more_to_read() -> None:
    one = incarnation(NOW_MS - GRACE_MS)
    one.caught_up = True
    assert one.may_follow(NOW_MS, GRACE_MS)
    assert one.may_follow(NOW_MS + 10 * NEAR_MS, GRACE_MS)
    one.caught_up = False
    assert not one.may_follow(NOW_MS + 10 * NEAR_MS, GRACE_MS)
