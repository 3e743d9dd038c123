"""A snapshot is the rows that the changelog says, or it is refused."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stream import policies
from stream.worker import snapshot, topics
from stream.worker.incarnation import Incarnation, Signal
from stream.worker.job import Job, real_job
from stream.worker.snapshot import IDLE_SECONDS, OLDEST_SECONDS, SWEEP_SECONDS, Snapshots
from tests.simulation.log import Undisturbed, record

DAY_MS = 86_400_000
START_MS = 1_700_000_000_000
TOPIC_END = 500


def orders(customers: int = 20) -> Iterator[tuple[bytes, bytes]]:
    """Habits, a subscriber, and somebody who is erased."""
    kinds = [("order_completed", ',"amount":5'), ("subscription_started", ',"subscription_id":"s","mrr":10')]
    for n in range(customers * 12):
        name = f"c{n % customers}"
        kind, more = kinds[n % customers == 3 and n < customers]
        if n == customers * 11 + 1:
            kind, more = "customer_erased", ""
        time_ms = START_MS + n // customers * DAY_MS + n
        yield name.encode(), (f'{{"id":"{n}","type":"{kind}","customer_id":"{name}","time":{time_ms}{more}}}').encode()


class Log:
    """A partition's records, processed up to some place; what the changelog then says."""

    def __init__(self, folder: Path) -> None:
        self.job: Job = real_job(policies.load("default"))
        self.worker = Undisturbed(self.job)
        self.records = [record(0, at, key, value, START_MS + 40 * DAY_MS) for at, (key, value) in enumerate(orders())]
        self.one = Incarnation(0, self.job.make, 0.0)
        self.one.on(Signal.STABLE)
        self.one.on(Signal.EQUAL)
        self.one.life = b"life"
        self.snapshots = Snapshots(folder, "g", self.job, lambda _: len(self.worker.transactions.done))

    def take(self, start: int, stop: int) -> None:
        self.worker.processor.take(self.one, self.records[start:stop])
        self.worker.commit()
        self.snapshots.committed([self.one])

    def fresh(self) -> Incarnation:
        one = Incarnation(0, self.job.make, 0.0)
        one.on(Signal.STABLE)
        return one

    def rest(self, one: Incarnation, mark: int) -> None:
        """Read the changelog from the mark on, as a restore does."""
        for sent in self.worker.transactions.done[mark:]:
            if sent.partition == 0 and not (sent.key or b"").startswith(b"\0control"):
                one.partition.load([sent.key or b""], [sent.value])


@pytest.fixture
def log(tmp_path: Path) -> Log:
    found = Log(tmp_path)
    found.take(0, 100)
    found.snapshots.look([found.one], time.monotonic())  # the mark …
    found.take(100, 160)  # … and the commit that proves it
    found.snapshots.close()
    return found


def state(partition: Any) -> Any:
    """All that a partition writes, as it would write it anew."""
    table: Any = partition.table
    rows = {}
    for row in range(table.n):
        if table.rows["seen_s"][row]:
            plain = table.rows[row].copy()
            plain["more"] = 0
            rows[table.key(row)] = (plain.tobytes(), table.more_of(row).tobytes(), int(table.due_ms[row]))
    partition.flows.restore()
    return rows, partition.flows.records(), partition.ledger.latest.records(), partition.erasures.records()


def restored(log: Log) -> Any:
    """The same from the whole changelog."""
    whole = log.fresh()
    log.rest(whole, 0)
    return state(whole.partition)


def continued(log: Log) -> Any:
    """A partition from the snapshot and what the changelog says since."""
    one = log.fresh()
    assert log.snapshots.has(one)
    image = log.snapshots.read(one)
    assert image is not None
    assert image.mark > 0
    assert image.life == b"life"
    log.snapshots.take_up(one, image, 0, len(log.worker.transactions.done))
    assert (one.read_to, one.image_life) == (image.mark, b"life")
    log.rest(one, image.mark)
    return one.partition


def test_an_image_and_the_tail_are_the_whole_changelog(log: Log, tmp_path: Path) -> None:
    file, before = next(tmp_path.glob("*.snapshot")), next(tmp_path.glob("*.snapshot")).read_bytes()
    log.take(160, len(log.records))  # somebody is erased
    file.write_bytes(before)  # as another worker may have left it
    assert state(continued(log)) == restored(log)
    assert len(log.worker.rows()) == 19  # one was erased


@pytest.mark.usefixtures("log")
def test_a_file_is_for_the_worker_s_user_only(tmp_path: Path) -> None:
    assert [path.stat().st_mode & 0o077 for path in tmp_path.iterdir()] == [0]


def test_whose_row_was_taken_away_leaves_the_snapshot(log: Log, tmp_path: Path) -> None:
    assert b"c1\0" in next(tmp_path.glob("*.snapshot")).read_bytes()
    log.take(160, len(log.records))
    assert not list(tmp_path.glob("*.snapshot")), "it held somebody who was erased"


