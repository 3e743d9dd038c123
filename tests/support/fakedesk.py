"""A desk without Kafka, for the page and its API: the read model, told by the test, served on a free port.

Owns: telling it as the Faust app does, and its thread. Alerts are copies of the schemas' example.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from stream.core.policy import Policy
from stream.desk.api import Api
from stream.desk.model import Desk, Story
from stream.policies import load, text
from stream.wire import encode, examples
from stream.wire.encode import AlertEvent, DayRecord

TOKEN = "open-sesame-for-tests"  # noqa: S105 — nobody else's
PARTITIONS = 8

T = TypeVar("T")


def tell(desk: Desk, events: Iterable[AlertEvent], seen_ms: int | None = None) -> None:
    """Tell the desk what happened to alerts, as the Faust app does."""
    now_ms = int(time.time() * 1000) if seen_ms is None else seen_ms
    for event in events:
        alert_id = event.data.alert_id
        known = desk.story(alert_id)
        story = known.told(event, now_ms) if known else Story(life=(event,), seen_ms=(now_ms,))
        if story is not None:
            desk.tell_story(alert_id, story)


EXAMPLE = msgspec.json.decode(encode.alert(examples.alert())[1], type=AlertEvent)
RECORD = msgspec.json.decode(encode.record(examples.record())[1], type=DayRecord)


def alert(number: int, at: str = EXAMPLE.time, transition: int = 1, **changes: Any) -> AlertEvent:
    """An alert of customer `c-number` that opens, or what `changes` make of it."""
    fields = {"alert_id": f"{number:032x}", "customer_id": f"c-{number}", "event_time": at, **changes}
    data = msgspec.structs.replace(EXAMPLE.data, **fields)
    kind = f"churn.alert.{data.status}"
    return msgspec.structs.replace(EXAMPLE, id=f"{data.alert_id}:{transition}", type=kind, time=at, data=data)


def tell_months(desk: Desk) -> None:
    """Eight months of every segment; the last is open."""
    for segment in ("all", *desk.policy.segments):
        for month in range(1, 9):
            is_open = month == 8
            churn = 0.03 + month / 500
            record = msgspec.structs.replace(
                RECORD, start=date(2017, month, 1), segment=segment, churn=churn, provisional=is_open, final=not is_open
            )
            desk.tell_record(f"month:{record.start}:{segment}", record)


@dataclass
class FakeDesk:
    """A desk and its address; `do` runs a function in its loop, as everything that changes it must."""

    desk: Desk
    url: str
    loop: asyncio.AbstractEventLoop
    produced: list[dict[str, Any]]

    def do(self, work: Callable[[], T]) -> T:
        """Run in the desk's loop and wait for the result."""

        async def run() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(30)

    def beat(self, clock: str) -> None:
        """Let every partition say now that its clock is there."""
        clock_ms = round(datetime.fromisoformat(clock).timestamp() * 1000)
        now_ms = int(time.time() * 1000)
        self.desk.heads.update(dict.fromkeys(range(PARTITIONS), (clock_ms, now_ms)))
        self.desk.changed += 1


def make(policy: Policy, produced: list[dict[str, Any]]) -> Desk:
    """An empty desk that knows the row of everybody, and keeps what is produced."""

    async def produce(event: dict[str, Any]) -> None:
        produced.append(event)

    async def locate(customer_id: str) -> dict[str, Any] | None:
        facts = [["Customer since", "2 January 2017"], ["Orders", "31 on 27 days, 1,204 USD in all"]]
        return {"customer_id": customer_id, "partition": 3, "facts": facts}

    return Desk(policy, PARTITIONS, locate, produce)


async def _events(customer_id: str, partition: int, limit: int) -> list[dict[str, Any]]:
    assert partition == 3, "where the row is"
    made = [
        {
            "id": f"o-{n}",
            "type": "order_completed",
            "customer_id": customer_id,
            "time": datetime(2017, 8, 28 - n, 18, 42, tzinfo=UTC).isoformat().replace("+00:00", "Z"),
            "amount": 31.2 + n,
            "currency": "USD",
            "items": 4 + n,
        }
        for n in range(12)
    ]
    return made[:limit]


async def _end(runner: web.AppRunner) -> None:
    """Stop serving, and what still streams to a reader that has gone."""
    await runner.cleanup()
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@contextmanager
def serving(policy: str = "complete-journey", port: int = 0, token: str = TOKEN) -> Iterator[FakeDesk]:
    """A desk on a port (0: a free one), in a thread of its own."""
    produced: list[dict[str, Any]] = []
    desk = make(load(policy), produced)
    desk.first_text = text(policy)
    loop = asyncio.new_event_loop()
    ready: list[str] = []
    began = threading.Event()

    async def start() -> web.AppRunner:
        app = web.Application()
        app.add_routes(Api(desk, token, _events).routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        ready.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        return runner

    def run() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        began.set()
        loop.run_forever()
        loop.run_until_complete(_end(runner))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert began.wait(30)
    try:
        yield FakeDesk(desk, ready[0], loop, produced)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
