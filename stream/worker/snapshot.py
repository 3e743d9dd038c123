"""Local snapshots of partitions: files from which a restore begins, so that it reads only the changelog's tail.

Owns: the files, and the proof that one belongs to a committed position. A changelog's end is noted first (the `mark`);
when a later transaction of the same assignment has committed, all records before the mark were this worker's or of
those before it, so the rows in memory hold at least what the changelog says up to there, and what they hold more stands
behind it. Records behind the mark are read again, among them that transaction's control record, which carries the
changelog's `life`: a topic that was made anew has another. What a file holds is the job's. A file is only ever a short
cut: whatever is wrong with it, the changelog is read from its beginning.
"""

from __future__ import annotations

import logging
import mmap
import os
import threading
import time
import zlib
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from stream.worker.incarnation import Incarnation, State
from stream.worker.job import Job, Partition

EVERY_SECONDS: Final = 60.0
IDLE_SECONDS: Final = 900.0  # without a new event; the file must stay young
# An older one may lack tombstones that compaction has dropped since (delete.retention.ms, a day by default), and might
# hold customers who were erased elsewhere: it is never used, and deleted.
OLDEST_SECONDS: Final = 3_600.0
SWEEP_SECONDS: Final = 600.0
UNANSWERED_SECONDS: Final = 5.0  # nobody is asked so long after a question without an answer,
ASK_AGAIN_SECONDS: Final = 30.0  # and about that partition so long
SHARE: Final = 0.01  # of the loop's time that copying may take
LAST_EVENTS: Final = 20_000  # so many behind it, or fewer, a successor reads in less time than copying takes
LEAVING_SECONDS: Final = 5.0
_SUFFIX: Final = ".snapshot"
_MAGIC: Final = b"lapse1\n"
_SIZE_BYTES: Final = 4

_log = logging.getLogger("lapse.snapshot")

Block = bytes | memoryview


class Header(msgspec.Struct, frozen=True):
    """What a file says of itself."""

    form: str
    group: str
    partition: int
    life: bytes
    mark: int  # the changelog's offset from which on it has to be read
    position: int  # the next event, at the commit that proved it
    written_s: float
    sizes: list[int]  # of the blocks
    checksum: int


class Image(NamedTuple):
    """What was made of a file."""

    partition: Partition
    life: bytes
    mark: int  # the changelog is to be read from there
    position: int
    written_s: float


