"""One partition: rows, clock and ledger, driven by batches of events.

Owns: the order of things around the kernel: what is due goes on the heap, the loop runs, days close, alerts are made of
notes. The worker and the backtest both drive this and nothing else. Pure: no Kafka, no file, no wall clock but what it
is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.core import alerts, erasures, failing, flows, heap, kernel, latest, layouts, pulse, records, winback
from stream.core.alerts import Alert
from stream.core.batch import Batch
from stream.core.calendar import DAY_MS, HOUR_MS, calendar, period_start
from stream.core.control import Control, differences
from stream.core.flows import Flows
from stream.core.forgetting import forget_old
from stream.core.gauges import Gauges, scan
from stream.core.hashing import SEPARATOR
from stream.core.ledger import Ledger, Year
from stream.core.life import FORGOTTEN
from stream.core.outcomes import Outcomes
from stream.core.policy import Policy
from stream.core.records import Records
from stream.core.retention import Head, Part
from stream.core.row import NEVER_MS, ROW_LAYOUT, SIGNS
from stream.core.rules import rules_of
from stream.core.schedule import NO_VERSION, Schedule
from stream.core.table import CustomerTable
from stream.core.views import NOTE, C, Events, Note, Store

NO_TIME = -(2**62)
SCAN_LIMIT = 10_000_000  # rows counted in one step: a second or so, so that a leap of a year fits its transactions
DAY_ROWS = 50_000  # what closing a day costs beside its rows: a leap of nine years was once too long for the watchdog
HEAP_AHEAD_MS = HOUR_MS  # how far beyond the clock the heap of due rows reaches, so that it is seldom filled anew


@dataclass(slots=True)
class Step:
    """What one call did: events before `next` are done, and this is to be published."""

    next: int
    too_late: list[int] = field(default_factory=list)  # positions in the batch
    duplicates: int = 0
    alerts: list[Alert] = field(default_factory=list)
    parts: list[Part | Head] = field(default_factory=list)
    erased: list[bytes] = field(default_factory=list)  # customers
    scanned: int = 0  # rows that were counted


class OtherPolicyError(ValueError):
    """The rows were written under a policy, or by a version, that gives their numbers another meaning."""


class Partition:
    """The customers of one partition."""

    def __init__(
        self, policy: Policy, number: int, schedule: Schedule | None = None, erasure_salt: str = "lapse"
    ) -> None:
        """`schedule`: versions that follow the policy, each from a business day on (definitions P1)."""
        self.policy = policy
        self._schedule = Schedule(policy) if schedule is None else schedule
        self._looked = (0, 0)  # day and revision of the schedule when it was last asked
        self.number = number
        self.table = CustomerTable()
        self.flows = Flows(policy)
        self.ledger = Ledger(policy, number, self.flows)
        self.rules = rules_of(policy)
        self.outcomes = Outcomes()
        self.erasures = erasures.Erasures(erasure_salt)
        self._calendar = calendar(policy.zone)
        self.pulse = pulse.make(self._calendar.since_ms, self._calendar.offsets_ms)
        self._clock = np.zeros(len(C), np.int64)
        self._clock[C.MAX] = self._clock[C.ALERT] = self._clock[C.HEAP_UNTIL] = NO_TIME
        self._clock[C.GRACE] = policy.alert_grace_ms
        self._clock[C.LATENESS] = policy.allowed_lateness_days * DAY_MS
        self._clock[C.FIRST_DAY] = NEVER_MS
        self._head: Head | None = None  # the last one published
        self._set_border()
        self._heap = np.empty((0, 2), np.int64)
        self._notes = np.empty(0, NOTE)
        self._counted_n = 0  # of them: what ended was counted

    @property
    def clock_ms(self) -> int | None:
        """The alert clock A, None before the first event."""
        return None if self._clock[C.ALERT] == NO_TIME else int(self._clock[C.ALERT])

    @property
    def policy_since_ms(self) -> int:
        """The instant from which the policy in force holds, 0 for the one to begin with (definitions P1)."""
        since = self._schedule.since(self._looked[0])
        return 0 if since == NO_VERSION else self._calendar.start_ms(since)

    @property
    def rows(self) -> int:
        """How many customers there are: rows to which an event was applied, not only refused."""
        return int(np.count_nonzero(self.table.rows["seen_s"][: self.table.n]))

    @property
    def live_ms(self) -> int | None:
        """The newest event's time M, None when its record did not come when it happened: a file, a replay."""
        return int(self._clock[C.MAX]) if self.pulse["now"][pulse.LIVE] else None

    def trusted_until_ms(self, since_ms: int, wall_ms: int) -> int:
        """When an input that is quiet since then is no longer trusted (T8); later than `wall_ms` if it is till then."""
        return int(pulse.trusted_until_ms(self.pulse, since_ms, wall_ms + 1, pulse.guess_ms(self.pulse)))

    def apply(
        self, batch: Batch, start: int = 0, stop: int | None = None, stamps_ms: Sequence[int] | None = None
    ) -> Step:
        """Apply events start…stop. Where more falls due than fits one step, `next` is short of the end: call again.

        `stamps_ms` are the timestamps of the records that were decoded; without, nothing is taken for live.
        """
        stop = len(batch) if stop is None else stop
        self._take_up()
        before = self.table.n
        rows = self.table.rows_of(batch.customers, batch.customer_start, batch.customer_hash)
        if self.erasures:
            for row in range(before, self.table.n):
                self.table.rows["erased_s"][row] = self.erasures.until_s(self.table.key(row))
        events = Events(
            batch.kind, batch.time_ms, self._calendar.days(batch.time_ms), self._calendar.days(batch.x), rows,
            batch.event_hash, batch.segment, batch.variant, batch.amount, batch.x, batch.y, batch.ref,
            pulse.live(batch.time_ms, batch.record, stamps_ms, int(self._clock[C.MAX])),
            np.zeros(len(batch), np.uint8),
        )  # fmt: skip
        last_ms = int(batch.time_ms[start:stop].max(initial=NO_TIME)) - self.policy.alert_grace_ms
        self.table.reserve_more(int(np.count_nonzero(self.rules.of["more"][batch.kind])))
        store = self._store(len(batch), max(last_ms, int(self._clock[C.ALERT])))
        step = Step(start)
        while True:
            with failing.in_kernel(self.table, store.heap, self._clock):
                why, step.next = kernel.apply(store, self.flows.view, self._clock, events, step.next, stop, self.rules)
            if not self._stopped(why, step):
                break
        step.too_late = np.flatnonzero(events.too_late).tolist()
        self._tell(step, rows[start : step.next])
        return step

    def follow(self, wall_ms: int) -> Step:
        """The partition has caught up.

        The alert clock follows the wall clock, so that a silence fires although nothing comes.
        """
        to_ms = wall_ms - self.policy.alert_grace_ms
        self._take_up()
        store, step = self._store(0, to_ms), Step(0)
        while to_ms > self._clock[C.ALERT]:
            with failing.in_kernel(self.table, store.heap, self._clock):
                why = kernel.advance(store, self._clock, to_ms, self.rules)
            if not self._stopped(why, step):
                break
        self._tell(step)
        return step

    def gauges(self) -> Gauges:
        """What is true of the customers now, at the end of the alert clock's day."""
        day = self._calendar.day(max(int(self._clock[C.ALERT]), 0))
        end_s = self._calendar.end_ms(day) // 1000
        policy = self.policy
        return scan(self.table, day, end_s, policy.active_days, policy.silent.min_purchase_days)

    def changes(self, most: int | None = None) -> Records:
        """Changelog records of what changed and was not taken yet, of `most` rows at once."""
        rows = self.table.take_changes(most)
        self._clock[C.CHANGED_N] = self.table.changed_n
        beside = self.flows.changes() | self.ledger.latest.changes() | self.erasures.changes()
        return rows + records.of(list(beside), list(beside.values()))

    def control(self) -> bytes:
        """What a partition is beside its rows, for the changelog."""
        c, ledger = self._clock, self.ledger
        return msgspec.json.encode(
            Control(
                ROW_LAYOUT, self.policy.zone, self.policy.currency, self.policy.segments,
                int(c[C.MAX]), int(c[C.ALERT]), ledger.first_day, ledger.open_day, ledger.final_day,
                bool(c[C.LATE_CHANGE]), ledger.published, self.outcomes.saved(), {}, pulse.packed(self.pulse),
                self.policy.figures.categories, self.policy.figures.variants, (ledger.year.first, ledger.year.known),
            )
        )  # fmt: skip

    def load(self, keys: Sequence[bytes], values: Sequence[bytes | None]) -> None:
        """Set rows from changelog records, in order: the last of a key wins. Raises OtherPolicyError for other rows."""
        given = dict(zip(keys, values, strict=True))
        some = SEPARATOR in b"".join(given)  # looking at each key takes ten times as long
        beside = [(key, given.pop(key)) for key in list(given) if key.startswith(SEPARATOR)] if some else []
        self.flows.load((key, value) for key, value in beside if key.startswith(flows.KEY))
        self.ledger.latest.load((key, value) for key, value in beside if key.startswith(latest.KEY))
        self.erasures.load((key, value) for key, value in beside if key.startswith(erasures.KEY))
        gone = [key for key, value in given.items() if value is None] if None in values else []
        for key in gone:
            del given[key]
        try:
            rows = layouts.current(list(cast("dict[bytes, bytes]", given).values()))
        except ValueError as error:
            raise OtherPolicyError(f"changelog of partition {self.number}: this version can't read {error}") from None
        self.table.load(list(given), rows)
        self.table.drop(gone)

    def load_control(self, data: bytes) -> None:
        """Go on from a control record. Raises OtherPolicyError where rows would be misread."""
        control = msgspec.json.decode(data, type=Control)
        if wrong := differences(control, self.policy):
            raise OtherPolicyError(f"changelog of partition {self.number}: {'; '.join(wrong)}")
        c, ledger = self._clock, self.ledger
        c[C.MAX], c[C.ALERT] = control.max_ms, control.alert_ms
        c[C.LATE_CHANGE] = control.late_change
        c[C.HEAP_UNTIL] = NO_TIME
        pulse.unpack(self.pulse, control.pulse)
        ledger.first_day, ledger.open_day, ledger.final_day = control.first_day, control.open_day, control.final_day
        ledger.published = dict(control.published)
        unmarked = Year(period_start("year", control.final_day - 1), known=False)  # by an earlier version
        ledger.year = unmarked if control.year is None else Year(*control.year)
        self.outcomes.load(control.ended)
        self.flows.restore()
        if control.first_day is not None:
            c[C.FIRST_DAY] = control.first_day
        self._set_border()

    def _store(self, events: int, until_ms: int) -> Store:
        """The kernel's view of the table, with room for all that `events` events and the timers can bring."""
        c, table = self._clock, self.table
        c[C.NOTES_N] = c[C.FIRED] = c[C.DUPLICATES] = self._counted_n = 0
        c[C.CHANGED_N], c[C.MORE_N] = table.changed_n, table.more_n
        room = events + kernel.TIMER_LIMIT + kernel.NOTES_LIMIT
        if self._notes.size < room:
            self._notes = np.empty(room, NOTE)
        fill = until_ms > c[C.HEAP_UNTIL]
        need = (table.n if fill else int(c[C.HEAP_N])) + room
        if need > len(self._heap):
            grown = np.empty((need * 2, 2), np.int64)
            grown[: c[C.HEAP_N]] = self._heap[: c[C.HEAP_N]]
            self._heap = grown
        store = Store(
            table.rows, table.more, table.hashes, table.due_ms, table.dirty, table.changed, table.arena,
            table.key_start, self._heap, self._notes, np.zeros(SIGNS, np.int64), self.pulse,
        )  # fmt: skip
        if fill:
            heap.fill_heap(store, c, table.n, until_ms + HEAP_AHEAD_MS)
        return store

    def _stopped(self, why: int, step: Step) -> bool:
        """See to what the kernel stopped for; whether it has to go on."""
        c = self._clock
        if why in (kernel.DONE, kernel.TIMERS):
            return False
        if why == kernel.FIRST_DAY:
            self.ledger.begin(int(c[C.FIRST_DAY]))
        self._count_ends()
        late_change = why == kernel.BORDER and bool(c[C.LATE_CHANGE])
        self.table.changed_n = int(c[C.CHANGED_N])  # the kernel is ahead of it
        step.parts += self.ledger.publish(self.table, int(c[C.ALERT]), late_change=late_change)
        if late_change:
            c[C.LATE_CHANGE] = 0
        self._set_border()
        if why == kernel.BORDER:  # who was not seen for long is dropped (definitions H3)
            forget_old(self.table, self.ledger.open_day, int(c[C.ALERT]) // 1000, self.policy.forget_after_days)
        c[C.CHANGED_N] = self.table.changed_n
        step.scanned += max(self.table.n, DAY_ROWS)
        return step.scanned < SCAN_LIMIT and self._in_force() is self.policy

    def _in_force(self) -> Policy:
        """The policy of the alert clock's day (definitions P1)."""
        return self._schedule.in_force(self._calendar.day(max(int(self._clock[C.ALERT]), 0)))

    def _take_up(self) -> None:
        """Go by another policy from here on, if another is in force; alerts that were noted before named theirs."""
        now = (self._calendar.day(max(int(self._clock[C.ALERT]), 0)), self._schedule.revision)
        if now != self._looked:
            self._looked = now
            if (policy := self._in_force()) is not self.policy:
                self.policy = self.ledger.policy = policy
                self.rules = rules_of(policy)

    def _set_border(self) -> None:
        c = self._clock
        c[C.BORDER] = self.ledger.border_ms()
        c[C.OPEN_DAY] = self.ledger.open_day if self.ledger.began else -(2**31)
        if c[C.LATE_CHANGE]:
            c[C.BORDER] = min(c[C.BORDER], kernel.next_hour_ms(c[C.ALERT]))

    def _count_ends(self) -> None:
        """Count what ended since the last time: before days close, so that the borders of steps don't matter."""
        new = self._notes[self._counted_n : self._clock[C.NOTES_N]]
        self._counted_n += new.size
        winback.count(new, self.flows, self.policy, self._calendar, self.table.customer_id)

    def _tell(self, step: Step, rows: NDArray[np.int32] | None = None) -> None:
        c = self._clock
        self._count_ends()
        self.table.changed_n, self.table.more_n = int(c[C.CHANGED_N]), int(c[C.MORE_N])
        step.duplicates = int(c[C.DUPLICATES])
        if self.clock_ms is not None:
            head = self.ledger.head(self.clock_ms)
            if head != self._head:
                self._head = head
                step.parts.append(head)
        for note in self._notes[: c[C.NOTES_N]]:
            with failing.of_note(self.table, note, rows):
                self._take_note(note, step)

    def _take_note(self, note: Note, step: Step) -> None:
        if note["what"] == FORGOTTEN:
            step.erased.append(self.table.key(note["row"]))
            self.erasures.note(step.erased[-1], int(note["time_s"]))
            return
        row, customer = note["was"], self._customer(int(note["row"]))
        alert = alerts.of_note(note, row, note["beside"], customer, self.policy, self._calendar, self.rules)
        step.alerts.append(alert)
        self.outcomes.note(alert)

    def _customer(self, row: int) -> tuple[str, int]:
        return self.table.customer_id(row), int(self.table.hashes[row])
