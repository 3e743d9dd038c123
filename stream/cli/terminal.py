"""What the commands show on the terminal: progress on stderr, facts at the end.

Owns: the looks. A progress bar is drawn only on a terminal; elsewhere nothing moves and nothing is coloured.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.progress import Progress as Bar
    from rich.progress import TaskID

STEP_SECONDS = 0.1  # how often the bar is redrawn; the work calls far more often


class Progress:
    """A bar on stderr for work of `total` bytes (None: unknown), or nothing where stderr is no terminal."""

    def __init__(self, title: str, total: int | None) -> None:
        self._title = title
        self._total = total
        self._done = 0
        self._note = ""
        self._drawn = 0.0
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
            self._bar = Bar(*columns, TextColumn("{task.fields[note]}"), console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=self._total, note="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, amount: int) -> None:
        """Move on by `amount` bytes."""
        self._done += amount
        self._draw()

    def say(self, note: object) -> None:
        """Show a word on where the work is, such as the day reached."""
        self._note = str(note)
        self._draw()

    def _draw(self) -> None:
        if self._bar is None or self._task is None:
            return
        now = time.monotonic()
        if now - self._drawn >= STEP_SECONDS:
            self._drawn = now
            self._bar.update(self._task, completed=self._done, note=self._note)


def facts(rows: Mapping[str, object]) -> None:
    """Print names and values under each other, aligned."""
    width = max(map(len, rows), default=0)
    for name, value in rows.items():
        shown = f"{value:,}" if isinstance(value, int) else str(value)
        print(f"{name:<{width}}  {shown}")
