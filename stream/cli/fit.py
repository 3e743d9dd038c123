"""`lapse fit`: the population parameters of the silence model, from your own history."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from stream.cli.learning import need_packages, read_lines
from stream.cli.terminal import Progress
from stream.cli.usage import FINE, FOUND_SOMETHING, Command, Problems, add_policy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path

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
    from stream.tools.fit import fit, toml
    from stream.tools.history import NotEnoughHistoryError, batches, history

    try:
        with Progress("fit", source.stat().st_size if source else None) as progress:
            past = history(batches(read_lines(source, progress.advance), policy), policy)
            progress.say("learning")
            text = toml(fit(past, policy))
    except NotEnoughHistoryError as error:
        print(f"lapse: {error}", file=sys.stderr)
        return FOUND_SOMETHING
    if out is not None:
        out.write_text(text, "utf-8")
    print(text, end="")
    return FINE


COMMAND = Command(
    name="fit",
    summary="learn the population parameters of the silence model from history",
    about="Reads events (JSON lines, in any order) and prints the table [signs.silent.model] for your policy file: "
    "take the old one out, paste this one in. What counts as a purchase, the zone, the horizon and the memory are the "
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
