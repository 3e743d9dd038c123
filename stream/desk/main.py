"""`lapse desk`: put together, run until told to stop, and say how it ended.

Owns: the process: what is started in which order, and that any failure ends it with nothing acknowledged. A desk that
begins again finds everything in its log.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections import Counter
from collections.abc import Coroutine, Mapping
from typing import Any, Final, NoReturn

import aiohttp
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import IllegalStateError, KafkaError

from stream import logs, metrics, names
from stream.desk.api import Api
from stream.desk.app import Batches, make_app
from stream.desk.deliver import Courier
from stream.desk.engine import Engine, Published, now_ms
from stream.desk.events import LastEvents
from stream.desk.kafka import Follower, Writer
from stream.desk.meters import SEVERITIES, WAITS, Meters, registry_of
from stream.desk.model import Desk
from stream.desk.publish import Publisher, Told, take_part, take_record
from stream.desk.pulse import Pulse
from stream.desk.settings import Settings, for_aiokafka
from stream.desk.state import State
from stream.desk.versions import take_version
from stream.desk.web import Site
from stream.desk.workers import Workers

FINE, FAILED, BAD_CONFIGURATION = 0, 1, 2
NEEDED: Final = (
    names.EVENTS, names.ALERTS, names.PARTS, names.DAILY, names.DESK, names.WORKERS, names.DELIVERIES_DEAD,
    names.POLICY,
)  # fmt: skip
_NEW_SECONDS: Final = 5.0
_AGAIN_SECONDS: Final = 0.2
LEAVE_SECONDS: Final = 5.0

_log = logging.getLogger("lapse.desk")


def run(settings: Settings) -> NoReturn:
    """Work until SIGTERM or SIGINT, and exit (0 stopped as asked, 1 failed, 2 badly configured)."""
    logs.to_stderr()
    for handler in logging.getLogger().handlers:
        handler.addFilter(logs.SeldomForeign())
    for noisy in ("faust", "mode", "aiokafka", "aiohttp", "stream.desk.transport"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    code = asyncio.run(_run(settings))
    logging.shutdown()
    os._exit(code)  # Faust's threads would go on, and after a failure commit


async def _run(settings: Settings) -> int:
    stop: asyncio.Event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        partitions = await _look(settings)
    except (KafkaError, OSError) as error:
        _log.error("Kafka at %s gave no answer: %s", settings.bootstrap, error)
        return BAD_CONFIGURATION
    missing = [name for name in NEEDED if name not in partitions]
    if missing:
        _log.error("%s missing: `lapse topics` makes what is missing", ", ".join(missing))
        return BAD_CONFIGURATION
    async with aiohttp.ClientSession() as session:
        return await Process(settings, session, partitions).run(stop)


async def _look(settings: Settings) -> dict[str, int]:
    """The topics and how many partitions each has; new ones are not shown to everybody at once."""
    admin = AIOKafkaAdminClient(**for_aiokafka(settings.bootstrap, settings.kafka))
    await admin.start()
    try:
        deadline = asyncio.get_running_loop().time() + _NEW_SECONDS
        while True:
            found = {
                one["topic"]: len(one["partitions"]) for one in await admin.describe_topics() if not one["error_code"]
            }
            if set(NEEDED) <= set(found) or asyncio.get_running_loop().time() > deadline:
                return found
            await asyncio.sleep(_AGAIN_SECONDS)
    finally:
        await admin.close()


class Process:
    """Everything that lives as long as the desk."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession, partitions: Mapping[str, int]) -> None:
        """Connects nothing yet."""
        connection = for_aiokafka(settings.bootstrap, settings.kafka)
        self._settings = settings
        self._meters = Meters()
        self._workers = Workers(session, settings.token)
        self._desk = Desk(settings.policy, partitions[names.EVENTS], self._workers.locate)
        self._desk.first_text = settings.policy_text
        self._events = LastEvents(connection)
        self._pulse = Pulse(self._desk, session, self._workers.urls, now_ms)
        self._writer = Writer(connection)
        self._state = State(self._desk, settings.routes, lambda route: self._couriers[route].wake())
        self._follower = Follower(
            connection,
            {
                names.DESK: self._state.take,
                names.WORKERS: self._workers.take,
                names.PARTS: take_part(self._desk),
                names.DAILY: take_record(self._desk),
                names.POLICY: take_version(self._desk),
            },
        )
        self._publisher = Publisher(self._desk, self._follower, self._writer, self._meters)
        self._engine = Engine(self._state, self._follower, self._writer)
        self._desk.produce = self._engine.produce
        self._alerts = Batches(self._take_alerts)
        self._parts = Batches(self._take_parts)
        self._app = make_app(settings, self._alerts, self._parts)
        self._failure: BaseException | None = None
        self._failed = asyncio.Event()
        self._couriers = {
            route.name: Courier(
                route, settings.secrets.get(route.name), self._engine, self._meters, session, self._mine, self._fail
            )
            for route in settings.routes
        }
        self._tasks: list[asyncio.Task[None]] = []
        self._planning: list[asyncio.Task[None]] = []
        self._ready = False
        self._behind = 0
        self._meters.ask = self._measure
        self._site = Site(settings.http, registry_of(self._meters), self._unhealthy, self._unready, self._routes())

    async def run(self, stop: asyncio.Event) -> int:
        """Work until `stop`; the exit code."""
        try:
            url = await self._site.start()
        except OSError as error:
            _log.error("can't listen on %s:%d: %s", *self._settings.http, error.strerror)
            return BAD_CONFIGURATION
        _log.info("page and metrics at %s", url)
        try:
            await self._begin()
            await self._until(stop)
            await self._end()
        except Exception:  # noqa: BLE001 (the process's last line: told, and turned into an exit code)
            _log.exception("stopped by an error; nothing that isn't in the log was acknowledged")
            return FAILED
        _log.info("stopped")
        return FINE

    async def _until(self, stop: asyncio.Event) -> None:
        """Return when somebody asks to stop; raise what failed before."""
        either = [asyncio.create_task(one.wait()) for one in (stop, self._failed)]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._failure is not None:
            raise self._failure

    async def _begin(self) -> None:
        await self._writer.start()
        await self._follower.start()
        _log.info("%d open alerts, %d day records", len(self._desk.open_alerts()), len(self._desk.records()))
        await self._drop_strays()
        for work in (self._follower.run(), self._alerts.run(), self._parts.run(), self._pulse.run()):
            self._keep(work)
        self._planning = [self._keep(courier.run()) for courier in self._couriers.values()]
        await self._app.start()
        self._keep(self._watch())
        self._keep(self._share())
        self._ready = True

    async def _end(self) -> None:
        """Leave in order; nothing is lost where that fails, so nothing is waited for long."""
        self._ready = False
        for task in self._planning:
            task.cancel()
        await asyncio.gather(*(courier.stop() for courier in self._couriers.values()))
        try:
            await asyncio.wait_for(self._app.stop(), LEAVE_SECONDS)
        except TimeoutError:
            _log.warning("Faust doesn't end within %.0f s: left as it is", LEAVE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for one in (self._site, self._follower, self._writer):
            await one.stop()

    def _keep(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.append(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._fail(task.exception() or RuntimeError(f"{task} ended"))

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self._failed.set()

    async def _watch(self) -> None:
        """End with Faust: it stops itself when it has crashed."""
        await self._app.wait_until_stopped()
        raise RuntimeError(f"Faust stopped: {self._app.crash_reason!r}")

    async def _share(self) -> None:
        """Begin to send for partitions that were given to this desk, whatever waits since before."""
        mine: frozenset[int] = frozenset()
        while True:
            await asyncio.sleep(_AGAIN_SECONDS)
            self._behind = await self._unread()
            self._desk.behind = self._behind + self._alerts.waiting + self._parts.waiting
            before, mine = mine, self._mine()
            if mine != before:
                _log.info("sends for partitions %s", ", ".join(map(str, sorted(mine))) or "none")
                for courier in self._couriers.values():
                    courier.wake()

    async def _unread(self) -> int:
        """Records of this desk's partitions that Faust has still to read; 1 for one that it knows nothing of yet."""
        consumer, behind = self._app.consumer, 0
        for one in list(consumer.assignment()):
            try:
                end: int | None = consumer.highwater(one)  # None before the first answer, whatever Faust says
                at = await consumer.position(one)
            except (IllegalStateError, AssertionError):  # as aiokafka says that it was taken away meanwhile
                end = at = None
            behind += 1 if end is None or at is None else max(0, end - at)
        return behind

    async def _take_alerts(self, events: Any) -> None:
        batch = [(one.message.value, one.message.partition) for one in events]
        await self._engine.take_alerts([Published(*one) for one in batch if one[0] is not None])

    async def _take_parts(self, events: Any) -> None:
        batch = [Told(one.message.key or b"", one.message.offset) for one in events]
        erased = [one.key[len(names.ERASED) :].decode() for one in batch if one.key.startswith(names.ERASED)]
        await self._engine.forget(erased)
        await self._publisher.publish([one for one in batch if not one.key.startswith(names.ERASED)])

    async def _drop_strays(self) -> None:
        """Forget what waits for routes that the file doesn't name any more."""
        if self._state.strays:
            gone = sorted({key.decode().split(":")[1] for key in self._state.strays})
            _log.warning("%d deliveries are dropped: no route is called %s", len(self._state.strays), ", ".join(gone))
            await self._engine.remember([(key, None) for key in self._state.strays])

    def _mine(self) -> frozenset[int]:
        consumer = self._app.consumer if self._ready else None
        found = consumer.assignment() if consumer is not None else ()
        return frozenset(one.partition for one in found if one.topic == names.ALERTS)

    def _routes(self) -> list[Any]:
        return Api(self._desk, self._settings.token or "", self._events.of).routes()

    def _unhealthy(self) -> str:
        return "failed" if self._failed.is_set() else ""

    def _unready(self) -> str:
        return "" if self._ready else "catching up"

    def _measure(self) -> dict[metrics.Metric, dict[tuple[str, ...], float]]:
        alerts = Counter[str](one.data.severity for one in self._desk.open_alerts())
        waiting = dict.fromkeys(WAITS, 0.0)
        oldest = [since for courier in self._couriers.values() if (since := courier.oldest_ms()) is not None]
        for courier in self._couriers.values():
            for why, n in courier.waiting().items():
                waiting[why] += n
        return {
            metrics.DESK_OPEN_ALERTS: {(one,): float(alerts[one]) for one in SEVERITIES},
            metrics.DESK_WAITING: {(why,): n for why, n in waiting.items()},
            metrics.DESK_OLDEST: {(): (now_ms() - min(oldest)) / 1000 if oldest else 0.0},
            metrics.DESK_LAG: {(): float(self._behind + self._alerts.waiting + self._parts.waiting)},
        }
