"""The watchdog: ends the process when the loop hangs, so that Kafka hands its partitions to somebody who works.

Owns: that decision. librdkafka was seen not to return from a call for ever while a broker was away, whatever time-out
the call was given; nothing inside the process can end such a call.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
import time
from typing import Final

CALL_SECONDS: Final = 15.0
STILL_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.5
EXIT_CODE: Final = 1

_log = logging.getLogger("lapse.watchdog")


class Watchdog:
    """Fed by the loop with `beat`, and with each running partition's position and lag."""

    def __init__(self, call_seconds: float = CALL_SECONDS, still_seconds: float = STILL_SECONDS) -> None:
        """`start` begins to watch."""
        self._call_seconds = call_seconds
        self._still_seconds = still_seconds
        self._beat = time.monotonic()
        self._moved: dict[int, tuple[int, float]] = {}  # position, and since when it stands there with lag
        self._stopped = threading.Event()

    @property
    def silent_seconds(self) -> float:
        """How long ago the loop was heard of."""
        return time.monotonic() - self._beat

    def beat(self) -> None:
        """The loop is alive."""
        self._beat = time.monotonic()

    def progress(self, number: int, position: int, lag: int) -> None:
        """Where a running partition is."""
        before = self._moved.get(number)
        if before is None or before[0] != position or lag <= 0:
            self._moved[number] = (position, time.monotonic())

    def forget(self, number: int) -> None:
        """A partition is not running any more."""
        self._moved.pop(number, None)

    def start(self) -> None:
        """Begin to watch, in a thread."""
        self.beat()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()

    def verdict(self) -> str | None:
        """Why the process must end, if it must."""
        if self.silent_seconds > self._call_seconds:
            return f"a call has taken {self.silent_seconds:.0f} s"
        now = time.monotonic()
        for number, (position, since) in list(self._moved.items()):
            if now - since > self._still_seconds:
                return f"partition {number} stands at {position} for {now - since:.0f} s though there is more to read"
        return None

    def _watch(self) -> None:
        looked = time.monotonic()
        while not self._stopped.wait(LOOK_SECONDS):
            if time.monotonic() - looked > 10 * LOOK_SECONDS:
                self.beat()  # the whole process stood still, the loop may just go on
            looked = time.monotonic()
            why = self.verdict()
            if why is not None:
                _log.critical("%s: ending this process, another worker takes over", why)
                faulthandler.dump_traceback(sys.stderr)
                sys.stderr.flush()
                os._exit(EXIT_CODE)
