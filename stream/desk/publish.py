"""From the partitions' parts to the day records of `retention.daily`.

Owns: which records have to be made anew, and which of them say something new; those are sent, no others. The parts are
merged by the core. A record is a function of the parts and the policy alone, so a desk that begins again, or a second
one, says the same, and sends nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from stream.core import retention
from stream.core.comparing import Earlier, beside
from stream.core.retention import Head, Part, Record
from stream.desk.kafka import Follower, Handler, KeyValue, Writer
from stream.desk.meters import Meters
from stream.desk.model import Desk
from stream.names import DAILY, PARTS
from stream.wire import encode
from stream.wire.encode import DayRecord

_part = msgspec.json.Decoder(Part | Head)
_record = msgspec.json.Decoder(DayRecord)

Period = tuple[str, str]  # kind, first day


@dataclass(frozen=True, slots=True)
class Told:
    """A record of `retention.parts`, as the agent sees it."""

    key: bytes
    offset: int


def take_part(desk: Desk) -> Handler:
    """What tells the desk of `retention.parts`."""

    def take(_key: bytes, value: bytes | None, at_ms: int) -> None:
        if value is not None:
            desk.tell_part(_part.decode(value), at_ms)

    return take


def take_record(desk: Desk) -> Handler:
    """What tells the desk of `retention.daily`."""

    def take(key: bytes, value: bytes | None, _at_ms: int) -> None:
        desk.tell_record(key.decode(), None if value is None else _record.decode(value))

    return take


class Publisher:
    """Publishes for the desk that has `retention.parts`."""

    def __init__(self, desk: Desk, follower: Follower, writer: Writer, meters: Meters) -> None:
        """`desk` holds parts and records as the follower read them."""
        self._desk = desk
        self._follower = follower
        self._writer = writer
        self._meters = meters
        self._sent: dict[str, DayRecord] = {}  # and perhaps not yet read back

    async def publish(self, batch: Sequence[Told]) -> None:
        """Send what follows from a batch of parts; only then may its offsets be committed."""
        if not batch:
            return
        await self._follower.reached(PARTS, max(one.offset for one in batch))
        names = [one.key.decode().split(":") for one in batch]
        # a partition that has come further may close periods that it has no part of
        periods = None if any(name[0] == "head" for name in names) else {(name[0], name[1]) for name in names}
        await self.send(self.made(periods))

    def made(self, periods: set[Period] | None) -> list[Record]:
        """The records of these periods; None: of all that aren't final yet."""
        desk, policy = self._desk, self._desk.policy
        if desk.partitions_total is None:
            return []
        return retention.merge(
            self._parts(periods),
            desk.closed.values(),
            desk.partitions_total,
            policy.segments,
            max(policy.active_days),
            policy.history_start,
        )

    async def send(self, records: Iterable[Record]) -> None:
        """Send those that say something new.

        Everybody's record comes after those of the segments: a period is done with when that one is final (`_parts`),
        and a desk may be killed between any two.
        """
        found: list[KeyValue] = []
        for record in sorted(records, key=lambda one: (one.segment == retention.ALL, one.start)):
            key, value = encode.record(record, beside(record, self._earlier, self._desk.policy))
            told = _record.decode(value)
            if not _says_the_same(told, self._sent.get(record.key) or self._desk.records().get(record.key)):
                self._sent[record.key] = told
                found.append((key, value))
        if found:
            await self._follower.reached(DAILY, await self._writer.write(DAILY, found))
            self._sent.clear()
            self._meters.published(len(found))

    def _earlier(self, key: str) -> Earlier | None:
        one = self._sent.get(key) or self._desk.records().get(key)
        if one is None or one.provisional:
            return None
        return Earlier(one.start, one.counts.lost, one.crr, one.crr_strict, one.churn)

    def _parts(self, periods: set[Period] | None) -> list[Part]:
        parts = self._desk.parts.values()
        if periods is not None:
            return [part for part in parts if (part.period, str(part.start)) in periods]
        final = {
            (one.period, one.start)
            for one in self._desk.records().values()
            if one.final and one.segment == retention.ALL
        }
        return [part for part in parts if (part.period, part.start) not in final]


NO_TIME: Final = ""


def _says_the_same(new: DayRecord, old: DayRecord | None) -> bool:
    """Whether nothing but the time at which it was counted differs."""
    return old is not None and msgspec.structs.replace(new, closed_at=NO_TIME) == msgspec.structs.replace(
        old, closed_at=NO_TIME
    )
