"""Draws docs/demo.svg, the README's picture: the demo's own page, from a real run, as it stands on one day.

Run it when the page has changed: .venv/bin/python docs/picture.py
"""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from stream.tools import demo
from stream.tools.demo.screen import Moment, Silent, draw_page
from stream.tools.demo.watch import Seen

DAY = "2017-08-25"
WIDTH, ALERTS = 118, 14


class Camera(Silent):
    """A screen that keeps the page of one day, once."""

    def __init__(self) -> None:
        self.console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
        self.taken = False

    def draw(self, moment: Moment, seen: Seen) -> None:
        """Take the picture when the day has come."""
        if moment.day >= DAY and not self.taken:
            self.taken = True
            self.console.print(draw_page(moment, seen, ALERTS))


if __name__ == "__main__":
    camera = Camera()
    demo.run(demo.Settings(None, days=240, workers=1, year_seconds=90, stay=False, as_json=False), camera)
    camera.console.save_svg(str(Path(__file__).with_name("demo.svg")), title="make demo")
