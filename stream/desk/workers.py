"""Where the workers answer, and asking them for a customer's row.

Owns: the picture of `lapse.workers`. Every worker is asked, and the one that has the customer answers: so nobody has to
know how the sources spread customers over partitions, and a rebalance changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import msgspec

PATIENCE_S: Final = 3.0
_log = logging.getLogger("lapse.desk")


class Workers:
    """The workers, by the name that each has for ever."""

    def __init__(self, session: aiohttp.ClientSession, token: str | None) -> None:
        """`token` is what the workers ask for."""
        self._session = session
        self._token = token
        self._urls: dict[str, str] = {}

    def take(self, key: bytes, value: bytes | None, _at_ms: int) -> None:
        """Take a record of `lapse.workers`: the address of one, or that it is gone."""
        if value is None:
            self._urls.pop(key.decode(), None)
        else:
            self._urls[key.decode()] = str(msgspec.json.decode(value)["url"])

    def urls(self) -> list[str]:
        """Where they answer."""
        return list(self._urls.values())

    async def locate(self, customer_id: str) -> dict[str, Any] | None:
        """The row of a customer, in words; None when no worker that answers has one."""
        if self._token is None:
            return None
        asked = [self._ask(url, customer_id) for url in set(self._urls.values())]
        for answer in asyncio.as_completed(asked):
            found = await answer
            if found is not None:
                return found
        return None

    async def _ask(self, url: str, customer_id: str) -> dict[str, Any] | None:
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        headers = {"Authorization": f"Bearer {self._token}"}
        path = f"{url}/customers/{quote(customer_id, safe='')}"
        try:
            async with self._session.get(path, headers=headers, timeout=timeout, allow_redirects=False) as got:
                return dict(await got.json()) if got.status == HTTPStatus.OK else None
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
            _log.info("worker at %s doesn't answer: %s", url, type(error).__name__)
            return None
