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
from stream.cli.usage import FINE, FOUND_SOMETHING, Command, Problems, add_bootstrap, add_policy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from stream.core.batch import Batch
    from stream.core.policy import Policy
    from stream.worker.settings import Settings


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("events", nargs="?", metavar="EVENTS.jsonl", help="one event per line; - reads standard input")
    parser.add_argument("--topic", action="store_true", help="learn from the topic customer.events instead of a file")
    add_bootstrap(parser)
    add_policy(parser)
    parser.add_argument(
        "--budget",
        metavar="ALERTS",
        default="20",
        help="how many alerts buying_less_often, spending_less and engaging_less may each raise, per 1,000 customers "
        "and 28 days (default: %(default)s); the fewer, the surer they are",
    )
    parser.add_argument("--out", metavar="PARAMS.toml", help="also write the table to a file")


def _plan(args: argparse.Namespace, problems: Problems) -> Callable[[], int]:
    source = _source(args, problems)
    out = problems.target(args.out, "--out") if args.out is not None else None
    policy = problems.policy(args.policy)
    need_packages(problems, "scipy")
    budget = problems.whole(args.budget, "--budget", 1, 1000) / 1000
    return partial(_run, source, out, policy, budget)


def _source(args: argparse.Namespace, problems: Problems) -> Path | Settings | None:
    """A file, a cluster, or None: standard input."""
    if args.topic:
        if args.events is not None:
            problems.add("EVENTS.jsonl goes without --topic: learn from one or the other")
        return problems.cluster(args.bootstrap)
    if args.bootstrap is not None:
        problems.add("--bootstrap goes with --topic")
    name = problems.need(args.events, "EVENTS.jsonl", "give a file of events, - for standard input, or --topic")
    return problems.file(name, "EVENTS.jsonl") if name not in {"", "-"} else None


def _run(source: Path | Settings | None, out: Path | None, policy: Policy, budget: float) -> int:
    from stream.tools.history import NotEnoughHistoryError

    with TemporaryDirectory(prefix="lapse-fit-") as scratch:
        try:
            text = _learned(_at_hand(source, Path(scratch)), policy, budget)
        except NotEnoughHistoryError as error:
            print(f"lapse: {error}", file=sys.stderr)
            return FOUND_SOMETHING
    if out is not None:
        out.write_text(text, "utf-8")
    print(text, end="")
    return FINE


def _at_hand(source: Path | Settings | None, scratch: Path) -> Path:
    """The events as a file: they are read more than once."""
    if isinstance(source, Path):
        return source
    if source is None:
        kept = scratch / "events.jsonl"
        with kept.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        return kept
    from stream.names import EVENTS
    from stream.tools.spool import spool

    with Progress(f"read {EVENTS}", None) as progress:
        return spool(source, scratch, lambda n: progress.say(f"{n:,} records"))


def _learned(source: Path, policy: Policy, budget: float) -> str:
    """The tables of a policy file."""
    from stream.core.signs import Sign
    from stream.tools import chances, levels
    from stream.tools.fit import fit, in_force, toml
    from stream.tools.history import history

    reads = 2 + levels.RUNS
    with Progress("fit", reads * source.stat().st_size) as progress:
        read = partial(_batches, source, progress)
        past = history(read(policy), policy)
        progress.say("learning the model of silent")
        found = fit(past, policy, budget)
        then = in_force(policy, found)
        progress.say("looking for thresholds that spend the budget")
        level_of = levels.levels_for(partial(read, then), then, budget)
        then = levels.with_levels(then, level_of)
        progress.say("looking what became of the alerts")
        became = chances.chances(read(then), then)
    thresholds = {Sign.buying_less_often: {"threshold": found.rarer}}
    if became.in_order:
        thresholds |= {sign: levels.keys(sign, level) for sign, level in level_of.items()}
    return toml(found) + chances.toml(became, chances.base_rate(past, policy), thresholds, budget)


def _batches(source: Path, progress: Progress, policy: Policy) -> Iterator[Batch]:
    from stream.tools.history import batches

    return batches(read_lines(source, progress.advance), policy)


COMMAND = Command(
    name="fit",
    summary="learn the model of silent and the chances of the other signs from history",
    about="Reads events (JSON lines, or all that the topic customer.events holds by now) and prints tables for your "
    "policy file: the model of silent, the thresholds of buying_less_often, spending_less and engaging_less that "
    "spend a budget of alerts, and of each sign the share of its alerts that came true, by segment where there "
    "are enough. A budget is spent whether there is much to find or little: the chances tell. Put these values in"
    " place of the old ones; `lapse policy publish` takes them to running workers. Chances and the thresholds of "
    "the latter two are learned only from events in the order of time, chances of signs with 20 alerts or more "
    "that ended; they lean on what the policy said before where there are few. What counts as a purchase, the "
    "zone, the horizon and the memory are the policy's. It takes 100 customers with a purchase and 90 days; less "
    "is refused (exit code 1). Some hundreds of customers are enough, once a week is often enough.",
    examples=(
        "lapse fit events.jsonl --policy mine.toml",
        "lapse fit events.jsonl --policy mine.toml --out params.toml",
        "lapse fit --topic --bootstrap kafka:9092 --policy mine.toml",
        "zcat events.jsonl.gz | lapse fit - --policy mine.toml",
    ),
    options=_options,
    plan=_plan,
)
