"""Reading a time from an option: how long ago, or when."""

from __future__ import annotations

import datetime as dt
import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream.cli.usage import Problems

_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str | None, name: str, problems: Problems) -> int | None:
    """Epoch ms of `start`, 30m (ago), or a time (UTC where it has no zone); None where nothing is given."""
    if not text:
        return None
    if text == "start":
        return 0
    if match := _AGO.fullmatch(text):
        ago = dt.timedelta(**{_UNITS[match[2]]: int(match[1])})
        return max(0, int((time.time() - ago.total_seconds()) * 1000))
    try:
        when = dt.datetime.fromisoformat(text)
    except ValueError:
        problems.add(f"{name} is {text!r}: give start, 30m, 12h, 7d, or a time such as 2017-08-25T18:00Z")
        return None
    return int((when if when.tzinfo else when.replace(tzinfo=dt.UTC)).timestamp() * 1000)
