"""`lapse worker`: the data plane, one process."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from stream.cli.usage import Command, Problems, add_bootstrap, add_policy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from stream.core.policy import Policy
    from stream.worker.settings import Settings


def _options(parser: argparse.ArgumentParser) -> None:
    add_bootstrap(parser)
    add_policy(parser)
    parser.add_argument(
        "--http",
        metavar="HOST:PORT",
        help="where /metrics, /healthz and /readyz are served (default: 127.0.0.1:9464, or the next free port)",
    )


def _plan(args: argparse.Namespace, problems: Problems) -> Callable[[], int]:
    from stream.worker import business

    policy = problems.policy(args.policy)
    if not problems.found and (too_many := business.problem(policy)):
        problems.add(too_many)
    return partial(_run, problems.cluster(args.bootstrap, args.http), policy)


def _run(cluster: Settings, policy: Policy) -> int:
    from stream.tools.cluster import brokers
    from stream.worker import main

    brokers(cluster)
    return main.run(cluster, policy)


COMMAND = Command(
    name="worker",
    summary="read events, publish alerts and retention, exactly once",
    about="One process, one core: run as many as you have cores, on as many machines as you like, up to the number of "
    "partitions. Kafka places the partitions; a worker that dies is replaced by the others within seconds. SIGTERM "
    "commits what is done and leaves.\n\n"
    "LAPSE_GROUP names the consumer group (default lapse), LAPSE_SLOT this process among those of the group (default: "
    "the first that is free on this host; give a stable name where processes move between hosts).",
    examples=(
        "lapse worker --bootstrap kafka:9092",
        "lapse worker --bootstrap kafka:9092 --policy mine.toml --http 0.0.0.0:9464",
    ),
    options=_options,
    plan=_plan,
)
