"""The shape of a command, and how a user's mistakes are told: all of them at once, and what to do about each.

Owns: reading options into checked values, problems collected on the way. Knows no command and does no work.
Options are plain strings to argparse, so that the third mistake is told together with the first.
"""

from __future__ import annotations

import argparse
import datetime as dt
import difflib
import os
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stream.core.policy import Policy
    from stream.tools.people import DeskApi
    from stream.worker.settings import Settings

DESK, DEFAULT_DESK = "LAPSE_DESK", "http://127.0.0.1:9474"
FINE, FOUND_SOMETHING, BAD_USAGE, INTERRUPTED = 0, 1, 2, 130


class UsageError(Exception):
    """The command was called wrongly: every problem that was found."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True, slots=True)
class Command:
    """One subcommand: its words, its options, and its plan.

    `plan` reads the options, notes what is wrong with them and returns the work; it is done only if nothing is wrong.
    """

    name: str
    summary: str
    about: str
    examples: tuple[str, ...]
    options: Callable[[argparse.ArgumentParser], None]
    plan: Callable[[argparse.Namespace, Problems], Callable[[], int]]

    def register(self, commands: argparse._SubParsersAction[Parser]) -> None:
        """Add the command to the parser of `lapse`."""
        epilog = "examples:\n" + "\n".join(f"  {example}" for example in self.examples)
        parser = commands.add_parser(
            self.name,
            help=self.summary,
            description="\n\n".join(textwrap.fill(part, 96) for part in self.about.split("\n\n")),
            epilog=epilog,
        )
        self.options(parser)
        parser.set_defaults(plan=self.plan, parser=parser)


class Parser(argparse.ArgumentParser):
    """argparse that keeps examples as they were written, takes no abbreviations and raises instead of exiting."""

    def __init__(self, **settings: object) -> None:
        fixed = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
        super().__init__(**{**settings, **fixed})  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print before it exits."""
        raise UsageError([message])


