"""Writes what the README shows of a real run: docs/demo.svg, the demo's page as it stands on one day, and the figures.

Run it when the page, the model or the policy has changed: .venv/bin/python docs/refresh.py
A test holds the README's figures to `figures`.
"""

from __future__ import annotations

import io
import json
import re
import tempfile
from pathlib import Path

from rich.console import Console

from stream.policies import load
from stream.tools import backtest, demo
from stream.tools.demo.screen import Moment, Silent, draw_page
from stream.tools.demo.shopping import POLICY, YEAR_DAYS, read
from stream.tools.demo.watch import Seen

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
DAY = "2017-08-25"
WIDTH, ALERTS = 118, 14

ALERT = re.compile(r"(this is one of the demo\'s:\n\n```json\n).*?(\n```)", re.DOTALL)
YEAR = re.compile(r"In the demo's year .*?(?=\n\n)", re.DOTALL)


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


def figures(readme: str) -> str:
    """Return the README with its example of an alert, and the outcome of the demo's year, as they are now."""
    policy = load(POLICY)
    with tempfile.TemporaryDirectory() as folder:
        lines = (event.value for event in read(YEAR_DAYS))
        summary = backtest.run(lines, Path(folder), policy, [], lambda _: None)
        with Path(folder, "alerts.jsonl").open() as file:
            first = json.loads(file.readline())
    opened, churned, returned = (summary.alerts[f"silent {what}"] for what in ("opened", "churned", "returned"))
    ended, days = churned + returned, policy.silent.horizon_days
    year = (
        f"In the demo's year {opened:,} alerts of `silent` open and {ended:,} of them end:\n"
        f"{churned:,} ({churned / ended:.0%}) without a purchase in {days} days, {returned:,} with one. "
        f"The threshold claims at least {policy.silent.theta:.0%}."
    )
    readme = ALERT.sub(lambda found: found[1] + _block(first) + found[2], readme)
    return YEAR.sub(lambda _: year, readme)


def _block(alert: dict[str, object]) -> str:
    """An alert as it is, on lines that fit the page, with nothing left out."""
    text = json.dumps(alert, separators=(",", ":"), ensure_ascii=False)
    lines, line = [], ""
    for piece in re.split(r'(?<=,)(?=")|(?<=,)(?=\{)', text):
        if len(line) + len(piece) > WIDTH:
            lines.append(line)
            line = " "
        line += piece
    return "\n".join([*lines, line])


if __name__ == "__main__":
    README.write_text(figures(README.read_text("utf-8")), "utf-8")
    camera = Camera()
    demo.run(demo.Settings(None, days=240, workers=1, year_seconds=90, stay=False, as_json=False), camera)
    camera.console.save_svg(str(HERE / "demo.svg"), title="make demo")
