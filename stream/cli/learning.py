"""What the commands that learn and measure share: the packages they need, reading events, how figures look.

Owns: what is said when an optional package is missing. Does no work itself.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stream.cli.usage import Problems
    from stream.tools.measures import Interval

Found = TypeVar("Found")


def need_packages(problems: Problems, *packages: str) -> None:
    """Note the packages that are not installed; they come with the extra `learn`."""
    missing = [one for one in packages if find_spec(one) is None]
    if missing:
        problems.add(f"{' and '.join(missing)} not installed: pip install 'lapse[learn]'")


def read_lines(source: Path | None, advance: Callable[[int], None]) -> Iterator[bytes]:
    """The lines of a file, or of standard input; `advance` is told their bytes."""
    with source.open("rb") if source else sys.stdin.buffer as file:
        for line in file:
            advance(len(line))
            yield line


def show(found: Found, *, as_json: bool, words: Callable[[Found], Iterator[str]]) -> None:
    """Print what was found, as JSON or in words."""
    if as_json:
        import msgspec

        print(msgspec.json.encode(found).decode())
    else:
        print("\n".join(words(found)))


def interval(one: Interval, sign: str = "", places: int = 4) -> str:
    """A value and its interval."""
    return f"{short(one.value, sign, places)} ({short(one.low, sign, 3)} {short(one.high, sign, 3)})"


def short(value: float, sign: str = "", places: int = 4) -> str:
    """A share without its leading zero.

    >>> short(0.8588), short(-0.0026, "+"), short(1.0)
    ('.8588', '-.0026', '1.0000')
    """
    shown = f"{value:{sign}.{places}f}"
    return shown.replace("0.", ".", 1) if shown.lstrip("+-").startswith("0.") else shown