@dataclass(slots=True)
class Problems:
    """What is wrong with a call; `done()` tells it all at once."""

    found: list[str] = field(default_factory=list)

    def add(self, problem: str) -> None:
        """Note one problem and go on looking."""
        self.found.append(problem)

    def done(self) -> None:
        """Raise UsageError with everything that was noted, if anything was."""
        if self.found:
            raise UsageError(self.found)

    def need(self, value: str | None, name: str, hint: str) -> str:
        """Return `value`, or note that `name` is missing."""
        if not value:
            self.add(f"{name} is missing: {hint}")
        return value or ""

    def choice(self, value: str | None, name: str, choices: Iterable[str]) -> str:
        """Return `value` if it is one of `choices`; else note it, with the nearest one."""
        allowed = list(choices)
        if not value:
            self.add(f"{name} is missing: one of {', '.join(allowed)}")
        elif value not in allowed:
            self.add(f"{name} is {value!r}: {suggest(value, allowed)}")
        return value or ""

    def whole(self, value: str | None, name: str, least: int, most: int) -> int:
        """Return `value` as a whole number in [least, most]."""
        try:
            number = int(value or "")
        except ValueError:
            self.add(f"{name} is {value!r}: give a whole number from {least} to {most}")
            return least
        if not least <= number <= most:
            self.add(f"{name} is {number}: give a whole number from {least} to {most}")
            return least
        return number

    def date(self, value: str, name: str) -> dt.date:
        """Return `value` as a date, YYYY-MM-DD."""
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            self.add(f"{name} is {value!r}: give a day as YYYY-MM-DD")
            return dt.date.min

    def file(self, value: str, name: str) -> Path:
        """Return `value` as the path of a file that can be read."""
        path = Path(value)
        if not path.exists():
            self.add(f"{name}: there is no file {value}")
        elif path.is_dir():
            self.add(f"{name}: {value} is a directory, a file is needed")
        elif not os.access(path, os.R_OK):
            self.add(f"{name}: {value} may not be read by this user")
        return path

    def target(self, value: str, name: str) -> Path:
        """Return `value` as the path of a file that can be written."""
        path = Path(value)
        if not value:
            pass  # `need` has said that it is missing
        elif path.is_dir():
            self.add(f"{name}: {value} is a directory, a file is needed")
        elif not path.absolute().parent.is_dir():
            self.add(f"{name}: there is no directory {path.parent} to write {path.name} to")
        return path

    def directory(self, value: str, name: str) -> Path:
        """Return `value` as the path of a directory that exists or can be made."""
        path = Path(value)
        if path.exists() and not path.is_dir():
            self.add(f"{name}: {value} is a file, a directory is needed")
        return path

    def cluster(self, bootstrap: str | None, http: str | None = None) -> Settings:
        """Return the cluster from the option, LAPSE_BOOTSTRAP and LAPSE_KAFKA_*; note all that is wrong with them."""
        from stream.worker.settings import SettingsError, read

        try:
            return read(os.environ, bootstrap, http)
        except SettingsError as error:
            self.found += error.errors
            return cast("Settings", None)  # nothing is done with it: a plan with problems is never carried out

    def desk(self, url: str | None) -> DeskApi:
        """Return the desk at the option's or LAPSE_DESK's address, with the token of LAPSE_TOKEN."""
        from stream.tools.people import DeskApi

        address = (url or os.environ.get(DESK) or DEFAULT_DESK).rstrip("/")
        if not address.startswith(("http://", "https://")):
            self.add(f"--desk is {address!r}: give its address, such as {DEFAULT_DESK}")
        return DeskApi(address, os.environ.get("LAPSE_TOKEN", ""))

    def asks_the_desk(self, args: argparse.Namespace) -> bool:
        """Whether the desk is asked: when it is named, and when no cluster is."""
        named = args.desk or os.environ.get(DESK)
        return bool(named) or not (args.bootstrap or os.environ.get("LAPSE_BOOTSTRAP"))

    def policy(self, value: str) -> Policy:
        """Return the policy of that name or path; note all that is wrong with it."""
        from stream.core.policy import PolicyError
        from stream.policies import load

        try:
            return load(value)
        except PolicyError as error:
            for problem in error.errors:
                self.add(f"--policy {value}: {problem}")
            return cast("Policy", None)


def add_bootstrap(parser: argparse.ArgumentParser) -> None:
    """Add --bootstrap, the same everywhere."""
    parser.add_argument(
        "--bootstrap",
        metavar="HOST:PORT",
        help="the Kafka cluster, several by comma (default: LAPSE_BOOTSTRAP); librdkafka settings such as "
        "security.protocol go into LAPSE_KAFKA_SECURITY_PROTOCOL and so on",
    )


def add_desk(parser: argparse.ArgumentParser) -> None:
    """Add --desk, the same everywhere."""
    parser.add_argument(
        "--desk",
        metavar="URL",
        help=f"the desk (default: LAPSE_DESK, or {DEFAULT_DESK}); LAPSE_TOKEN is the token it was started with",
    )


def add_policy(parser: argparse._ActionsContainer, default: str = "default") -> None:
    """Add --policy, the same everywhere."""
    parser.add_argument(
        "--policy",
        metavar="NAME|FILE.toml",
        default=default,
        help="business thresholds: a shipped policy (default, complete-journey) or a TOML file (default: %(default)s)",
    )


def unknown(parser: argparse.ArgumentParser, words: Iterable[str]) -> list[str]:
    """Return a problem for every word that the command doesn't know, with the nearest option."""
    options = [option for option in parser._option_string_actions if option.startswith("--")]  # noqa: SLF001
    return [
        f"unknown option {word}: {suggest(word.partition('=')[0], options)}"
        if word.startswith("-")
        else f"don't know what to do with {word!r}"
        for word in words
    ]


def suggest(word: str, allowed: list[str]) -> str:
    """Return what to say of a word that is not among the allowed ones: the nearest, or all."""
    near = difflib.get_close_matches(word, allowed, n=1, cutoff=0.7)
    return f"did you mean {near[0]}?" if near else f"choose from {', '.join(allowed)}"
