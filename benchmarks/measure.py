"""Measuring a process from outside, the same way for all: its committed offsets, its CPU seconds, its memory.

The interval is from the moment when 20 % of the events have been committed until all are: what comes before (starting,
loading, just-in-time compiling, joining the group) is left out for everybody. CPU is user + system of the process and
all its descendants in that interval; the broker's is counted apart.
"""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import psutil
from confluent_kafka import Consumer, KafkaException, TopicPartition

from benchmarks.load import TOPIC
from benchmarks.progress import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

WARM_UP_SHARE = 0.2
POLL_SECONDS = 0.02
STILL_SECONDS = 120.0
SHORT_SECONDS = 3.0
STOP_SECONDS = 20.0


class BenchmarkError(RuntimeError):
    """A contestant ended, stood still or can't be had; the text says which and shows the end of its output."""


@dataclass(frozen=True)
class Rate:
    """What was measured between two moments."""

    events: int
    wall_s: float
    cpu_s: float
    broker_cpu_s: float
    rss_bytes: int

    @property
    def per_wall_second(self) -> float:
        """Events per second of the clock."""
        return self.events / self.wall_s

    @property
    def per_cpu_second(self) -> float:
        """Events per second of CPU of the whole process."""
        return self.events / self.cpu_s


class Running:
    """A contestant's process: its output in a file, ended by its id."""

    def __init__(self, command: list[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as out:
            # its own session: a Ctrl-C reaches us, and we end it
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                env={**os.environ, **(env or {})},
            )
        self.pid = self._popen.pid

    def check(self) -> None:
        """Raise BenchmarkError when it has ended."""
        if self._popen.poll() is not None:
            raise BenchmarkError(f"ended with code {self._popen.returncode}:\n{self.tail()}")

    def tail(self) -> str:
        """The end of its output."""
        return self.log.read_bytes()[-4000:].decode(errors="replace")

    def end(self, *, kill: bool = False) -> None:
        """SIGTERM, and SIGKILL when that takes too long or is asked for."""
        if self._popen.poll() is None:
            (self._popen.kill if kill else self._popen.terminate)()
            try:
                self._popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._popen.kill()
        self._popen.wait()


@contextmanager
def running(command: list[str], log: Path, env: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Run a command while the block lasts; `env` is added to the environment."""
    process = Running(command, log, env)
    try:
        yield process
    finally:
        process.end()


def cpu_seconds(pid: int) -> float:
    """User + system time of a process and all its descendants, the ended ones included."""
    root = psutil.Process(pid)
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
        total += times.children_user + times.children_system
    return total


def rss_bytes(pid: int) -> int:
    """Resident memory of a process and all its descendants."""
    root = psutil.Process(pid)
    return sum(process.memory_info().rss for process in [root, *root.children(recursive=True)])


class Committed:
    """The committed offsets of a group on the events topic, read without joining it."""

    def __init__(self, bootstrap: str, group: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "log_level": 0})
        numbers = self._consumer.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions
        self._partitions = [TopicPartition(TOPIC, number) for number in numbers]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def count(self) -> int:
        """Events committed so far, of all partitions."""
        try:
            found = self._consumer.committed(self._partitions, timeout=10)
        except KafkaException:  # the coordinator moves or loads: asked again in a moment
            return 0
        return sum(max(partition.offset, 0) for partition in found)

    def wait(self, total: int, process: Running, what: str) -> int:
        """Return when `total` events are committed, with the number then; BenchmarkError if it ends or stands still."""
        last, moved, told = -1, time.monotonic(), time.monotonic()
        while (count := self.count()) < total:
            now = time.monotonic()
            process.check()
            if count != last:
                last, moved = count, now
            if now - moved > STILL_SECONDS:
                raise BenchmarkError(f"{what} stands still at {count:,} of {total:,}:\n{process.tail()}")
            if now - told > 10:
                told = now
                say(f"  {what}: {max(count, 0):,} of {total:,}")
            time.sleep(POLL_SECONDS)
        return count


def rate(committed: Committed, process: Running, total: int, broker_pid: int, what: str) -> Rate:
    """The rate between 20 % and all of `total` events committed."""
    first = committed.wait(int(total * WARM_UP_SHARE), process, what)
    wall, cpu, broker = time.monotonic(), cpu_seconds(process.pid), cpu_seconds(broker_pid)
    if first >= total:
        raise BenchmarkError(f"{what} was done before it could be measured: take more events")
    last = committed.wait(total, process, what)
    wall_s = time.monotonic() - wall
    if wall_s < SHORT_SECONDS:  # a few commits: which of them fall inside is luck
        say(f"  {what}: measured over {wall_s:.1f} s only, take more events")
    return Rate(
        events=last - first,
        wall_s=wall_s,
        cpu_s=cpu_seconds(process.pid) - cpu,
        broker_cpu_s=cpu_seconds(broker_pid) - broker,
        rss_bytes=rss_bytes(process.pid),
    )
