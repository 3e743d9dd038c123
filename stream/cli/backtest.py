"""`lapse backtest`: the core on a file, no broker."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from stream.cli.terminal import Progress, facts
from stream.cli.usage import FINE, Command, Problems

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from stream.core.policy import Policy
    from stream.tools.backtest import Summary
    from stream.tools.lab import Comparison


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("events", nargs="?", metavar="EVENTS.jsonl", help="one event per line; - reads standard input")
    parser.add_argument("--out", metavar="DIR", help="where the results go; made if need be")
    parser.add_argument(
        "--policy",
        action="append",
        metavar="NAME|FILE.toml",
        help="business thresholds: a shipped policy (default, complete-journey, simulated) or a TOML file (default: "
        "default); give it again to see several side by side",
    )
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
    policies = [problems.policy(one) for one in args.policy or ["default"]]
    score_at = sorted({problems.date(one, "--score-at") for one in args.score_at})
    if len(policies) == 1:
        return partial(_run, source, out, policies[0], score_at)
    if source is None:
        problems.add("several policies read the events several times: give a file, not standard input")
        return lambda: FINE
    if score_at:
        problems.add("--score-at goes with one --policy")
    return partial(_compare, source, out, policies)


def _compare(source: Path, out: Path, policies: list[Policy]) -> int:
    from stream.tools import lab

    with Progress("backtest", source.stat().st_size * len(policies)) as progress:
        found = lab.compare(lambda: _lines(source, progress), out, policies, progress.say)
    print("\n".join(_side_by_side(found)))
    return FINE


def _side_by_side(found: Comparison) -> Iterator[str]:
    """A block for each sign, a line for each policy."""
    signs = sorted({sign for one in found.results for sign in one.signs})
    width = max(len(one.policy) for one in found.results) + 4
    yield f"{'':<{width}}{'alerts':>8}{'came true':>11}{'precision':>11}{'value reached':>15}{'lead days':>11}"
    for sign in signs:
        yield sign
        for number, result in enumerate(found.results, 1):
            one = result.signs.get(sign)
            name = f"  {number} {result.policy}"
            if one is None:
                yield f"{name:<{width}}{0:>8}"
                continue
            precision = "" if one.precision is None else f"{one.precision:.3f}"
            lead = "" if one.lead_days is None else f"{one.lead_days:.1f}"
            yield (
                f"{name:<{width}}{one.opened:>8,}{one.churned:>11,}{precision:>11}{one.value_reached:>15,.0f}{lead:>11}"
            ).rstrip()
    yield ""
    for number, result in enumerate(found.results, 1):
        yield f"{number} {result.policy} ({result.hash}): {result.only_here:,} alerts that no other opens"
    yield f"each difference, and what became of it: {found.differences}"


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
    "give byte-identical files every time.\n\n"
    "With several --policy it is a policy lab: what each would have done on your own history, side by side: alerts, "
    "how many came true (of those that ended by themselves), the value at risk of these, how many days ahead; and "
    "differences.jsonl, every alert that one opens and another doesn't.",
    examples=(
        "lapse import complete-journey --out events.jsonl",
        "lapse backtest events.jsonl --out results --policy complete-journey",
        "lapse backtest events.jsonl --out results --policy mine.toml --score-at 2017-06-30 --score-at 2017-07-31",
        "lapse backtest events.jsonl --out results --policy default --policy mine.toml",
        "zcat events.jsonl.gz | lapse backtest - --out results",
    ),
    options=_options,
    plan=_plan,
)
