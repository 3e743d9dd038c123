"""The Faust app: who of several desks handles which partition, and what may be committed.

Owns: the agents. Each only hands records on, in the order of its partition, and marks them as done when everything that
follows from them is durable. Faust would mark an event as done also when its agent failed; so nothing is acknowledged
but by hand, and a failure ends the desk.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import faust
from yarl import URL

from stream.desk.settings import Settings, for_aiokafka
from stream.names import ALERTS, PARTS

MOST_AT_ONCE: Final = 1000  # records
MOST_WAITING: Final = 4000

_log = logging.getLogger("lapse.desk")


class Batches:
    """Events of one topic, handled many at a time: one write to the log instead of hundreds."""

    def __init__(self, handle: Callable[[Sequence[Any]], Awaitable[None]]) -> None:
        """`handle` gets Faust's events; when it returns, they are acknowledged."""
        self._handle = handle
        self._queue: asyncio.Queue[Any] = asyncio.Queue(MOST_WAITING)
        self._in_hand = 0

    async def put(self, event: Any) -> None:
        """Take one event; waits while too many do."""
        await self._queue.put(event)

    @property
    def waiting(self) -> int:
        """Events not handled yet."""
        return self._queue.qsize() + self._in_hand

    async def run(self) -> None:
        """Handle for ever."""
        while True:
            batch = [await self._queue.get()]
            while len(batch) < MOST_AT_ONCE and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            self._in_hand = len(batch)
            await self._handle(batch)
            self._in_hand = 0
            for event in batch:
                event.ack()


def make_app(settings: Settings, alerts: Batches, parts: Batches) -> faust.App:
    """The app, not started; it makes no topic and serves nothing."""
    servers = [URL(f"lapse://{one}") for one in settings.bootstrap.split(",")]
    app = faust.App(
        settings.group,
        broker=servers,
        broker_credentials=_credentials(settings),
        broker_session_timeout=6.0,  # the embedded broker can't do with more; a dead desk is replaced as soon
        broker_heartbeat_interval=1.0,
        broker_commit_interval=1.0,
        consumer_auto_offset_reset="earliest",
        key_serializer="raw",
        value_serializer="raw",
        stream_wait_empty=False,  # it may wait for ever; what is not acknowledged comes again, and says nothing new
        store="memory://",
        datadir=tempfile.gettempdir(),  # nothing is written there
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )

    async def on_alerts(stream: Any) -> None:
        async for event in stream.noack().events():
            await alerts.put(event)

    async def on_parts(stream: Any) -> None:
        async for event in stream.noack().events():
            await parts.put(event)

    for topic, agent in ((ALERTS, on_alerts), (PARTS, on_parts)):
        app.agent(app.topic(topic, key_type=bytes, value_type=bytes), name=topic)(agent)
    app.finalize()
    return app


def _credentials(settings: Settings) -> Any:
    given = for_aiokafka(settings.bootstrap, settings.kafka)
    context = given.get("ssl_context")
    if "sasl_mechanism" in given:
        return faust.SASLCredentials(
            username=given["sasl_plain_username"],
            password=given["sasl_plain_password"],
            mechanism=given["sasl_mechanism"],
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context is not None else None
