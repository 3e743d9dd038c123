"""`lapse dead list`: what was refused, and why."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from stream.cli.usage import FINE, Command, Problems, add_bootstrap

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from stream.worker.settings import Settings

SHOWN_CHARS = 100
MOST = 1_000_000


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", metavar="list", help="print the refused events, the oldest first")
    add_bootstrap(parser)
    parser.add_argument("--reason", metavar="REASON", help="only this reason, such as too_late or not_json")
    parser.add_argument("--limit", metavar="N", default="100", help="stop after N (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, with the original in full")


def _plan(args: argparse.Namespace, problems: Problems) -> Callable[[], int]:
    problems.choice(args.action, "the action of `lapse dead`", ["list"])
    cluster = problems.cluster(args.bootstrap)
    limit = problems.whole(args.limit, "--limit", 1, MOST)
    return partial(_run, cluster, args.reason, limit, as_json=args.json)


def _run(cluster: Settings, reason: str | None, limit: int, *, as_json: bool) -> int:
    from stream.tools import dead
    from stream.tools.cluster import brokers

    brokers(cluster)
    shown = 0
    for record in dead.read(cluster, reason, limit):
        shown += 1
        if as_json:
            print(record.as_json())
            continue
        print(f"{record.stored_at:%Y-%m-%d %H:%M:%S}  {record.origin:<24}  {record.reason:<14}  {record.detail}")
        print(f"    {_short(record.value)}")
    if not as_json:
        print(f"{shown} refused" + (f" ({reason})" if reason else ""), file=sys.stderr)
    return FINE


def _short(value: bytes) -> str:
    """Return the original's beginning on one line, with anything that could move the cursor escaped."""
    text = value[: SHOWN_CHARS * 4].decode("utf-8", "backslashreplace")
    line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    return line if len(line) <= SHOWN_CHARS else line[: SHOWN_CHARS - 1] + "…"


COMMAND = Command(
    name="dead",
    summary="list the events that were refused, with the reason",
    about="Bad input goes to customer.events.dead with its original bytes and the reason; nothing else is disturbed. "
    "This prints it from the beginning of that topic to its present end.",
    examples=(
        "lapse dead list --bootstrap kafka:9092",
        "lapse dead list --reason too_late --limit 20",
        "lapse dead list --json | jq -r .detail | sort | uniq -c",
    ),
    options=_options,
    plan=_plan,
)
