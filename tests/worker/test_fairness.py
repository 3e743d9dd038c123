"""A burst of due alerts on one partition goes in pieces: others have their turns in between."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

from stream.worker.incarnation import Incarnation, State
from stream.worker.loop import Loop
from tests.worker.standin import Counting


def test_one_piece_of_a_burst_a_turn() -> None:
    now_ms = time.time_ns() // 1_000_000
    running = [Incarnation(number, Counting, since=0.0) for number in range(2)]
    for one in running:
        one.state, one.caught_up = State.RUN, True
        assert isinstance(one.partition, Counting)
        one.partition.clock_ms = now_ms
    left, done = {0: 5, 1: 1}, list[int]()

    def follow(one: Incarnation, _wall_ms: int) -> bool:
        """Partition 0 has more due than fits five transactions."""
        done.append(one.number)
        left[one.number] -= 1
        return left[one.number] > 0

    loop: Any = object.__new__(Loop)
    loop._incarnations = {one.number: one for one in running}
    loop._leaders, loop._job = SimpleNamespace(away=()), SimpleNamespace(grace_ms=0)
    loop._processor, loop._followed = SimpleNamespace(follow=follow), 0.0
    loop._commit = lambda: done.append(-1)
    cast("Loop", loop)._follow()
    assert done == [0, -1, 1], "the other partition waited for the burst"
    cast("Loop", loop)._follow()
    assert done == [0, -1, 1, 0, -1, 1], "the rest has to wait no longer than a turn"
