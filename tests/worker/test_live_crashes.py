"""What falls due by the wall clock while workers die or stand still: each alert once, and those of a replay of the log.

`tests.chaos` kills workers over events of the past, where only events move the clock. Here no event comes: each commit
is of the clock alone.
"""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from stream.tools.broker import Kafka
from stream.worker import topics
from tests.chaos import oracle
from tests.rules.shopping import GRACE_MS, PARTITIONS, Group, Shop
from tests.simulation.log import latest
from tests.simulation.order import alert
from tests.support.kafka import read_all
from tests.support.waiting import until
from tests.worker.running import Worker, wait_done

CUSTOMERS = 2_500  # a hundred a second fall silent
SOON_MS = 30_000  # until the first: the history has to be read by then
FIRST_KILL, PAUSE, GOES_ON, SECOND_KILL = 4.0, 8.0, 15.5, 19.0  # seconds since the first; a session is 6 s


@pytest.mark.kafka
@pytest.mark.slow
def test_each_alert_comes_once_whoever_dies(kafka: Kafka, tmp_path: Path) -> None:
    bootstrap, shop, now_ms = kafka.bootstrap, Shop(kafka.bootstrap), time.time_ns() // 1_000_000
    topics.create(bootstrap, PARTITIONS, 1)
    begins_ms = now_ms + SOON_MS
    shop.history([Group("quiet", CUSTOMERS, begins_ms - GRACE_MS)], tmp_path, now_ms)
    shop.live(now_ms)
    total = len(read_all(bootstrap, topics.EVENTS))
    with ExitStack() as running:
        first, second = (running.enter_context(Worker(bootstrap, slot, "default")) for slot in "ab")
        wait_done(bootstrap, PARTITIONS, total)
        assert not _silent(bootstrap), "nobody is silent yet"
        _at(begins_ms, FIRST_KILL)
        first.kill()
        first = running.enter_context(Worker(bootstrap, "a", "default"))
        _at(begins_ms, PAUSE)
        second.send(signal.SIGSTOP)
        _at(begins_ms, GOES_ON)
        second.send(signal.SIGCONT)
        _at(begins_ms, SECOND_KILL)
        first.kill()
        first = running.enter_context(Worker(bootstrap, "c", "default"))
        everybody = {f"quiet-{number}" for number in range(CUSTOMERS)}
        until(
            lambda: _silent(bootstrap) >= everybody,
            lambda: f"not told: {sorted(everybody - _silent(bootstrap))[:20]}", again=0.5,
        )  # fmt: skip
        shop.clock(time.time_ns() // 1_000_000)  # so that the log says it too
        wait_done(bootstrap, PARTITIONS, total + PARTITIONS)
        assert (first.stop()[0], second.stop()[0]) == (0, 0)
    undisturbed, _ = oracle.undisturbed_run(bootstrap, "default", PARTITIONS)
    wanted = [one for of in undisturbed.values() for one in of]
    assert _alerts(read_all(bootstrap, topics.ALERTS)) == _alerts(one for one in wanted if one.topic == topics.ALERTS)
    rows = latest((one.partition, one.key, one.value) for one in read_all(bootstrap, topics.CHANGELOG))
    assert rows == latest((one.partition, one.key, one.value) for one in wanted if one.topic == topics.CHANGELOG)
    assert not read_all(bootstrap, topics.DEAD)


def _at(begins_ms: int, seconds: float) -> None:
    time.sleep(max(0.0, begins_ms / 1000 + seconds - time.time()))


def _alerts(records: Iterable[Any]) -> Counter[str]:
    return Counter(alert(one.value) for one in records)


def _silent(bootstrap: str) -> set[str]:
    """Customers of whom it was said that they have fallen silent."""
    told = [json.loads(one.value or b"")["data"] for one in read_all(bootstrap, topics.ALERTS)]
    return {one["customer_id"] for one in told if (one["sign"], one["status"]) == ("silent", "opened")}
