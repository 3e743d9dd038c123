"""What a worker promises, on a broker, with a job whose results can be counted by hand."""

from __future__ import annotations

import random
import signal
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from stream.worker import topics
from tests.support.kafka import produce, read_all
from tests.support.waiting import until
from tests.worker.running import PATIENCE_SECONDS, Worker, check, wait_done

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream.tools.broker import Kafka

PARTITIONS = 4


def customers(count: int, seed: int = 1) -> list[bytes]:
    """Events as the customers whose they are, a few of them with a large share."""
    draw = random.Random(seed)
    return [b"customer-%d" % int(draw.paretovariate(0.6) % 500) for _ in range(count)]


def send(bootstrap: str, events: Sequence[bytes]) -> None:
    produce(bootstrap, topics.EVENTS, [(customer, b"event") for customer in events])


def test_every_event_once(bootstrap: str) -> None:
    topics.create(bootstrap, PARTITIONS, 1)
    events = customers(20_000)
    send(bootstrap, events)
    with Worker(bootstrap, "a") as worker:
        wait_done(bootstrap, PARTITIONS, len(events))
        code, seconds = worker.stop()
    assert (code, seconds < 10) == (0, True), f"exit code {code} after {seconds:.1f} s"
    check(bootstrap, events)


def test_a_restart_goes_on(bootstrap: str) -> None:
    topics.create(bootstrap, PARTITIONS, 1)
    events = customers(6_000)
    for at in range(0, len(events), 2_000):
        send(bootstrap, events[at : at + 2_000])
        with Worker(bootstrap, "a") as worker:
            wait_done(bootstrap, PARTITIONS, at + 2_000)
            assert worker.stop()[0] == 0
    check(bootstrap, events)


def test_three_workers_share_and_hand_over(bootstrap: str) -> None:
    topics.create(bootstrap, PARTITIONS, 1)
    events = customers(15_000)
    with Worker(bootstrap, "a") as first, Worker(bootstrap, "b") as second:
        send(bootstrap, events[:5_000])
        wait_done(bootstrap, PARTITIONS, 5_000)
        with Worker(bootstrap, "c") as third:
            third.wait_running(1)
            send(bootstrap, events[5_000:10_000])
            wait_done(bootstrap, PARTITIONS, 10_000)
            assert first.stop()[0] == 0
            send(bootstrap, events[10_000:])
            wait_done(bootstrap, PARTITIONS, 15_000)
            assert (second.stop()[0], third.stop()[0]) == (0, 0)
    check(bootstrap, events)


def test_bad_records_go_aside_with_their_bytes(bootstrap: str) -> None:
    topics.create(bootstrap, 1, 1)
    sent: list[tuple[bytes | None, bytes | None]] = [
        (b"a", b"event"), (b"a", b"bad \xff\x00"), (None, b"bad"), (b"a", b"late"), (b"a", b"event"),
        (b"b", b"bad" + b"x" * 600_000), (b"a", b"event"), (b"c", None),
        (b"k" * 70_000, b"bad key"),
    ]  # fmt: skip
    produce(bootstrap, topics.EVENTS, sent)
    with Worker(bootstrap, "a") as worker:
        wait_done(bootstrap, 1, len(sent))
        _counted(worker, 5)
        assert worker.stop()[0] == 0
    check(bootstrap, [b"a", b"a", b"a", b"c"])
    dead = [(one.key, one.value, dict(one.headers)) for one in read_all(bootstrap, topics.DEAD)]
    found = {int(headers["offset"] or 0): (key, value, headers["reason"]) for key, value, headers in dead}
    assert found == {
        1: (b"a", b"bad \xff\x00", b"not_json"),
        2: (None, b"bad", b"not_json"),
        3: (b"a", b"late", b"too_late"),
        5: (b"b", b"bad" + b"x" * (512 * 1024 - 3), b"not_json"),
        8: (b"k" * (64 * 1024), b"bad key", b"not_json"),
    }
    cut = next(headers for _, _, headers in dead if headers["offset"] == b"5")
    assert cut["original_size"] == b"600003"
    assert (cut["topic"], cut["partition"]) == (b"customer.events", b"0")


def _counted(worker: Worker, letters: int) -> None:
    """Wait until the metric says so many; it is shown anew once a second."""
    name = "lapse_dead_letters_total"
    until(lambda: worker.metric(name) == letters, lambda: f"{worker.metric(name)}, not {letters}", PATIENCE_SECONDS)


def test_an_event_on_which_the_kernel_fails_goes_aside(bootstrap: str) -> None:
    topics.create(bootstrap, 1, 1)
    events = customers(300)
    records = [(customer, b"event") for customer in events]
    records.insert(201, (b"x", b"poison"))
    produce(bootstrap, topics.EVENTS, records)
    with Worker(bootstrap, "a") as worker:
        wait_done(bootstrap, 1, len(records))
        _counted(worker, 1)
        assert worker.stop()[0] == 0
    check(bootstrap, events)
    dead = read_all(bootstrap, topics.DEAD)
    assert [(one.value, dict(one.headers)["reason"]) for one in dead] == [(b"poison", b"internal_error")]


