"""Where the page's figures come from beside the alerts: the workers' clocks, and a customer's last events."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

from stream import metrics
from stream.desk.events import LastEvents
from stream.desk.model import Desk
from stream.desk.pulse import Pulse
from stream.desk.settings import for_aiokafka
from stream.policies import load
from tests.support import kafka

METRICS = f"""# TYPE {metrics.CLOCK.name} gauge
{metrics.CLOCK.name}{{partition="3"}} 1.5036865e+09
{metrics.CLOCK.name}{{partition="4"}} 0
{metrics.SUSPENDED.name}{{partition="3"}} 1
{metrics.SUSPENDED.name}{{partition="4"}} 0
lapse_lag_events{{partition="3"}} 7
"""


def test_a_workers_metrics_say_how_far_it_is_and_what_stands_still() -> None:
    desk = Desk(load("default"), 8)
    pulse = Pulse(desk, cast("Any", None), list, lambda: 5000)
    pulse.told(METRICS)
    assert desk.heads == {3: (1_503_686_500_000, 5000), 4: (0, 5000)}
    assert desk.suspended == {3}
    pulse.told(METRICS.replace('{partition="3"} 1\n', '{partition="3"} 0\n').replace("1.5036865e+09", "1"))
    assert desk.heads[3] == (1_503_686_500_000, 5000), "a clock doesn't go back"
    assert not desk.suspended


def test_the_last_events_of_a_customer_are_found_behind_those_of_others(embedded_bootstrap: str) -> None:
    kafka.create_topic(embedded_bootstrap, "customer.events", 2)
    records = [(f"c-{n % 50}".encode(), json.dumps({"id": f"e-{n}", "time": n}).encode()) for n in range(1000)]
    records.insert(500, (b"c-7", b"not json"))
    kafka.produce(embedded_bootstrap, "customer.events", records, partition=1)
    events = LastEvents(for_aiokafka(embedded_bootstrap, {}))

    async def ask(customer_id: str, partition: int) -> list[dict[str, Any]] | None:
        return await events.of(customer_id, partition, 5)

    found = asyncio.run(ask("c-7", 1))
    assert found is not None
    assert [one["id"] for one in found] == ["e-957", "e-907", "e-857", "e-807", "e-757"]
    assert asyncio.run(ask("c-7", 0)) == []
    assert asyncio.run(ask("stranger", 1)) == []
