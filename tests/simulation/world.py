"""A cluster without Kafka: a log, workers that come and go, commits that are fenced, a wall clock; all from one seed.

Owns: what the broker promises (a transaction is whole or nothing, and refused from who is no owner any more), and the
order of what happens. The workers' parts are the real ones: `Processor`, `Incarnation`, `judge` and the core. Not here:
librdkafka and `Loop`; those are `tests.chaos`'s.
"""

from __future__ import annotations

import random
import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Message

from stream.worker import topics
from stream.worker.incarnation import Incarnation, Signal, State
from stream.worker.job import Job
from stream.worker.meters import Meters
from stream.worker.processing import Processor
from stream.worker.restore import CONTROL_KEY
from stream.worker.suspension import judge
from tests.simulation.log import Sent, Transactions, record
from tests.simulation.story import MINUTE_MS, Story, partition_of

MOST_WORKERS = 3


class Refused(Exception):  # noqa: N818 (what happens to the worker, no error of the simulation)
    """The broker takes no commit from this worker: it was cut off, or the partition is another's."""


@dataclass
class Broker:
    logs: list[list[Message]]
    committed: dict[int, int] = field(default_factory=dict)
    changelog: dict[int, dict[bytes, bytes | None]] = field(default_factory=dict)
    published: list[Sent] = field(default_factory=list)
    owner: dict[int, int] = field(default_factory=dict)  # partition → the life of the worker that has it

    def append(self, number: int, value: bytes, key: bytes | None, at_ms: int) -> None:
        self.logs[number].append(record(number, len(self.logs[number]), key, value, at_ms))

    def commit(self, life: int, offsets: dict[int, int], sent: list[Sent]) -> None:
        if any(self.owner.get(number) != life for number in offsets):
            raise Refused
        self.committed |= offsets
        for one in sent:
            if one.topic == topics.CHANGELOG:
                self.changelog.setdefault(one.partition, {})[one.key or b""] = one.value
            else:
                self.published.append(one)


class Worker:
    """One life of a worker."""

    def __init__(self, broker: Broker, job: Job, life: int) -> None:
        self.broker, self.job, self.life = broker, job, life
        self.transactions = Transactions()
        self.processor = Processor(job, self.transactions, Meters(), self.commit)  # type: ignore[arg-type]
        self.mine: dict[int, Incarnation] = {}

    def take_over(self, number: int) -> None:
        """Be given a partition, and restore it."""
        one = Incarnation(number, self.job.make, 0.0)
        one.on(Signal.STABLE)
        rows = dict(self.broker.changelog.get(number, {}))
        control = rows.pop(CONTROL_KEY, None)
        one.partition.load(list(rows), list(rows.values()))
        if control is not None:
            one.position = struct.unpack_from(">q", control)[0]
            one.partition.load_control(control[8:])
        assert one.position == self.broker.committed.get(number, 0), "control record and offset are of one transaction"
        one.on(Signal.EQUAL)
        self.mine[number] = one

    def consume(self, number: int, count: int, wall_ms: int) -> None:
        one, log = self.mine[number], self.broker.logs[number]
        records = log[one.position : one.position + count]
        if records:
            self.processor.take(one, records)
            one.heard_ms = wall_ms
        one.caught_up = one.position == len(log)

    def follow(self, wall_ms: int, leaderless: set[int]) -> int:
        """As `Loop._follow`; how many partitions are suspended."""
        judge(self.mine.values(), wall_ms, leaderless)
        for one in self.mine.values():
            if one.may_follow(wall_ms, self.job.grace_ms):
                while self.processor.follow(one, one.follow_to_ms(wall_ms)):
                    self.commit()
        return sum(bool(one.suspended) for one in self.mine.values())

    def commit(self) -> None:
        if not self.transactions.open:
            return
        for one in self.processor.dirty:
            self.processor.write_rows(one)
            self.processor.write_control(one)
        self.broker.commit(
            self.life, {one.number: one.position for one in self.processor.dirty}, self.transactions.sent
        )
        self.processor.dirty.clear()
        self.transactions.commit()


