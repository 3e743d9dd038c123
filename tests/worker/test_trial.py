"""An event of which the process dies is found, given up and counted; nobody else's events are."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from confluent_kafka import Message
from hypothesis import given
from hypothesis import strategies as st

from stream.worker import topics, trial
from stream.worker.incarnation import Incarnation, State
from stream.worker.job import Job
from stream.worker.meters import Meters
from stream.worker.processing import REST_MS, KernelError, Processor
from stream.worker.trial import MOST_GIVEN_UP, Trial
from tests.support.kafka import produce, read_all
from tests.worker import standin
from tests.worker.running import Worker, check, wait_done
from tests.worker.standin import Batch, Counting, Step

if TYPE_CHECKING:
    from stream.tools.broker import Kafka
    from stream.worker.transaction import Transactions


class Death(BaseException):
    """The end of a process, which nothing inside it survives."""


def record(place: int, text: bytes) -> Message:
    return Message(topics.EVENTS, 0, place, b"c", text, timestamp=(1, 1_700_000_000_000))


@dataclass
class Broker:
    """What outlives a process: the committed offset with what stands beside it, and the dead letters."""

    position: int = 0
    metadata: str = ""
    dead: list[tuple[bytes, str]] = field(default_factory=list)


class Mortal(Counting):
    def apply(self, batch: Batch, start: int = 0, stop: int | None = None, stamps_ms: object = None) -> Step:
        if b"deadly" in batch.values[start:]:
            raise Death
        return super().apply(batch, start, stop, stamps_ms)


@dataclass
class Sent:
    """Stands in for the transactions of one life."""

    broker: Broker
    open: bool = False
    dead: list[tuple[bytes, str]] = field(default_factory=list)

    def begin(self) -> None:
        self.open = True

    def send(self, topic: str, value: bytes, _key: bytes, headers: Any = ()) -> None:
        if topic == topics.DEAD:
            self.dead.append((value, dict(headers)["reason"].decode()))

    def commit(self, one: Incarnation) -> None:
        self.broker.position, self.broker.metadata = one.position, trial.written("lapse.a", one.on_record())
        self.broker.dead += self.dead
        self.dead, self.open = [], False


def live(broker: Broker, log: list[Message], batch: int) -> None:
    """One life: from the committed offset on, until the end of the log, or until it dies."""
    one = Incarnation(0, Mortal, since=0.0)
    one.state, one.position = State.RUN, broker.position
    one.recorded = trial.read(broker.metadata)[1]
    sent = Sent(broker)
    job = cast("Job", standin.job())
    processor = Processor(job, cast("Transactions", sent), Meters(), lambda: sent.commit(one))
    for at in range(one.position, len(log), batch):
        records = log[at : at + batch]
        processor.begin([(one, records)])
        processor.take(one, records)
        sent.commit(one)


def lives(broker: Broker, log: list[Message], batch: int) -> int:
    for count in range(1, 200):
        try:
            live(broker, log, batch)
        except Death:
            continue
        return count
    raise AssertionError(f"stands at {broker}")


@given(st.sets(st.integers(0, 299), max_size=MOST_GIVEN_UP), st.integers(1, 400))
def test_deadly_events_and_only_those_are_given_up(deadly: set[int], batch: int) -> None:
    log = [record(at, b"deadly" if at in deadly else b"event") for at in range(300)]
    broker = Broker()
    count = lives(broker, log, batch)
    assert broker.dead == [(b"deadly", "internal_error")] * len(deadly)
    assert broker.position == 300
    assert count <= 1 + len(deadly) * (trial.FREE_LIVES + 1 + trial.LAST_LIVES + 1)


def test_more_deadly_events_in_an_hour_stop_the_worker_whichever_it_is() -> None:
    log = [record(at, b"deadly" if at % 2 else b"event") for at in range(20)]
    broker = Broker()
    with pytest.raises(RuntimeError, match="4 events or rows of partition 0 were given up within an hour"):
        lives(broker, log, 5)
    with pytest.raises(RuntimeError, match="4 events or rows"):
        lives(broker, log, 5)
    assert len(broker.dead) == MOST_GIVEN_UP


def test_an_hour_later_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_700_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    log = [record(at, b"deadly") for at in range(4)]
    broker = Broker()
    with pytest.raises(RuntimeError):
        lives(broker, log, 5)
    now[0] += 3601
    lives(broker, log, 5)
    assert len(broker.dead) == 4


def test_lives_that_got_further_are_not_counted() -> None:
    """Killed again and again by somebody, each time a little further: never careful, nothing given up."""
    found = Trial()
    for position in range(0, 1000, 10):
        one = Incarnation(0, Counting, since=0.0)
        one.position, one.recorded = position, found
        one.begin()
        assert one.limit is None
        one.position += 10
        found = one.on_record()
    assert found == Trial()


def test_a_failure_that_the_process_survives_is_not_held_against_an_event() -> None:
    one = Incarnation(0, Counting, since=0.0)
    one.recorded = found = Trial(lives=1)
    one.begin()
    assert one.on_record().lives == 2
    for _ in range(10):
        one.drop(0.0)
        one.recorded = one.on_record()
        one.begin()
        assert one.on_record() == found


@pytest.mark.parametrize("metadata", ["", "lapse.a", "lapse.a x y z", "lapse.a 1 2", "lapse.a 1 2 3 -4", "a b"])
def test_other_metadata_is_no_trial(metadata: str) -> None:
    assert trial.read(metadata) == (metadata.split(" ", maxsplit=1)[0], Trial())


def test_what_cannot_be_encoded_is_given_up_like_what_cannot_be_applied() -> None:
    broker = Broker()
    sent, one = Sent(broker), Incarnation(0, Counting, since=0.0)
    processor = Processor(cast("Job", standin.job()), cast("Transactions", sent), Meters(), lambda: sent.commit(one))
    with pytest.raises(KernelError, match="within 2 events"):
        processor.take(one, [record(0, b"event"), record(1, b"unsayable")])


def test_a_clock_on_which_the_kernel_fails_rests_and_events_go_on() -> None:
    broker = Broker()
    sent, one = Sent(broker), Incarnation(0, Counting, since=0.0)
    processor = Processor(cast("Job", standin.job()), cast("Transactions", sent), Meters(), lambda: sent.commit(one))
    now_ms = time.time_ns() // 1_000_000
    processor.take(one, [record(0, b"clock%d" % now_ms), record(1, b"stuck")])
    one.caught_up = True
    assert one.may_follow(now_ms, 0)
    with pytest.raises(KernelError, match="as the clock went with the wall clock") as failed:
        processor.follow(one, now_ms + 1)
    processor.failed(failed.value)
    assert not one.may_follow(now_ms + 1, 0)
    assert one.may_follow(now_ms + 2 * REST_MS, 0)
    processor.take(one, [record(2, b"event")])
    assert one.position == 3
    assert one.limit is None


def until_done(bootstrap: str, total: int) -> int:
    """Start a worker again whenever one ends, as a supervisor does; how many ended."""
    ended, deadline = 0, time.monotonic() + 90
    while time.monotonic() < deadline:
        with Worker(bootstrap, "a") as worker:
            while worker.ended() is None and time.monotonic() < deadline:
                try:
                    wait_done(bootstrap, 1, total, 0.5)
                except AssertionError:
                    continue
                assert worker.stop()[0] == 0
                return ended
        ended += 1
    raise AssertionError(f"not done after {ended} workers")


@pytest.mark.kafka
@pytest.mark.slow
def test_an_event_of_which_workers_die_goes_aside(monkeypatch: pytest.MonkeyPatch, quick_kafka: Kafka) -> None:
    monkeypatch.setenv("LAPSE_KAFKA_SESSION_TIMEOUT_MS", "1500")
    monkeypatch.setenv("LAPSE_KAFKA_HEARTBEAT_INTERVAL_MS", "300")
    bootstrap = quick_kafka.bootstrap
    topics.create(bootstrap, 1, 1)
    events = [b"customer-%d" % (n % 50) for n in range(400)]
    records = [(customer, b"event") for customer in events]
    records.insert(150, (b"x", b"deadly"))
    produce(bootstrap, topics.EVENTS, records)
    assert until_done(bootstrap, len(records)) <= trial.FREE_LIVES + 1 + trial.LAST_LIVES + 1
    check(bootstrap, events)
    dead = [(one.value, dict(one.headers)) for one in read_all(bootstrap, topics.DEAD)]
    assert [(value, headers["reason"], headers["offset"]) for value, headers in dead] == [
        (b"deadly", b"internal_error", b"150")
    ]
    assert b"workers in a row ended" in cast("bytes", dead[0][1]["detail"])