def test_a_customer_of_whom_what_falls_due_fails_takes_nobody_down(bootstrap: str) -> None:
    topics.create(bootstrap, 1, 1)
    events = customers(300)
    events[100:100] = [b"ill"]
    produce(bootstrap, topics.EVENTS, [(customer, b"event") for customer in events])
    with Worker(bootstrap, "a") as worker:
        wait_done(bootstrap, 1, len(events))
        produce(bootstrap, topics.EVENTS, [(b"x", b"event")])
        wait_done(bootstrap, 1, len(events) + 1)
        assert worker.stop()[0] == 0
    check(bootstrap, [*events, b"x"])
    dead = read_all(bootstrap, topics.DEAD)
    assert {(one.key, one.value) for one in dead} == {(b"ill", b"")}
    assert dict(dead[0].headers)["reason"] == b"internal_error"


def test_the_clock_follows_the_wall_clock_only_when_the_events_are_of_now(bootstrap: str) -> None:
    topics.create(bootstrap, 2, 1)
    now_ms = time.time_ns() // 1_000_000
    produce(bootstrap, topics.EVENTS, [(b"a", b"clock%d" % (now_ms - 86_400_000))], partition=0)
    produce(bootstrap, topics.EVENTS, [(b"b", b"clock%d" % (now_ms - 1000))], partition=1)
    with Worker(bootstrap, "a") as worker:
        wait_done(bootstrap, 2, 2)
        until(lambda: read_all(bootstrap, topics.ALERTS), "the clock stands still", PATIENCE_SECONDS)
        time.sleep(1.5)  # the other partition's would have come
        assert worker.stop()[0] == 0
    assert [one.value for one in read_all(bootstrap, topics.ALERTS)] == [b"1"]


@pytest.mark.kafka
def test_killed_in_the_middle_nothing_is_lost_or_repeated(kafka: Kafka) -> None:
    bootstrap = kafka.bootstrap
    topics.create(bootstrap, PARTITIONS, 1)
    events = customers(60_000)
    with ExitStack() as running:
        first, second = (running.enter_context(Worker(bootstrap, slot)) for slot in "ab")
        for at in range(0, len(events), 2_000):
            send(bootstrap, events[at : at + 2_000])
            if at == 20_000:
                first.kill()
                first = running.enter_context(Worker(bootstrap, "a"))
            if at == 40_000:
                second.kill()
                second = running.enter_context(Worker(bootstrap, "c"))
            time.sleep(0.1)
        wait_done(bootstrap, PARTITIONS, len(events))
        first.stop()
        second.stop()
    check(bootstrap, events)


@pytest.mark.kafka
def test_a_zombie_writes_nothing(kafka: Kafka) -> None:
    bootstrap = kafka.bootstrap
    topics.create(bootstrap, PARTITIONS, 1)
    events = customers(20_000)
    with Worker(bootstrap, "a") as first:
        send(bootstrap, events[:10_000])
        wait_done(bootstrap, PARTITIONS, 10_000)
        send(bootstrap, events[10_000:15_000])
        time.sleep(0.02)
        first.send(signal.SIGSTOP)
        with Worker(bootstrap, "b") as second:
            wait_done(bootstrap, PARTITIONS, 15_000)
            first.send(signal.SIGCONT)
            send(bootstrap, events[15_000:])
            wait_done(bootstrap, PARTITIONS, len(events))
            assert second.stop()[0] == 0
        first.stop()
    check(bootstrap, events)


@pytest.mark.kafka
def test_a_source_made_anew_is_not_taken_for_the_old_one(kafka: Kafka) -> None:
    """The changelog goes on at an offset that the new topic does not have: say so and wait, don't skip its records."""
    bootstrap = kafka.bootstrap
    topics.create(bootstrap, 1, 1)
    send(bootstrap, customers(500))
    with Worker(bootstrap, "a") as worker:
        wait_done(bootstrap, 1, 500)
        assert worker.stop()[0] == 0
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.delete_topics([topics.EVENTS])[topics.EVENTS].result(20)
    deadline = time.monotonic() + 20
    while True:
        try:
            admin.create_topics([NewTopic(topics.EVENTS, 1, 1)])[topics.EVENTS].result(20)
            break
        except KafkaException:  # still being deleted
            assert time.monotonic() < deadline
            time.sleep(0.2)
    send(bootstrap, customers(100))
    with Worker(bootstrap, "a") as worker:
        until(lambda: worker.get("/healthz")[0] == 200, "it does not come up", PATIENCE_SECONDS)
        time.sleep(5)
        assert worker.get("/readyz")[0] == 503
        assert worker.metric("lapse_partitions_running") == 0
        assert worker.stop()[0] == 0
    check(bootstrap, customers(500))
