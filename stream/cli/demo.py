"""`lapse demo`: a year of real shopping in a minute and a half."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from stream.cli.usage import Command, Problems, add_bootstrap

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from stream.worker.settings import Settings as Cluster

DAYS = 365
YEAR_SECONDS = 90
MOST_WORKERS = 8


def _options(parser: argparse.ArgumentParser) -> None:
    add_bootstrap(parser)
    parser.add_argument("--days", metavar="N", default=str(DAYS), help="stop after N days of the year (default: all)")
    parser.add_argument("--exit", action="store_true", help="end when the replay has ended, instead of staying up")
    parser.add_argument("--json", action="store_true", help="print nothing but one JSON summary at the end")
    parser.add_argument(
        "--workers",
        metavar="N",
        default="1",
        help="worker processes; 0: leave it to workers and desk that run already on --bootstrap (default: %(default)s)",
    )
    parser.add_argument(
        "--year-seconds",
        metavar="S",
        help=f"how long a year takes; 0: as fast as it goes (default: {YEAR_SECONDS}, with --json 0)",
    )


def _plan(args: argparse.Namespace, problems: Problems) -> Callable[[], int]:
    asked = args.bootstrap or os.environ.get("LAPSE_BOOTSTRAP")
    cluster = problems.cluster(args.bootstrap) if asked else None
    days = problems.whole(args.days, "--days", 1, DAYS)
    workers = problems.whole(args.workers, "--workers", 0, MOST_WORKERS)
    if workers == 0 and not asked:
        problems.add("--workers 0 leaves the work to workers and desk that run already: add --bootstrap")
    pace = args.year_seconds or ("0" if args.json else str(YEAR_SECONDS))
    year_seconds = problems.whole(pace, "--year-seconds", 0, 24 * 3600)
    if args.json and not args.exit:
        problems.add("--json prints the summary of a demo that ends: add --exit")
    return partial(
        _run, cluster, days=days, workers=workers, year_seconds=year_seconds, stay=not args.exit, as_json=args.json
    )


def _run(cluster: Cluster | None, *, days: int, workers: int, year_seconds: int, stay: bool, as_json: bool) -> int:
    from stream.tools import demo

    settings = demo.Settings(cluster, days, workers, year_seconds, stay=stay, as_json=as_json)
    return demo.run(settings)


COMMAND = Command(
    name="demo",
    summary="replay a year of real shopping and watch the alerts",
    about="Starts an embedded broker (or uses --bootstrap), makes the topics, starts a worker and replays the Complete "
    "Journey, a year of 2,469 households, through it. Shows the alerts as they open and resolve, and the retention of "
    "each month; then stays up for looking until Ctrl-C.",
    examples=(
        "lapse demo",
        "lapse demo --days 120 --workers 2",
        "lapse demo --exit --days 120 --json",
        "lapse demo --bootstrap kafka:9092",
    ),
    options=_options,
    plan=_plan,
)
