"""From records of one partition to what its transaction carries: decode, apply, dead letters, alerts, parts, rows.

Owns: that order, the position that goes with it, and the search for an event on which the kernel fails. Knows neither
assignment nor commit: it is told how to commit where one step's work must not share a transaction with the next.
"""

from __future__ import annotations

import logging
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

from confluent_kafka import Message

from stream import metrics
from stream.core.failing import DueError
from stream.names import ERASED
from stream.wire.dead import DeadLetter, Headers, Reason, to_record, too_late
from stream.worker.incarnation import Incarnation, State
from stream.worker.job import Job, Step
from stream.worker.meters import Meters
from stream.worker.restore import CONTROL_KEY, LIFE, control_record
from stream.worker.topics import ALERTS, CHANGELOG, DEAD, EVENTS, PARTS
from stream.worker.transaction import AbortError, BrokenError, Transactions
from stream.worker.trial import MOST_GIVEN_UP

CLOCK_EVERY_MS: Final = 60_000  # a clock that only follows the wall clock is written so often
REST_MS: Final = 60_000  # a clock on which the kernel fails while it follows the wall clock rests so long
ROWS_AT_ONCE: Final = 1_000

_log = logging.getLogger("lapse.worker")


class KernelError(Exception):
    """Decoding or applying failed where it must not; `incarnation` may be half applied."""

    def __init__(self, incarnation: Incarnation, records: Sequence[Message], key: bytes | None = None) -> None:
        """`records` are those among which the failing one is, unless it was what fell due of the customer `key`."""
        during = f"within {len(records)} events" if records else "as the clock went with the wall clock"
        super().__init__(f"partition {incarnation.number}: the kernel failed {during}")
        self.incarnation = incarnation
        self.records = records
        self.key = key


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
        self.beginning = False
        self.oldest_ms: int | None = None  # timestamp of the oldest record in the transaction
        self._poison: dict[int, set[int]] = {}
        self._tired: dict[int, set[bytes]] = {}  # customers on whom what falls due fails, by partition
        self._known: set[tuple[int, bytes]] = set()  # of them

    def begin(self, found: Iterable[tuple[Incarnation, Sequence[Message]]]) -> None:
        """Write down the lives that begin, before their first records are tried; give up a record that ended many."""
        fresh = [(one, new) for one, new in found if new and one.state is State.RUN and not one.begun]
        if not fresh:
            return
        for one, _ in fresh:
            one.begin()
            self.touch(one)
        self.beginning = True  # that this can be committed says nothing of what comes now
        try:
            self._commit()
        finally:
            self.beginning = False
        for one, new in fresh:
            if one.trial.size:
                _log.warning("partition %d: workers ended at offset %d %s", one.number, one.position, one.trial.words())
            record = next((record for record in new if _offset(record) >= one.position), None)
            if one.trial.hopeless and record is not None:
                one.limit = None
                self._skip(one, record, f"{one.trial.lives - 1} workers in a row ended as they tried this event alone")
                self._give_up(one)
                self._commit()

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
                self._skip(one, record, "the kernel failed on this event; see the worker's log")
                chunk = chunk[at + 1 :]
            if chunk:
                self._apply(one, chunk)
            if one.limit is not None:
                self._commit()

    def follow(self, one: Incarnation, wall_ms: int) -> bool:
        """Let the clock go with the wall clock; whether more is due than fits one transaction."""
        self._put_to_rest(one)
        before = one.partition.clock_ms
        with _blaming(one, []):
            step = one.partition.follow(wall_ms)
        after = one.partition.clock_ms
        if before is None or after is None:
            return False
        if step.alerts or step.parts or after - one.clock_written_ms > CLOCK_EVERY_MS:
            self.touch(one)
            with _blaming(one, []):
                self._publish(one, step)
        return after < wall_ms - self._job.grace_ms and after > before

    def write_rows(self, one: Incarnation) -> None:
        """Send the rows that changed since the last time, a few at once: what is copied stays in the cache."""
        while True:
            records = one.partition.changes(ROWS_AT_ONCE)
            if not records:
                return
            self._transactions.send_all(CHANGELOG, records, one.number)

    def write_control(self, one: Incarnation) -> None:
        """Send the control record: together with the offsets it proves a restore."""
        record = control_record(one.position, one.partition.control())
        self._transactions.send(CHANGELOG, record, CONTROL_KEY, [(LIFE, one.life)], one.number)
        one.clock_written_ms = one.partition.clock_ms or 0

    def failed(self, error: KernelError) -> None:
        """Halve what may fail next time, or give up one event. Raises when too many were given up."""
        one, records = error.incarnation, error.records
        if error.key is not None:
            self._tired.setdefault(one.number, set()).add(error.key)
            if (one.number, error.key) not in self._known:  # it falls due again with each event of theirs
                self._known.add((one.number, error.key))
                self._give_up(one, error)
        elif not records:
            one.rests_until_ms = time.time_ns() // 1_000_000 + REST_MS
        if len(records) > 1:  # also where a row is at fault, which falls due again if an event of its customer is there
            one.limit = len(records) // 2
            one.suspect_until = _offset(records[-1]) + 1
        if len(records) != 1 or error.key is not None:
            return
        self._poison.setdefault(one.number, set()).add(_offset(records[0]))
        self._give_up(one, error)

    def _give_up(self, one: Incarnation, error: Exception | None = None) -> None:
        """Count an event that is given up. Raises RuntimeError when there were too many, whoever the worker was."""
        one.trial = one.trial.gave_up(int(time.time()))
        if len(one.trial.given_up_s) > MOST_GIVEN_UP:
            text = f"{len(one.trial.given_up_s)} events or rows of partition {one.number} were given up within an hour"
            raise RuntimeError(text) from error

    def _apply(self, one: Incarnation, records: Sequence[Message]) -> None:
        """Decode and apply; where more falls due than fits one transaction, commit and go on."""
        self._put_to_rest(one)
        self.touch(one)
        # numbers as NumPy takes them without looking at each: they are asked for more than once
        stamps = array("q", [stamp for _, stamp in map(Message.timestamp, records)])
        self.oldest_ms = min(stamps[0], self.oldest_ms or stamps[0])
        border = 0
        with _blaming(one, records):
            work = self._decode(records, stamps)
            size = len(work.batch)
            step = one.partition.apply(work.batch, 0, None, stamps)
        while True:
            with _blaming(one, records[border:]):  # also where what follows from them can't be put in words
                border = len(records) if step.next >= size else int(work.batch.record[step.next])
                self._publish(one, step, work, border)
            if step.next >= size:
                return
            self._commit()
            self.touch(one)
            with _blaming(one, records[border:]):
                step = one.partition.apply(work.batch, step.next, None, stamps)

    def _decode(self, records: Sequence[Message], stamps: Sequence[int]) -> Work:
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
        for erased in step.erased:  # the desk has to hear of it also where no alert is open: it keeps closed ones
            send(PARTS, None, ERASED + erased)
            one.gone = True
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

    def _skip(self, one: Incarnation, record: Message, why: str) -> None:
        self.touch(one)
        self._send_dead(one, [record], DeadLetter(0, Reason.internal_error, why))
        self._meters.count(metrics.EVENTS, str(one.number))
        one.position = _offset(record) + 1

    def _put_to_rest(self, one: Incarnation) -> None:
        """Have nothing fall due of customers on whom that fails, and tell it."""
        for customer in self._tired.pop(one.number, ()):
            if not self._job.rest(one.partition, customer):
                continue
            self.touch(one)
            why = DeadLetter(
                0, Reason.internal_error, "what fell due failed: it rests until this customer's next event"
            )
            key, value, headers = to_record(why, customer, None, CHANGELOG, one.number, one.position)
            self._transactions.send(DEAD, value, key, headers)
            self._meters.count(metrics.DEAD, str(one.number), why.reason.value)

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

    def touch(self, one: Incarnation) -> None:
        """Have the next commit say how far this one is."""
        if not self._transactions.open:
            self._transactions.begin()
            self.oldest_ms = None
        self.dirty[one] = None


@contextmanager
def _blaming(one: Incarnation, records: Sequence[Message]) -> Iterator[None]:
    """Whatever goes wrong inside goes wrong because of one of the records, but for what goes wrong with Kafka."""
    try:
        yield
    except (AbortError, BrokenError):
        raise
    except DueError as error:
        raise KernelError(one, records, error.key) from error
    except Exception as error:
        raise KernelError(one, records) from error


def _headers(record: Message) -> Headers | None:
    return cast("Headers | None", record.headers())  # a list of pairs, whatever its types say


def _record_of(letter: DeadLetter) -> int:
    return letter.record


def _offset(record: Message | None) -> int:
    assert record is not None, "no record"
    offset = record.offset()
    assert offset is not None, "a record from the broker has an offset"
    return offset
