"""Draws the lives of alerts and customers into docs/definitions.md from their tables; with --check it only compares."""

from __future__ import annotations

import argparse
from pathlib import Path

from stream.core import alerts, lifecycle

PAGE = Path(__file__).parent / "definitions.md"
BEGIN, END = "<!-- drawn by docs/life.py from TRANSITIONS in stream/core/%s.py -->\n", "<!-- until here -->\n"


def alert() -> list[str]:
    """Return the states of an alert and what leads from one to the next."""
    ways: dict[tuple[str, str], list[str]] = {}
    for (before, _), (after, resolution) in alerts.TRANSITIONS.items():
        ways.setdefault((before or "[*]", after), []).append(resolution or after)
    ends = sorted({after for _, after in ways} - {before for before, _ in ways})
    lines = [f"{before} --> {after}: {', '.join(words)}" for (before, after), words in ways.items()]
    return [*lines, *(f"{end} --> [*]" for end in ends)]


def customer() -> list[str]:
    """Return the stages of a customer and what leads from one to the next."""
    return [f"{before.name} --> {after.name}: {why}" for (before, after), why in lifecycle.TRANSITIONS.items()]


def page(text: str) -> str:
    """Return the page with the diagrams of today; raises ValueError where the page has no place for one."""
    for name, lines in (("alerts", alert()), ("lifecycle", customer())):
        before, begin, rest = text.partition(BEGIN % name)
        _, end, after = rest.partition(END)
        if not end:
            raise ValueError(f"{PAGE.name} has lost the lines between which the diagram of {name} stands")
        diagram = "\n".join(["```mermaid", "stateDiagram-v2", *(f"    {line}" for line in lines), "```"])
        text = f"{before}{begin}{diagram}\n{end}{after}"
    return text


def main() -> int:
    """Draw, or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if the diagram is out of date")
    text = PAGE.read_text("utf-8")
    if not parser.parse_args().check:
        PAGE.write_text(page(text), "utf-8")
    elif page(text) != text:
        print("docs/definitions.md is out of date: run .venv/bin/python docs/life.py")
        return 1
    else:
        print("life ok")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
