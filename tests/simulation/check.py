"""One seed: run the world, and hold what it published against one worker to which nothing happened.

Every tenth seed is of the other kind (`order`): nothing happens, but partitions and order are others.

Owns: what must be equal. Of an alert that fell due while the clock followed the wall clock the moment of seeing it
may differ; and a record that came when the wall clock had made its day final is too late for the living, though not
for who reads the log later (definitions T11). It is a dead letter then, and as if it had never come for all else.
"""

from __future__ import annotations

import json
import logging
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

from stream.wire.dead import Reason
from stream.worker import topics
from stream.worker.job import real_job
from tests.simulation import order
from tests.simulation.log import Sent, Undisturbed, latest
from tests.simulation.story import DAY_MS, Story, story
from tests.simulation.world import World


@dataclass(frozen=True)
class Outcome:
    seed: int
    problems: list[str]
    seen: Counter[str]


def check(seed: int) -> Outcome:
    """Run a seed; `problems` is empty when everything is as it must be."""
    logging.getLogger("lapse.input").setLevel(logging.ERROR)  # suspended and trusted again, thousands of times
    draw = random.Random(seed)
    if seed % 10 == 9:
        return Outcome(seed, *order.check(draw))
    told = story(draw)
    job = real_job(told.policy)
    world = World(draw, told, job)
    world.run()
    late = _late_by_the_wall_clock(world, told)
    calm = Undisturbed(job)
    for number, log in enumerate(world.broker.logs):
        calm.run(number, [one for one in log if (number, one.offset()) not in late])
    published = [one for one in world.broker.published if one.topic != topics.DEAD or _place(one) not in late]
    world.seen["late by the wall clock"] += len(late)
    problems = []
    for what, topic, form in (
        ("alerts", topics.ALERTS, lambda one: order.alert(one.value)),
        ("dead letters", topics.DEAD, lambda one: (one.key, one.value, one.headers)),
        ("final day counts", topics.PARTS, _final),
    ):
        found = Counter(form(one) for one in published if one.topic == topic)
        wanted = Counter(form(one) for one in calm.of(topic))
        found.pop(None, None)
        wanted.pop(None, None)
        if found != wanted:
            missing, extra = wanted - found, found - wanted
            problems.append(f"{what}: missing {list(missing.items())[:2]}, beside it {list(extra.items())[:2]}")
        world.seen[what] += found.total()
    rows = latest((number, key, value) for number, of in world.broker.changelog.items() for key, value in of.items())
    wanted_rows = calm.rows()
    if rows != wanted_rows:
        wrong = [key for key in rows.keys() | wanted_rows.keys() if rows.get(key) != wanted_rows.get(key)]
        problems.append(f"rows: {len(wrong)} of {len(wanted_rows)} differ: {sorted(wrong)[:5]}")
    world.seen["live" if told.live else "replay"] += 1
    world.seen["records"] += sum(map(len, world.broker.logs))
    return Outcome(seed, problems, world.seen)


def _late_by_the_wall_clock(world: World, told: Story) -> set[tuple[int, int]]:
    """Places of the records that came alive, when a clock that follows the wall clock may have passed them by."""
    if not told.live:
        return set()
    wait_ms = told.policy.alert_grace_ms + told.policy.allowed_lateness_days * DAY_MS
    refused = {
        _place(one)
        for one in world.broker.published
        if one.topic == topics.DEAD and dict(one.headers)["reason"] == Reason.too_late.value.encode()
    }
    return {
        (number, offset)
        for number, offset in refused
        for record in [world.broker.logs[number][offset]]
        if record.timestamp()[1] - json.loads(record.value() or b"")["time"] > wait_ms
    }


def _place(dead: Sent) -> tuple[int, int]:
    """Where the record of a dead letter was."""
    headers = dict(dead.headers)
    return int(headers["partition"]), int(headers["offset"])


def _final(sent: Any) -> bytes | None:
    """A final count, or who was erased.

    What was published before it was final may depend on when the clock was looked at.
    """
    if sent.value is None:
        return bytes(sent.key)
    return sent.value if b'"final":true' in sent.value else None
