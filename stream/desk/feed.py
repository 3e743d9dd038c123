"""What happens, as it happens: server-sent events for the page.

Owns: their names and how often they come. Alerts go to holders of the token; aggregates (`now`) to everybody, at most
once a second while something changes and every few seconds when nothing does, so that a reader can tell a quiet desk
from a dead one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final, TypeVar

import msgspec

from stream.desk import aggregates
from stream.desk.answers import Now
from stream.desk.listing import line
from stream.desk.model import MOST_WAITING, Desk

NOW_SECONDS: Final = 1.0  # not more often
QUIET_SECONDS: Final = 5.0  # and not less
GATHER_SECONDS: Final = 0.05  # alerts of so long go out together

T = TypeVar("T")


class Feed:
    """The desk's news, for any number of readers; what is reckoned for one serves them all."""

    def __init__(self, desk: Desk, wall_ms: Callable[[], int]) -> None:
        self._desk = desk
        self._wall_ms = wall_ms
        self._now: tuple[int, Now] | None = None

    def now(self) -> Now:
        """The aggregates, at most a second old."""
        wall_ms = self._wall_ms()
        if self._now is None or not 0 <= wall_ms - self._now[0] < NOW_SECONDS * 1000:
            self._now = (wall_ms, aggregates.now(self._desk, wall_ms))
        return self._now[1]

    async def chunks(self, *, secret: bool) -> AsyncGenerator[bytes]:
        """Server-sent events for one reader, for ever: `alert` (with `secret`), `now`, `lost` (read anew)."""
        queue = self._desk.subscribe()
        try:
            yield b"retry: 1000\n\n" + _event("now", self.now())
            said_at, said_of = asyncio.get_running_loop().time(), self._desk.changed
            while True:
                if queue.full():
                    yield _event("lost", {"waiting": MOST_WAITING})
                lines = await _gathered(queue)
                if secret and lines:
                    yield b"".join(_event("alert", line(self._desk, event)) for event in lines)
                at = asyncio.get_running_loop().time()
                due = NOW_SECONDS if self._desk.changed != said_of else QUIET_SECONDS
                if at - said_at >= due:
                    said_at, said_of = at, self._desk.changed
                    yield _event("now", self.now())
        finally:
            self._desk.unsubscribe(queue)


async def _gathered(queue: asyncio.Queue[T]) -> list[T]:
    """What comes within a moment after the first; empty when nothing comes for a while."""
    try:
        found = [await asyncio.wait_for(queue.get(), NOW_SECONDS)]
    except TimeoutError:
        return []
    await asyncio.sleep(GATHER_SECONDS)
    while not queue.empty():
        found.append(queue.get_nowait())
    return found


def _event(name: str, content: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(content))
