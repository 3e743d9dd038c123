"""What the data sets have in common on their way to events.

Owns: the files of installed packages, the halves, the last event. Knows nothing of any one data set.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from stream.core.calendar import DAY_MS, calendar

if TYPE_CHECKING:
    from stream.core.policy import Policy

Event: TypeAlias = dict[str, object]
HALVES = ("public", "judge")


class DataMissingError(Exception):
    """The package that carries the data set is not installed."""


def in_half(customer_id: str, half: str | None) -> bool:
    """Whether a customer belongs to a half: `public` has an even first byte of sha256("lapse:" + customer_id).

    >>> [(in_half(one, "public"), in_half(one, "judge"), in_half(one, None)) for one in ("1", "8")]
    [(True, False, True), (False, True, True)]
    """
    if half is None:
        return True
    even = hashlib.sha256(f"lapse:{customer_id}".encode()).digest()[0] % 2 == 0
    return even == (half == "public")


def last_event(source: str, policy: Policy, last_day: int) -> Event:
    """`clock_advanced` to the moment at which `last_day` is final (definitions T1, T5), and no further.

    The close clock must pass the day's end, so this is that end + `alert_grace` + `allowed_lateness_days`. The silences
    that fall due in those days after the data end were watched by nobody: an alert of then says nothing.
    """
    end_ms = calendar(policy.zone).end_ms(last_day)
    time = stamp((end_ms + policy.alert_grace_ms + policy.allowed_lateness_days * DAY_MS) // 1000)
    return {"id": f"clock:{time}", "source": source, "type": "clock_advanced", "time": time}


def stamp(time_s: int) -> str:
    """An instant as RFC 3339 in UTC.

    >>> stamp(1483272806)
    '2017-01-01T12:13:26Z'
    """
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time_s)).strftime("%Y-%m-%dT%H:%M:%SZ")


def data_file(package: str, path: str) -> Path:
    """A data file of an installed package, which itself isn't imported: lifetimes brings in pandas and autograd."""
    try:
        found = Path(str(metadata.distribution(package).locate_file(f"{package}/{path}")))
    except metadata.PackageNotFoundError:
        found = None
    if found is None or not found.is_file():
        raise DataMissingError(
            f"the data are in the PyPI package {package}, which is not installed: pip install {package}"
        )
    return found
