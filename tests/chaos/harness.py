"""One seed on a real Kafka: input flows while workers and broker come to grief; in the end everything must be right.

Owns: processes. What happens is `plan`'s, what must come out is `oracle`'s.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import KafkaException, Producer

from stream import policies
from stream.tools.broker import Kafka
from stream.worker import topics
from stream.worker.job import real_job
from tests.chaos import events, oracle
from tests.chaos.plan import MOST_WORKERS, PARTITIONS, Plan
from tests.worker.running import committed

DRAIN_SECONDS = 150.0
STOP_SECONDS = 30.0


@dataclass
class Result:
    seed: int
    problems: list[str] = field(default_factory=list)
    alerts: int = 0
    records: int = 0
    restarts: int = 0  # of workers that ended by themselves
    seconds: float = 0.0


class Workers:
    """A process per slot; who ends without being told to is started again, as a supervisor would."""

    def __init__(self, bootstrap: str, policy: str, folder: Path) -> None:
        self._command = [sys.executable, "-m", "stream.cli", "worker", "--bootstrap", bootstrap, "--policy", policy]
        self._command += ["--http", "127.0.0.1:0"]
        self._folder = folder
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._wanted: set[int] = set()
        self._stopped: set[int] = set()
        self.restarts = 0

    def do(self, slot: int, what: str) -> None:
        process = self._processes.get(slot)
        alive = process is not None and process.poll() is None
        if what == "start":
            self._wanted.add(slot)
            if process is not None and alive:
                process.kill()  # a worker that was told to stop and still does: its successor can't wait
                process.wait()
            self._start(slot)
            return
        if what in {"kill", "term"}:
            self._wanted.discard(slot)
        if process is None or not alive:
            return
        number = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "stop": signal.SIGSTOP, "cont": signal.SIGCONT}[what]
        process.send_signal(number)
        (self._stopped.add if what == "stop" else self._stopped.discard)(slot)

    def supervise(self) -> None:
        """Start again who ended without being told to."""
        for slot in sorted(self._wanted):
            if self._processes[slot].poll() is not None:
                self.restarts += 1
                self._start(slot)

    def all_well(self) -> None:
        """Whoever stands still goes on, and somebody is there."""
        for slot in list(self._stopped):
            self.do(slot, "cont")
        if not self._wanted:
            self.do(0, "start")

    def stop(self) -> list[str]:
        """End all; what was not as it should be."""
        self.all_well()
        living = {slot: one for slot, one in self._processes.items() if one.poll() is None}
        for one in living.values():
            one.terminate()
        said = []
        for slot, one in living.items():
            try:
                code = one.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                said.append(f"worker {slot} did not stop within {STOP_SECONDS:.0f} s")
                continue
            if code != 0 and slot in self._wanted:
                said.append(f"worker {slot} stopped with exit code {code}")
        self.kill()
        return said

    def kill(self) -> None:
        for one in self._processes.values():
            one.kill()
            one.wait()

    def _start(self, slot: int) -> None:
        with (self._folder / f"worker-{slot}.log").open("ab") as out:
            self._processes[slot] = subprocess.Popen(
                self._command,
                env={**os.environ, "LAPSE_SLOT": f"s{slot}"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )


def send(bootstrap: str, records: Sequence[tuple[bytes | None, bytes]], last: bytes, seconds: float) -> None:
    """Send records over so many seconds, then a heartbeat to every partition; waits for a broker that is away."""
    producer = Producer({
        "bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5, "partitioner": "murmur2_random",
        "delivery.timeout.ms": 120_000, "log_level": 0,
    }, error_cb=lambda _: None)  # fmt: skip
    began = time.monotonic()
    for at, (key, value) in enumerate(records):
        producer.produce(topics.EVENTS, value, key)
        if at % 100 == 0:
            producer.poll(max(0.0, began + seconds * at / len(records) - time.monotonic()))
    for number in range(PARTITIONS):
        producer.produce(topics.EVENTS, last, None, number)
    left = producer.flush(120)
    assert left == 0, f"{left} records not sent"


def warm_up() -> None:
    """Compile first: several new workers would compile the same at the same time, for minutes."""
    for name in {events.policy_of(seed) for seed in range(2)}:
        real_job(policies.load(name)).warm_up()


def run(plan: Plan, folder: Path) -> Result:
    """Run one seed; logs go to `folder`."""
    began = time.monotonic()
    policy, records, last = events.policy_of(plan.seed), events.records(plan.seed), events.end(plan.seed)
    result = Result(plan.seed, records=len(records) + PARTITIONS)
    with Kafka() as kafka:
        topics.create(kafka.bootstrap, PARTITIONS, 1)
        workers = Workers(kafka.bootstrap, policy, folder)
        sender = threading.Thread(target=send, args=(kafka.bootstrap, records, last, plan.seconds), daemon=True)
        try:
            for slot in range(plan.workers):
                workers.do(slot, "start")
            sender.start()
            _act(plan, kafka, workers)
            workers.all_well()
            sender.join(DRAIN_SECONDS)
            offsets, said = _drain(kafka.bootstrap, result.records, workers)
            result.problems += said + workers.stop()
            found, result.alerts = oracle.differences(kafka.bootstrap, policy, PARTITIONS, offsets)
            result.problems += found
        finally:
            workers.kill()
            result.restarts = workers.restarts
    result.seconds = time.monotonic() - began
    return result


def _act(plan: Plan, kafka: Kafka, workers: Workers) -> None:
    began = time.monotonic()
    for act in plan.acts:
        while time.monotonic() < began + act.at:
            time.sleep(min(0.2, max(0.0, began + act.at - time.monotonic())))
            workers.supervise()
        if act.slot >= 0:
            workers.do(act.slot, act.what)
        else:
            {"kill": kafka.kill, "stop": kafka.stop, "start": kafka.start}[act.what]()


def _drain(bootstrap: str, total: int, workers: Workers) -> tuple[dict[int, int], list[str]]:
    """Wait until the group's offsets say that everything is done."""
    assert MOST_WORKERS > 0
    deadline = time.monotonic() + DRAIN_SECONDS
    done: dict[int, int] = {}
    while time.monotonic() < deadline:
        workers.supervise()
        try:
            done = committed(bootstrap, PARTITIONS)
        except KafkaException:  # the coordinator is on its way, or an offset is not stable
            continue
        if sum(done.values()) >= total:
            return done, []
        time.sleep(0.2)
    return done, [f"not drained after {DRAIN_SECONDS:.0f} s: {sum(done.values())} of {total}"]
