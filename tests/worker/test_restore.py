"""An image that is read beside the loop is taken up only by the life that asked for it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from stream.worker.fence import Fence
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

    def read(self, _one: Incarnation, _low: int, _end: int) -> Image:
        found: Future[Image] = Future()
        self.asked.append(found)
        return found.result(PATIENCE_SECONDS)

    def took(self, one: Incarnation, image: Image) -> None:
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


class World:
    """A restorer for which everything is as it should be, but for the files."""

    def __init__(self) -> None:
        self.files, self.reading = Files(), Reading()
        source = SimpleNamespace(committed=lambda found, _: [TopicPartition("e", one.partition, 7) for one in found])
        fence = Fence(lambda _: pytest.fail("nobody is to be cut off"), "own")
        clients: tuple[Any, Any, Any] = source, self.reading, self.reading
        self.restorer = Restorer(*clients, fence, self.files, lambda: None)  # type: ignore[arg-type]

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
