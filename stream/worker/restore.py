"""From an assignment to a partition that may run: the changelog read, and proved to be what the offsets say.

Owns: the changelog's form on Kafka (rows by customer id, one control record that names the next source offset), the
reading of it in slices between the loop's turns, and the rule: run only when the restored control record equals the
stable committed offset. Without it a take-over in a commit was seen to lose 1,604 alerts. Nothing here is waited for:
offsets are asked for and snapshots read beside the loop, both at once, as somebody may have to be cut off first.
"""

from __future__ import annotations

import logging
import struct
import time
import uuid
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, cast

from confluent_kafka import Consumer, Message, TopicPartition

from stream.worker import clients
from stream.worker.asking import MOST_PATIENCE_SECONDS, Answer, Asking
from stream.worker.fence import AFTER_SECONDS, Fence
from stream.worker.incarnation import Incarnation, Signal, State
from stream.worker.runs import runs
from stream.worker.snapshot import Image, Snapshots
from stream.worker.topics import CHANGELOG, EVENTS

if TYPE_CHECKING:
    from stream.wire.dead import Headers

CONTROL_KEY: Final = b"\x00control"  # no customer: ids never contain NUL
LIFE: Final = "life"  # header of control records: the changelog's life, which a topic made anew does not have

_IMAGES_AT_ONCE: Final = 2  # each has a partition's rows twice meanwhile
_SLICE = 2_000  # records at once: they stay in the cache until they are rows, and in pages that are there already
_SLICE_SECONDS = 0.01
_PAUSE_SECONDS = 0.02  # between two looks at something that isn't so yet
_QUICK_SECONDS = 1.0  # so long it is asked impatiently: a previous owner is being cut off
_LAST_SECONDS = 1.0
_TELL_SECONDS = 10.0
_TRUST_SECONDS = 5.0  # no offset for so long, yet a control record: the offsets are gone, not on their way
_OFFSET = struct.Struct(">q")

_log = logging.getLogger("lapse.restore")


def control_record(position: int, control: bytes) -> bytes:
    """The value under CONTROL_KEY: the next source offset, then what the partition keeps beside its rows."""
    return _OFFSET.pack(position) + control


