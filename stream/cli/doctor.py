"""`lapse doctor`: is this machine fit for it, and if not, what to do."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from stream.cli.usage import DESK, FINE, FOUND_SOMETHING, Command, Problems, add_bootstrap, add_desk, add_policy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from stream.tools.people import DeskApi
    from stream.worker.settings import Settings


def _options(parser: argparse.ArgumentParser) -> None:
    add_bootstrap(parser)
    add_policy(parser)
    add_desk(parser)


def _plan(args: argparse.Namespace, problems: Problems) -> Callable[[], int]:
    asked = args.bootstrap or os.environ.get("LAPSE_BOOTSTRAP")
    desk = problems.desk(args.desk) if args.desk or os.environ.get(DESK) else None
    return partial(_run, problems.cluster(args.bootstrap) if asked else None, args.policy, desk)


def _run(cluster: Settings | None, policy: str, desk: DeskApi | None) -> int:
    from stream.tools import doctor

    findings = doctor.examine(cluster, policy, desk)
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        mark = "ok" if finding.well else ("-" if finding.optional else "NO")
        print(f"{mark:<3} {finding.what:<{width}}  {finding.says}")
        if finding.remedy and not finding.well:
            print(f"    {'':<{width}}  → {finding.remedy}")
    ill = sum(not finding.well and not finding.optional for finding in findings)
    print(f"{ill} to mend" if ill else "fit")
    return FOUND_SOMETHING if ill else FINE


COMMAND = Command(
    name="doctor",
    summary="check this machine, the policy and the cluster, and say what to do",
    about="Looks at Python and the packages, the embedded broker, a compiled call of the core's kind, the policy, and "
    "with --bootstrap at the cluster: its topics and their settings, clocks that disagree, how far the group is "
    "behind, whether the workers are ready; with --desk whether that answers and the token opens it. Lines with - "
    "don't count: they are needed for some things only.",
    examples=(
        "lapse doctor",
        "lapse doctor --bootstrap kafka:9092 --policy mine.toml --desk http://127.0.0.1:9474",
    ),
    options=_options,
    plan=_plan,
)