class World:
    """Everything there is, and what may happen to it."""

    def __init__(self, draw: random.Random, story: Story, job: Job) -> None:
        self.draw, self.story, self.job = draw, story, job
        self.partitions = story.partitions
        self.broker = Broker([[] for _ in range(self.partitions)])
        self.workers: dict[int, Worker] = {}
        self.zombies: list[Worker] = []
        self.lives = 0
        self.wall_ms = story.arrivals[0].at_ms - MINUTE_MS
        self.arrived = 0
        self.seen: Counter[str] = Counter()
        self.leaderless: set[int] = set()
        for _ in range(draw.randint(1, MOST_WORKERS)):
            self._begin()
        self._balance()

    def run(self) -> None:
        """Until all is read by somebody who lives on."""
        happens = [self._consume] * 10 + [self._commit] * 5 + [self._time] * 8 + [self._crash, self._join, self._leave]
        happens += [self._zombie, self._wake, self._move, self._leader]
        while self.arrived < len(self.story.arrivals):
            self._guarded(self.draw.choice(happens))
        self.leaderless.clear()
        while any(self.broker.committed.get(number, 0) < len(log) for number, log in enumerate(self.broker.logs)):
            for worker in list(self.workers.values()):
                for number in list(worker.mine):
                    self._guarded(lambda w=worker, n=number: w.consume(n, 1000, self.wall_ms))
                self._guarded(worker.commit)

    # ------------------------------------------------------------------ what happens

    def _guarded(self, happen: Any) -> None:
        try:
            happen()
        except Refused:  # it begins anew, as a worker that is fenced
            self.seen["refused"] += 1
            for life in [life for life, worker in self.workers.items() if worker.transactions.open]:
                if any(self.broker.owner.get(one.number) != life for one in self.workers[life].processor.dirty):
                    self._end(life)

    def _one(self) -> Worker:
        return self.workers[self.draw.choice(sorted(self.workers))]

    def _consume(self) -> None:
        worker = self._one()
        if worker.mine:
            number = self.draw.choice(sorted(worker.mine))
            if number not in self.leaderless:
                worker.consume(number, self.draw.choice([1, 2, 10, 100, 1000]), self.wall_ms)

    def _commit(self) -> None:
        self._one().commit()

    def _time(self) -> None:
        """The wall clock goes on: records come, clocks follow."""
        arrivals = self.story.arrivals
        ahead_ms = arrivals[self.arrived].at_ms - self.wall_ms
        jump_ms = self.draw.choice(
            [1000, MINUTE_MS, 20 * MINUTE_MS, ahead_ms, ahead_ms + 1000, ahead_ms + 60 * MINUTE_MS]
        )
        self.wall_ms += max(1000, jump_ms)
        while self.arrived < len(arrivals) and arrivals[self.arrived].at_ms <= self.wall_ms:
            self._arrive(arrivals[self.arrived].customer, arrivals[self.arrived].value, arrivals[self.arrived].at_ms)
            self.arrived += 1
        for worker in self.workers.values():
            for one in worker.mine.values():  # who is not at the end by now knows it
                one.caught_up = one.caught_up and one.position == len(self.broker.logs[one.number])
            self.seen["suspended"] += worker.follow(self.wall_ms, self.leaderless)

    def _arrive(self, customer: str | None, value: bytes, at_ms: int) -> None:
        if customer is None:
            for number in range(self.partitions):
                self.broker.append(number, value, None, at_ms)
        else:
            self.broker.append(partition_of(customer, self.partitions), value, customer.encode(), at_ms)

    def _crash(self) -> None:
        """A worker dies, its transaction with it; sometimes the moment after the broker has committed it."""
        worker = self._one()
        if self.draw.random() < 0.3:
            worker.commit()
        self._end(worker.life)

    def _join(self) -> None:
        if len(self.workers) < MOST_WORKERS:
            self._begin()
            self._balance()

    def _leave(self) -> None:
        worker = self._one()
        worker.commit()
        self._end(worker.life)

    def _zombie(self) -> None:
        """A worker stands still; others get its partitions, and it doesn't know."""
        worker = self._one()
        self.zombies.append(worker)
        self._end(worker.life)

    def _wake(self) -> None:
        """A zombie goes on where it stood: nothing of that may count."""
        if self.zombies:
            zombie = self.zombies.pop()
            self.seen["zombies"] += 1
            try:
                for number in list(zombie.mine):
                    zombie.consume(number, 100, self.wall_ms)
                zombie.commit()
            except Refused:
                self.seen["refused"] += 1

    def _move(self) -> None:
        """Partitions change hands: given back with a commit, or lost without one."""
        worker = self._one()
        if worker.mine and len(self.workers) > 1:
            if self.draw.random() < 0.5:
                worker.commit()
            self._end(worker.life, again=True)

    def _leader(self) -> None:
        """A partition loses its leader, or has one again."""
        self.leaderless ^= {self.draw.randrange(self.partitions)}

    # ------------------------------------------------------------------ workers

    def _begin(self) -> None:
        self.lives += 1
        self.workers[self.lives] = Worker(self.broker, self.job, self.lives)

    def _end(self, life: int, *, again: bool = False) -> None:
        self.seen["ends"] += 1
        self.workers.pop(life)
        for number in [number for number, owner in self.broker.owner.items() if owner == life]:
            del self.broker.owner[number]
        if again or not self.workers:
            self._begin()
        self._balance()

    def _balance(self) -> None:
        """Give partitions without an owner away; sometimes others move too, as an assignor may have it."""
        for number in range(self.partitions):
            if number not in self.broker.owner:
                life = self.draw.choice(sorted(self.workers))
                self.broker.owner[number] = life
                self.workers[life].take_over(number)
                assert self.workers[life].mine[number].state is State.RUN
