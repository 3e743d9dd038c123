"""A year's customers for the end-to-end test, so arranged that it is known when which of them fall silent.

Owns: what is sent, and at which event time. Everybody buys daily for a month and then stops; how many days later the
sign `silent` opens is asked of the core. Knows nothing of Prometheus.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from confluent_kafka import Producer

from stream.core.policy import Policy
from stream.tools import backtest
from stream.worker.topics import EVENTS

DAY_MS, MINUTE_MS, SECOND_MS = 86_400_000, 60_000, 1000
GRACE_MS: Final = 60 * MINUTE_MS  # the default policy's
TRUSTED_MS: Final = 15 * MINUTE_MS  # so long a silence is never an outage (core/pulse.py LEAST_MS)
PURCHASES: Final = 30
PARTITIONS: Final = 2
WEEKS: Final = 4
WEEK_MS, AROUND_MS, BEAT_MS = 7 * DAY_MS, 3 * 60 * MINUTE_MS, 30 * SECOND_MS


@dataclass(frozen=True)
class Group:
    """Customers whose alert opens when the alert clock passes `opens_ms`, a second apart."""

    name: str
    size: int
    opens_ms: int

    def lines(self, silent_ms: int) -> Iterator[tuple[int, str, bytes]]:
        """Event time, customer and event of each purchase."""
        for number in range(self.size):
            customer = f"{self.name}-{number}"
            last_ms = self.opens_ms + number * SECOND_MS // 100 - silent_ms
            for n in range(PURCHASES):
                yield (
                    last_ms - n * DAY_MS,
                    customer,
                    order(f"{customer}-{n}", customer, last_ms - n * DAY_MS),
                )


def order(event_id: str, customer: str, time_ms: int) -> bytes:
    """A purchase."""
    event = {"id": event_id, "type": "order_completed", "customer_id": customer, "time": time_ms}
    return json.dumps({**event, "amount": 20, "currency": "USD"}).encode()


def clock(time_ms: int) -> bytes:
    """A heartbeat."""
    return json.dumps({"id": f"clock-{time_ms}", "type": "clock_advanced", "time": time_ms}).encode()


@cache
def silent_ms(folder: Path, until_ms: int) -> int:
    """From the last purchase of such a customer to the alert, as the core has it."""
    last_ms = until_ms - 60 * DAY_MS
    lines = [line for _, _, line in sorted(Group("one", 1, last_ms).lines(0))]
    backtest.run([*lines, clock(until_ms)], folder, Policy("default"), [], lambda _: None)
    alerts = [json.loads(line) for line in (folder / "alerts.jsonl").read_text("utf-8").splitlines()]
    opened = [one["data"] for one in alerts if one["type"].endswith("opened") and one["data"]["sign"] == "silent"]
    assert len(opened) == 1, alerts
    from datetime import datetime

    return round(datetime.fromisoformat(opened[0]["event_time"]).timestamp() * 1000) - last_ms


class Shop:
    """Writes events; every partition hears of the time."""

    def __init__(self, bootstrap: str) -> None:
        """Connect."""
        self._producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 5})

    def history(self, groups: list[Group], folder: Path, now_ms: int) -> None:
        """All purchases of all customers, and how often something comes at this hour of the week; in order of time."""
        silence = silent_ms(folder, now_ms)
        lines = [(time_ms, customer, line) for group in groups for time_ms, customer, line in group.lines(silence)]
        for week in range(1, WEEKS + 1):
            beats = range(now_ms - week * WEEK_MS - AROUND_MS, now_ms - week * WEEK_MS + AROUND_MS, BEAT_MS)
            lines += [(time_ms, "", clock(time_ms)) for time_ms in beats]
        for _, customer, line in sorted(lines):
            if customer:
                self._producer.produce(EVENTS, line, customer.encode())
            else:
                self._tell_all(line)
            self._producer.poll(0)
        self._flush()

    def clock(self, time_ms: int) -> None:
        """Say what time it is."""
        self._tell_all(clock(time_ms))
        self._flush()

    def half_back(self, time_ms: int) -> None:
        """The input of one partition comes again, and says that it is late: what was written then, and not before."""
        self._producer.produce(EVENTS, clock(time_ms), None, PARTITIONS - 1, timestamp=time_ms)
        self._flush()

    def live(self, time_ms: int) -> None:
        """A purchase on each partition, that was written when it happened."""
        for partition in range(PARTITIONS):
            self._producer.produce(
                EVENTS, order(f"live-{partition}", f"live-{partition}", time_ms), f"live-{partition}".encode(),
                partition, timestamp=time_ms,
            )  # fmt: skip
        self._flush()

    def _tell_all(self, line: bytes) -> None:
        for partition in range(PARTITIONS):
            self._producer.produce(EVENTS, line, None, partition)

    def _flush(self) -> None:
        left = self._producer.flush(30)
        assert not left, f"{left} events not taken"
