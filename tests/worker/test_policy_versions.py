"""A policy published while a worker runs: taken up without restart, named by its alerts, listed; bad ones are told."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from stream.cli import main
from stream.core.calendar import day_of
from stream.core.schedule import Schedule
from stream.policies import load
from stream.worker import topics
from tests.core.test_schedule import CHANGE, FIRST, MILD, STRICT, lines, run
from tests.support.kafka import produce, read_all
from tests.worker.running import Worker, wait_done

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
PATIENCE_SECONDS = 60


def test_thresholds_change_on_a_running_worker(
    embedded_bootstrap: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mild, strict, other = (tmp_path / f"{name}.toml" for name in ("mild", "strict", "other"))
    mild.write_text("[signs.silent]\ntheta = 0.2\n")
    strict.write_text("[signs.silent]\ntheta = 0.6\n")
    other.write_text('zone = "Europe/Vienna"\n')
    assert load(str(mild)).hash == MILD.hash
    topics.create(embedded_bootstrap, 1)
    events = lines()
    before = next(i for i, line in enumerate(events) if json.loads(line)["day"] == CHANGE - 10)
    cluster = ["--bootstrap", embedded_bootstrap]
    told = ""
    with Worker(embedded_bootstrap, "1", str(mild)) as worker:
        produce(embedded_bootstrap, topics.EVENTS, keyed(events[:before]))
        wait_done(embedded_bootstrap, 1, before)
        day = f"{FIRST + timedelta(CHANGE)}"
        assert main(["policy", "publish", str(other), "--from", day, *cluster]) == 0
        assert main(["policy", "publish", str(strict), "--from", day, *cluster]) == 0
        deadline = time.monotonic() + PATIENCE_SECONDS
        while f"lapse.policy: policy strict ({STRICT.hash}) is in force from {day} on" not in told:
            assert time.monotonic() < deadline, told
            told += capfd.readouterr().err
            time.sleep(0.1)
        assert "zone can't change while workers run" in told
        produce(embedded_bootstrap, topics.EVENTS, keyed(events[before:]))
        wait_done(embedded_bootstrap, 1, len(events))
        assert worker.stop()[0] == 0
    schedule = Schedule(MILD)
    schedule.add(day_of(FIRST) + CHANGE, STRICT)
    expected = {(one.alert_id, one.status): one.policy for one in run(schedule, 1000)}
    sent = [json.loads(record.value or b"")["data"] for record in read_all(embedded_bootstrap, topics.ALERTS)]
    assert {(one["alert_id"], one["status"]): one["policy"] for one in sent} == expected
    assert set(expected.values()) == {MILD.hash, STRICT.hash}, "both were in force, and alerts name theirs"
    capfd.readouterr()
    assert main(["policy", "list", *cluster]) == 0
    listed = capfd.readouterr().out
    assert STRICT.hash in listed
    assert "strict" in listed
    assert main(["policy", "remove", "--from", day, *cluster]) == 0
    assert main(["policy", "list", *cluster]) == 0
    assert "none" in capfd.readouterr().out


def keyed(events: list[bytes]) -> list[tuple[bytes | None, bytes | None]]:
    return [(str(json.loads(line).get("customer_id", "")).encode() or None, line) for line in events]
