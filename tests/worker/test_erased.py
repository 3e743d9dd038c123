"""`customer_erased` on a real Kafka: after compaction no byte of the id is left in the changelog's files."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from stream import names
from stream.core.erasures import KEY
from stream.tools.broker import Kafka
from stream.worker import topics
from stream.worker.restore import CONTROL_KEY
from tests.support.kafka import produce, read_all
from tests.support.web import status
from tests.worker.running import Worker, wait_done

DAY_MS = 86_400_000
START_MS = 1_500_000_000_000
ANNA = "anna-who-wants-to-be-forgotten"
TOKEN = "sixteen-letters-and-more"  # noqa: S105 (of a worker that lives as long as the test)
# as little patience as Kafka allows; by default a tombstone (the id is its key) stays for a day
EAGER = {
    "segment.ms": "300",
    "min.cleanable.dirty.ratio": "0.01",
    "max.compaction.lag.ms": "300",
    "delete.retention.ms": "1",
}


@pytest.fixture
def kafka(_kafka_can_run: None) -> Iterator[Kafka]:
    with Kafka({"log.cleaner.backoff.ms": "100", "log.segment.delete.delay.ms": "1"}) as running:
        yield running


class Shop:
    """Sends events to the one partition; knows how many."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.sent = 0

    def send(self, *events: dict[str, Any]) -> None:
        records: list[tuple[bytes | None, bytes | None]] = []
        for event in events:
            self.sent += 1
            customer = event.get("customer_id")
            whole = {"id": str(self.sent), **event}
            records.append((customer and customer.encode(), json.dumps(whole).encode()))
        produce(self.bootstrap, topics.EVENTS, records, partition=0)

    def order(self, customer: str, day: float) -> dict[str, Any]:
        when = START_MS + int(day * DAY_MS)
        return {"type": "order_completed", "customer_id": customer, "time": when, "amount": 5, "currency": "USD"}

    def done(self) -> None:
        wait_done(self.bootstrap, 1, self.sent, 300)


def make_eager(bootstrap: str) -> None:
    entries = [ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in EAGER.items()]
    resource = ConfigResource(ResourceType.TOPIC, topics.CHANGELOG, incremental_configs=entries)
    admin = AdminClient({"bootstrap.servers": bootstrap})  # held: its answers end with it
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(20)


def files_with(kafka: Kafka, topic: str, text: bytes) -> list[str]:
    found = []
    for path in (kafka.data / f"{topic}-0").glob("*"):
        try:
            if text in path.read_bytes():
                found.append(path.name)
        except FileNotFoundError:  # compacted away just now
            continue
    return found


@pytest.mark.kafka
@pytest.mark.slow
def test_who_is_erased_is_gone_to_the_last_byte(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAPSE_TOKEN", TOKEN)
    monkeypatch.setenv("LAPSE_KAFKA_COMPRESSION_TYPE", "none")  # so that bytes can be looked for
    topics.create(kafka.bootstrap, 1, 1)
    make_eager(kafka.bootstrap)
    shop = Shop(kafka.bootstrap)
    with Worker(kafka.bootstrap, "a", "default") as worker:
        shop.send(shop.order("bert", 0), *(shop.order(ANNA, day) for day in range(10)))
        shop.send({"type": "clock_advanced", "time": START_MS + 20 * DAY_MS})
        shop.done()
        assert status(worker.url(f"/customers/{ANNA}"), TOKEN) == 200
        assert files_with(kafka, topics.CHANGELOG, ANNA.encode()), "nothing to erase: the test looks at the wrong files"
        shop.send({"type": "customer_erased", "customer_id": ANNA, "time": START_MS + 21 * DAY_MS})
        shop.done()
        assert status(worker.url(f"/customers/{ANNA}"), TOKEN) == 404
        deadline = time.monotonic() + 60
        day = 21.0
        while files_with(kafka, topics.CHANGELOG, ANNA.encode()):  # others' rows go on, so segments roll
            assert time.monotonic() < deadline, files_with(kafka, topics.CHANGELOG, ANNA.encode())
            day += 0.001
            shop.send(shop.order("bert", day))
            shop.done()
            time.sleep(0.3)
        worker.stop()
    left = {record.key for record in read_all(kafka.bootstrap, topics.CHANGELOG)}
    assert {key for key in left if key and not key.startswith(b"\x00")} == {b"bert"}
    assert CONTROL_KEY in left
    assert sum(1 for key in left if key and key.startswith(KEY)) == 1, "the hash that stops a resurrection"
    with Worker(kafka.bootstrap, "b", "default") as worker:  # restored from what is left
        shop.send(shop.order(ANNA, 15))
        shop.done()
        assert status(worker.url(f"/customers/{ANNA}"), TOKEN) == 404
        assert worker.stop()[0] == 0
    assert not files_with(kafka, topics.CHANGELOG, ANNA.encode())
    erasures = [one.key for one in read_all(kafka.bootstrap, topics.PARTS) if one.value is None]
    assert erasures == [names.ERASED + ANNA.encode()], "the desk, which keeps closed alerts, is told of the erasure"
    said = [
        json.loads(one.value or b"") for one in read_all(kafka.bootstrap, topics.ALERTS) if one.key == ANNA.encode()
    ]
    assert [one["type"] for one in said] == ["churn.alert.opened", "churn.alert.resolved"]
    assert said[-1]["data"]["resolution"] == "erased"
    # and what is said to stay until its own log retention does
    assert files_with(kafka, topics.EVENTS, ANNA.encode())
    assert files_with(kafka, topics.ALERTS, ANNA.encode())
