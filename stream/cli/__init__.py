"""The command line: `lapse COMMAND …`.

Owns: the words, options and help of every command, exit codes, and how mistakes are told. Does no work itself: it
checks what it was given and hands it to `stream.tools` or `stream.worker`, which it imports only when they are needed,
so that `lapse --help` is instant. Exit codes: 0 fine, 1 ran and found something wrong, 2 bad usage or configuration.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from stream.cli.usage import (
    BAD_USAGE,
    FINE,
    FOUND_SOMETHING,
    INTERRUPTED,
    Command,
    Parser,
    Problems,
    UsageError,
    suggest,
    unknown,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def commands() -> tuple[Command, ...]:
    """Every command, in the order of the help."""
    from stream.cli import (
        alerts,
        backtest,
        contracts,
        customer,
        dead,
        demo,
        desk,
        doctor,
        evaluate,
        fit,
        importing,
        policy,
        simulate,
        topics,
        worker,
    )

    modules = (
        demo,
        backtest,
        fit,
        evaluate,
        importing,
        simulate,
        worker,
        desk,
        alerts,
        customer,
        topics,
        policy,
        dead,
        contracts,
        doctor,
    )
    return tuple(module.COMMAND for module in modules)


def build_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog="lapse",
        description="Watches customers leave, while they can still be kept.",
        epilog="`lapse COMMAND --help` shows a command's options and examples. Start with `lapse demo`.",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    for command in commands():
        command.register(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a user's mistake is told in words, never as a traceback."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(words)
    except UsageError as error:
        _tell(error.problems)
        print(f"help: lapse {_command(words)}--help", file=sys.stderr)
        return BAD_USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `lapse dead list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except Exception as error:
        from stream.tools.complaints import in_words

        told = in_words(error)
        if told is None:
            raise
        _tell([told])
        return FOUND_SOMETHING


def _dispatch(words: list[str]) -> int:
    names = [command.name for command in commands()]
    first = next((word for word in words if not word.startswith("-")), names[0])
    if first not in names:
        raise UsageError([f"there is no command {first!r}: {suggest(first, names)}"])
    parser = build_parser()
    given, rest = parser.parse_known_args(words)
    if given.version:
        from importlib.metadata import version

        print(f"lapse {version('lapse')}")
        return FINE
    if not hasattr(given, "plan"):
        if rest:
            raise UsageError(unknown(parser, rest))
        parser.print_help(sys.stderr)
        return BAD_USAGE
    problems = Problems(unknown(given.parser, rest))
    work = given.plan(given, problems)
    problems.done()
    return int(work())


def _tell(problems: Sequence[str]) -> None:
    for problem in problems:
        print(f"lapse: {problem}", file=sys.stderr)


def _command(words: Sequence[str]) -> str:
    """Return the command among the words and a space, or nothing when there is none."""
    first = next((word for word in words if not word.startswith("-")), "")
    return f"{first} " if any(first == one.name for one in commands()) else ""
