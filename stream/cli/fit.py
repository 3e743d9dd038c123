"""`lapse fit`: the parameters of the silence model and the chances of the other signs, from your own history."""

from __future__ import annotations

import shutil
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from stream.cli.learning import need_packages, read_lines
from stream.cli.terminal import Progress
from stream.cli.usage import FINE, FOUND_SOMETHING, Command, Problems, add_policy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from stream.core.policy import Policy


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("events", nargs="?", metavar="EVENTS.jsonl", help="one event per line; - reads standard input")
    add_policy(parser)
    parser.add_argument("--out", metavar="PARAMS.toml", help="also write the table to a file")


def _plan(args: argparse.Namespace, problems: Problems) -> Callable[[], int]:
    name = problems.need(args.events, "EVENTS.jsonl", "give a file of events, or - for standard input")
    source = problems.file(name, "EVENTS.jsonl") if name not in {"", "-"} else None
    out = problems.target(args.out, "--out") if args.out is not None else None
    policy = problems.policy(args.policy)
    need_packages(problems, "scipy")
    return partial(_run, source, out, policy)


def _run(source: Path | None, out: Path | None, policy: Policy) -> int:
    from stream.tools.history import NotEnoughHistoryError

    with TemporaryDirectory(prefix="lapse-fit-") as scratch:
        if source is None:  # it is read twice
            source = Path(scratch) / "events.jsonl"
            with source.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        try:
            text = _learned(source, policy)
        except NotEnoughHistoryError as error:
            print(f"lapse: {error}", file=sys.stderr)
            return FOUND_SOMETHING
    if out is not None:
        out.write_text(text, "utf-8")
    print(text, end="")
    return FINE


def _learned(source: Path, policy: Policy) -> str:
    """The tables of a policy file."""
    from stream.tools import chances
    from stream.tools.fit import fit, in_force, toml
    from stream.tools.history import batches, history

    with Progress("fit", 2 * source.stat().st_size) as progress:
        past = history(batches(read_lines(source, progress.advance), policy), policy)
        progress.say("learning the model of silent")
        found = fit(past, policy)
        progress.say("looking what became of the alerts")
        then = in_force(policy, found)
        became = chances.chances(batches(read_lines(source, progress.advance), then), then)
    return toml(found) + chances.toml(became, chances.base_rate(past, policy), found.rarer)


COMMAND = Command(
    name="fit",
    summary="learn the model of silent and the chances of the other signs from history",
    about="Reads events (JSON lines) and prints tables for your policy file: the model of silent, the threshold of "
    "buying_less_often, and of each sign the share of its alerts that came true, by segment where there are enough. "
    "Put these values in place of the old ones; `lapse policy publish` takes them to running workers. Chances are "
    "learned only from events in the order of time, of signs with 20 alerts or more that ended, and lean on what the "
    "policy said before where there are few. What counts as a purchase, the zone, the horizon and the memory are the "
    "policy's. It takes 100 customers with a purchase and 90 days; less is refused (exit code 1). Some hundreds of "
    "customers are enough, once a week is often enough.",
    examples=(
        "lapse fit events.jsonl --policy mine.toml",
        "lapse fit events.jsonl --policy mine.toml --out params.toml",
        "zcat events.jsonl.gz | lapse fit - --policy mine.toml",
    ),
    options=_options,
    plan=_plan,
)
