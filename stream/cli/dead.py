"""`lapse dead`: what was refused and why, and sending it back once it can be read."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from stream.cli.moments import moment
from stream.cli.usage import FINE, FOUND_SOMETHING, Command, Problems, add_bootstrap, add_policy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path

    from stream.core.policy import Policy
    from stream.tools.dead import Chosen
    from stream.tools.redrive import Outcome
    from stream.worker.settings import Settings

ACTIONS = ("list", "redrive")
SHOWN_CHARS = 100
MOST = 1_000_000
MOST_PARTITIONS = 1_000_000
SHOWN_REFUSALS = 5


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", metavar="list|redrive", help="print the refused events, or send them back")
    add_bootstrap(parser)
    choose = parser.add_argument_group("which")
    choose.add_argument("--reason", metavar="REASON", help="only this reason, such as too_late or not_json")
    choose.add_argument("--partition", metavar="N", help="only those of this partition of customer.events")
    choose.add_argument("--since", metavar="WHEN", help="refused since: start, 30m, 12h, 7d, or a time")
    choose.add_argument("--until", metavar="WHEN", help="refused before that")
    shown = parser.add_argument_group("list")
    shown.add_argument("--limit", metavar="N", default="100", help="stop after N (default: %(default)s)")
    shown.add_argument("--json", action="store_true", help="one JSON object a line, with the original in full")
    back = parser.add_argument_group("redrive")
    back.add_argument("--dry-run", action="store_true", help="say what would go back, and send nothing")
    back.add_argument(
        "--repaired", metavar="FILE", help="send these instead: lines of `list --json` with key and value put right"
    )
    add_policy(back)


def _plan(args: argparse.Namespace, problems: Problems) -> Callable[[], int]:
    action = problems.choice(args.action, "the action of `lapse dead`", ACTIONS)
    cluster = problems.cluster(args.bootstrap)
    limit = problems.whole(args.limit, "--limit", 1, MOST)
    chosen = _chosen(args, problems)
    if action != "redrive":
        for name, given in (("--dry-run", args.dry_run), ("--repaired", args.repaired)):
            if given:
                problems.add(f"{name} belongs to `lapse dead redrive`")
        return partial(_list, cluster, chosen, limit, as_json=args.json)
    policy = problems.policy(args.policy)
    repaired = problems.file(args.repaired, "--repaired") if args.repaired else None
    return partial(_redrive, cluster, policy, chosen, repaired, dry=args.dry_run)


def _chosen(args: argparse.Namespace, problems: Problems) -> Chosen:
    from stream.tools.dead import Chosen
    from stream.wire.dead import Reason

    reason = problems.choice(args.reason, "--reason", list(Reason)) if args.reason else None
    number = None if args.partition is None else problems.whole(args.partition, "--partition", 0, MOST_PARTITIONS)
    since, until = moment(args.since, "--since", problems), moment(args.until, "--until", problems)
    if since is not None and until is not None and since >= until:
        problems.add("--since is not before --until: that is no time at all")
    return Chosen(reason, number, since, until)


def _list(cluster: Settings, chosen: Chosen, limit: int, *, as_json: bool) -> int:
    from stream.tools import dead
    from stream.tools.cluster import brokers

    brokers(cluster)
    went_back, shown = dead.receipts(cluster), 0
    for record in dead.read(cluster, chosen):
        shown += 1
        back = record.origin in went_back
        if as_json:
            print(record.as_json(redriven=back))
        else:
            print(f"{record.stored_at:%Y-%m-%d %H:%M:%S}  {record.origin:<24}  {record.reason:<14}  {record.detail}")
            print(f"    {_short(record.value)}" + ("  (sent back)" if back else ""))
        if shown == limit:
            break
    if not as_json:
        print(f"{shown} refused" + (f" ({chosen.reason})" if chosen.reason else ""), file=sys.stderr)
    return FINE


def _short(value: bytes) -> str:
    """Return the original's beginning on one line, with anything that could move the cursor escaped."""
    text = value[: SHOWN_CHARS * 4].decode("utf-8", "backslashreplace")
    line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    return line if len(line) <= SHOWN_CHARS else line[: SHOWN_CHARS - 1] + "…"


def _redrive(cluster: Settings, policy: Policy, chosen: Chosen, repaired: Path | None, *, dry: bool) -> int:
    from stream.cli.terminal import Progress
    from stream.cli.usage import UsageError
    from stream.tools import redrive, repairs
    from stream.tools.cluster import brokers

    brokers(cluster)
    try:
        given = None if repaired is None else repairs.read(repaired)
    except repairs.RepairsError as error:
        raise UsageError(error.errors) from None
    with Progress("dead letters", None) as bar:
        looked = 0

        def seen(count: int) -> None:
            nonlocal looked
            looked += count
            bar.say(f"{looked:,} looked at")

        outcome = redrive.redrive(cluster, policy, chosen, given, dry=dry, seen=seen)
    _tell(outcome, dry=dry)
    return FOUND_SOMETHING if outcome.refused or outcome.unknown else FINE


def _tell(outcome: Outcome, *, dry: bool) -> None:
    columns = {
        "would go back" if dry else "sent back": outcome.back,
        "still refused": outcome.refused,
        "sent before": outcome.before,
        "cut": outcome.cut,
        "not asked for": outcome.unasked,
    }
    print(f"{'reason':<20}" + "".join(f"{name:>15}" for name in columns))
    for reason in outcome.reasons:
        print(f"{reason:<20}" + "".join(f"{count[reason]:>15,}" for count in columns.values()))
    print(f"{'all':<20}" + "".join(f"{count.total():>15,}" for count in columns.values()))
    if outcome.refusals:
        print("\nstill refused, most often:")
    for why, count in outcome.refusals.most_common(SHOWN_REFUSALS):
        print(f"  {count:>9,}  {why}")
    if outcome.cut:
        print("\ncut: the original was too large to be kept; send it again from its source")
    if outcome.unasked:
        print(
            "\nnot asked for: too_late would be refused again, internal_error may end workers again; name it: --reason"
        )
    for origin in outcome.unknown:
        print(f"\nno such letter (any more): {origin}")


COMMAND = Command(
    name="dead",
    summary="list the events that were refused, with the reason, or send them back",
    about="Bad input goes to customer.events.dead with its original bytes and the reason; nothing else is disturbed. "
    "list prints it from the beginning of that topic to its present end.\n\n"
    "redrive sends back to customer.events what can be read now: by a newer version, by another policy (give the one "
    "that the workers have), or since it was repaired: save `list --json`, put key and value right, give the file with "
    "--repaired. Each letter goes back once, however often redrive is called: a receipt is written with it. What still "
    "can't be read stays. Try --dry-run first.",
    examples=(
        "lapse dead list --bootstrap kafka:9092",
        "lapse dead list --reason too_late --limit 20",
        "lapse dead list --json | jq -r .detail | sort | uniq -c",
        "lapse dead redrive --dry-run --since 12h",
        "lapse dead redrive --reason unknown_type",
        "lapse dead redrive --repaired repaired.jsonl",
    ),
    options=_options,
    plan=_plan,
)
