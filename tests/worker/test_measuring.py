"""Counts of a transaction, the watchdog's verdict, and what is served over HTTP."""

from __future__ import annotations

import logging
import re
import time
import urllib.error
import urllib.request
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException
from prometheus_client.parser import text_string_to_metric_families

from stream import metrics
from stream.logs import Seldom
from stream.metrics import CATALOGUE, Metric
from stream.worker.exporter import Exporter
from stream.worker.incarnation import Incarnation, Signal
from stream.worker.leaders import Leaders
from stream.worker.loop import Loop
from stream.worker.meters import Meters
from stream.worker.pace import A_FEW, LATE_SECONDS, LEAST, MOST, SOON_SECONDS, Pace
from stream.worker.watchdog import Watchdog
from tests.worker.standin import Counting


def test_counts_of_an_aborted_transaction_leave_no_trace() -> None:
    meters = Meters()
    meters.count(metrics.EVENTS, "0", by=5)
    meters.settle(committed=False)
    meters.count(metrics.EVENTS, "0", by=3)
    assert meters.snapshot(ready=True).values == {}
    meters.settle(committed=True)
    assert meters.snapshot(ready=True).values == {metrics.EVENTS: {("0",): 3}}


def test_series_of_a_partition_go_with_it() -> None:
    meters = Meters()
    meters.set(metrics.LAG, 7, "0")
    meters.set(metrics.LAG, 8, "1")
    meters.set(metrics.RUNNING, 2)
    before = meters.snapshot(ready=True)
    meters.forget("0")
    assert meters.snapshot(ready=True).values == {metrics.LAG: {("1",): 8}, metrics.RUNNING: {(): 2}}
    assert before.values[metrics.LAG] == {("0",): 7, ("1",): 8}


def test_a_scan_takes_the_place_of_the_last_one() -> None:
    meters = Meters()
    meters.replace(metrics.CUSTOMERS, "0", [(("a", "new"), 1.0), (("b", "new"), 2.0)])
    meters.replace(metrics.CUSTOMERS, "1", [(("a", "new"), 3.0)])
    meters.replace(metrics.CUSTOMERS, "0", [(("a", "new"), 4.0)])
    assert meters.snapshot(ready=True).values == {metrics.CUSTOMERS: {("0", "a", "new"): 4.0, ("1", "a", "new"): 3.0}}


def test_the_catalogue_refuses_what_the_contract_rules_out() -> None:
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)
    Metric("lapse_a_total", "counter", "events", "Right.", ("partition",))
    wrong: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
        ("events_total", "counter", "events", "No prefix.", ()),
        ("lapse_a", "counter", "events", "A counter without _total.", ()),
        ("lapse_a", "gauge", "events", "A customer.", ("customer",)),
        ("lapse_a", "gauge", "minutes", "No base unit.", ()),
        ("lapse_a", "gauge", "seconds", "A unit that is not in the name.", ()),
        ("lapse_a", "gauge", "events", "No sentence", ()),
    )
    for one in wrong:
        with pytest.raises(AssertionError):
            Metric(*one)  # type: ignore[arg-type]


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_pages() -> None:
    silent = [0.0]
    exporter = Exporter(("127.0.0.1", 0), lambda: silent[0])
    exporter.start()
    try:
        meters = Meters()
        meters.add(metrics.DEAD, "3", "not_json", by=2)
        for seconds in (0.14, 0.15, 0.16, 100.0):
            meters.observe(metrics.DELAY_SECONDS, seconds)
        assert get(f"{exporter.url}/readyz")[0] == 503
        exporter.snapshot = meters.snapshot(ready=True)
        assert get(f"{exporter.url}/readyz")[0] == 200
        assert get(f"{exporter.url}/healthz")[0] == 200
        silent[0] = 11.0
        assert get(f"{exporter.url}/healthz")[0] == 503
        assert get(f"{exporter.url}/other")[0] == 404
        status, text = get(f"{exporter.url}/metrics")
        samples = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    finally:
        exporter.stop()
    assert status == 200
    assert samples["lapse_dead_letters_total", (("partition", "3"), ("reason", "not_json"))] == 2
    assert samples["lapse_delay_seconds_bucket", (("le", "0.15"),)] == 2
    assert samples["lapse_delay_seconds_bucket", (("le", "10.0"),)] == 3
    assert samples["lapse_delay_seconds_count", ()] == 4
    assert all(name.startswith("lapse_") for name, _ in samples)


