"""`lapse import`: real data sets as events."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from stream.cli.terminal import Progress
from stream.cli.usage import FINE, Command, Problems

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path

SOURCES = ("complete-journey", "cdnow")
HALVES = ("public", "judge")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", nargs="?", metavar="|".join(SOURCES), help="the data set")
    parser.add_argument("--out", metavar="FILE", help="where the events go, one per line in time order")
    parser.add_argument("--half", metavar="|".join(HALVES), help="only the households of that half, split by hash")


def _plan(args: argparse.Namespace, problems: Problems) -> Callable[[], int]:
    source = problems.choice(args.source, "the data set", SOURCES)
    half = problems.choice(args.half, "--half", HALVES) if args.half is not None else None
    out = problems.target(problems.need(args.out, "--out", "give the file for the events"), "--out")
    return partial(_run, source, half, out)


def _run(source: str, half: str | None, out: Path) -> int:
    from stream.tools import importing

    with Progress(f"import {source}", None) as progress:
        count = importing.write(source, half, out, progress.say)
    print(f"{count:,} events in {out}")
    return FINE


COMMAND = Command(
    name="import",
    summary="write a real data set as events",
    about="complete-journey: a year of a grocery chain, 2,469 households (2017). cdnow: the purchases of 23,570 "
    "customers of a music shop (1997-98).\n\n"
    "Events come in time order and end with clock_advanced, which closes the last day.",
    examples=(
        "lapse import complete-journey --out events.jsonl",
        "lapse import complete-journey --half public --out public.jsonl",
        "lapse import cdnow --out cdnow.jsonl",
    ),
    options=_options,
    plan=_plan,
)
