"""The one loop: poll, restore, consume, apply, commit. Read `_turn` first.

Owns: assignment and loss of partitions, when to commit, and what is done after an error. Every partition's life is an
`Incarnation`; what happens to its records is `processing`'s; what an error of a transaction means is `transaction`'s.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from stream import metrics
from stream.worker import clients
from stream.worker.asking import Asking, end_of
from stream.worker.exporter import Exporter
from stream.worker.fence import Fence, Rival
from stream.worker.gauges import REASONS, Gauges
from stream.worker.incarnation import Incarnation, Signal, State
from stream.worker.job import Job
from stream.worker.leaders import Leaders
from stream.worker.meters import Meters
from stream.worker.pace import Pace
from stream.worker.placement import Placement
from stream.worker.places import Places
from stream.worker.processing import KernelError, Processor
from stream.worker.questions import describe, knows
from stream.worker.restore import Restorer
from stream.worker.runs import numbers, runs
from stream.worker.settings import Settings
from stream.worker.snapshot import Snapshots
from stream.worker.suspension import judge
from stream.worker.topics import EVENTS
from stream.worker.transaction import CALL_SECONDS, AbortError, BrokenError, FencedError, Transactions
from stream.worker.trial import written
from stream.worker.versions import Versions
from stream.worker.watchdog import Watchdog

FOLLOW_SECONDS: Final = 0.2
TELL_SECONDS: Final = 10.0
MOST_FAILURES: Final = 20  # in a row, without a commit between them

_log = logging.getLogger("lapse.worker")


class Loop:
    """A worker's life from joining the group to leaving it."""

    def __init__(
        self, settings: Settings, transactional_id: str, job: Job, exporter: Exporter, watchdog: Watchdog
    ) -> None:
        """Connects the producer, which cuts off what an earlier life of this slot left open."""
        self._id, self._job = transactional_id, job
        self._watchdog, self._meters = watchdog, Meters()
        self._gauges = Gauges(self._meters, exporter, job.scan)
        self._transactions = Transactions(lambda: clients.producer(settings, transactional_id), watchdog.beat)
        self._processor = Processor(job, self._transactions, self._meters, self._commit)
        self._consumer = clients.source(settings)
        fence = Fence(lambda owner: clients.producer(settings, owner), transactional_id)
        reader, observer = clients.reader(settings), clients.observer(settings)
        touch, end = self._processor.touch, partial(end_of, observer)
        self._snapshots = Snapshots(settings.snapshots, settings.group, job, end, touch)
        asking = Asking(reader, observer, (partial(clients.reader, settings), partial(clients.observer, settings)))
        self._restorer = Restorer(asking, reader, observer, fence, self._snapshots)
        self._leaders = Leaders(lambda: clients.observer(settings))
        partitions = observer.list_topics(EVENTS, timeout=CALL_SECONDS).topics[EVENTS].partitions
        self._gauges.start(len(partitions), job.grace_ms)
        self._questions, self._pace, self._rival = exporter.questions, Pace(), Rival(transactional_id)
        self._incarnations: dict[int, Incarnation] = {}
        self._placement = Placement(len(partitions), self._meters, partial(knows, job, self._incarnations))
        self._versions = None if job.schedule is None else Versions(settings, job.schedule)
        self._joined, self._failures = False, 0
        self._places = Places(self._consumer)
        self._followed = self._told = 0.0

    def run(self, stopping: Callable[[], bool]) -> None:
        """Work until `stopping`, then commit and leave. Raises what can't be repaired; nothing is committed then."""
        self._consumer.subscribe([EVENTS], on_assign=self._given, on_revoke=self._revoked, on_lost=self._lost)
        try:
            while not stopping():
                self._turn()
            self._snapshots.leave(self._incarnations.values(), self._turn)
            self._guarded(self._commit)
        except BaseException:
            self._abandon()
            raise
        finally:
            self._close()

    def _close(self) -> None:
        versions = [] if self._versions is None else [self._versions.close]
        # the first gives the partitions back; the second waits for open questions
        for close in (self._consumer.close, self._restorer.close, self._snapshots.close, *versions, self._leaders.stop):
            self._watchdog.beat()  # each may take seconds
            close()

    # ------------------------------------------------------------------ one turn

    def _turn(self) -> None:
        self._watchdog.beat()
        if self._versions is not None:
            self._versions.look(time.monotonic())
        self._go_on(self._restorer.advance(self._incarnations.values(), time.monotonic()))
        messages = self._consumer.consume(self._pace.limit, 0.0 if self._restorer.reading else self._pace.wait_seconds)
        self._guarded(lambda: self._work(messages))
        self._guarded(lambda: self._snapshots.look(self._incarnations.values(), time.monotonic()))
        self._questions.answer(lambda customer: describe(self._job, self._incarnations.values(), customer))
        if self._gauges.due():
            self._look_at_lag()
            self._gauges.update(self._incarnations, joined=self._joined)

    def _work(self, messages: list[Message]) -> None:
        taken = self._take(messages) if messages else 0
        for one in self._processor.dirty:  # sent beside the next batch, so that a commit has little to wait for
            self._processor.write_rows(one)
        self._follow()
        if self._transactions.open and self._pace.due(self._transactions.since, idle=not taken):
            self._commit()

    def _take(self, messages: list[Message]) -> int:
        """Process what was consumed; how many records that were."""
        self._pace.begin(len(messages))
        taken = 0
        found = [(self._incarnations.get(run.partition), run) for run in runs(messages)]
        self._processor.begin((one, run.records) for one, run in found if one is not None)
        for one, run in found:
            for error in run.errors:
                self._tell(run.partition, error)
            if one is None or one.state is not State.RUN:
                continue  # it begins again at its own position when it runs
            if run.records:
                self._placement.look(run.records[0].key(), run.partition, run.records[0].offset() or 0)
                self._processor.take(one, run.records)
                taken += len(run.records)
                one.heard_ms = time.time_ns() // 1_000_000
            one.caught_up = run.at_end is not None
        self._pace.end()
        return taken

    def _tell(self, partition: int, error: KafkaError) -> None:
        if error.fatal():
            raise KafkaException(error)
        if time.monotonic() - self._told > TELL_SECONDS:
            self._told = time.monotonic()
            _log.warning("partition %d: %s", partition, error.str())

    def _look_at_lag(self) -> None:
        for one in self._incarnations.values():
            if one.number in self._leaders.leaderless:
                self._watchdog.forget(one.number)  # it stands still, and nothing here would help
            elif one.state is State.RUN:
                ends = self._consumer.get_watermark_offsets(TopicPartition(EVENTS, one.number), cached=True)
                one.lag = 0 if one.caught_up or ends is None else max(0, ends[1] - one.position)
                self._watchdog.progress(one.number, one.position, one.lag)

    def _follow(self) -> None:
        now = time.monotonic()
        if now - self._followed < FOLLOW_SECONDS:
            return
        self._followed = now
        wall_ms = time.time_ns() // 1_000_000
        judge(self._incarnations.values(), wall_ms, self._leaders.away)
        for one in self._incarnations.values():
            going = one.state is State.RUN and one.may_follow(wall_ms, self._job.grace_ms)
            if going and self._processor.follow(one, one.follow_to_ms(wall_ms)):
                self._commit()  # more is due than fits one transaction
                self._followed = 0.0  # it goes on in the next turn, others have theirs in between

    # ------------------------------------------------------------------ commit, and when it fails

    def _commit(self) -> None:
        """Commit everything that was applied. Raises AbortError or BrokenError."""
        if not self._transactions.open:
            return
        began = time.perf_counter()
        dirty = self._processor.dirty
        for one in dirty:
            self._processor.write_rows(one)
            self._processor.write_control(one)
        beside = [written(self._id, one.on_record()) for one in dirty]
        offsets = [TopicPartition(EVENTS, one.number, one.position, b) for one, b in zip(dirty, beside, strict=True)]
        self._transactions.commit(offsets, self._consumer.consumer_group_metadata)
        self._failures = 0 if not self._processor.beginning else self._failures
        self._meters.settle(committed=True)
        self._snapshots.committed(list(dirty))
        self._gauges.committed(time.perf_counter() - began, self._processor.oldest_ms)
        dirty.clear()
        self._watchdog.beat()

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do `work`; repair what its errors leave behind. Raises what repeats without end, and bugs."""
        try:
            work()
        except (AbortError, KernelError) as error:
            reason = "kernel" if isinstance(error, KernelError) else "aborted"
            self._failed(reason, error)
            self._take_back(error)
            if isinstance(error, KernelError):
                self._processor.failed(error)
        except BrokenError as error:
            self._failed("fenced" if isinstance(error, FencedError) else "broken", error)
            if isinstance(error, FencedError):
                self._rival.cut(time.monotonic())
            self._begin_anew()

    def _failed(self, reason: str, error: Exception) -> None:
        self._failures += 1
        _log.warning("transaction not committed: %s", error, exc_info=isinstance(error, KernelError))
        if self._failures > MOST_FAILURES:
            raise RuntimeError(f"{self._failures} transactions in a row failed") from error
        self._meters.settle(committed=False)
        assert reason in REASONS, reason
        self._meters.add(metrics.ABORTED, reason)

    def _take_back(self, error: Exception) -> None:
        """Abort; what was touched restores, the others go back to their positions, as records in hand are lost."""
        touched = list(self._processor.dirty)
        self._processor.dirty.clear()
        if isinstance(error, KernelError) and error.incarnation not in touched:
            touched.append(error.incarnation)
        try:
            self._transactions.abort()
        except (AbortError, BrokenError) as worse:
            _log.warning("abort: %s", worse)
            self._begin_anew()
            return
        for one in touched:
            if one.state is not State.GONE:
                self._drop(one)
        self._go_on([one for one in self._incarnations.values() if one.state is State.RUN])

    def _begin_anew(self) -> None:
        """A new producer, and every partition restores."""
        self._processor.dirty.clear()
        self._transactions.renew()
        for one in self._incarnations.values():
            self._drop(one)

    def _abandon(self) -> None:
        """Something is wrong that can't be repaired: commit nothing, own nothing."""
        self._meters.settle(committed=False)
        self._processor.dirty.clear()
        self._incarnations.clear()
        try:
            self._transactions.abort()
        except (AbortError, BrokenError) as error:
            _log.warning("abort: %s", error)

    # ------------------------------------------------------------------ partitions come and go

    def _given(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._joined = True
        self._places.given(partitions)
        if partitions:
            _log.info("given %s", numbers(partitions))
        for partition in partitions:
            self._incarnations[partition.partition] = Incarnation(partition.partition, self._job.make, time.monotonic())

    def _revoked(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._guarded(self._commit)
        self._part_with(partitions, "giving back")

    def _lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Others may own them already: never commit."""
        self._part_with(partitions, "lost")
        if any(one.state is State.GONE for one in self._processor.dirty):
            error = AbortError("partitions were lost")
            self._failed("lost", error)
            self._take_back(error)

    def _part_with(self, partitions: Iterable[TopicPartition], how: str) -> None:
        _log.info("%s %s", how, numbers(partitions))
        for partition in partitions:
            one = self._incarnations.pop(partition.partition, None)
            if one is not None:
                one.on(Signal.TAKEN)
                self._forget(one)

    def _drop(self, one: Incarnation) -> None:
        self._places.pause(one)
        self._forget(one)
        one.drop(time.monotonic())

    def _forget(self, one: Incarnation) -> None:
        self._places.forget(one)
        self._restorer.forget(one)
        self._snapshots.forget(one)
        self._gauges.forget(one.number)
        self._watchdog.forget(one.number)

    def _go_on(self, ready: list[Incarnation]) -> None:
        """Consume from the incarnations' own positions."""
        for one in self._places.go_on(ready):
            self._gauges.begin(one, self._job.counted)
        for one in self._places.overdue():
            _log.warning("partition %d could be restored, but not read: once more", one.number)
            self._drop(one)
