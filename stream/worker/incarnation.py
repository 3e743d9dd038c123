"""One assignment of one partition: from being given it to giving it back.

Owns: the states of an assignment as one table, its own position, and whether its clock may follow the wall clock.
State is kept by incarnation, never by partition number: a partition that was lost and came back is another one.
Knows nothing of librdkafka and does no I/O.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from stream.worker.job import Partition
from stream.worker.trial import NONE, Trial

NEAR_MS: Final = 5 * 60_000  # so near to the wall clock the events are live, not a backlog or a replay


class State(enum.Enum):
    """Where an assignment is."""

    WAIT = "wait"  # for a stable committed offset
    RESTORE = "restore"  # reading the changelog
    RUN = "run"
    GONE = "gone"


class Signal(enum.Enum):
    """What happens to an assignment."""

    STABLE = "stable"  # its committed offset is known and not about to change
    EQUAL = "equal"  # the changelog is read to its end, and its control record says the same offset
    UNEQUAL = "unequal"  # it does not (yet)
    ABORTED = "aborted"  # what was applied is not committed: drop it and restore
    TAKEN = "taken"  # revoked or lost


TRANSITIONS: Final[dict[State, dict[Signal, State]]] = {
    State.WAIT: {Signal.STABLE: State.RESTORE, Signal.ABORTED: State.WAIT, Signal.TAKEN: State.GONE},
    State.RESTORE: {
        Signal.EQUAL: State.RUN,
        Signal.UNEQUAL: State.WAIT,
        Signal.ABORTED: State.WAIT,
        Signal.TAKEN: State.GONE,
    },
    State.RUN: {Signal.ABORTED: State.WAIT, Signal.TAKEN: State.GONE},
    State.GONE: {},
}


@dataclass(slots=True, eq=False)
class Incarnation:
    """One assignment. `position` is the offset of the next event to apply; what a commit would say."""

    number: int
    make: Callable[[int], Partition]
    since: float  # monotonic seconds when it was given, or began to restore again
    partition: Partition = field(init=False)
    state: State = State.WAIT
    position: int = 0
    committed: int | None = None  # the stable committed offset; None where the group has none
    control: int | None = None  # the offset in the newest control record …
    control_data: bytes = b""  # … and what stands beside it
    read_to: int = 0  # position in the changelog
    target: int = 0  # the changelog's end (open transactions included) when its committed offset was known
    caught_up: bool = False
    live: bool = False  # was caught up near the wall clock at some point
    heard_ms: int = 0  # wall clock when records last came
    suspended: str = ""  # why its silence is not trusted; empty where it is
    patience: float = 0.1  # seconds to wait for a stable offset at the next try
    owner: str = ""  # the transactional id of who committed last, as far as is known
    limit: int | None = None  # events to apply at once, while a failing one is looked for
    suspect_until: int = 0  # the offset before which the failing one lies
    recorded: Trial = NONE  # what stood beside the committed offset
    found: Trial = NONE  # … when this life began
    trial: Trial = NONE  # what this life writes there
    begun: bool = False  # whether it is written down, since the last restore
    begun_at: int | None = None  # and where
    rests_until_ms: int = 0  # wall clock until which its clock may not follow, as that failed
    lag: int = 0  # events between the position and the end, as last seen
    clock_written_ms: int = 0  # the alert clock in the last control record
    life: bytes = b""  # of the changelog: drawn when it began, and carried by each of its control records
    image_life: bytes | None = None  # of the local snapshot that was taken up, None without one
    images: bool = True  # whether a snapshot may be taken up: not after one that turned out to be another life's
    gone: bool = False  # somebody is erased, who must leave the snapshot too
    told_running: float = 0.0  # the `since` for which it was told that it runs

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self.partition = self.make(self.number)

    def on(self, signal: Signal) -> None:
        """Go where the table says. An impossible signal is a bug, and stops the worker."""
        after = TRANSITIONS[self.state].get(signal)
        assert after is not None, f"partition {self.number}: {signal.value} while {self.state.value}"
        self.state = after

    def drop(self, now: float) -> None:
        """Forget everything that was applied or read, to restore it anew."""
        self.on(Signal.ABORTED)
        self.partition = self.make(self.number)
        self.since = now
        self.committed = self.control = self.image_life = None
        self.life = b""
        self.read_to = self.target = 0
        self.caught_up = False
        self.suspended = ""
        self.begun = False

    def begin(self) -> None:
        """This life is about to try its first events: count it among those that began here, go as carefully as asked.

        A life that failed here and went on is not counted: what hinders it is no deadly event.
        """
        given_up_s = self.trial.given_up_s or self.recorded.given_up_s
        if self.begun_at is None:
            self.found, trial = self.recorded, self.recorded.begun(self.position)
        else:
            trial = self.found if self.begun_at == self.position else self.recorded
        self.trial = replace(trial, given_up_s=given_up_s)
        self.begun, self.begun_at = True, self.position
        if trial.size:
            self.limit, self.suspect_until = min(trial.size, self.limit or trial.size), trial.until

    def on_record(self) -> Trial:
        """What a commit of now writes down beside the offset."""
        if self.position == self.begun_at:
            return self.trial
        return self.trial.gone_on(self.limit, self.suspect_until)

    def follow_to_ms(self, wall_ms: int) -> int:
        """How far the clock may go: until the silence since the newest event stops being trusted.

        That is by event time, so that what falls due until then is what a replay of the log lets fall due.
        """
        live_ms = self.partition.live_ms
        return wall_ms if live_ms is None else min(wall_ms, self.partition.trusted_until_ms(live_ms, wall_ms))

    def may_follow(self, wall_ms: int, grace_ms: int) -> bool:
        """Whether the alert clock goes with the wall clock now (DESIGN §4).

        Only at the end of the partition, and only once its newest event was seen near the wall clock: a worker that
        was down for hours fires nothing early, and a replay of last year gives the same alerts every time. Never while
        the input's silence is not trusted (`worker.suspension`).
        """
        clock_ms = self.partition.clock_ms
        if not self.caught_up or clock_ms is None or self.suspended or wall_ms < self.rests_until_ms:
            return False
        self.live = self.live or wall_ms - (clock_ms + grace_ms) <= NEAR_MS
        return self.live