class Restorer:
    """Restores all incarnations that need it, a slice at a time."""

    def __init__(
        self, asking: Asking, reader: Consumer, observer: Consumer, fence: Fence, snapshots: Snapshots
    ) -> None:
        """`reader` reads the changelog, `observer` looks at what is there; both are closed with this."""
        self._asking = asking
        self._snapshots = snapshots
        self._reader = reader
        self._observer = observer
        self._fence = fence
        self._reading: dict[int, Incarnation] = {}
        self._imaging: dict[Incarnation, Future[Image | None]] = {}
        self._known: dict[Incarnation, Answer] = {}
        self._beside = ThreadPoolExecutor(_IMAGES_AT_ONCE, "image")
        self._again: dict[Incarnation, float] = {}  # not to be asked again before
        self._stuck: dict[Incarnation, float] = {}  # since when it can't go on
        self._told: dict[Incarnation, float] = {}

    @property
    def reading(self) -> bool:
        """Whether a changelog is being read."""
        return bool(self._reading)

    def advance(self, incarnations: Iterable[Incarnation], now: float) -> list[Incarnation]:
        """Do a slice of work; returns those that are restored now, in state RUN."""
        for one in incarnations:
            if one.state is State.WAIT and now >= self._again.get(one, 0.0):
                self._begin(one)
        self._hear()
        self._take_up()
        if self._reading:
            self._read()
        return [one for one in list(self._reading.values()) if one.read_to >= one.target and self._settle(one, now)]

    def forget(self, one: Incarnation) -> None:
        """Stop restoring an incarnation that was taken or has to begin anew."""
        if self._reading.get(one.number) is one:
            self._unassign(one)
        self._asking.forget(one)
        for memory in (self._imaging, self._known, self._again, self._stuck, self._told):
            memory.pop(one, None)  # what is still made of its file is thrown away

    def close(self) -> None:
        """Close both consumers."""
        self._beside.shutdown(wait=False, cancel_futures=True)
        self._asking.close()
        self._reader.close()
        self._observer.close()

    def _begin(self, one: Incarnation) -> None:
        """Ask where it is to begin, and read its file meanwhile: the file needs no answer."""
        self._asking.ask(one)
        if one.read_to == 0 and one not in self._imaging and self._snapshots.has(one):
            self._imaging[one] = self._beside.submit(self._snapshots.read, one)

    def _hear(self) -> None:
        """Take the answers: the changelog is read from where this incarnation is to its end of then."""
        for one, answer in self._asking.answers():
            one.owner = answer.owner or one.owner
            if not isinstance(answer, Answer):
                if time.monotonic() - self._stuck.setdefault(one, one.since) > _QUICK_SECONDS:
                    one.patience = min(one.patience * 2, MOST_PATIENCE_SECONDS)
                self._later(one, answer.why, cut=bool(answer.owner))
                continue
            one.committed, one.recorded, one.target = answer.committed, answer.trial, answer.changelog[1]
            if one.committed is None:
                one.position = answer.source[0]
            one.on(Signal.STABLE)
            self._known[one] = answer

    def _take_up(self) -> None:
        """Read the changelog of those of whom all is known, behind the snapshot where there is one that fits."""
        for one, answer in list(self._known.items()):
            image = self._imaging.get(one)
            low, end = answer.changelog
            if self._reading.get(one.number) is one or (image is not None and not image.done()):
                continue
            found = None if image is None else self._imaging.pop(one).result()
            if found is not None:
                self._snapshots.take_up(one, found, low, end)
            self._read_from(one, low)

    def _read_from(self, one: Incarnation, low: int) -> None:
        one.read_to = max(one.read_to, low)
        self._reading[one.number] = one
        self._reader.incremental_assign([TopicPartition(CHANGELOG, one.number, one.read_to)])
        if len(self._reading) == 1:
            clients.wake(self._reader, CHANGELOG, one.number)

    def _read(self) -> None:
        messages = self._reader.consume(_SLICE, _SLICE_SECONDS)
        for run in runs(messages):
            one = self._reading.get(run.partition)
            if one is None:
                continue
            if run.records:
                self._load(one, run.records)
                one.read_to = (run.records[-1].offset() or 0) + 1
                self._stuck.pop(one, None)
            if run.at_end is not None:
                one.read_to = max(one.read_to, run.at_end)
                self._stuck.setdefault(one, time.monotonic())  # unless it is the end that was looked for
        for one in self._reading.values():
            if one.read_to < one.target and one in self._stuck:
                self._wait(one, "a transaction on its changelog is open")

    def _load(self, one: Incarnation, records: list[Message]) -> None:
        keys: list[Any] = list(map(Message.key, records))
        values: list[Any] = list(map(Message.value, records))
        if CONTROL_KEY in keys:
            rows = [(key, value) for key, value in zip(keys, values, strict=True) if key != CONTROL_KEY]
            at = len(keys) - 1 - keys[::-1].index(CONTROL_KEY)
            newest, headers = values[at], cast("Headers", records[at].headers() or [])
            one.life = dict(headers).get(LIFE, b"")
            one.control = _OFFSET.unpack_from(newest)[0]
            one.control_data = newest[_OFFSET.size :]
            keys, values = [key for key, _ in rows], [value for _, value in rows]
        one.partition.load(keys, values)

    def _settle(self, one: Incarnation, now: float) -> bool:
        """All is read: let it run if its control record says the committed offset, else have it wait."""
        answer = self._known[one]
        self._unassign(one)
        if one.image_life is not None and one.image_life != one.life:
            self._snapshots.disown(one)
            one.drop(one.since)
            return False
        gone = one.committed is None and one.control is not None and now - one.since > _TRUST_SECONDS
        if one.control != one.committed and not gone:
            one.on(Signal.UNEQUAL)
            self._later(one, f"committed offset {one.committed}, changelog {one.control}", cut=False)
            return False
        place = one.committed if one.control is None else one.control
        if place is not None and answer.source[1] < place and not self._shows(one.number, place - 1):
            one.on(Signal.UNEQUAL)
            self._later(one, f"{EVENTS} ends before offset {place}, which is next: was the topic made anew?", cut=False)
            return False
        if gone:
            _log.warning("partition %d: the group has no offset, going on from the changelog's", one.number)
        if one.control is not None:
            one.partition.load_control(one.control_data)
            one.position = one.control
        one.life = one.life or uuid.uuid4().bytes
        one.on(Signal.EQUAL)
        self.forget(one)
        return True

    def _unassign(self, one: Incarnation) -> None:
        del self._reading[one.number]
        del self._known[one]
        self._reader.incremental_unassign([TopicPartition(CHANGELOG, one.number)])

    def _shows(self, number: int, offset: int) -> bool:
        """Whether reading finds that event or a later one. Without it nothing would ever be read, and nobody told.

        The embedded broker tells of ends that are too low.
        """
        last = TopicPartition(EVENTS, number, offset)
        self._observer.incremental_assign([last])
        try:
            for run in runs(self._observer.consume(1, _LAST_SECONDS)):
                found = run.records[0].offset() if run.records else run.at_end
                return found is not None and found >= last.offset
            return False
        finally:
            self._observer.incremental_unassign([last])

    def _later(self, one: Incarnation, why: str, *, cut: bool = True) -> None:
        self._again[one] = time.monotonic() + _PAUSE_SECONDS
        self._wait(one, why, cut=cut)

    def _wait(self, one: Incarnation, why: str, *, cut: bool = True) -> None:
        """It can't go on: after a while `cut` off the previous owner, where that may help; after longer say so."""
        now = time.monotonic()
        seconds = now - self._stuck.setdefault(one, now)
        if cut and seconds > AFTER_SECONDS and one.owner:
            self._fence.cut(one.owner, now)
        if now - self._told.get(one, now - seconds) > _TELL_SECONDS:
            self._told[one] = now
            _log.error("partition %d has waited %.0f s: %s", one.number, seconds, why)
