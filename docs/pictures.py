"""Takes the pictures of the live page from a desk that runs: `python docs/pictures.py URL`, its address with the token.

They are of a demo on a day in August: `lapse demo --days 237 --year-seconds 0`. Look at them before committing them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.browser import chromium

HERE = Path(__file__).parent
THERE = ("#link[data-state=live]", ".alerts .alert", ".bridge", ".feed time")


def take(url: str) -> None:
    """One on a desk, one on a phone."""
    with chromium() as new_tab:
        for name, width, height, phone in (("page-light", 1366, 700, False), ("page-phone", 360, 720, True)):
            tab = new_tab()
            tab.screen(width, height, phone=phone, scale=2 if phone else 1)
            tab.open(url)
            for one in THERE:
                tab.wait(f"document.querySelector('{one}')")
            tab.picture(HERE / f"{name}.png")


if __name__ == "__main__":
    take(sys.argv[1])