class Snapshots:
    """The snapshots of one worker; without a folder there are none."""

    def __init__(
        self, folder: Path | None, group: str, job: Job, end_of: Callable[[int], int | None],
        touch: Callable[[Incarnation], None] = lambda _: None,
    ) -> None:  # fmt: skip
        """`end_of` asks for the end of a partition's changelog, open transactions included; None: no answer.

        `touch` has the next commit say how far an incarnation is.
        """
        self._touch = touch
        self._folder = folder if job.form else None
        self._group, self._job, self._end_of = group, job, end_of
        self._marks: dict[Incarnation, int] = {}
        self._made: dict[Incarnation, tuple[float, int]] = {}  # monotonic seconds and position of the last one
        self._writer: threading.Thread | None = None
        self._unwanted: set[int] = set()  # what the writer is at holds somebody who is erased by now
        self._replacing = threading.Lock()
        self._not_before = self._swept = 0.0
        self._unanswered: dict[Incarnation, float] = {}  # monotonic seconds
        self._closing = False
        if self._folder is not None:
            self._sweep(self._folder)

    # ------------------------------------------------------------------ making

    def look(self, incarnations: Collection[Incarnation], now: float) -> None:
        """Note the mark of one that is due; at its next commit it is copied."""
        if self._folder is not None and now - self._swept > SWEEP_SECONDS:
            self._swept = now
            self._sweep(self._folder)
        if self._folder is None or self._marks or self._busy() or now < self._not_before:
            return
        for known in (self._made, self._unanswered):
            for one in [one for one in known if one.state is State.GONE]:
                del known[one]
        due = [one for one in incarnations if one.state is State.RUN and one.life and self._due(one, now)]
        if due:
            one = min(due, key=lambda one: self._made.get(one, (0.0, 0))[0])
            mark = self._end_of(one.number)
            if mark is None:  # without a leader: that took half a second of the loop's time
                self._unanswered[one] = time.monotonic()
                self._not_before = time.monotonic() + UNANSWERED_SECONDS
                return
            self._unanswered.pop(one, None)
            self._marks[one] = mark
            if self._closing:
                self._touch(one)

    def committed(self, done: Sequence[Incarnation]) -> None:
        """A transaction has just committed everything of these."""
        if self._folder is None:
            return
        for one in done:
            mark = self._marks.pop(one, None)
            if one.gone:
                one.gone = False
                self._delete(one.number)
                self._made.pop(one, None)
            if mark is not None and one.state is State.RUN:
                self._copy(one, mark, self._folder)

    def forget(self, one: Incarnation) -> None:
        """What it held is not committed, or it is another's now."""
        self._marks.pop(one, None)
        self._made.pop(one, None)

    def leave(self, incarnations: Collection[Incarnation], turn: Callable[[], None]) -> None:
        """Before leaving, and still at work, make fresh ones, from which others on this host go on.

        `turn` does a turn of the loop, with a `look`.
        """
        self._closing, self._not_before = True, 0.0
        until = time.monotonic() + LEAVING_SECONDS
        while self._folder is not None and time.monotonic() < until:
            now = time.monotonic()
            if not any(one.state is State.RUN and one.life and self._due(one, now) for one in incarnations):
                return
            turn()

    def close(self) -> None:
        """Wait for the file that is being written."""
        if self._writer is not None:
            self._writer.join()

    def _busy(self) -> bool:
        return self._writer is not None and self._writer.is_alive()

    def _due(self, one: Incarnation, now: float) -> bool:
        if now - self._unanswered.get(one, -ASK_AGAIN_SECONDS) < ASK_AGAIN_SECONDS:
            return False
        made = self._made.get(one)
        if made is None:
            return True
        if self._closing:
            return one.position - made[1] > LAST_EVENTS or now - made[0] > IDLE_SECONDS
        return now - made[0] > (IDLE_SECONDS if one.position == made[1] else EVERY_SECONDS)

    def _copy(self, one: Incarnation, mark: int, folder: Path) -> None:
        began = time.monotonic()
        blocks = self._job.image(one.partition)
        now = time.monotonic()
        self._made[one] = (now, one.position)
        self._unwanted.clear()  # the writer rests
        self._not_before = 0.0 if self._closing else now + (now - began) / SHARE
        said = (self._job.form, self._group, one.number, one.life, mark, one.position)
        self._writer = threading.Thread(target=self._write, args=(folder, said, blocks), name="snapshot", daemon=True)
        self._writer.start()

    def _write(
        self, folder: Path, said: tuple[str, str, int, bytes, int, int], blocks: Sequence[Block]
    ) -> None:  # beside the loop; whole or not at all, and a torn one shows by its checksum
        header = msgspec.json.encode(Header(*said, time.time(), [len(one) for one in blocks], _checksum(blocks)))
        path = self._path(folder, said[2])
        new = path.with_suffix(f".{os.getpid()}.new")
        try:
            with open(new, "wb", opener=_private) as out:
                out.write(_MAGIC + len(header).to_bytes(_SIZE_BYTES, "big") + header)
                out.writelines(blocks)
            with self._replacing:
                if said[2] in self._unwanted:
                    new.unlink()
                else:
                    new.replace(path)
        except OSError as error:
            _log.warning("no snapshot of partition %d: %s", said[2], error)
            with suppress(OSError):
                new.unlink(missing_ok=True)

    # ------------------------------------------------------------------ taking up

    def has(self, one: Incarnation) -> bool:
        """Whether there is a file to begin with."""
        return self._folder is not None and one.images and self._path(self._folder, one.number).exists()

    def read(self, one: Incarnation) -> Image | None:
        """A new partition with the rows of the snapshot, where there is one that can be read.

        May be called in a thread of its own: nothing of the incarnation is changed.
        """
        assert self._folder is not None, "`has` comes first"
        path, partition = self._path(self._folder, one.number), one.make(one.number)
        try:
            with path.open("rb") as file:
                data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            header, blocks = _read(data)
            self._refuse(header, one.number)
            self._job.take_up(partition, blocks)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, msgspec.DecodeError) as error:
            self._useless(one, str(error))
            return None
        return Image(partition, header.life, header.mark, header.position, header.written_s)

    def take_up(self, one: Incarnation, image: Image, low: int, end: int) -> None:
        """Go on from an image, if it fits between the changelog's ends: no need to copy it at once."""
        if not low <= image.mark < end:
            self._useless(one, f"the changelog goes from {low} to {end}, not through {image.mark}")
            return
        _log.info("partition %d: snapshot, %d offsets of the changelog left", one.number, end - image.mark)
        one.partition, one.image_life, one.read_to = image.partition, image.life, image.mark
        self._made[one] = (time.monotonic() - (time.time() - image.written_s), image.position)

    def _useless(self, one: Incarnation, why: str) -> None:
        _log.warning("partition %d: the snapshot is of no use, all is read: %s", one.number, why)
        self._delete(one.number)

    def disown(self, one: Incarnation) -> None:
        """Its snapshot turned out to be of another changelog."""
        _log.warning("partition %d: the snapshot is of a changelog that is no more, all is read", one.number)
        one.images = False
        self._delete(one.number)

    def _refuse(self, header: Header, number: int) -> None:
        """Raise ValueError unless a file is what is looked for."""
        if (header.form, header.group, header.partition) != (self._job.form, self._group, number):
            raise ValueError("it was made by another version, policy, group or partition")
        if not 0 <= time.time() - header.written_s < OLDEST_SECONDS:
            raise ValueError("it is too old, or of the future")

    def _path(self, folder: Path, number: int) -> Path:
        return folder / f"{self._group}-{number}{_SUFFIX}"

    def _delete(self, number: int) -> None:
        if self._folder is None:
            return
        with self._replacing:  # also what is written at the moment
            self._unwanted.add(number)
            try:
                self._path(self._folder, number).unlink(missing_ok=True)
            except OSError as error:
                _log.warning("the snapshot of partition %d can't be deleted: %s", number, error)

    def _sweep(self, folder: Path) -> None:
        """Delete what is too old to be used, whosever it was."""
        for path in [*folder.glob(f"*{_SUFFIX}"), *folder.glob("*.new")]:
            try:
                if time.time() - path.stat().st_mtime > OLDEST_SECONDS:
                    path.unlink()
            except FileNotFoundError:  # somebody else swept it
                continue
            except OSError as error:
                _log.warning("the old snapshot %s can't be deleted: %s", path.name, error)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _checksum(blocks: Sequence[Block]) -> int:
    found = 0
    for block in blocks:
        found = zlib.crc32(block, found)
    return found


def _read(data: memoryview) -> tuple[Header, list[memoryview]]:
    """Header and blocks of a file. Raises ValueError for one that is not whole."""
    if bytes(data[: len(_MAGIC)]) != _MAGIC:
        raise ValueError("it is no snapshot, or of another version")
    start = len(_MAGIC) + _SIZE_BYTES
    body = start + int.from_bytes(data[len(_MAGIC) : start], "big")
    header = msgspec.json.decode(data[start:body], type=Header)
    if len(data) != body + sum(header.sizes):
        raise ValueError(f"it has {len(data)} bytes, not {body + sum(header.sizes)}")
    blocks = [data[a:b] for a, b in pairwise(accumulate(header.sizes, initial=body))]
    if _checksum(blocks) != header.checksum:
        raise ValueError("its checksum is another")
    return header, blocks
