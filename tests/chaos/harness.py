"""One seed on a real Kafka: input flows while workers and broker come to grief; in the end everything must be right.

Owns: the broker, which serves one seed after the other with new topics for each, and the order of things. What happens
is `plan`'s, what must come out is `oracle`'s.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

from stream.tools.broker import Kafka
from stream.tools.cluster import make_topics
from stream.worker import topics
from stream.worker.settings import Settings
from tests.chaos import events, oracle
from tests.chaos.plan import PARTITIONS, Plan
from tests.chaos.processes import Workers
from tests.worker.running import committed

DRAIN_SECONDS = 150.0
ADMIN_SECONDS = 30.0


@dataclass
class Result:
    seed: int
    problems: list[str] = field(default_factory=list)
    alerts: int = 0
    records: int = 0
    restarts: int = 0  # of workers that ended by themselves
    seconds: float = 0.0
    spent: dict[str, float] = field(default_factory=dict)  # seconds of each step


class Lane:
    """A broker of one's own, in which seeds run one after the other."""

    def __init__(self) -> None:
        self._kafka: Kafka | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._kafka is not None:
            self._kafka.close()
            self._kafka = None

    def run(self, plan: Plan, folder: Path) -> Result:
        """Run one seed; logs go to `folder`. After an error the next seed gets another broker."""
        if self._kafka is None:
            self._kafka = Kafka()
            self._kafka.start()
        try:
            return _run(plan, self._kafka, folder)
        except BaseException:
            self.__exit__()
            raise


def send(
    bootstrap: str, records: Sequence[tuple[bytes | None, bytes]], last: bytes, seconds: float, refused: list[str]
) -> None:
    """Send records over so many seconds, then a heartbeat to every partition; waits for a broker that is away.

    `refused` gets why a record did not arrive: then it is the sender that failed.
    """

    def delivered(error: object, _message: object) -> None:
        if error is not None:
            refused.append(str(error))

    producer = Producer({
        "bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5, "partitioner": "murmur2_random",
        "delivery.timeout.ms": 120_000, "log_level": 0,
    }, error_cb=lambda _: None)  # fmt: skip
    began = time.monotonic()
    for at, (key, value) in enumerate(records):
        producer.produce(topics.EVENTS, value, key, on_delivery=delivered)
        if at % 100 == 0:
            producer.poll(max(0.0, began + seconds * at / len(records) - time.monotonic()))
    for number in range(PARTITIONS):
        producer.produce(topics.EVENTS, last, None, number, on_delivery=delivered)
    refused += ["still waiting"] * producer.flush(120)


def _run(plan: Plan, kafka: Kafka, folder: Path) -> Result:
    watch = _Watch()
    policy, records, last = events.policy_of(plan.seed), events.records(plan.seed), events.end(plan.seed)
    result = Result(plan.seed, records=len(records) + PARTITIONS, spent=watch.spent)
    watch.lap("events")
    _fresh(kafka.bootstrap)
    watch.lap("topics")
    group = f"chaos-{plan.seed}"
    workers = Workers(kafka.bootstrap, group, policy, folder)
    refused: list[str] = []
    sender = threading.Thread(target=send, args=(kafka.bootstrap, records, last, plan.seconds, refused), daemon=True)
    try:
        for slot in range(plan.workers):
            workers.do(slot, "start")
        sender.start()
        deleted = _act(plan, kafka, workers)
        workers.all_well()
        sender.join(DRAIN_SECONDS)
        if refused:
            result.problems.append(f"the sender failed: {len(refused)} records did not arrive, the first: {refused[0]}")
        watch.lap("troubles")
        offsets, said = _drain(kafka.bootstrap, group, result.records, workers)
        watch.lap("drain")
        result.problems += said + workers.stop()
        watch.lap("stop")
        found, result.alerts = oracle.differences(kafka.bootstrap, policy, PARTITIONS, offsets, deleted)
        result.problems += found
        watch.lap("oracle")
    finally:
        workers.kill()
        result.restarts = workers.restarts
    result.seconds = sum(watch.spent.values())
    return result


class _Watch:
    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._since = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.spent[name] = round(now - self._since, 1)
        self._since = now


def _fresh(bootstrap: str) -> None:
    """New topics, whatever an earlier seed left in them."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    old = [topic.name for topic in topics.TOPICS if topic.name in admin.list_topics(timeout=ADMIN_SECONDS).topics]
    if old:
        _delete(admin, old)
    make_topics(Settings(bootstrap), PARTITIONS, 1)


def _delete(admin: AdminClient, names: list[str]) -> None:
    """Delete topics and wait until they are gone: made anew at once they would be taken for the old ones."""
    for future in admin.delete_topics(names).values():
        future.result(ADMIN_SECONDS)
    deadline = time.monotonic() + ADMIN_SECONDS
    while set(names) & admin.list_topics(timeout=ADMIN_SECONDS).topics.keys():
        assert time.monotonic() < deadline, f"{names} are not gone"
        time.sleep(0.05)


def _act(plan: Plan, kafka: Kafka, workers: Workers) -> frozenset[str]:
    """Do what is planned, when it is planned; the topics that were deleted and made anew."""
    began = time.monotonic()
    deleted = set()
    for act in plan.acts:
        while time.monotonic() < began + act.at:
            time.sleep(min(0.2, max(0.0, began + act.at - time.monotonic())))
            workers.supervise()
        if act.slot >= 0:
            workers.do(act.slot, act.what)
        elif act.what in {"kill", "stop", "start"}:
            {"kill": kafka.kill, "stop": kafka.stop, "start": kafka.start}[act.what]()
        elif act.what == "make":
            make_topics(Settings(kafka.bootstrap), PARTITIONS, 1)
        else:
            admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
            _delete(admin, [act.what])
            deleted.add(act.what)
    return frozenset(deleted)


def _drain(bootstrap: str, group: str, total: int, workers: Workers) -> tuple[dict[int, int], list[str]]:
    """Wait until the group's offsets say that everything is done."""
    deadline = time.monotonic() + DRAIN_SECONDS
    done: dict[int, int] = {}
    while time.monotonic() < deadline:
        workers.supervise()
        with suppress(KafkaException):  # the coordinator is on its way, or an offset is not stable
            done = committed(bootstrap, PARTITIONS, group)
        if sum(done.values()) >= total:
            return done, []
        time.sleep(0.2)
    return done, [f"not drained after {DRAIN_SECONDS:.0f} s: {sum(done.values())} of {total}"]
