"""Workers as processes, each forked from one that has everything imported and compiled: a start costs a moment.

Owns: the life of a worker process, and starting again who ended without being told to. When what is done to it is
`plan`'s.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from stream import policies
from stream.worker import main
from stream.worker.job import real_job
from stream.worker.settings import Settings
from tests.chaos import events

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess
    from multiprocessing.synchronize import Event

STOP_SECONDS = 30.0
_SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "stop": signal.SIGSTOP, "cont": signal.SIGCONT}

_ours = multiprocessing.get_context("forkserver")
_ours.set_forkserver_preload(["tests.chaos.warm"])


def warm_up() -> None:
    """Compile first: several new workers would compile the same at the same time, for minutes."""
    for name in {events.policy_of(seed) for seed in range(2)}:
        real_job(policies.load(name)).warm_up()
    gc.freeze()


class Workers:
    """A process per slot; who ends without being told to is started again, as a supervisor would."""

    def __init__(self, bootstrap: str, group: str, policy: str, folder: Path) -> None:
        """Starts nobody yet; each slot's log goes to `folder`."""
        self._words = (bootstrap, group, policy, folder)
        self._processes: dict[int, BaseProcess] = {}
        self._begun: dict[int, Event] = {}  # until then SIGTERM ends a process with its own exit code
        self._wanted: set[int] = set()
        self._stopped: set[int] = set()
        self.restarts = 0

    @property
    def pids(self) -> list[int]:
        """The processes that live."""
        return [one.pid for one in self._processes.values() if one.is_alive() and one.pid is not None]

    def do(self, slot: int, what: str) -> None:
        """Start, kill, term, stop or cont a slot's worker, as far as there is one."""
        process = self._processes.get(slot)
        if what == "start":
            self._wanted.add(slot)
            if process is not None:
                process.kill()  # a worker that was told to stop and still does: its successor can't wait
                process.join()
            self._start(slot)
            return
        if what in {"kill", "term"}:
            self._wanted.discard(slot)
        if process is None or not process.is_alive() or process.pid is None:
            return
        with contextlib.suppress(ProcessLookupError):  # it ended this moment
            os.kill(process.pid, _SIGNALS[what])
        (self._stopped.add if what == "stop" else self._stopped.discard)(slot)

    def supervise(self) -> None:
        """Start again who ended without being told to."""
        for slot in sorted(self._wanted):
            if not self._processes[slot].is_alive():
                self.restarts += 1
                self._start(slot)

    def all_well(self) -> None:
        """Whoever stands still goes on, and somebody is there."""
        for slot in list(self._stopped):
            self.do(slot, "cont")
        if not self._wanted:
            self.do(0, "start")

    def stop(self) -> list[str]:
        """End all; what was not as it should be."""
        self.all_well()
        living = {slot: one for slot, one in self._processes.items() if one.is_alive()}
        for slot, one in living.items():
            self._begun[slot].wait(STOP_SECONDS)
            one.terminate()
        said = []
        for slot, one in living.items():
            one.join(STOP_SECONDS)
            if one.exitcode is None:
                said.append(f"worker {slot} did not stop within {STOP_SECONDS:.0f} s")
            elif one.exitcode != 0 and slot in self._wanted:
                said.append(f"worker {slot} stopped with exit code {one.exitcode}")
        self.kill()
        return said

    def kill(self) -> None:
        """End all at once."""
        for one in self._processes.values():
            one.kill()
            one.join()

    def _start(self, slot: int) -> None:
        self._stopped.discard(slot)
        self._begun[slot] = _ours.Event()
        self._processes[slot] = _ours.Process(target=_work, args=(self._begun[slot], slot, *self._words), daemon=True)
        self._processes[slot].start()


def _work(begun: Event, slot: int, bootstrap: str, group: str, policy: str, folder: Path) -> None:
    """What `lapse worker` does, in a process of its own."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # told to stop before there is anything to stop
    begun.set()
    with (folder / f"worker-{slot}.log").open("ab") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    snapshots = (
        folder / "snapshots" if int(group.rpartition("-")[2]) % 4 < 2 else None
    )  # every other seed of each policy
    settings = Settings(bootstrap, group, f"s{slot}", ("127.0.0.1", 0), snapshots=snapshots)
    sys.exit(main.run(settings, policies.load(policy)))
