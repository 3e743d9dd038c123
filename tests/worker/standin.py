"""A job whose results can be counted by hand: one alert for every third event of a customer, one row a customer.

What exactly-once promises does not depend on the job, so crashes are judged with this one: alert n of a customer says
3n, and the row says how many events there were. Run as a program it is a worker:
`python tests/worker/standin.py BOOTSTRAP SLOT PORT`.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stream.core import records

EVERY = 3
MOST_ALERTS_A_STEP = 50  # small, so that steps end early now and then


@dataclass
class Batch:
    record: list[int]
    customers: list[bytes]
    values: list[bytes]

    def __len__(self) -> int:
        return len(self.record)


@dataclass
class Step:
    next: int
    too_late: list[int] = field(default_factory=list)
    duplicates: int = 0
    alerts: list[Any] = field(default_factory=list)
    parts: list[Any] = field(default_factory=list)
    erased: list[bytes] = field(default_factory=list)


class Counting:
    """Counts events by customer; an event `late` comes too late, on `poison` the kernel fails, of `deadly` it dies.

    What follows from `unsayable` can't be encoded; once it has seen `stuck`, the clock can't follow the wall clock.
    What falls due of customers called `ill…` fails unless they rest.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.rows: dict[bytes, int] = {}
        self.changed: set[bytes] = set()
        self.total = 0
        self.clock_ms: int | None = None
        self.followed = 0
        self.trust_ms = 2**60
        self.stuck = False
        self.resting: set[bytes] = set()

    @property
    def live_ms(self) -> int | None:
        return self.clock_ms

    def trusted_until_ms(self, since_ms: int, wall_ms: int) -> int:
        """Always trusted, unless a test says otherwise."""
        del wall_ms
        return since_ms + self.trust_ms

    def apply(self, batch: Batch, start: int = 0, stop: int | None = None, stamps_ms: object = None) -> Step:
        del stop, stamps_ms
        step = Step(start)
        self.fall_due()
        for at in range(start, len(batch)):
            if len(step.alerts) == MOST_ALERTS_A_STEP:
                break
            step.next = at + 1
            value = batch.values[at]
            if value == b"late":
                step.too_late.append(at)
                continue
            assert value != b"poison", "a bug in the kernel"
            if value == b"deadly":
                os.kill(os.getpid(), signal.SIGKILL)
            if value == b"unsayable":
                step.alerts.append((b"", None))
                continue
            self.stuck = self.stuck or value == b"stuck"
            if value.startswith(b"clock"):
                self.clock_ms = int(value[5:])
                continue
            if value.startswith(b"slow"):
                time.sleep(float(value[4:]))
            customer = batch.customers[at]
            count = self.rows.get(customer, 0) + 1
            self.rows[customer] = count
            self.changed.add(customer)
            self.total += 1
            if count % EVERY == 0:
                step.alerts.append((customer, b"%d" % count))
        return step

    def rest(self, customer: bytes) -> bool:
        self.resting.add(customer)
        return True

    def fall_due(self) -> None:
        from stream.core.failing import DueError

        for customer in self.rows:
            if customer.startswith(b"ill") and customer not in self.resting:
                raise DueError(customer)

    def follow(self, wall_ms: int) -> Step:
        """Fires one alert for each minute that the clock is ahead of the last event."""
        assert self.clock_ms is not None
        assert not self.stuck, "a bug in what closes"
        self.fall_due()
        self.clock_ms = wall_ms
        if self.followed:
            return Step(0)
        self.followed = 1
        return Step(0, alerts=[(b"clock", b"%d" % self.number)])

    def changes(self, _most: int | None = None) -> records.Records:
        keys = sorted(self.changed)
        self.changed.clear()
        return records.of(keys, [b"%d" % self.rows[key] for key in keys])

    def control(self) -> bytes:
        return b"%d" % self.total

    def load(self, keys: Sequence[bytes], values: Sequence[bytes | None]) -> None:
        self.rows |= {key: int(value) for key, value in zip(keys, values, strict=True) if value is not None}

    def load_control(self, data: bytes) -> None:
        self.total = int(data)
        assert self.total == sum(self.rows.values()), "rows and control record are of different transactions"


def decode(
    originals: list[bytes | None], keys: list[bytes | None], _stamps_ms: Sequence[int], _headers: object
) -> tuple[Batch, list[Any]]:
    from stream.wire.dead import DeadLetter, Reason

    values = [value or b"" for value in originals]
    good = [at for at, value in enumerate(values) if not value.startswith(b"bad")]
    dead = [DeadLetter(at, Reason.not_json, "bad") for at, value in enumerate(values) if value.startswith(b"bad")]
    return Batch(good, [keys[at] or b"" for at in good], [values[at] for at in good]), dead


def encode(alert: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    customer, said = alert
    assert said is not None, "a bug in an encoder"
    return customer, said


def job() -> Any:
    from stream.worker.job import Job

    return Job(
        make=Counting,
        decode=decode,
        alert=encode,
        part=lambda part: part,
        alert_labels=lambda _: ("standin", "opened", "low", ""),
        grace_ms=0,
        rest=Counting.rest,
    )


def main(bootstrap: str, slot: str, port: str) -> int:
    from stream.worker.main import run_job
    from stream.worker.settings import Settings, pass_through

    form = f"{time.time():.0f} {slot} %(relativeCreated)d %(levelname)s %(message)s"
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=form)
    kafka, _ = pass_through(os.environ)
    return run_job(Settings(bootstrap, slot=slot, http=("127.0.0.1", int(port)), kafka=kafka), job())


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    sys.exit(main(*sys.argv[1:]))
