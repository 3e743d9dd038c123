"""The folder of snapshots without what is in them: what is swept away, when a file is due, a folder that can't be."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from stream import policies
from stream.worker import main as worker
from stream.worker.incarnation import Incarnation, Signal
from stream.worker.job import real_job
from stream.worker.settings import Settings
from stream.worker.snapshot import ASK_AGAIN_SECONDS, SWEEP_SECONDS, UNANSWERED_SECONDS, Snapshots
from tests.worker.standin import Counting

JOB = real_job(policies.load("default"))


def test_old_files_are_swept_at_the_start_and_from_time_to_time(tmp_path: Path) -> None:
    """Also of partitions that went elsewhere: nobody here is told when somebody in them is erased."""
    old, young = tmp_path / "g-3.snapshot", tmp_path / "g-4.snapshot"
    young.write_bytes(b"x")

    def put() -> None:
        old.write_bytes(b"x")
        os.utime(old, (0, 0))

    put()
    found = Snapshots(tmp_path, "g", JOB, lambda _: None)
    assert not old.exists()
    now = time.monotonic()
    for later in (now, now + SWEEP_SECONDS + 1, now + 2 * SWEEP_SECONDS + 2):
        put()
        found.look([], later)
        assert not old.exists()
    put()
    found.look([], now + 2 * SWEEP_SECONDS + 3)
    assert old.exists(), "it looks at every turn"
    assert young.exists()


def running(number: int) -> Incarnation:
    one = Incarnation(number, Counting, 0.0)
    one.on(Signal.STABLE)
    one.on(Signal.EQUAL)
    one.life = b"life"
    return one


def test_a_changelog_without_a_leader_is_asked_for_now_and_then_and_holds_up_no_other(tmp_path: Path) -> None:
    asked: list[int] = []

    def end_of(number: int) -> int | None:
        asked.append(number)
        return None if number == 0 else 7

    found = Snapshots(tmp_path, "g", JOB, end_of)
    both, now = [running(0), running(1)], time.monotonic()
    for turn in range(20):
        found.look(both, now + turn * 0.01)
    assert asked == [0], "it is asked again at every turn"
    found.look(both, now + UNANSWERED_SECONDS + 1)
    assert asked == [0, 1]
    found.forget(both[1])
    found.look(both[:1], now + UNANSWERED_SECONDS + 2)
    assert asked == [0, 1]
    found.look(both[:1], now + ASK_AGAIN_SECONDS + 1)
    assert asked == [0, 1, 0]


def test_a_folder_that_can_not_be_made_is_told_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(worker, "_look", lambda _: [])
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        caplog.clear()
        assert worker.run_job(Settings("127.0.0.1:1", snapshots=folder), JOB) == worker.BAD_CONFIGURATION
        assert f"LAPSE_SNAPSHOTS is {folder}: " in caplog.text
    worker._prepare(tmp_path / "new" / "one")
    assert (tmp_path / "new" / "one").is_dir()
