"""A worker's slot: the name that its transactions carry from one life to the next.

Owns: the choice of it. A stable name lets the next process in the slot cut off the last one's open transaction; two
living processes of one name would cut off each other, so a slot is held by a lock that dies with its process.
"""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_MOST = 1000


@dataclass(slots=True)
class Slot:
    """A claimed name; `lock` is held as long as this lives."""

    transactional_id: str
    lock: IO[bytes] | None = None

    def release(self) -> None:
        """Let others have it."""
        if self.lock is not None:
            self.lock.close()


def claim(group: str, name: str | None) -> Slot:
    """The slot of that name, else the first free one of this host. Raises RuntimeError when all are taken."""
    if name is not None:
        return Slot(f"{group}.{name}")
    host = socket.gethostname()
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or Path(tempfile.gettempdir(), f"lapse-{os.getuid()}"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in range(_MOST):
        lock = (folder / f"lapse-{group}-{number}.lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
        else:
            return Slot(f"{group}.{host}.{number}", lock)
    raise RuntimeError(f"{_MOST} workers of group {group} run on this host already: set LAPSE_SLOT")