def test_who_begins_anew_in_the_batch_of_the_erasure_leaves_it_too(log: Log, tmp_path: Path) -> None:
    later = b'{"id":"new","type":"order_completed","customer_id":"c1","amount":5,"time":%d}' % (START_MS + 12 * DAY_MS)
    log.records.append(record(0, len(log.records), b"c1", later, START_MS + 40 * DAY_MS))
    log.take(160, len(log.records))
    sent = [one.value for one in log.worker.transactions.done if (one.topic, one.key) == (topics.CHANGELOG, b"c1")]
    assert sent
    assert None not in sent, "a row again, and no tombstone before it"
    assert not list(tmp_path.glob("*.snapshot")), "it held what was erased"


def test_what_is_final_takes_no_snapshot_away(log: Log, tmp_path: Path) -> None:
    before = len(log.worker.transactions.done)
    log.take(160, 220)
    done = log.worker.transactions.done
    gone = [sent.key or b"" for sent in done[before:] if sent.value is None]
    assert gone
    assert all(key.startswith(b"\0flow:") for key in gone), "days became final, nobody was erased"
    file = next(tmp_path.glob("*.snapshot")).read_bytes()
    assert any(key in file for key in gone), "what only the tail takes away"
    assert state(continued(log)) == restored(log)


def test_a_file_that_is_being_written_does_not_come_back_with_whoever_is_erased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, write = threading.Event(), Snapshots._write
    monkeypatch.setattr(Snapshots, "_write", lambda self, *what: goes_on.wait(10) and write(self, *what))
    log = Log(tmp_path)
    log.take(0, 100)
    log.snapshots.look([log.one], time.monotonic())
    log.take(100, 160)  # the copy is made
    log.take(160, len(log.records))  # somebody is erased, before the file is there
    goes_on.set()
    log.snapshots.close()
    assert not list(tmp_path.iterdir())


def test_nothing_is_taken_up_before_a_commit_proves_it(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.take(0, 100)
    log.snapshots.look([log.one], time.monotonic())
    log.snapshots.forget(log.one)  # its transaction was aborted, or it was lost
    log.take(100, 160)
    log.snapshots.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", ["torn", "flipped", "old", "beyond", "before", "form", "group", "empty"])
def test_what_does_not_fit_is_refused_and_deleted(log: Log, tmp_path: Path, wrong: str) -> None:
    path, end, low = next(tmp_path.glob("*.snapshot")), TOPIC_END * 10, 0
    data = path.read_bytes()
    if wrong == "torn":
        path.write_bytes(data[: len(data) // 2])
    elif wrong == "flipped":
        path.write_bytes(data[:-100] + bytes([data[-100] ^ 1]) + data[-99:])
    elif wrong == "old":
        written = data.index(b'"written_s":') + len(b'"written_s":')
        stop = data.index(b",", written)
        then = f"{time.time() - OLDEST_SECONDS - 1:.7f}".encode()[: stop - written]
        path.write_bytes(data[:written] + then.ljust(stop - written, b"0") + data[stop:])
    elif wrong == "beyond":
        end = 1  # the topic was made anew, and is shorter
    elif wrong == "before":
        low = TOPIC_END * 9
    elif wrong == "empty":
        path.write_bytes(b"")
    else:
        job = real_job(policies.load("complete-journey" if wrong == "form" else "default"))
        group = "other" if wrong == "group" else "g"
        log.snapshots = Snapshots(tmp_path, group, job, lambda _: None)
        if wrong == "group":
            os.rename(path, tmp_path / "other-0.snapshot")  # noqa: PTH104 (moved by hand)
            path = tmp_path / "other-0.snapshot"
    one = log.fresh()
    image = log.snapshots.read(one)
    if image is not None:
        log.snapshots.take_up(one, image, low, end)
    assert one.image_life is None, "it was taken up"
    assert one.read_to == 0
    assert not path.exists()
    assert not log.snapshots.has(one)


def test_another_life_of_the_changelog_is_disowned(log: Log, tmp_path: Path) -> None:
    one = log.fresh()
    assert log.snapshots.read(one) is not None
    log.snapshots.disown(one)
    assert not log.snapshots.has(one)
    assert not list(tmp_path.iterdir())


def test_what_can_not_be_deleted_is_told_and_the_worker_goes_on(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuses)
    log.take(160, len(log.records))  # somebody is erased
    assert "the snapshot of partition 0 can't be deleted" in caplog.text
    os.utime(next(tmp_path.glob("*.snapshot")), (0, 0))
    log.snapshots.look([], time.monotonic() + 2 * SWEEP_SECONDS)
    assert "g-0.snapshot can't be deleted" in caplog.text


def test_on_a_full_disk_the_last_snapshot_stays_and_the_worker_goes_on(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(path: str, flags: int) -> int:
        os.close(os.open(path, flags, 0o600))
        return os.open("/dev/full", os.O_WRONLY)  # every write fails as on a full disk

    before = next(tmp_path.glob("*.snapshot")).read_bytes()
    monkeypatch.setattr(snapshot, "_private", full)
    log.snapshots.look([log.one], time.monotonic() + IDLE_SECONDS + 1)
    log.take(160, 200)
    log.snapshots.close()
    assert "no snapshot of partition 0: [Errno 28] No space left on device" in caplog.text
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before], "no half a file is left beside it"
    log.take(200, 220)
    image = log.snapshots.read(log.fresh())
    assert image is not None, "what is behind it is read from the changelog"
