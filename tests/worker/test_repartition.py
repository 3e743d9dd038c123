"""More partitions in the middle of the events: the same alerts and counts as with any other number of partitions."""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions  # type: ignore[attr-defined]

from stream import policies
from stream.tools.broker import Kafka
from stream.tools.repartition import RepartitionError, moves
from stream.wire.placing import partition_of
from stream.worker import topics
from stream.worker.incarnation import Incarnation, Signal
from stream.worker.job import real_job
from stream.worker.restore import CONTROL_KEY
from tests.chaos import events
from tests.simulation.log import Transactions, Undisturbed, record
from tests.simulation.order import alert
from tests.support import kafka
from tests.worker.running import Worker, wait_done

POLICY = "complete-journey"
HOUSEHOLDS = 60
STAMP_MS = 1_800_000_000_000


def orders() -> list[tuple[bytes, bytes]]:
    """Some households' year, tidy: late events are refused by each partition's own clock."""
    found: list[Any] = events._journey(random.Random(3))
    some = sorted({key for key, _ in found})[:HOUSEHOLDS]
    return [(key, value) for key, value in found if key in some]


def beat(value: bytes) -> bytes:
    """The heartbeat that brings every partition to the time of an event."""
    return json.dumps({"id": "beat", "type": "clock_advanced", "time": json.loads(value)["time"]}).encode()


class System:
    """Workers of some partitions, without Kafka: the changelog, and all that was published."""

    def __init__(self, partitions: int) -> None:
        self.job = real_job(policies.load(POLICY))
        self.count = partitions
        self.changelog: dict[int, dict[bytes, bytes]] = {number: {} for number in range(partitions)}
        self.ends = dict.fromkeys(range(partitions), 0)
        self.published: list[Any] = []

    def process(self, part: list[tuple[bytes, bytes]], last: bytes) -> None:
        """Events of all partitions, from a restore to a commit, then a heartbeat."""
        for number in range(self.count):
            mine = [(key, value) for key, value in part if partition_of(key, self.count) == number]
            values: list[tuple[bytes | None, bytes]] = [*mine, (None, last)]
            end = self.ends[number]
            worker, one = self._restored(number)
            worker.processor.take(
                one, [record(number, end + at, key, value, STAMP_MS) for at, (key, value) in enumerate(values)]
            )
            worker.commit()
            self.ends[number] += len(values)
            for sent in worker.transactions.done:
                if sent.topic == topics.CHANGELOG:
                    self.write(number, sent.key or b"", sent.value)
                else:
                    self.published.append(sent)

    def write(self, number: int, key: bytes, value: bytes | None) -> None:
        self.changelog.setdefault(number, {}).pop(key, None)
        if value is not None:
            self.changelog[number][key] = value

    def repartition(self, partitions: int) -> int:
        found = moves(self.changelog, partitions)
        for number, records in found.writes.items():
            for key, value in records.items():
                self.write(number, key, value)
        self.ends |= dict.fromkeys(found.begin, 0)
        self.count = partitions
        return found.customers

    def _restored(self, number: int) -> tuple[Undisturbed, Incarnation]:
        worker, one = Undisturbed(self.job), Incarnation(number, self.job.make, 0.0)
        assert isinstance(worker.transactions, Transactions)
        one.on(Signal.STABLE)
        rows = dict(self.changelog[number])
        control = rows.pop(CONTROL_KEY, None)
        one.partition.load(list(rows), list(rows.values()))
        if control is not None:
            one.position = struct.unpack_from(">q", control)[0]
            one.partition.load_control(control[8:])
        assert one.position == self.ends[number]
        one.on(Signal.EQUAL)
        return worker, one

    def alerts(self) -> Counter[str]:
        """All alerts; when one that fell due was seen depends on the next event of its partition."""
        return Counter(alert(one.value) for one in self.published if one.topic == topics.ALERTS)

    def final(self) -> dict[tuple[str, str], Counter[str]]:
        """The final counts and figures of each period, all partitions together."""
        return final(one.value for one in self.published if one.topic == topics.PARTS and one.value)


def final(values: Any) -> dict[tuple[str, str], Counter[str]]:
    found: dict[tuple[str, str], Counter[str]] = {}
    for value in values:
        part = json.loads(value)
        if part.get("final"):
            sums = found.setdefault((part["period"], part["start"]), Counter())
            for segment, counts in part["counts"].items():
                sums.update({f"{segment} {at}": count for at, count in enumerate(counts)})
            for segment, figures in part["figures"].items():
                sums.update({f"{segment} {name}": count for name, count in figures.items()})
    return {period: +sums for period, sums in found.items()}