def test_several_workers_on_one_machine_find_a_port_each() -> None:
    first, second = Exporter(None, lambda: 0.0), Exporter(None, lambda: 0.0)
    try:
        assert first.url != second.url
    finally:
        for one in (first, second):
            one.close()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The watchdog's clock."""
    now = [100.0]
    monkeypatch.setattr("stream.worker.watchdog.time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_the_watchdog_wants_to_hear_of_the_loop(now: list[float]) -> None:
    watchdog = Watchdog(call_seconds=15)
    watchdog.beat()
    now[0] += 15
    assert watchdog.verdict() is None
    now[0] += 1
    assert watchdog.verdict() == "a call has taken 16 s"


def test_the_watchdog_wants_lag_to_move(now: list[float]) -> None:
    watchdog = Watchdog(still_seconds=60)
    for _ in range(8):
        now[0] += 10
        watchdog.beat()
        watchdog.progress(0, position=7, lag=0)
        watchdog.progress(1, position=7, lag=3)
        watchdog.progress(2, position=7, lag=3)
    assert "partition 1 stands at 7" in (watchdog.verdict() or "")
    watchdog.forget(1)
    watchdog.progress(2, position=8, lag=3)
    assert watchdog.verdict() is None


class Cluster:
    """Who is asked for leaders: partition 1 has none; or nobody answers."""

    answers = True

    def list_topics(self, topic: str, **_: object) -> Any:
        if not self.answers:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        of = {number: SimpleNamespace(error=None, leader=leader) for number, leader in ((0, 7), (1, -1))}
        return SimpleNamespace(topics={topic: SimpleNamespace(partitions=of)}, brokers={7: ""})

    def close(self) -> None: ...


def looking(watchdog: Watchdog, leaders: Leaders) -> Loop:
    """As much of a loop as looks at lag: two partitions that stand at 5 of 9."""
    loop: Any = Loop.__new__(Loop)
    loop._watchdog, loop._leaders = watchdog, leaders
    loop._incarnations = {}
    for number in (0, 1):
        one = loop._incarnations[number] = Incarnation(number, Counting, 0.0)
        one.on(Signal.STABLE)
        one.on(Signal.EQUAL)
        one.position = 5
    loop._consumer = SimpleNamespace(get_watermark_offsets=lambda *_, **__: (0, 9))
    return loop  # type: ignore[no-any-return]


def test_a_partition_without_a_leader_does_not_end_the_worker_of_the_others(now: list[float]) -> None:
    cluster: Any = Cluster()
    leaders = Leaders(lambda: cluster)
    try:
        for answers, verdict in ((True, "partition 0"), (False, "partition 0|partition 1")):
            cluster.answers = answers
            leaders.look(cluster)
            watchdog = Watchdog(still_seconds=60)
            loop = looking(watchdog, leaders)
            loop._look_at_lag()
            assert set(watchdog._moved) == ({0} if answers else {0, 1})
            now[0] += 61
            watchdog.beat()
            assert re.match(verdict, watchdog.verdict() or "")
        cluster.answers = True
        leaders.look(cluster)
        loop._look_at_lag()
        assert set(watchdog._moved) == {0}, "its minute begins anew when it has a leader again"
    finally:
        leaders.stop()


def test_the_watchdog_hears_of_each_step_of_leaving(now: list[float]) -> None:
    """An open question takes seconds, and so may giving the partitions back: together more than the watchdog waits."""
    watchdog = Watchdog(call_seconds=15)
    told: list[str | None] = []

    def close() -> None:
        told.append(watchdog.verdict())
        now[0] += 10

    one, loop = SimpleNamespace(close=close, stop=close), cast("Any", Loop.__new__(Loop))
    loop._watchdog = watchdog
    loop._consumer = loop._restorer = loop._snapshots = loop._versions = loop._leaders = one
    loop._close()
    assert told == [None] * 5


def test_the_same_message_is_told_once_in_a_while() -> None:
    seldom = Seldom()
    texts = ["broker 1 is down after 5 ms", "broker 1 is down after 7 ms", "broker 1 is up"]
    records = [logging.LogRecord("kafka", logging.INFO, "", 0, text, (), None) for text in texts]
    assert [seldom.filter(record) for record in records] == [True, False, True]


def test_the_pace_commits_soon_while_it_keeps_up_and_late_with_a_backlog() -> None:
    pace, now = Pace(), time.monotonic()
    assert pace.due(now, idle=True)
    assert not pace.due(now, idle=False)
    for _ in range(A_FEW):  # after a hiccup
        pace.begin(pace.limit)
        assert pace.due(now - SOON_SECONDS, idle=False)
    pace.begin(pace.limit)
    assert not pace.due(now - SOON_SECONDS, idle=False)
    assert pace.due(now - LATE_SECONDS, idle=False)
    pace.begin(pace.limit - 1)
    assert pace.due(now - SOON_SECONDS, idle=False)


def test_the_pace_takes_about_a_tenth_of_a_second_at_once() -> None:
    slow, fast = Pace(), Pace()
    for _ in range(20):
        slow.begin(500)
        time.sleep(0.01)
        slow.end()
        fast.begin(50_000)
        fast.end()
    assert LEAST <= slow.limit < 6_000
    assert fast.limit == MOST
