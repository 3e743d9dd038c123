"""`lapse policy`: which thresholds are in force on a cluster, and from which day on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from stream.cli.usage import FINE, Command, Problems, add_bootstrap

if TYPE_CHECKING:
    import argparse
    import datetime as dt
    from collections.abc import Callable

    from stream.worker.settings import Settings

ACTIONS = ("publish", "list", "remove")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", metavar="|".join(ACTIONS))
    parser.add_argument(
        "policy", nargs="?", metavar="FILE.toml", help="publish: the policy, or the name of a shipped one"
    )
    parser.add_argument("--from", dest="since", metavar="DAY", help="the business day from which it is in force")
    add_bootstrap(parser)


def _plan(args: argparse.Namespace, problems: Problems) -> Callable[[], int]:
    action = problems.choice(args.action, "what to do", ACTIONS)
    settings = problems.cluster(args.bootstrap)
    if action == "list":
        for given, name in ((args.policy, "a file"), (args.since, "--from")):
            if given is not None:
                problems.add(f"list takes no {name.removeprefix('a ')}")
        return partial(_list, settings)
    day = problems.need(args.since, "--from", "give the business day from which it is in force, as YYYY-MM-DD")
    since = problems.date(day or "2000-01-01", "--from")
    if action == "remove":
        return partial(_remove, settings, since)
    name = problems.need(args.policy, "FILE.toml", "give the policy to be in force")
    if name:
        problems.policy(name)
    return partial(_publish, settings, name, since)


def _publish(settings: Settings, name: str, since: dt.date) -> int:
    from pathlib import Path

    from stream.policies import text
    from stream.tools import versions

    version = versions.publish(settings, text(name), Path(name).stem, since)
    print(f"policy {version.name} ({version.hash}) is in force from {version.since} on")
    return FINE


def _remove(settings: Settings, since: dt.date) -> int:
    from stream.tools import versions

    versions.take_back(settings, since)
    print(f"what was in force before goes on after {since}, too")
    return FINE


def _list(settings: Settings) -> int:
    from stream.tools import versions

    found = versions.listed(settings)
    print(f"{'from':<12}{'hash':<18}{'published':<22}name")
    for one in found:
        print(f"{one.since:<12}{one.hash:<18}{one.published_at:<22}{one.name}")
    if not found:
        print("none: the policy that each worker was started with is in force")
    return FINE


COMMAND = Command(
    name="policy",
    summary="change thresholds while workers run, from a business day on",
    about="A version of the policy stands on the topic lapse.policy, whole, and is in force from a business day on, by "
    "the time of the events: running workers take it up within a second or when that day begins, and a replay uses "
    "what was in force then. A silence that has begun keeps the day on which it fires. Each alert names the policy it "
    "was opened under by its hash (field `policy`). What rows, days and money are counted by (zone, currency, "
    "segments, active_days and the like) can't change while workers run: they refuse such a version, in their log.\n\n"
    "Learn parameters with `lapse fit`, put them into the policy, try it with `lapse backtest`, then publish it.",
    examples=(
        "lapse policy publish mine.toml --from 2026-12-01",
        "lapse policy list",
        "lapse policy remove --from 2026-12-01",
    ),
    options=_options,
    plan=_plan,
)
