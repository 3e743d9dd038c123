"""Handing messages to a route's receiver: when, how often, and until when.

Owns: one task a route, so that a slow receiver holds up nobody else; retries with growing, random pauses; giving up.
What goes when is the outbox's; what was handed over is forgotten in the log only after the receiver has said so.
Whatever happens in between is tried again with the same id.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Final

import aiohttp

from stream.desk.engine import Engine, now_ms
from stream.desk.kafka import KeyValue
from stream.desk.messages import seal
from stream.desk.meters import Meters
from stream.desk.outbox import Plan
from stream.desk.routes import Route
from stream.desk.state import entry_record, sealed_record
from stream.desk.webhook import Answer, post
from stream.names import DELIVERIES_DEAD

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 300.0
LONGEST_RETRY_AFTER_S: Final = 3600.0
LOOK_S: Final = 0.05  # between two looks at an outbox, however much comes
TELL_S: Final = 30.0
LEAVE_S: Final = 3.0
REST_S: Final = 60.0  # a look without a reason, so that nothing is forgotten for long

_log = logging.getLogger("lapse.desk")


@dataclass(frozen=True, slots=True)
class Message:
    """What is handed over: the id it keeps for ever, what is sent, since when it waits, what to forget at the end."""

    id: str
    body: bytes
    since_ms: int
    forget: tuple[KeyValue, ...]


class Courier:
    """Everything of one route."""

    def __init__(
        self,
        route: Route,
        secret: bytes | None,
        engine: Engine,
        meters: Meters,
        session: aiohttp.ClientSession,
        partitions: Callable[[], Collection[int]],
        failed: Callable[[BaseException], None],
    ) -> None:
        """`partitions` of `churn.alerts` whose deliveries are this desk's; `failed` ends the desk."""
        self._route = route
        self._secret = secret
        self._engine = engine
        self._meters = meters
        self._session = session
        self._partitions = partitions
        self._failed = failed
        self._outbox = engine.state.outboxes[route.name]
        self._sealed = engine.state.sealed[route.name]
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._retrying: dict[str, int] = {}  # since when
        self._slots = asyncio.Semaphore(route.concurrency)
        self._wake = asyncio.Event()
        self._plan = Plan()
        self._told: dict[str, float] = {}

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    async def run(self) -> None:
        """Send for ever."""
        while True:
            self._wake.clear()
            began = time.monotonic()
            plan = self._plan = await self._step()
            # a look costs more the more waits: it takes a tenth of the time at most
            await asyncio.sleep(max(LOOK_S, 10 * (time.monotonic() - began)))
            rest = REST_S if plan.look_ms is None else min(REST_S, max(0.0, (plan.look_ms - now_ms()) / 1000))
            try:
                await asyncio.wait_for(self._wake.wait(), rest)
            except TimeoutError:
                continue

    async def stop(self) -> None:
        """Let what is being handed over arrive, if it does so soon; whoever is next goes on with the rest."""
        trying = [task for one, task in self._busy.items() if one not in self._retrying]
        if trying:
            await asyncio.wait(trying, timeout=LEAVE_S)
        tasks = list(self._busy.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def waiting(self) -> Counter[str]:
        """How much waits, by what it waits for."""
        found = Counter(dict(self._plan.waiting))
        found["retry"] = len(self._retrying)
        found["ready"] += len(self._busy) - len(self._retrying)
        return found

    def oldest_ms(self) -> int | None:
        """Since when the oldest waits of what nothing but its receiver holds up."""
        under_way = [w.entry.since_ms for one, w in self._outbox.entries.items() if one in self._busy]
        return min([*under_way, *(one.since_ms for one in self._sealed.values())], default=None)

    async def _step(self) -> Plan:
        partitions = self._partitions()
        for one, sealed in self._sealed.items():
            if one not in self._busy and sealed.partition in partitions:
                ends = [entry_record(self._route.name, member, None) for member in sealed.members]
                forget = (*ends, sealed_record(self._route.name, one, None))
                self._start(Message(one, bytes(sealed.body), sealed.since_ms, forget))
        plan = self._outbox.plan(now_ms(), self._busy, partitions)
        if plan.group is not None:
            members = {one: self._outbox.entries[one] for one in plan.group.members}
            one, message = seal(self._route.name, plan.group.why, members, now_ms())
            await self._engine.remember([sealed_record(self._route.name, one, message)])
            self._outbox.grouped(plan.group, now_ms())
            self._meters.grouped(plan.group.why, len(members))
            return Plan(look_ms=now_ms())
        for one in plan.singles:
            entry = self._outbox.entries[one].entry
            self._outbox.started(now_ms())
            self._start(Message(one, bytes(entry.event), entry.since_ms, (entry_record(self._route.name, one, None),)))
        return plan

    def _start(self, message: Message) -> None:
        task = asyncio.create_task(self._guarded(self._hand_over(message)), name=f"{self._route.name} {message.id}")
        self._busy[message.id] = task
        task.add_done_callback(lambda _: self._done(message.id))

    def _done(self, one: str) -> None:
        self._busy.pop(one, None)
        self.wake()

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 (the log can't be written, or a bug: the desk ends, nothing is lost)
            self._failed(error)

    async def _hand_over(self, message: Message) -> None:
        """Try until it is taken or given up, and only then forget it."""
        tries, pause_s = 0, FIRST_PAUSE_S
        until_ms = message.since_ms + self._route.give_up_hours * 3_600_000
        while True:
            async with self._slots:
                tries += 1
                answer = await post(self._session, self._route, message.id, message.body, self._secret)
            if answer.taken:
                self._retrying.pop(message.id, None)
                self._meters.delivered("sent")
                break
            if answer.gone or (now_ms() >= until_ms and tries > 1):
                self._retrying.pop(message.id, None)
                await self._give_up(message, answer, tries)
                break
            self._meters.delivered("retry")
            self._retrying[message.id] = message.since_ms
            self._tell(answer, message, tries)
            await asyncio.sleep(max(pause_s * random.uniform(0.5, 1.0), min(answer.after_s, LONGEST_RETRY_AFTER_S)))  # noqa: S311
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        await self._engine.remember(message.forget)

    def _tell(self, answer: Answer, message: Message, tries: int) -> None:
        """Say that a receiver took nothing, but not of every message again."""
        now = time.monotonic()
        if now - self._told.get(answer.says, -TELL_S) >= TELL_S:
            self._told[answer.says] = now
            waiting = len(self._retrying)
            _log.warning("%s: %s at try %d of %s; %d wait", self._route.name, answer.says, tries, message.id, waiting)

    async def _give_up(self, message: Message, answer: Answer, tries: int) -> None:
        """Put it where somebody can find it: nothing is lost, though nobody took it."""
        reason = "refused" if answer.gone else "given_up"
        _log.error("%s: %s %s after %d tries: %s", self._route.name, message.id, reason, tries, answer.says)
        key = f"{self._route.name}:{message.id}".encode()
        await self._engine.send_elsewhere(DELIVERIES_DEAD, [(key, message.body)])
        self._meters.delivered(reason)
