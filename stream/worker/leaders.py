"""Which partitions of the input have no leader: what waits there can't be read, and must not look like silence.

Owns: asking, in a thread of its own, because the answer may take seconds while a broker is away. Knows nothing of what
follows from it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from confluent_kafka import Consumer, KafkaException

from stream.worker.topics import EVENTS

EVERY_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 3.0


class Leaders:
    """`away` is what was last seen: numbers of partitions; all that were ever seen while nobody answers.

    `leaderless` are those of whom an answer said so: none while nobody answers.
    """

    def __init__(self, connect: Callable[[], Consumer]) -> None:
        """Begin to ask; `connect` makes the client that is asked."""
        self._connect = connect
        self._known: frozenset[int] = frozenset()
        self.away: frozenset[int] = frozenset()
        self.leaderless: frozenset[int] = frozenset()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="leaders", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()
        self._thread.join(1.0)

    def look(self, client: Consumer) -> None:
        """Ask once."""
        try:
            found = client.list_topics(EVENTS, timeout=ANSWER_SECONDS)
        except KafkaException:
            self.away, self.leaderless = self._known, frozenset()
            return
        partitions = found.topics[EVENTS].partitions
        self._known |= partitions.keys()
        self.away = self.leaderless = frozenset(
            number for number, one in partitions.items() if one.error is not None or one.leader not in found.brokers
        )

    def _watch(self) -> None:
        client = self._connect()
        try:
            while not self._stopped.wait(EVERY_SECONDS):
                self.look(client)
        finally:
            client.close()
