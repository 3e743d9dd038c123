"""Where this worker answers, told to the desk on `lapse.workers`.

Owns: that record: the slot is its key, so a worker that comes back takes its own place; one that leaves in order takes
its record away. Sent beside the loop and never waited for: nobody needs it to process events.
"""

from __future__ import annotations

import json
import logging
import socket
from typing import Final
from urllib.parse import urlsplit

from confluent_kafka import KafkaException, Producer

from stream.names import WORKERS
from stream.worker.settings import Settings

LEAVE_SECONDS: Final = 1.0
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 (recognised, not bound)

_log = logging.getLogger("lapse.worker")


class Notice:
    """The record."""

    def __init__(self, settings: Settings, slot: str, url: str) -> None:
        """Say where: `url`, or `LAPSE_ADVERTISE` where others reach this worker by another address."""
        self._slot = slot
        self._producer = Producer({**settings.client(), "linger.ms": 0}, logger=_log)
        self._send(json.dumps({"url": settings.advertise or reachable(url)}).encode())

    def close(self) -> None:
        """Take it back."""
        self._send(None)
        self._producer.flush(LEAVE_SECONDS)

    def _send(self, value: bytes | None) -> None:
        try:
            self._producer.produce(WORKERS, value, self._slot.encode(), 0)
            self._producer.poll(0)
        except (KafkaException, BufferError) as error:
            _log.warning("the desk can't be told of this worker: %s", error)


def reachable(url: str) -> str:
    """The address under which others reach a server that listens everywhere: this host's name.

    >>> reachable("http://127.0.0.1:9464")
    'http://127.0.0.1:9464'
    """
    parts = urlsplit(url)
    return f"http://{socket.gethostname()}:{parts.port}" if parts.hostname in _EVERYWHERE else url
