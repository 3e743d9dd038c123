"""`lapse simulate`: synthetic customers of every event kind, with the truth beside them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from stream.cli.terminal import Progress, facts
from stream.cli.usage import FINE, Command, Problems

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path

MOST_CUSTOMERS = 10_000_000
FEWEST_DAYS, MOST_DAYS = 30, 800  # from 2024-01-01 on, and no event lies in the future


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--customers", metavar="N", default="1000", help="how many (default: %(default)s)")
    parser.add_argument("--days", metavar="D", default="365", help="for how long (default: %(default)s)")
    parser.add_argument("--seed", metavar="S", default="1", help="the same seed, the same bytes (default: %(default)s)")
    parser.add_argument("--out", metavar="FILE", help="where the events go; the truth goes to FILE.truth.jsonl")


def _plan(args: argparse.Namespace, problems: Problems) -> Callable[[], int]:
    customers = problems.whole(args.customers, "--customers", 1, MOST_CUSTOMERS)
    days = problems.whole(args.days, "--days", FEWEST_DAYS, MOST_DAYS)
    seed = problems.whole(args.seed, "--seed", 0, 2**63)
    out = problems.target(problems.need(args.out, "--out", "give the file for the events"), "--out")
    return partial(_run, customers, days, seed, out)


def _run(customers: int, days: int, seed: int, out: Path) -> int:
    from stream.tools import simulate

    with Progress("simulate", customers + days) as progress:

        def say(steps: int, where: str) -> None:
            progress.advance(steps)
            progress.say(where)

        done = simulate.write(customers, days, seed, out, say)
    facts({
        "events": done.events,
        "customers": done.customers,
        "of them left": done.left,
        "scenarios": done.scenarios,
        "written": f"{out} and {simulate.truth_of(out).name}",
    })  # fmt: skip
    return FINE


COMMAND = Command(
    name="simulate",
    summary="make up customers of every event kind, with the truth beside them",
    about="Shoppers, subscribers and readers with habits, seasons and troubles: some leave, some only think of it. "
    "Beside the events stands the truth: who left, when and why, which signs were to be seen of whom and when; and "
    "scripted customers for every sign, who must raise it or must not. `lapse evaluate --simulated` holds the alerts "
    "against it. Days begin on 2024-01-01 and are those of UTC.",
    examples=(
        "lapse simulate --customers 2000 --days 365 --seed 7 --out events.jsonl",
        "lapse backtest events.jsonl --policy simulated --out results",
    ),
    options=_options,
    plan=_plan,
)
