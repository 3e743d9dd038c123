"""From customers' events through worker and desk to day records, and back to one customer's row."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stream import names
from stream.cli import main
from stream.tools.demo.shopping import read
from tests.desk.making import Desk
from tests.support.kafka import produce, read_all
from tests.support.waiting import until
from tests.support.web import status
from tests.worker.running import Worker, wait_done

POLICY = "complete-journey"
PARTITIONS = 4
DAYS = 21
TOKEN = "a-token-of-the-tests"  # noqa: S105


def content(value: bytes) -> dict[str, Any]:
    """A record without what depends on how many partitions there are, and when they were counted."""
    found: dict[str, Any] = json.loads(value)
    del found["closed_at"], found["revision"]
    return found


def final(records: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {key: one for key, one in records.items() if one["final"]}


@pytest.mark.kafka
@pytest.mark.slow
def test_published_days_are_those_of_a_backtest_also_when_the_desk_is_killed(
    kafka_bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = read(DAYS)
    (tmp_path / "events.jsonl").write_bytes(b"".join(event.value + b"\n" for event in events))
    assert main(["backtest", str(tmp_path / "events.jsonl"), "--out", str(tmp_path), "--policy", POLICY]) == 0
    lines = (tmp_path / "retention.jsonl").read_bytes().splitlines()
    wanted = final({":".join((one["period"], one["start"], one["segment"])): one for one in map(content, lines)})
    assert len(wanted) > 150

    monkeypatch.setenv("LAPSE_TOKEN", TOKEN)
    assert main(["topics", "--bootstrap", kafka_bootstrap, "--partitions", str(PARTITIONS)]) == 0
    with Worker(kafka_bootstrap, "w", POLICY) as worker:
        worker.wait_running(PARTITIONS)
        half = len(events) // 2
        with Desk(kafka_bootstrap, tmp_path, policy=POLICY) as desk:
            desk.wait_ready()
            produce(kafka_bootstrap, names.EVENTS, ((one.key, one.value) for one in events[:half]))
            until(lambda: desk.metric("lapse_desk_records_total") > 20, "it publishes")
            desk.kill()
        produce(kafka_bootstrap, names.EVENTS, ((one.key, one.value) for one in events[half:-1]))
        for number in range(PARTITIONS):
            produce(kafka_bootstrap, names.EVENTS, [(None, events[-1].value)], number)
        wait_done(kafka_bootstrap, PARTITIONS, len(events) - 1 + PARTITIONS)

        def published() -> dict[str, dict[str, Any]]:
            records = read_all(kafka_bootstrap, names.DAILY)
            return {(one.key or b"").decode(): content(one.value or b"") for one in records}

        with Desk(kafka_bootstrap, tmp_path, policy=POLICY) as desk:
            until(lambda: set(final(published())) >= set(wanted), "every final record is out")
            until(lambda: desk.metric("lapse_desk_lag_events") == 0, "nothing is left to read")
            assert final(published()) == wanted
            _customer_is_found(desk, worker, events[0].key or b"")
            assert desk.stop() == 0
        _each_record_says_something_new(kafka_bootstrap)
        before = len(read_all(kafka_bootstrap, names.DAILY))
        with Desk(kafka_bootstrap, tmp_path, policy=POLICY) as desk:
            desk.wait_ready()
            until(lambda: desk.metric("lapse_desk_lag_events") == 0, "nothing is left to read")
            assert desk.stop() == 0
        assert len(read_all(kafka_bootstrap, names.DAILY)) == before, "a desk that begins again says nothing again"


def _each_record_says_something_new(bootstrap: str) -> None:
    """Revisions never go back, a final record stays, and no record repeats the one before it."""
    last: dict[bytes, dict[str, Any]] = {}
    for one in read_all(bootstrap, names.DAILY):
        assert one.key is not None
        found = msgspec.json.decode(one.value or b"")
        before = last.get(one.key)
        if before is not None:
            assert found["revision"] >= before["revision"]
            assert not before["final"] or found["final"]
            assert {**found, "closed_at": ""} != {**before, "closed_at": ""}, one.key
        last[one.key] = found


def _customer_is_found(desk: Desk, worker: Worker, customer: bytes) -> None:
    """The desk finds the worker that has a row; both want the token."""
    name = customer.decode()
    assert status(worker.url(f"/customers/{name}"), None) == 401
    assert status(worker.url(f"/customers/{name}"), "another") == 401
    assert status(worker.url("/customers/nobody"), TOKEN) == 404
    assert status(desk.url(f"/api/customers/{name}"), None) == 401
    request = urllib.request.Request(desk.url(f"/api/customers/{name}"), headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        story = json.loads(answer.read())
    facts = {fact["name"]: fact["says"] for fact in story["row"]}
    assert " on " in facts["orders"]
    assert facts["stage"] in {"new", "active", "at risk", "lapsed"}
