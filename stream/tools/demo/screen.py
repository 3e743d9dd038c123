"""How the demo looks: a live page on a terminal, plain lines elsewhere, nothing at all with --json.

Owns: the looks. It is given what is known and draws it; it decides nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from stream.tools.demo.watch import Seen, Shown
    from stream.wire.encode import DayRecord

FRAMES_PER_SECOND = 8
PLAIN_ALERTS = 12  # alerts that are printed as they come where there is no terminal; then the months tell their number
COLOURS = {
    "opened": "bold yellow", "returned": "green", "recovered": "green", "retracted": "blue", "churned": "red",
    "critical": "bold red", "high": "red", "medium": "yellow", "low": "dim",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moment:
    """What is shown of the replay itself."""

    day: str
    share: float  # of the events, sent so far
    processed: int
    events_per_second: float
    phase: str
    where: str


class Screen(Protocol):
    """Something that shows the demo."""

    def say(self, line: str) -> None:
        """Show a line that stays."""

    def draw(self, moment: Moment, seen: Seen) -> None:
        """Show where things are now."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Silent:
    """Shows nothing: with --json the summary is the only output."""

    def say(self, line: str) -> None:
        """Show nothing."""

    def draw(self, moment: Moment, seen: Seen) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing to close."""


class Plain:
    """Lines: the first alerts, and each month when it is closed."""

    def __init__(self) -> None:
        self._alerts = 0
        self._months: set[object] = set()

    def say(self, line: str) -> None:
        """Print a line."""
        print(line, flush=True)

    def draw(self, moment: Moment, seen: Seen) -> None:
        """Print what is new."""
        new = min(seen.total - self._alerts, len(seen.last))
        for shown in list(seen.last)[len(seen.last) - new :]:
            if self._alerts < PLAIN_ALERTS:
                severity = shown.severity if shown.status == "opened" else ""
                self.say(f"{shown.day}  {shown.status:<9}  customer {shown.customer_id:<5} {severity:<8}  {shown.says}")
            elif self._alerts == PLAIN_ALERTS:
                self.say("… and so on; the months tell how many")
            self._alerts += 1
        self._alerts = seen.total
        for record in seen.months():
            if not record.provisional and record.start not in self._months:
                self._months.add(record.start)
                c = record.counts
                self.say(
                    f"{record.start:%Y-%m} closed: {c.start:,} customers at the start, {c.end:,} at the end, "
                    f"CRR {_percent(record.crr)}, strict {_percent(record.crr_strict)}; alerts so far {seen.total:,}, "
                    f"open {seen.open_alerts():,}; {moment.events_per_second:,.0f} events/s"
                )

    def close(self) -> None:
        """Nothing to close."""


class Page:
    """A live page: how far the replay is, the months, the latest alerts."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=False)
        self._drawn = 0.0
        self._live.start()

    def say(self, line: str) -> None:
        """Print a line above the page."""
        self._console.print(line, highlight=False)

    def draw(self, moment: Moment, seen: Seen) -> None:
        """Redraw the page, a few times a second."""
        now = time.monotonic()
        if now - self._drawn < 1 / FRAMES_PER_SECOND and moment.share < 1:
            return
        self._drawn = now
        room = max(4, self._console.height - len(seen.months()) - 14)
        self._live.update(draw_page(moment, seen, room), refresh=True)

    def close(self) -> None:
        """Leave the last page standing."""
        self._live.stop()


def open_screen(*, as_json: bool) -> Screen:
    """Return the screen that fits: with `as_json` none, a page on a terminal, plain lines elsewhere."""
    if as_json:
        return Silent()
    console = Console()
    return Page(console) if console.is_terminal else Plain()


def draw_page(moment: Moment, seen: Seen, alerts: int) -> Group:
    """Return the page as it is now, with the latest `alerts`."""
    return Group(_head(moment), _months(seen.months()), _alerts(list(seen.last)[-alerts:], seen))


def _head(moment: Moment) -> Panel:
    grid = Table.grid(padding=(0, 2))
    grid.add_row(
        Text(moment.day, style="bold cyan"),
        ProgressBar(total=1.0, completed=moment.share, width=40),
        Text(f"{moment.processed:,} events"),
        Text(f"{moment.events_per_second:,.0f} events/s"),
    )
    title = f"[bold]lapse[/] · {moment.phase}"
    where = f"{moment.where} · Ctrl-C ends"
    return Panel(grid, title=title, title_align="left", subtitle=where, subtitle_align="left", border_style="cyan")


def _months(records: list[DayRecord]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2))
    table.add_column("month")
    for name in ("customers", "acquired", "lost", "reactivated", "end", "CRR", "CRR strict"):
        table.add_column(name, justify="right")
    for record in records:
        c = record.counts
        numbers = (c.start, c.acquired, c.lost, c.reactivated, c.end)
        style = "bold" if record.provisional else ""
        table.add_row(
            f"{record.start:%b %Y}" + (" …" if record.provisional else ""),
            *(f"{number:,}" for number in numbers),
            _percent(record.crr),
            _percent(record.crr_strict),
            style=style,
        )
    return table


def _alerts(latest: list[Shown], seen: Seen) -> Panel:
    table = Table.grid(padding=(0, 2))
    for shown in latest:
        table.add_row(
            Text(shown.day, style="dim"),
            Text(shown.status, style=COLOURS.get(shown.status, "")),
            f"customer {shown.customer_id}",
            Text(shown.severity if shown.status == "opened" else "", style=COLOURS.get(shown.severity, "")),
            Text(shown.says, overflow="ellipsis", no_wrap=True),
        )
    ended = ", ".join(f"{number:,} {how}" for (_, how), number in sorted(seen.resolutions.items()))
    opened = sum(number for (_, status), number in seen.statuses.items() if status == "opened")
    title = f"alerts: {opened:,} opened" + (f", {ended}" if ended else "") + f", {seen.open_alerts():,} open"
    return Panel(table, title=title, title_align="left", border_style="yellow")


def _percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.1%}"
