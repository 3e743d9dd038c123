"""`lapse alerts`: watch them, ask why, take one on."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from stream.cli.moments import moment
from stream.cli.usage import FINE, FOUND_SOMETHING, Command, Problems, add_bootstrap, add_desk, add_policy
from stream.desk.words import SIGNS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from stream.core.policy import Policy
    from stream.tools.people import DeskApi
    from stream.worker.settings import Settings

ACTIONS = ("tail", "explain", "ack", "mute")
SEVERITIES = ("low", "medium", "high", "critical")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", metavar="tail|explain|ack|mute", help="what to do")
    parser.add_argument("alert_id", nargs="?", metavar="ID", help="the alert to explain, take on or mute")
    add_bootstrap(parser)
    add_desk(parser)
    tail = parser.add_argument_group("tail")
    tail.add_argument(
        "--severity", metavar="NAMES", default="", help="only these, several by comma, such as high,critical"
    )
    tail.add_argument("--sign", metavar="NAMES", default="", help="only these, such as silent,complaint")
    tail.add_argument("--segment", metavar="NAMES", default="", help="only these")
    tail.add_argument(
        "--since",
        metavar="WHEN",
        default="",
        help="published since: start, 30m, 12h, 7d, or a time (default: from now)",
    )
    tail.add_argument("--exit", action="store_true", help="end at the present end instead of waiting for more")
    tail.add_argument("--json", action="store_true", help="the messages as they are, one a line (explain: the story)")
    explain = parser.add_argument_group("explain, without a desk")
    add_policy(explain)
    act = parser.add_argument_group("ack, mute")
    act.add_argument("--by", metavar="NAME", help="who takes it on")
    act.add_argument("--until", metavar="DATE", help="mute: hear nothing of this sign for this customer until that day")


def _plan(args: argparse.Namespace, problems: Problems) -> Callable[[], int]:
    action = problems.choice(args.action, "the action of `lapse alerts`", ACTIONS)
    severity = _names(args.severity)
    for one in sorted(severity.difference(SEVERITIES)):
        problems.choice(one, "--severity", SEVERITIES)
    for one in sorted(_names(args.sign)):
        problems.choice(one, "--sign", SIGNS)
    since_ms = moment(args.since, "--since", problems)
    if action == "tail":
        if args.alert_id:
            problems.add(f"don't know what to do with {args.alert_id!r}: `lapse alerts tail` takes no ID")
        cluster = problems.cluster(args.bootstrap)
        filters = (severity, _names(args.sign), _names(args.segment))
        return partial(_tail, cluster, filters, since_ms, follow=not args.exit, as_json=args.json)
    alert_id = problems.need(args.alert_id, "ID", "give the id of an alert, as `lapse alerts tail` prints it")
    if action in {"ack", "mute"}:
        by = problems.need(args.by, "--by", "say who takes it on")
        until = ""
        if action == "mute":
            until = problems.need(args.until, "--until", "say until which day, YYYY-MM-DD")
            problems.date(until or "2017-01-01", "--until")
        return partial(_act, problems.desk(args.desk), alert_id, by, until)
    if problems.asks_the_desk(args):
        return partial(_explain_by_desk, problems.desk(args.desk), alert_id, as_json=args.json)
    policy = problems.policy(args.policy)
    return partial(_explain, problems.cluster(args.bootstrap), policy, args.policy, alert_id, as_json=args.json)


def _names(text: str) -> frozenset[str]:
    return frozenset(one.strip() for one in text.split(",") if one.strip())


def _tail(
    cluster: Settings, filters: tuple[frozenset[str], ...], since_ms: int | None, *, follow: bool, as_json: bool
) -> int:
    from stream.cli import words
    from stream.desk.listing import Query
    from stream.tools import people
    from stream.tools.cluster import brokers

    brokers(cluster)
    severity, sign, segment = filters
    wanted = Query(severity=severity, sign=sign, segment=segment)
    from_ms = int(time.time() * 1000) if since_ms is None else since_ms
    if follow and sys.stdout.isatty():
        print("waiting for alerts; Ctrl-C ends it", file=sys.stderr)
    for event, value in people.alerts(cluster, wanted, since_ms=from_ms, follow=follow):
        print(value.decode() if as_json else words.alert_line(event), flush=follow)
    return FINE


def _explain(cluster: Settings, policy: Policy, policy_name: str, alert_id: str, *, as_json: bool) -> int:
    from stream import policies
    from stream.tools import people
    from stream.tools.cluster import brokers

    brokers(cluster)
    story = people.story_of_topics(cluster, policy, policies.text(policy_name), alert_id)
    if story is None:
        print(f"there is no alert {alert_id} on churn.alerts: is the id whole?", file=sys.stderr)
        return FOUND_SOMETHING
    return _show(story, as_json=as_json)


def _explain_by_desk(desk: DeskApi, alert_id: str, *, as_json: bool) -> int:
    return _show(desk.story(alert_id), as_json=as_json)


def _show(story: object, *, as_json: bool) -> int:
    import msgspec

    from stream.cli import words
    from stream.desk.answers import AlertStory

    assert isinstance(story, AlertStory)
    print(msgspec.json.encode(story).decode() if as_json else "\n".join(words.alert_story(story)))
    return FINE


def _act(desk: DeskApi, alert_id: str, by: str, until: str) -> int:
    taken = desk.mute(alert_id, by, until) if until else desk.ack(alert_id, by)
    print(f"{taken.type} by {by}, event {taken.id}")
    return FINE


COMMAND = Command(
    name="alerts",
    summary="watch alerts, ask why one opened, take one on",
    about="tail prints alerts as they are published, in words, whoever the customer is: mind who looks over your "
    "shoulder. explain says why one opened, with its numbers, what the policy says, and its life; it asks the desk "
    "(--desk, with LAPSE_TOKEN), or reads the topics where --bootstrap is given and no desk. ack tells everybody that "
    "you have it, mute ends it: both through the desk.",
    examples=(
        "lapse alerts tail --bootstrap kafka:9092",
        "lapse alerts tail --severity high,critical --since 12h",
        "lapse alerts tail --since start --exit --json | jq -r .data.sign | sort | uniq -c",
        "lapse alerts explain 48bdb70948bdcebec646111ab46644e4 --desk http://127.0.0.1:9474",
        "lapse alerts explain 48bdb70948bdcebec646111ab46644e4 --bootstrap kafka:9092 --policy mine.toml",
        "lapse alerts ack 48bdb70948bdcebec646111ab46644e4 --by Ada",
        "lapse alerts mute 48bdb70948bdcebec646111ab46644e4 --by Ada --until 2017-09-30",
    ),
    options=_options,
    plan=_plan,
)
