"""`lapse topics`: make the topics, or say how they differ from what the worker needs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from stream.cli.usage import FINE, FOUND_SOMETHING, Command, Problems, add_bootstrap

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from stream.worker.settings import Settings

MOST_PARTITIONS = 1000
MOST_REPLICAS = 15


def _options(parser: argparse.ArgumentParser) -> None:
    add_bootstrap(parser)
    parser.add_argument("--check", action="store_true", help="change nothing, only say what differs (exit code 1)")
    parser.add_argument(
        "--partitions",
        metavar="N",
        default="8",
        help="of topics that are made; bounds the number of workers (default: %(default)s)",
    )
    parser.add_argument(
        "--repartition",
        metavar="N",
        help="give a system that has customers more partitions, and bring each customer to the new place: stop the "
        "producers, wait until nothing is unread, stop the workers, run this, start all again",
    )
    parser.add_argument("--replication", metavar="N", help="copies of topics that are made (default: the cluster's)")


def _plan(args: argparse.Namespace, problems: Problems) -> Callable[[], int]:
    cluster = problems.cluster(args.bootstrap)
    partitions = problems.whole(args.partitions, "--partitions", 1, MOST_PARTITIONS)
    replication = problems.whole(args.replication, "--replication", 1, MOST_REPLICAS) if args.replication else None
    if args.repartition is not None:
        return partial(_repartition, cluster, problems.whole(args.repartition, "--repartition", 1, MOST_PARTITIONS))
    return partial(_run, cluster, partitions, replication, only_check=args.check)


def _repartition(cluster: Settings, partitions: int) -> int:
    from stream.tools.cluster import brokers
    from stream.tools.repartition import RepartitionError, run

    brokers(cluster)
    try:
        moved = run(cluster, partitions)
    except RepartitionError as error:
        print(error)
        return FOUND_SOMETHING
    print(f"{moved:,} customers moved; there are {partitions} partitions now")
    return FINE


def _run(cluster: Settings, partitions: int, replication: int | None, *, only_check: bool) -> int:
    from stream.tools.cluster import brokers, make_topics, topic_problems

    brokers(cluster)
    if not only_check:
        for name in make_topics(cluster, partitions, replication):
            print(f"made {name}")
    differences = topic_problems(cluster)
    for difference in differences:
        print(difference)
    if not differences:
        print("topics are as the worker needs them")
    return FOUND_SOMETHING if differences else FINE


COMMAND = Command(
    name="topics",
    summary="make the topics, or check them",
    about="Makes the topics that are missing, with the settings that the worker needs (compaction where the last "
    "value of a key is what counts), and tells how the existing ones differ. It never "
    "changes or deletes a topic, unless --repartition is asked for.",
    examples=(
        "lapse topics --bootstrap kafka:9092",
        "lapse topics --bootstrap kafka:9092 --partitions 24 --replication 3",
        "lapse topics --check",
        "lapse topics --repartition 48",
    ),
    options=_options,
    plan=_plan,
)
