"""`lapse schemas`: the JSON Schemas of what goes in and out, written from the types."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from stream.cli.usage import FINE, FOUND_SOMETHING, Command, Problems

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

SHOWN = 10


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dir", metavar="DIR", default="schemas", help="where they are (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a file is out of date")
    parser.add_argument(
        "--release",
        action="store_true",
        help="keep today's schemas as what this version promises, for --check to hold later ones against",
    )


def _plan(args: argparse.Namespace, problems: Problems) -> Callable[[], int]:
    if args.check and args.release:
        problems.add("--check writes nothing, --release does: give one of them")
    return partial(_run, problems.directory(args.dir, "--dir"), only_check=args.check, release=args.release)


def _run(directory: Path, *, only_check: bool, release: bool) -> int:
    from importlib.metadata import version

    from stream.desk import openapi
    from stream.tools import asyncapi
    from stream.wire import schemas

    more = {Path("openapi.json"): openapi.text(), Path("asyncapi.json"): asyncapi.text()}
    if only_check and not directory.is_dir():
        print(f"there is no directory {directory}: run this at the root of the repository, or give --dir")
        return FOUND_SOMETHING
    stale = schemas.stale(directory, more)
    if not only_check:
        for path in schemas.write(directory, more):
            print(f"wrote {path}")
        for path in schemas.release(directory, version("lapse")) if release else ():
            print(f"wrote {path}, for good")
        return FINE
    for path in stale[:SHOWN]:
        print(f"{path} is not what the types say")
    if stale:
        print(f"{len(stale)} out of date: run `lapse schemas`, look at the difference, and commit it")
    broken = schemas.broken(directory, version("lapse"))
    for says in broken:
        print(says)
    if broken:
        print(f"{len(broken)} promises of released versions broken: mend it, or count the version up (docs/schemas.md)")
    if not stale and not broken:
        print("schemas ok")
    return FOUND_SOMETHING if stale or broken else FINE


COMMAND = Command(
    name="schemas",
    summary="write the JSON Schemas from the types, or check them",
    about="The schemas of events, alerts and day records are written from the types that decode and encode them, so "
    "that they can't drift; asyncapi.json says who reads and writes which topic. --check is what CI runs: it also "
    "holds them against the schemas of released versions (schemas/released), whose promises a version of the same "
    "major number, or the same 0.minor, must keep.",
    examples=("lapse schemas --check", "lapse schemas --dir /tmp/schemas"),
    options=_options,
    plan=_plan,
)
