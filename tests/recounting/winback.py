"""The recount of win-back (definitions D6). Knows nothing of how an alert ends."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from tests.recounting.customer import Customer
from tests.recounting.rules import Rules


def measures_of(name: str, customer: Customer, opened_ms: int, how: str, rules: Rules) -> Iterator[str]:
    """What the end of an alert of `silent` counts in."""
    if how not in ("returned", "churned"):
        return
    number = int(hashlib.blake2b(f"holdout:{name}".encode(), digest_size=8).hexdigest(), 16)
    if number / 2**64 < rules.holdout_share:
        groups = ["held_out"]
    else:
        groups = ["treated", *["contacted"] * (customer.campaign >= opened_ms // 1000)]
    for group in groups:
        yield f"win_back_{group}"
        if how == "returned":
            yield f"win_back_{group}_returned"
