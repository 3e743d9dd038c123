"""What is done to the workers and the broker, and when: all of it from the seed.

Owns: the kinds of trouble and their timetable. Does nothing itself.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

PARTITIONS = 8
MOST_WORKERS = 4
SESSION_SECONDS, TRANSACTION_SECONDS = 6.0, 10.0  # of the worker's clients
LAST_SECONDS = 14.0  # when the last trouble begins

# how often each kind comes, relative to the others
TROUBLES = {
    "kill": 5,  # kill -9, and another life after a while
    "term": 3,  # SIGTERM, and another life after a while
    "pause": 2,  # SIGSTOP for less than a session
    "zombie": 3,  # SIGSTOP until others have its partitions, then SIGCONT
    "coma": 1,  # the same until its transaction has timed out as well
    "add": 3,
    "remove": 2,
    "broker_kill": 1,
    "broker_stop": 1,
    "delete": 1,  # a topic to which workers write is deleted, and made again by hand after a while
}
DELETED = ("churn.alerts", "customer.events.dead", "retention.parts")


@dataclass(frozen=True, order=True)
class Act:
    """At so many seconds: `start`, `kill`, `term`, `stop` or `cont` worker `slot`, or the broker (slot −1).

    Of the broker also a topic's name, which is deleted, and `make`: the topics that are missing are made.
    """

    at: float
    slot: int
    what: str


@dataclass(frozen=True)
class Plan:
    seed: int
    workers: int
    troubles: tuple[str, ...]
    acts: tuple[Act, ...]
    seconds: float  # until everything that was planned is done


def plan(seed: int) -> Plan:
    """The timetable of a seed."""
    draw = random.Random(seed)
    workers = draw.randint(1, MOST_WORKERS)
    acts: list[Act] = []
    free = dict.fromkeys(range(-1, MOST_WORKERS), 0.0)  # when the last trouble of each is over
    present = set(range(workers))
    troubles = []
    at = draw.uniform(0.5, 3.0)
    while at < LAST_SECONDS:
        trouble = draw.choices(list(TROUBLES), list(TROUBLES.values()))[0]
        idle = sorted(slot for slot in present if free[slot] <= at)
        done = _begin(trouble, at, draw, acts, free, present, idle)
        if done:
            troubles.append(trouble)
        at += draw.expovariate(0.7)
    acts.sort()
    return Plan(seed, workers, tuple(troubles), tuple(acts), max([act.at for act in acts], default=at) + 1.0)


def _begin(
    trouble: str, at: float, draw: random.Random, acts: list[Act], free: dict[int, float], present: set[int],
    idle: list[int],
) -> bool:  # fmt: skip
    """Write one trouble into the timetable, if there is somebody whom it can befall now."""
    if trouble == "add":
        absent = sorted(set(range(MOST_WORKERS)) - present)
        if absent:
            acts.append(Act(at, absent[0], "start"))
            present.add(absent[0])
            free[absent[0]] = at + 1.0
        return bool(absent)
    of_broker = trouble == "delete" or trouble.startswith("broker")
    if of_broker and free[-1] <= at:
        away = draw.uniform(0.5, 6.0)
        first, last = (
            (draw.choice(DELETED), "make") if trouble == "delete" else (trouble.removeprefix("broker_"), "start")
        )
        acts += [Act(at, -1, first), Act(at + away, -1, last)]
        free[-1] = at + away + 4.0
        return True
    if of_broker or not idle or (trouble == "remove" and len(present) == 1):
        return False
    slot = draw.choice(idle)
    if trouble == "remove":
        acts.append(Act(at, slot, "term"))
        present.discard(slot)
        free[slot] = at
        return True
    after = {
        "kill": (0.0, 3.0), "term": (0.0, 3.0), "pause": (0.2, 4.0),
        "zombie": (SESSION_SECONDS + 0.5, SESSION_SECONDS + 3.0),
        "coma": (TRANSACTION_SECONDS + 0.5, TRANSACTION_SECONDS + 3.0),
    }[trouble]  # fmt: skip
    until = at + draw.uniform(*after)
    first, last = (trouble, "start") if trouble in {"kill", "term"} else ("stop", "cont")
    acts += [Act(at, slot, first), Act(until, slot, last)]
    free[slot] = until + 1.0
    return True