@pytest.mark.parametrize(("before", "after"), [(3, 7), (2, 4), (4, 4)])
def test_the_same_comes_out_with_more_partitions_from_the_middle_on(before: int, after: int) -> None:
    found = orders()
    half, last = len(found) // 2, events.end(1)
    calm, moved = System(1), System(before)
    for one in (calm, moved):
        one.process(found[:half], beat(found[half - 1][1]))
    customers = moved.repartition(after)
    assert (customers > 0) == (before != after)
    assert moved.repartition(after) == 0, "done twice it does nothing more"
    for one in (calm, moved):
        one.process(found[half:], last)
    assert calm.alerts().total() > 100
    assert moved.alerts() == calm.alerts()
    assert moved.final() == calm.final()
    homes = {key: number for number, rows in moved.changelog.items() for key in rows if not key.startswith(b"\0")}
    assert {key: partition_of(key, after) for key in homes} == homes


def test_partitions_that_are_not_equally_far_are_refused() -> None:
    found = orders()
    system = System(2)
    system.process(found[:2000], found[0][1])  # no heartbeat: each is where its own events are
    lagging = [one for one in found[2000:] if partition_of(one[0], 2) == 0]
    system.process(lagging, lagging[-1][1])
    with pytest.raises(RepartitionError, match="clock_advanced"):
        moves(system.changelog, 4)
    swapped = System(2)
    swapped.process(found[:500], beat(found[499][1]))
    swapped.changelog = {0: swapped.changelog[1], 1: swapped.changelog[0]}
    with pytest.raises(RepartitionError, match="murmur2"):
        moves(swapped.changelog, 4)
    with pytest.raises(RepartitionError, match="no customers"):
        moves({0: {}}, 4)


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.usefixtures("_kafka_can_run")
def test_on_a_cluster() -> None:
    found = orders()[:4000]
    half, last = len(found) // 2, events.end(1)
    with Kafka() as broker:
        topics.create(broker.bootstrap, 2, 1)
        _send(broker.bootstrap, found[:half], beat(found[half - 1][1]), 2)
        refused = _command(broker.bootstrap, 4)  # of a new cluster nobody says who has the group, for a while
        assert refused.returncode == 1, refused
        assert "events that no worker has read" in refused.stdout
        with Worker(broker.bootstrap, "a", POLICY) as worker:
            wait_done(broker.bootstrap, 2, half + 2)
            refused = _command(broker.bootstrap, 4)
            assert refused.returncode == 1, refused
            assert "are running" in refused.stdout
            assert worker.stop()[0] == 0
        _begin(broker.bootstrap, 4)
        done = _command(broker.bootstrap, 4)
        assert done.returncode == 0, done
        assert "there are 4 partitions now" in done.stdout
        with Worker(broker.bootstrap, "a", POLICY) as worker:
            _send(broker.bootstrap, found[half:], last, 4)
            wait_done(broker.bootstrap, 4, len(found) + 6)
            assert worker.stop()[0] == 0
        alerts = Counter(alert(one.value or b"") for one in kafka.read_all(broker.bootstrap, topics.ALERTS))
        counts = final(one.value or b"{}" for one in kafka.read_all(broker.bootstrap, topics.PARTS))
    calm = System(1)
    calm.process(found[:half], beat(found[half - 1][1]))
    calm.process(found[half:], last)
    assert alerts == calm.alerts()
    assert counts == calm.final()


def _begin(bootstrap: str, partitions: int) -> None:
    """As far as a command comes that is interrupted before it has written: done again it must do all."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    more = [NewPartitions(name, partitions) for name in (topics.EVENTS, topics.CHANGELOG, topics.ALERTS)]
    for future in admin.create_partitions(more).values():
        future.result(30)


def _send(bootstrap: str, part: list[tuple[bytes, bytes]], last: bytes, partitions: int) -> None:
    kafka.produce(bootstrap, topics.EVENTS, part)
    for number in range(partitions):
        kafka.produce(bootstrap, topics.EVENTS, [(None, last)], number)


def _command(bootstrap: str, partitions: int) -> subprocess.CompletedProcess[str]:
    words = ["topics", "--bootstrap", bootstrap, "--repartition", str(partitions)]
    return subprocess.run(
        [sys.executable, "-m", "stream.cli", *words], capture_output=True, text=True, check=False, env=dict(os.environ)
    )
