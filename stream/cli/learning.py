"""What `lapse fit` and `lapse evaluate` share: the packages they need, and reading events.

Owns: what is said when an optional package is missing. Does no work itself.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stream.cli.usage import Problems


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
