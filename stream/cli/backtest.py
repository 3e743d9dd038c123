"""`lapse backtest`: the core on a file, no broker."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from stream.cli.terminal import Progress, facts
from stream.cli.usage import FINE, Command, Problems, add_policy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from stream.core.policy import Policy
    from stream.tools.backtest import Summary


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("events", nargs="?", metavar="EVENTS.jsonl", help="one event per line; - reads standard input")
    parser.add_argument("--out", metavar="DIR", help="where the results go; made if need be")
    add_policy(parser)
    parser.add_argument(
        "--score-at",
        action="append",
        default=[],
        metavar="DATE",
        help="also write scores-DATE.csv, every customer as known at the end of that business day; may be repeated",
    )


def _plan(args: argparse.Namespace, problems: Problems) -> Callable[[], int]:
    name = problems.need(args.events, "EVENTS.jsonl", "give a file of events, or - for standard input")
    source = problems.file(name, "EVENTS.jsonl") if name not in {"", "-"} else None
    out = problems.directory(problems.need(args.out, "--out", "give the directory for the results"), "--out")
    policy = problems.policy(args.policy)
    score_at = sorted({problems.date(one, "--score-at") for one in args.score_at})
    return partial(_run, source, out, policy, score_at)


def _run(source: Path | None, out: Path, policy: Policy, score_at: list[date]) -> int:
    from stream.tools import backtest

    total = source.stat().st_size if source else None
    with Progress("backtest", total) as progress:
        summary = backtest.run(_lines(source, progress), out, policy, score_at, progress.say)
    facts(_told(summary, out))
    return FINE


def _told(summary: Summary, out: Path) -> dict[str, object]:
    """The summary as names and values, what is nested on lines of its own."""
    rows: dict[str, object] = {"events": summary.events, "customers": summary.customers}
    rows["duplicates"] = summary.duplicates
    rows |= {f"refused, {reason}": count for reason, count in summary.dead.items()}
    rows |= {f"alerts, {what}": count for what, count in summary.alerts.items()}
    rows["day records"] = summary.records
    rows["of them final"] = summary.final_records
    rows["seconds"] = summary.seconds
    rows["written to"] = out
    return rows


def _lines(source: Path | None, progress: Progress) -> Iterator[bytes]:
    with source.open("rb") if source else sys.stdin.buffer as file:
        for line in file:
            progress.advance(len(line))
            yield line


COMMAND = Command(
    name="backtest",
    summary="run the same core on a file of events, no broker",
    about="Reads events (JSON lines, in the order in which they arrived) and writes what the worker would have "
    "published: alerts.jsonl, retention.jsonl, dead.jsonl, and scores-DATE.csv for every --score-at. The same events "
    "give byte-identical files every time.",
    examples=(
        "lapse import complete-journey --out events.jsonl",
        "lapse backtest events.jsonl --out results --policy complete-journey",
        "lapse backtest events.jsonl --out results --policy mine.toml --score-at 2017-06-30 --score-at 2017-07-31",
        "zcat events.jsonl.gz | lapse backtest - --out results",
    ),
    options=_options,
    plan=_plan,
)
