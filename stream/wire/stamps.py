"""Instants in the text of what is published. Owns: the one form in which they are written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeAlias

from msgspec import Meta

Time: TypeAlias = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


def rfc3339(time_ms: int) -> str:
    """An instant in UTC, with milliseconds only where there are some.

    >>> rfc3339(1503686530000), rfc3339(1503686530007)
    ('2017-08-25T18:42:10Z', '2017-08-25T18:42:10.007Z')
    """
    precision = "milliseconds" if time_ms % 1000 else "seconds"
    # whole seconds first: a float of seconds does not hold every millisecond
    instant = datetime.fromtimestamp(time_ms // 1000, UTC).replace(microsecond=time_ms % 1000 * 1000)
    return instant.isoformat(timespec=precision).removesuffix("+00:00") + "Z"
