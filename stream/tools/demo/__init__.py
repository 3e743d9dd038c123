"""The demo: a year of real shopping through the real thing, while one watches.

Owns: the order in which broker, topics, workers, replay and screen begin and end. Everything that it starts it ends, by
process id, however it is left.
"""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import msgspec

from stream.policies import load
from stream.tools import broker
from stream.tools.cluster import brokers, make_topics, quiet, topic_problems
from stream.tools.demo.processes import DemoError, Processes
from stream.tools.demo.progress import Group, Rate, extent
from stream.tools.demo.replay import Replay
from stream.tools.demo.screen import Moment, Screen, open_screen
from stream.tools.demo.shopping import POLICY, last_day, read
from stream.tools.demo.watch import Seen, Watcher, summarise
from stream.worker import topics
from stream.worker.settings import Settings as Cluster

if TYPE_CHECKING:
    from stream.tools.demo.replay import Event

__all__ = ["DemoError", "Settings", "run"]

PARTITIONS = 8
TICK_SECONDS = 0.05
LOOK_SECONDS = 0.25  # how often the group's offsets are asked for
STANDSTILL_SECONDS = 60.0
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user asked for."""

    cluster: Cluster | None  # None: an embedded broker
    days: int
    workers: int  # 0: the cluster's own, and its desk
    year_seconds: int  # 0: as fast as it goes
    stay: bool
    as_json: bool


def run(settings: Settings, screen: Screen | None = None) -> int:
    """Run the demo to its end, or until Ctrl-C, and return the exit code; shown on `screen` or on what fits."""
    screen = screen or open_screen(as_json=settings.as_json)
    try:
        with Leaving() as leaving, ExitStack() as stack:
            screen.say(f"reading {settings.days} days of the Complete Journey")
            events = read(settings.days)
            demo = Demo(settings, screen, stack, leaving)
            began = time.monotonic()
            demo.replay(events)
            if settings.as_json:
                summary = summarise(demo.seen, settings.days, len(events), time.monotonic() - began)
                print(msgspec.json.encode(summary).decode())
            if settings.stay:
                demo.stay()
    except KeyboardInterrupt:
        screen.say("ended; nothing is left running")
        return 0 if settings.stay else INTERRUPTED
    else:
        return 0
    finally:
        screen.close()


class Demo:
    """One demo, begun; `stack` ends what it began, the last first."""

    def __init__(self, settings: Settings, screen: Screen, stack: ExitStack, leaving: Leaving) -> None:
        self._year_seconds = settings.year_seconds
        self._screen = screen
        self._stack = stack
        self._leaving = leaving
        cluster = settings.cluster or Cluster(stack.enter_context(broker.embedded()))
        brokers(cluster)
        self._kafka = quiet(cluster)
        self._partitions = _empty_topics(cluster)
        self.seen = Seen(load(POLICY), self._partitions, last_day(settings.days))
        self._watcher = Watcher(self._kafka, self.seen)
        stack.callback(self._watcher.close)
        if settings.workers:
            screen.say("starting worker and desk (the first start compiles the kernel: half a minute)")
        self._processes = stack.enter_context(Processes(cluster, POLICY, settings.workers))
        self._processes.await_ready(leaving.check)
        self._where = self._processes.where
        screen.say(f"broker {cluster.bootstrap} · {self._where}")
        self._group = Group(cluster, self._partitions)
        stack.callback(self._group.close)
        self._rate = Rate()
        self._looked = 0.0

    def replay(self, events: list[Event]) -> None:
        """Send all events, and return when they have been processed and everything that came of them was seen."""
        replay = Replay(self._kafka, topics.EVENTS, self._partitions, events, self._year_seconds)
        self._stack.callback(replay.close)
        while not replay.done:
            busy = replay.step()
            self._look(replay, 0.0 if busy else TICK_SECONDS, f"a year in {self._year_seconds} s")
        replay.finish()
        records = len(events) - 1 + self._partitions  # the clock event goes to every partition
        progress, since = -1, time.monotonic()
        while self._group.processed < records or not self._watcher.reached(self._watcher.ends()) or self.seen.missing():
            self._look(replay, TICK_SECONDS, "the last events")
            if self._group.processed + self.seen.taken != progress:
                progress, since = self._group.processed + self.seen.taken, time.monotonic()
            if time.monotonic() - since > STANDSTILL_SECONDS:
                who = "the worker" if self._group.processed < records else "the desk"
                raise DemoError(f"{who} stands still at {self._group.processed:,} of {records:,} events")
        self._look(replay, 0.0, "the year has passed")

    def stay(self) -> None:
        """Keep everything up for looking, until Ctrl-C."""
        self._screen.say(f"everything stays up for looking: {self._where}; Ctrl-C ends it")
        while True:
            self._leaving.check()
            self._processes.check()
            time.sleep(1.0)

    def _look(self, replay: Replay, seconds: float, phase: str) -> None:
        """Take what has come and show it; the slower questions are asked a few times a second."""
        self._leaving.check()
        self._watcher.poll(seconds)
        now = time.monotonic()
        if now - self._looked > LOOK_SECONDS:
            self._looked = now
            self._processes.check()
            self._group.refresh()
            self._rate.add(now, self._group.processed)
        moment = Moment(replay.day, replay.share, self._group.processed, self._rate.per_second, phase, self._where)
        self._screen.draw(moment, self.seen)


def _empty_topics(cluster: Cluster) -> int:
    """Make the topics and return their number of partitions; a cluster with events of somebody else's is refused."""
    make_topics(cluster, PARTITIONS, None)
    wrong = topic_problems(cluster)
    if wrong:
        raise DemoError("\n".join(["the topics are not as the worker needs them:", *wrong]))
    partitions, events = extent(cluster, topics.EVENTS)
    if events:
        raise DemoError(
            f"{topics.EVENTS} on {cluster.bootstrap} holds {events:,} events already; the demo wants empty topics, so "
            "that its year doesn't mix with them. Delete the topics of lapse there, or leave --bootstrap out."
        )
    return partitions


class Leaving:
    """Ctrl-C, SIGTERM and a closed terminal: each ends the demo the same way, so that nothing is left running.

    The first one raises KeyboardInterrupt at once; where that is swallowed (by a callback from C, say) the next `check`
    raises it again. Later ones change nothing: the end has begun.
    """

    def __init__(self) -> None:
        self._asked = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise KeyboardInterrupt when somebody asked to leave."""
        if self._asked:
            raise KeyboardInterrupt

    def _ask(self, _number: int, _frame: object) -> None:
        if not self._asked:
            self._asked = True
            raise KeyboardInterrupt
