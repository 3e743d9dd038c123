"""What a field of an event may hold: the constrained types that the event structs are made of.

Owns: limits and formats of single values. Knows nothing of which event has which field.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from msgspec import Meta

MAX_AMOUNT = 1e12
MAX_COUNT = 1_000_000_000
MOST_MS = 2**53  # an integer that every JSON reader keeps; which instants make sense is the wire's to say

# without NUL (checked by the wire for a whole batch at once): ids are joined by it to be hashed
Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=256)]
Name: TypeAlias = Annotated[str, Meta(max_length=256)]
# RFC 3339 with zone, or epoch milliseconds. Kept as written: a batch of them is parsed at once (wire.times)
Instant: TypeAlias = (
    Annotated[str, Meta(max_length=64, extra_json_schema={"format": "date-time"})]
    | Annotated[int, Meta(ge=-MOST_MS, le=MOST_MS)]
)
# in units of `currency` (not minor units)
Amount: TypeAlias = Annotated[float, Meta(ge=0, le=MAX_AMOUNT)]
Currency: TypeAlias = Annotated[str, Meta(min_length=3, max_length=3, description="ISO 4217; the policy's if absent")]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
Quantity: TypeAlias = Annotated[float, Meta(ge=0, le=MAX_COUNT)]
# how many, or the things themselves
Items: TypeAlias = Count | list[Any]
_31, _30 = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])", "(0[469]|11)-(0[1-9]|[12][0-9]|30)"
Birthday: TypeAlias = Annotated[str, Meta(pattern=f"^({_31}|{_30}|02-(0[1-9]|[12][0-9]))$", description="MM-DD")]
