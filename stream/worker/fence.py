"""Cutting off a previous owner whose transaction is still open, and being cut off.

Owns: when that may be done, doing it beside the loop, and what being cut off means. A dead worker's open transaction
hides its partitions until the broker times it out (10 s); taking its transactional id ends it at once. A living one
that is cut off by mistake loses one transaction and restores: slower, never wrong.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from confluent_kafka import KafkaException, Producer

AFTER_SECONDS: Final = 0.3  # a commit in progress takes milliseconds
AGAIN_SECONDS: Final = 10.0
MOST_CUTS, CUTS_SECONDS = 5, 60.0
CALL_SECONDS: Final = 8.0

_log = logging.getLogger("lapse.restore")


class Fence:
    """Cuts off transactional ids, each at most once in a while, in threads of their own."""

    def __init__(self, connect: Callable[[str], Producer], own: str) -> None:
        """`connect` makes a producer of a transactional id; `own` is never cut off."""
        self._connect = connect
        self._own = own
        self._cut: dict[str, float] = {}

    def cut(self, owner: str, now: float) -> None:
        """Begin to cut off `owner`; returns at once."""
        if owner == self._own or now - self._cut.get(owner, -AGAIN_SECONDS) < AGAIN_SECONDS:
            return
        self._cut[owner] = now
        _log.warning("cutting off %s, whose transaction is open", owner)
        threading.Thread(target=self._take, args=(owner,), name="fence", daemon=True).start()

    def _take(self, owner: str) -> None:
        try:
            self._connect(owner).init_transactions(CALL_SECONDS)
        except KafkaException as error:
            _log.warning("%s could not be cut off: %s", owner, error.args[0].str())


class Rival:
    """Tells a take-over, which cuts a worker off now and then, from another worker in the same slot."""

    def __init__(self, own: str) -> None:
        """`own` is the transactional id of this worker."""
        self._own = own
        self._cuts: list[float] = []

    def cut(self, now: float) -> None:
        """This worker was cut off. Raises RuntimeError when that happens again and again."""
        self._cuts = [when for when in self._cuts if now - when < CUTS_SECONDS] + [now]
        if len(self._cuts) > MOST_CUTS:
            raise RuntimeError(f"another worker is {self._own} too: give each its own LAPSE_SLOT")
