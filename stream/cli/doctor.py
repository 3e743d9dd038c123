"""`lapse doctor`: is this machine fit for it, and if not, what to do."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from stream.cli.usage import FINE, FOUND_SOMETHING, Command, Problems, add_bootstrap, add_policy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from stream.worker.settings import Settings


def _options(parser: argparse.ArgumentParser) -> None:
    add_bootstrap(parser)
    add_policy(parser)


def _plan(args: argparse.Namespace, problems: Problems) -> Callable[[], int]:
    asked = args.bootstrap or os.environ.get("LAPSE_BOOTSTRAP")
    return partial(_run, problems.cluster(args.bootstrap) if asked else None, args.policy)


def _run(cluster: Settings | None, policy: str) -> int:
    from stream.tools import doctor

    findings = doctor.examine(cluster, policy)
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
    "with --bootstrap at the cluster and its topics. Lines with - are optional: they are needed for the tests only.",
    examples=("lapse doctor", "lapse doctor --bootstrap kafka:9092 --policy mine.toml"),
    options=_options,
    plan=_plan,
)
