"""What has to be asked of the cluster before a partition can be restored, asked beside the loop.

Owns: the questions and their order. The stable committed offset comes first, the ends of both topics after it, so that
all that the offset stands for lies before them. An offset is stable when no transaction on it is open; until then there
is only the owner, who may have to be cut off. A coordinator was seen to answer after 0.8 s while members came and went,
as it takes the requests of a connection one by one; partitions that run must not wait for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

from stream.worker import trial
from stream.worker.incarnation import Incarnation
from stream.worker.topics import CHANGELOG, EVENTS
from stream.worker.trial import Trial

AT_ONCE: Final = 4
MOST_PATIENCE_SECONDS: Final = 1.0
_OTHERS_SECONDS: Final = 3.0
_ENDS_SECONDS: Final = 1.0
_SOON_SECONDS: Final = 0.5


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

    def __init__(self, stable: Consumer, observer: Consumer, others: Callable[[], tuple[Consumer, Consumer]]) -> None:
        """`stable` is a read_committed consumer of the group, `observer` one that looks at what is; no members.

        `others` makes two more like these.
        """
        self._stable, self._observer, self._others = stable, observer, others
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
        self._asked.pop(one, None)

    def close(self) -> None:
        """Wait for what is being asked: the clients may be closed only then."""
        self._beside.shutdown(wait=True, cancel_futures=True)

    def _question(self, number: int, patience: float) -> Answer | NoAnswer:
        found = _asked(self._stable, self._observer, number, patience)
        if isinstance(found, Answer) or patience < MOST_PATIENCE_SECONDS:
            return found
        # clients whose only broker was fenced for a moment were seen to be told nothing for minutes, while others were
        stable, observer = self._others()
        try:
            return _asked(stable, observer, number, _OTHERS_SECONDS)
        finally:
            stable.close()
            observer.close()


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
