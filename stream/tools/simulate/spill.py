"""Many customers' events into one order of time, with little memory: written down by day, each day sorted by itself.

Owns: the files in between. A simulation of 100,000 customers holds one day of events, and what is about to be written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from stream.tools.simulate.life import DAY_S, Written

HELD = 200_000  # events in memory before they go to their days' files
_PLACE = b"%012d %09d %06d "  # second, customer, event: as text, so that lines sort as they are
_PLACE_BYTES = 12 + 1 + 9 + 1 + 6 + 1


class Spill:
    """Takes events in any order, gives them back in order of time."""

    def __init__(self, directory: Path) -> None:
        """`directory` is empty and is the caller's to remove."""
        self._directory = directory
        self._days: defaultdict[int, list[bytes]] = defaultdict(list)
        self._held = 0

    def add(self, customer: int, events: Iterable[Written]) -> None:
        """Take one customer's events, in the order in which those of one second happened."""
        for n, event in enumerate(events):
            self._days[event.time_s // DAY_S].append(_PLACE % (event.time_s, customer, n) + event.line + b"\n")
            self._held += 1
        if self._held >= HELD:
            self._write()

    def lines(self) -> Iterator[tuple[int, list[bytes]]]:
        """Each day that has events and its lines, in order of time."""
        self._write()
        for path in sorted(self._directory.iterdir()):
            with path.open("rb") as file:
                placed = sorted(file)
            path.unlink()
            yield int(path.name), [line[_PLACE_BYTES:] for line in placed]

    def _write(self) -> None:
        for day, lines in self._days.items():
            with (self._directory / f"{day:06}").open("ab") as file:
                file.writelines(lines)
        self._days.clear()
        self._held = 0
