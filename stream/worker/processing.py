"""From records of one partition to what its transaction carries: decode, apply, dead letters, alerts, parts, rows.

Owns: that order, the position that goes with it, and the search for an event on which the kernel fails. Knows neither
assignment nor commit: it is told how to commit where one step's work must not share a transaction with the next.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from confluent_kafka import Message

from stream import metrics
from stream.wire.dead import DeadLetter, Headers, Reason, to_record, too_late
from stream.worker.incarnation import Incarnation
from stream.worker.job import Job, Step
from stream.worker.meters import Meters
from stream.worker.restore import CONTROL_KEY, control_record
from stream.worker.topics import ALERTS, CHANGELOG, DEAD, EVENTS, PARTS
from stream.worker.transaction import Transactions

CLOCK_EVERY_MS: Final = 60_000  # a clock that only follows the wall clock is written so often
MOST_FAILURES_AN_HOUR: Final = 3
ROWS_AT_ONCE: Final = 1_000

_log = logging.getLogger("lapse.worker")


class KernelError(Exception):
    """Decoding or applying failed where it must not; `incarnation` may be half applied."""

    def __init__(self, incarnation: Incarnation, records: Sequence[Message]) -> None:
        """`records` are those among which the failing one is."""
        super().__init__(f"partition {incarnation.number}: the kernel failed within {len(records)} events")
        self.incarnation = incarnation
        self.records = records


@dataclass(slots=True)
class Work:
    """Records that were decoded together, and how far they are published."""

    records: Sequence[Message]
    batch: Any
    dead: list[DeadLetter]  # in the order of their records
    done: int = 0  # records published
    dead_done: int = 0


class Processor:
    """Applies records and puts what follows from them into the open transaction."""

    def __init__(self, job: Job, transactions: Transactions, meters: Meters, commit: Callable[[], None]) -> None:
        """`commit` commits everything in `dirty`, or raises what `Transactions` raises."""
        self._job = job
        self._transactions = transactions
        self._meters = meters
        self._commit = commit
        self.dirty: dict[Incarnation, None] = {}
        self.oldest_ms: int | None = None  # timestamp of the oldest record in the transaction
        self._poison: dict[int, set[int]] = {}
        self._failures: dict[int, deque[float]] = {}

    def take(self, one: Incarnation, records: Sequence[Message]) -> None:
        """Apply records, in offset order, of which some may lie before the position (after a seek)."""
        if _offset(records[0]) < one.position:
            records = [record for record in records if _offset(record) >= one.position]
        poison = self._poison.get(one.number)
        if one.limit is None and not poison:
            if records:
                self._apply(one, records)
            return
        while records:  # slowly, to find the event on which the kernel fails
            one.limit = None if _offset(records[0]) >= one.suspect_until else one.limit
            chunk = records[: one.limit]
            records = records[len(chunk) :]
            for record in [record for record in chunk if poison and _offset(record) in poison]:
                at = chunk.index(record)
                if chunk[:at]:
                    self._apply(one, chunk[:at])
                self._skip(one, record)
                chunk = chunk[at + 1 :]
            if chunk:
                self._apply(one, chunk)
            if one.limit is not None:
                self._commit()

    def follow(self, one: Incarnation, wall_ms: int) -> bool:
        """Let the clock go with the wall clock; whether more is due than fits one transaction."""
        before = one.partition.clock_ms
        step = one.partition.follow(wall_ms)
        after = one.partition.clock_ms
        if before is None or after is None:
            return False
        if step.alerts or step.parts or after - one.clock_written_ms > CLOCK_EVERY_MS:
            self._touch(one)
            self._publish(one, step)
        return after < wall_ms - self._job.grace_ms and after > before

    def write_rows(self, one: Incarnation) -> None:
        """Send the rows that changed since the last time, a few at once: what is copied stays in the cache."""
        while True:
            keys, values = one.partition.changes(ROWS_AT_ONCE)
            if not keys:
                return
            self._transactions.send_all(CHANGELOG, values, keys, one.number)

    def write_control(self, one: Incarnation) -> None:
        """Send the control record: together with the offsets it proves a restore."""
        record = control_record(one.position, one.partition.control())
        self._transactions.send_all(CHANGELOG, [record], [CONTROL_KEY], one.number)
        one.clock_written_ms = one.partition.clock_ms or 0

    def failed(self, error: KernelError) -> None:
        """Halve what may fail next time, or give up one event. Raises when too many were given up."""
        one, records = error.incarnation, error.records
        if len(records) > 1:
            one.limit = len(records) // 2
            one.suspect_until = _offset(records[-1]) + 1
            return
        self._poison.setdefault(one.number, set()).add(_offset(records[0]))
        failures = self._failures.setdefault(one.number, deque())
        now = time.monotonic()
        failures.append(now)
        while now - failures[0] > 3600:  # noqa: PLR2004 (seconds of an hour)
            failures.popleft()
        if len(failures) > MOST_FAILURES_AN_HOUR:
            text = f"the kernel failed on {len(failures)} events of partition {one.number} in an hour"
            raise RuntimeError(text) from error

    def _apply(self, one: Incarnation, records: Sequence[Message]) -> None:
        """Decode and apply; where more falls due than fits one transaction, commit and go on."""
        self._touch(one)
        stamps = [stamp for _, stamp in map(Message.timestamp, records)]
        self.oldest_ms = min(stamps[0], self.oldest_ms or stamps[0])
        try:
            work = self._decode(records, stamps)
            size = len(work.batch)
            step = one.partition.apply(work.batch, 0, None, stamps)
        except Exception as error:
            raise KernelError(one, records) from error
        while True:
            border = len(records) if step.next >= size else int(work.batch.record[step.next])
            self._publish(one, step, work, border)
            if step.next >= size:
                return
            self._commit()
            self._touch(one)
            try:
                step = one.partition.apply(work.batch, step.next, None, stamps)
            except Exception as error:
                raise KernelError(one, records[border:]) from error

    def _decode(self, records: Sequence[Message], stamps: list[int]) -> Work:
        values: list[Any] = list(map(Message.value, records))
        keys: list[Any] = list(map(Message.key, records))
        batch, dead = self._job.decode(values, keys, stamps, lambda i: _headers(records[i]))
        return Work(records, batch, sorted(dead, key=_record_of) if len(dead) > 1 else dead)

    def _publish(self, one: Incarnation, step: Step, work: Work | None = None, border: int = 0) -> None:
        """Put into the transaction what a step says; `border` is the first record that is not done yet."""
        number = str(one.number)
        if work is not None:
            self._bury(one, step, work, border)
            self._meters.count(metrics.EVENTS, number, by=border - work.done)
            work.done = border
            last = work.records[border - 1] if border else None
            one.position = _offset(work.records[border]) if border < len(work.records) else _offset(last) + 1
        self._meters.count(metrics.DUPLICATES, number, by=step.duplicates)
        send = self._transactions.send
        for alert in step.alerts:
            key, value = self._job.alert(alert)
            send(ALERTS, value, key)
            self._count_alert(number, alert)
        for part in step.parts:
            key, value = self._job.part(part)
            send(PARTS, value, key)

    def _bury(self, one: Incarnation, step: Step, work: Work, border: int) -> None:
        """Send the dead letters among the records before `border` that were not sent yet, and the too late ones."""
        dead, record_of = work.dead, work.batch.record
        while work.dead_done < len(dead) and dead[work.dead_done].record < border:
            self._send_dead(one, work.records, dead[work.dead_done])
            work.dead_done += 1
        for at in step.too_late:
            self._send_dead(one, work.records, too_late(int(record_of[at])))

    def _skip(self, one: Incarnation, record: Message) -> None:
        self._touch(one)
        why = DeadLetter(0, Reason.internal_error, "the kernel failed on this event; see the worker's log")
        self._send_dead(one, [record], why)
        self._meters.count(metrics.EVENTS, str(one.number))
        one.position = _offset(record) + 1

    def _send_dead(self, one: Incarnation, records: Sequence[Message], why: DeadLetter) -> None:
        record = records[why.record]
        key, value, headers = to_record(why, record.key(), record.value(), EVENTS, one.number, _offset(record))
        self._transactions.send(DEAD, value, key, headers)
        self._meters.count(metrics.DEAD, str(one.number), why.reason.value)

    def _count_alert(self, number: str, alert: Any) -> None:
        sign, status, severity, resolution = self._job.alert_labels(alert)
        if status == "resolved":
            self._meters.count(metrics.ALERTS_RESOLVED, number, sign, resolution)
        elif status == "opened":
            self._meters.count(metrics.ALERTS_OPENED, number, sign, severity)
        else:
            self._meters.count(metrics.ALERTS_ESCALATED, number, sign, severity)

    def _touch(self, one: Incarnation) -> None:
        if not self._transactions.open:
            self._transactions.begin()
            self.oldest_ms = None
        self.dirty[one] = None


def _headers(record: Message) -> Headers | None:
    return cast("Headers | None", record.headers())  # a list of pairs, whatever its types say


def _record_of(letter: DeadLetter) -> int:
    return letter.record


def _offset(record: Message | None) -> int:
    assert record is not None, "no record"
    offset = record.offset()
    assert offset is not None, "a record from the broker has an offset"
    return offset
