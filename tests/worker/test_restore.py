"""What is asked for and read beside the loop goes to the life that asked; a dead owner holds up nothing else."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from stream.worker.asking import AT_ONCE, MOST_PATIENCE_SECONDS, Answer, Asking, NoAnswer
from stream.worker.fence import AFTER_SECONDS
from stream.worker.incarnation import Incarnation, Signal, State
from stream.worker.restore import Restorer
from stream.worker.snapshot import Image
from tests.worker.standin import Counting

PATIENCE_SECONDS = 10.0
END = 900


class Files:
    """Snapshots whose reading takes as long as the test wants."""

    def __init__(self) -> None:
        self.asked: list[Future[Image]] = []

    def has(self, _: Incarnation) -> bool:
        return True

    def read(self, _one: Incarnation) -> Image:
        found: Future[Image] = Future()
        self.asked.append(found)
        return found.result(PATIENCE_SECONDS)

    def take_up(self, one: Incarnation, image: Image, _low: int, _end: int) -> None:
        one.partition, one.image_life, one.read_to = image.partition, image.life, image.mark


class Reading:
    """The reader of the changelog: where it was told to read."""

    def __init__(self) -> None:
        self.places: list[int] = []

    def incremental_assign(self, places: list[TopicPartition]) -> None:
        self.places += [place.offset for place in places]

    def incremental_unassign(self, _: object) -> None:
        self.places.clear()

    def consume(self, *_: object) -> list[Any]:
        return []

    def get_watermark_offsets(self, *_: object, **__: object) -> tuple[int, int]:
        return 0, END

    def close(self) -> None: ...


class Group:
    """What the group has committed; while a transaction is open on it, only who did that is known."""

    def __init__(self, *, stable: bool = True) -> None:
        self.open = threading.Event()
        if stable:
            self.open.set()
        self.asked = 0

    def committed(self, places: list[TopicPartition], seconds: float) -> list[TopicPartition]:
        self.asked += 1
        if not self.open.wait(seconds):
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return [TopicPartition("e", one.partition, 7, "lapse.dead") for one in places]

    def close(self) -> None: ...


class Observing(Reading):
    def committed(self, places: list[TopicPartition], _: float) -> list[TopicPartition]:
        return [TopicPartition("e", one.partition, 7, "lapse.dead") for one in places]


class World:
    """A restorer for which everything is as it should be, but for the files, and the group where it isn't stable."""

    def __init__(self, *, stable: bool = True) -> None:
        self.files, self.reading, self.group = Files(), Reading(), Group(stable=stable)
        self.cut: list[str] = []
        observing: Any = Observing()
        fence = SimpleNamespace(cut=lambda owner, _now: self.cut.append(owner))
        group: Any = self.group
        asking = Asking(group, observing, (lambda: group, lambda: observing))
        self.restorer = Restorer(asking, self.reading, observing, fence, self.files)  # type: ignore[arg-type]

    def until_asked(self, one: Incarnation, times: int) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.files.asked) < times:
            assert time.monotonic() < deadline
            self.restorer.advance([one], time.monotonic())
            threading.Event().wait(0.001)

    def advance(self, one: Incarnation, done: int) -> None:
        """Once the threads have had their time."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while sum(future.done() for future in self.files.asked) < done:
            assert time.monotonic() < deadline
        for _ in range(50):
            self.restorer.advance([one], time.monotonic())
            threading.Event().wait(0.001)


def image(mark: int) -> Image:
    return Image(Counting(0), b"life", mark, 7, time.time())


@pytest.fixture
def world() -> Any:
    found = World()
    yield found
    for one in found.files.asked:
        if not one.done():
            one.set_result(image(1))
    found.restorer.close()


def test_one_that_began_anew_meanwhile_takes_up_only_what_it_asked_for_itself(world: World) -> None:
    one = Incarnation(0, Counting, 0.0)
    world.until_asked(one, 1)
    world.restorer.forget(one)  # as the loop does with one that has to begin anew
    one.drop(1.0)
    anew = one.partition
    world.until_asked(one, 2)
    world.files.asked[0].set_result(image(300))
    world.advance(one, 1)
    assert one.partition is anew, "it took up what an earlier life had asked for"
    assert not world.reading.places
    second = image(400)
    world.files.asked[1].set_result(second)
    world.advance(one, 2)
    assert one.partition is second.partition
    assert world.reading.places == [400]
    assert one.state is State.RESTORE


def test_one_that_was_taken_meanwhile_reads_nothing(world: World) -> None:
    one = Incarnation(0, Counting, 0.0)
    world.until_asked(one, 1)
    one.on(Signal.TAKEN)
    world.restorer.forget(one)
    world.files.asked[0].set_result(image(300))
    world.advance(one, 1)
    assert not world.reading.places
    assert one.state is State.GONE


def test_what_is_being_read_at_the_end_does_not_hold_up_leaving(world: World) -> None:
    one = Incarnation(0, Counting, 0.0)
    world.until_asked(one, 1)
    began = time.monotonic()
    world.restorer.close()
    assert time.monotonic() - began < PATIENCE_SECONDS / 2


def test_while_an_owners_transaction_is_open_its_file_is_read_and_the_loop_goes_on() -> None:
    world = World(stable=False)
    one = Incarnation(0, Counting, time.monotonic())
    inside, start = 0.0, time.monotonic()
    until = start + 2 * AFTER_SECONDS
    while time.monotonic() < until:
        began = time.monotonic()
        world.restorer.advance([one], began)
        inside += time.monotonic() - began
        threading.Event().wait(0.005)
    assert inside < (time.monotonic() - start) / 2, "the loop waits for answers"
    assert world.files.asked, "the file was not read meanwhile"
    assert set(world.cut) == {"lapse.dead"}
    assert not world.reading.places, "it reads without knowing where to begin"
    world.files.asked[0].set_result(image(300))
    world.group.open.set()
    world.advance(one, 1)
    assert one.state is State.RESTORE
    assert world.reading.places == [300]
    world.restorer.close()


def test_an_answer_to_a_life_that_is_over_is_nobodys() -> None:
    world = World(stable=False)
    one = Incarnation(0, Counting, time.monotonic())
    world.restorer.advance([one], time.monotonic())
    one.on(Signal.TAKEN)
    world.restorer.forget(one)
    world.group.open.set()
    for _ in range(20):
        world.restorer.advance([one], time.monotonic())
        threading.Event().wait(0.005)
    assert one.state is State.GONE
    assert one.committed is None
    for file in world.files.asked:
        file.set_result(image(1))
    world.restorer.close()


def test_another_client_is_asked_when_one_gets_no_answer_for_long() -> None:
    """Seen: a broker was gone for a moment, and a worker waited two minutes for what others were told at once."""
    observing: Any = Observing()
    stable, unstable = Group(), Group(stable=False)
    asking = Asking(cast("Any", unstable), observing, (lambda: cast("Any", stable), lambda: observing))
    one = Incarnation(0, Counting, 0.0)
    found = []
    for patience in (0.01, MOST_PATIENCE_SECONDS):
        one.patience = patience
        asking.ask(one)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (answers := list(asking.answers())):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        found += [answer for _, answer in answers]
    asking.close()
    assert [type(answer) for answer in found] == [NoAnswer, Answer]


class Closing:
    """A client that is told nothing, and counts those of its kind that are open."""

    open = made = 0

    def __init__(self) -> None:
        Closing.open += 1
        Closing.made += 1

    def committed(self, *_: object) -> list[TopicPartition]:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    def close(self) -> None:
        Closing.open -= 1


def fails() -> Any:
    raise KafkaException(KafkaError(KafkaError._FAIL, "no more threads"))


@pytest.mark.parametrize("makers", [(fails, Closing), (Closing, fails), (Closing, Closing)])
def test_other_clients_are_made_seldom_and_closed_and_where_there_are_none_the_worker_goes_on(makers: Any) -> None:
    Closing.open = Closing.made = 0
    unstable: Any = Closing()
    asking = Asking(unstable, unstable, makers)
    both = [Incarnation(number, Counting, 0.0) for number in (0, 1)]
    answers = []
    for _ in range(3):
        for one in both:
            one.patience = MOST_PATIENCE_SECONDS
            asking.ask(one)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while asking._asked:
            assert time.monotonic() < deadline
            answers += [answer for _, answer in asking.answers()]
            time.sleep(0.001)
    assert {type(answer) for answer in answers} == {NoAnswer}
    assert Closing.made <= 3, "two for each question"
    asking.close()
    assert Closing.open == 1, "others than the first are left open"


def test_what_nobody_waits_for_any_more_is_not_asked() -> None:
    group: Any = Group(stable=False)
    asking = Asking(group, group, (fails, fails))
    many = [Incarnation(number, Counting, 0.0) for number in range(AT_ONCE + 1)]
    for one in many:
        one.patience = 0.3
        asking.ask(one)
    last = asking._asked[many[-1]]
    asking.forget(many[-1])
    assert last.cancelled()
    asking.close()
