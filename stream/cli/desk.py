"""`lapse desk`: the people's side, one process."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from stream.cli.usage import Command, Problems, add_bootstrap, add_policy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from stream.core.policy import Policy
    from stream.desk.routes import Route
    from stream.worker.settings import Settings as Cluster


def _options(parser: argparse.ArgumentParser) -> None:
    add_bootstrap(parser)
    add_policy(parser)
    parser.add_argument(
        "--routes",
        metavar="FILE.toml",
        help="who is sent what (default: LAPSE_DESK_ROUTES; without it nothing is sent to anybody)",
    )
    parser.add_argument(
        "--http",
        metavar="HOST:PORT",
        default="127.0.0.1:9474",
        help="where page, API and /metrics are served (default: %(default)s)",
    )


def _plan(args: argparse.Namespace, problems: Problems) -> Callable[[], int]:
    cluster = problems.cluster(args.bootstrap, args.http)
    policy = problems.policy(args.policy)
    given = _read(args.routes or os.environ.get("LAPSE_DESK_ROUTES"), policy, problems)
    return partial(_run, cluster, policy, args.policy, *given)


def _read(
    path: str | None, policy: Policy | None, problems: Problems
) -> tuple[tuple[Route, ...], dict[str, bytes], str | None]:
    """Routes, their secrets and the token; what is wrong with them is noted."""
    from stream.desk import settings

    routes: tuple[Route, ...] = ()
    secrets: dict[str, bytes] = {}
    token = None
    try:
        token = settings.read_token(os.environ)
    except settings.SettingsError as error:
        problems.found += error.errors
    file = problems.file(path, "--routes") if path else None
    if file is not None and file.is_file() and policy is not None:
        try:
            routes = settings.read_routes(file.read_text(encoding="utf-8", errors="replace"), policy, os.environ)
            secrets = settings.read_secrets(routes, os.environ)
        except settings.SettingsError as error:
            problems.found += [f"{path}: {one}" for one in error.errors]
    return routes, secrets, token


def _run(
    cluster: Cluster,
    policy: Policy,
    policy_name: str,
    routes: tuple[Route, ...],
    secrets: dict[str, bytes],
    token: str | None,
) -> int:
    from stream import policies
    from stream.desk import main
    from stream.desk.settings import DEFAULT_GROUP, GROUP, Settings
    from stream.tools.cluster import brokers

    brokers(cluster)
    assert cluster.http is not None, "--http has a default"
    return main.run(
        Settings(
            bootstrap=cluster.bootstrap,
            policy=policy,
            policy_text=policies.text(policy_name),
            http=cluster.http,
            group=os.environ.get(GROUP, DEFAULT_GROUP),
            kafka=cluster.kafka,
            routes=routes,
            secrets=secrets,
            token=token,
        )
    )


COMMAND = Command(
    name="desk",
    summary="deliver alerts to people, publish day records, serve the live page",
    about="Merges the partitions' counts into day records, sends alerts to the webhooks of the routes file, and serves "
    "the live page, its API and /metrics. One is enough; a second one takes over where the first dies.\n\n"
    "LAPSE_TOKEN opens customer data on page and API (none set: aggregates only). LAPSE_WEBHOOK_SECRET signs what is "
    "sent. LAPSE_DESK_GROUP names the consumer group (default lapse-desk).",
    examples=(
        "lapse desk --bootstrap kafka:9092",
        "lapse desk --bootstrap kafka:9092 --policy mine.toml --routes routes.toml --http 0.0.0.0:9474",
    ),
    options=_options,
    plan=_plan,
)
