"""`lapse customer`: one customer's story."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from stream.cli.usage import FINE, FOUND_SOMETHING, Command, Problems, add_bootstrap, add_desk, add_policy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from stream.core.policy import Policy
    from stream.desk.answers import Customer
    from stream.tools.people import DeskApi
    from stream.worker.settings import Settings


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("customer_id", nargs="?", metavar="ID", help="the customer")
    add_desk(parser)
    add_bootstrap(parser)
    add_policy(parser)
    parser.add_argument("--json", action="store_true", help="as one JSON object")


def _plan(args: argparse.Namespace, problems: Problems) -> Callable[[], int]:
    customer_id = problems.need(args.customer_id, "ID", "give the id of a customer")
    if problems.asks_the_desk(args):
        return partial(_by_desk, problems.desk(args.desk), customer_id, as_json=args.json)
    policy = problems.policy(args.policy)
    return partial(_by_topics, problems.cluster(args.bootstrap), policy, args.policy, customer_id, as_json=args.json)


def _by_desk(desk: DeskApi, customer_id: str, *, as_json: bool) -> int:
    return _show(desk.customer(customer_id), as_json=as_json)


def _by_topics(cluster: Settings, policy: Policy, policy_name: str, customer_id: str, *, as_json: bool) -> int:
    from stream import policies
    from stream.tools import people
    from stream.tools.cluster import brokers

    brokers(cluster)
    story = people.customer_of_topics(cluster, policy, policies.text(policy_name), customer_id)
    if story is None:
        print(f"nothing is known of customer {customer_id!r}", file=sys.stderr)
        return FOUND_SOMETHING
    return _show(story, as_json=as_json)


def _show(story: Customer, *, as_json: bool) -> int:
    import msgspec

    from stream.cli import words

    print(msgspec.json.encode(story).decode() if as_json else "\n".join(words.customer(story)))
    return FINE


COMMAND = Command(
    name="customer",
    summary="one customer's story: what is known, alerts, last events",
    about="Asks the desk (--desk, with LAPSE_TOKEN), which asks the worker that has the customer's row. Where "
    "--bootstrap is given and no desk, it reads the topics instead: alerts and last events, without the row.",
    examples=(
        "lapse customer 1228 --desk http://127.0.0.1:9474",
        "lapse customer 1228 --bootstrap kafka:9092",
    ),
    options=_options,
    plan=_plan,
)
