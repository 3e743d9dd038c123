"""What has to be asked of the cluster before a partition can be restored, asked beside the loop.

Owns: the questions and their order. The stable committed offset comes first, the ends of both topics after it, so that
all that the offset stands for lies before them. An offset is stable when no transaction on it is open; until then there
is only the owner, who may have to be cut off. A coordinator was seen to answer after 0.8 s while members came and went,
as it takes the requests of a connection one by one; partitions that run must not wait for that.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Final, NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

from stream.worker import trial
from stream.worker.incarnation import Incarnation
from stream.worker.topics import CHANGELOG, EVENTS
from stream.worker.trial import Trial

AT_ONCE: Final = 4
MOST_PATIENCE_SECONDS: Final = 1.0
OTHERS_EVERY_SECONDS: Final = 10.0
_OTHERS_SECONDS: Final = 3.0
_ENDS_SECONDS: Final = 1.0
_SOON_SECONDS: Final = 0.5

_log = logging.getLogger("lapse.worker")


class Answer(NamedTuple):
    """All that was asked for: the changelog and the source go from `low` to `end` (open transactions included)."""

    committed: int | None
    trial: Trial
    owner: str  # the transactional id of who committed
    changelog: tuple[int, int]
    source: tuple[int, int]


class NoAnswer(NamedTuple):
    """Why not, and whose transaction may be what hinders it."""

    why: str
    owner: str = ""


class Asking:
    """Asks about partitions, each once at a time."""

    def __init__(
        self, stable: Consumer, observer: Consumer, others: tuple[Callable[[], Consumer], Callable[[], Consumer]]
    ) -> None:
        """`stable` is a read_committed consumer of the group, `observer` one that looks at what is; no members.

        `others` make one more of each.
        """
        self._stable, self._observer = stable, observer
        self._others = _Others(others)
        self._beside = ThreadPoolExecutor(AT_ONCE, "asking")
        self._asked: dict[Incarnation, Future[Answer | NoAnswer]] = {}

    def ask(self, one: Incarnation) -> None:
        """Begin to ask, unless that is under way."""
        if one not in self._asked:
            self._asked[one] = self._beside.submit(self._question, one.number, one.patience)

    def answers(self) -> Iterator[tuple[Incarnation, Answer | NoAnswer]]:
        """What has been answered since the last time."""
        for one in [one for one, answer in self._asked.items() if answer.done()]:
            yield one, self._asked.pop(one).result()

    def forget(self, one: Incarnation) -> None:
        """Nobody waits for that answer."""
        answer = self._asked.pop(one, None)
        if answer is not None:
            answer.cancel()  # unless it is being asked already

    def close(self) -> None:
        """Wait for what is being asked: the clients may be closed only then."""
        self._beside.shutdown(wait=True, cancel_futures=True)
        self._others.close()

    def _question(self, number: int, patience: float) -> Answer | NoAnswer:
        found = _asked(self._stable, self._observer, number, patience)
        if isinstance(found, Answer) or patience < MOST_PATIENCE_SECONDS:
            return found
        return self._others.asked(number) or found


class _Others:
    """Two more clients, for one question at a time, kept for a while for all who need them.

    Clients whose only broker was fenced for a moment were seen to be told nothing for minutes, while others were.
    """

    def __init__(self, make: tuple[Callable[[], Consumer], Callable[[], Consumer]]) -> None:
        self._make = make
        self._made = ExitStack()  # closes them
        self._clients: list[Consumer] = []
        self._until = 0.0
        self._turn = threading.Lock()

    def asked(self, number: int) -> Answer | NoAnswer | None:
        """What they say; None when they are busy, or can't be had. Called in any thread."""
        if not self._turn.acquire(blocking=False):
            return None
        try:
            if time.monotonic() > self._until:
                self._renew()
            return _asked(self._clients[0], self._clients[1], number, _OTHERS_SECONDS) if self._clients else None
        finally:
            self._turn.release()

    def _renew(self) -> None:
        self.close()
        self._until = time.monotonic() + OTHERS_EVERY_SECONDS
        with ExitStack() as made:
            try:
                clients = [made.enter_context(closing(make())) for make in self._make]
            except KafkaException as error:
                _log.warning("no other clients to ask: %s", error)
                return
            self._clients, self._made = clients, made.pop_all()

    def close(self) -> None:
        """Close them; nobody may be asking."""
        self._clients = []
        self._made.close()


def _asked(stable: Consumer, observer: Consumer, number: int, seconds: float) -> Answer | NoAnswer:
    place = TopicPartition(EVENTS, number)
    found = _committed(stable, place, seconds)
    if found is None:
        # if this is answered in the same time, the other question was not answered because the offset is unstable
        last = _committed(observer, place, seconds)
        return NoAnswer("its offset is not stable", "" if last is None else trial.read(last.metadata)[0])
    owner, recorded = trial.read(found.metadata)
    changelog = ends(observer, TopicPartition(CHANGELOG, number), _ENDS_SECONDS)
    source = ends(observer, place, _ENDS_SECONDS)
    if changelog is None or source is None:
        return NoAnswer("its changelog or its input has no leader")
    return Answer(found.offset if found.offset >= 0 else None, recorded, owner, changelog, source)


def ends(observer: Consumer, place: TopicPartition, seconds: float) -> tuple[int, int] | None:
    """From where to where a partition goes, open transactions included; None when there is no answer."""
    try:
        return observer.get_watermark_offsets(place, seconds)
    except KafkaException:
        return None


def end_of(observer: Consumer, number: int) -> int | None:
    """The end of a partition's changelog, open transactions included; None when there is no answer soon."""
    found = ends(observer, TopicPartition(CHANGELOG, number), _SOON_SECONDS)
    return None if found is None else found[1]


def _committed(consumer: Consumer, place: TopicPartition, seconds: float) -> TopicPartition | None:
    try:
        found = consumer.committed([place], seconds)[0]
    except KafkaException:  # also where the offset is not stable
        return None
    return found if found.error is None else None
