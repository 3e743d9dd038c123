"""How far the workers are, asked every few seconds: their clocks, and which partitions stand still.

Owns: reading that off their `/metrics`, so that a worker that hangs is told from a quiet day. What a worker doesn't say
grows old in the read model (`heads`), and the page says so.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection
from typing import Final

import aiohttp

from stream import metrics
from stream.desk.model import Desk

EVERY_SECONDS: Final = 2.0
PATIENCE_SECONDS: Final = 2.0
_SERIES: Final = re.compile(
    rf'^({metrics.CLOCK.name}|{metrics.SUSPENDED.name})\{{partition="(\d+)"\}} (\S+)$', re.MULTILINE
)


class Pulse:
    """Asks all workers, again and again."""

    def __init__(
        self, desk: Desk, session: aiohttp.ClientSession, urls: Callable[[], Collection[str]], now_ms: Callable[[], int]
    ) -> None:
        """`urls` are the workers' addresses at the moment."""
        self._desk = desk
        self._session = session
        self._urls = urls
        self._now_ms = now_ms

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            await asyncio.gather(*(self._ask(url) for url in set(self._urls())))
            await asyncio.sleep(EVERY_SECONDS)

    async def _ask(self, url: str) -> None:
        timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
        try:
            async with self._session.get(f"{url}/metrics", timeout=timeout, allow_redirects=False) as got:
                self.told(await got.text())
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError):
            return  # what is known of it grows old

    def told(self, text: str) -> None:
        """Take what one worker says of its partitions."""
        now_ms = self._now_ms()
        for name, number, value in _SERIES.findall(text):
            partition = int(number)
            if name == metrics.CLOCK.name:
                clock_ms = max(round(float(value) * 1000), self._desk.heads.get(partition, (0, 0))[0])
                self._desk.heads[partition] = (clock_ms, now_ms)
            elif float(value):
                self._desk.suspended.add(partition)
            else:
                self._desk.suspended.discard(partition)
        self._desk.changed += 1
