"""The signs of lapsing: their numbers, and what kind of sign each is.

Owns: the list. The numbers are places in customers' rows, so they never change. What makes a sign fire is
`core.signals`; how its alert lives is `core.life`; what it says is `core.evidence`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Sign(IntEnum):
    """The signs. Append, never renumber."""

    silent = 0
    buying_less_often = 1
    spending_less = 2
    engaging_less = 3
    never_activated = 4
    cooling = 5
    detractor = 6
    complaint = 7
    payment_failed = 8
    cancelling = 9
    poor_experience = 10
    abandoning = 11
    neglected = 12


NAMES: Final = tuple(sign.name for sign in Sign)

# read off what a customer does, not said or asked by them: silent for whoever did not agree to be tracked
BEHAVIOURAL: Final = frozenset({
    Sign.silent, Sign.buying_less_often, Sign.spending_less, Sign.engaging_less, Sign.never_activated,
    Sign.poor_experience, Sign.abandoning,
})  # fmt: skip

# the activity that shows that the customer stays, looked at when an alert's horizon has passed (definitions L5)
BY_PURCHASE: Final = frozenset({Sign.silent, Sign.buying_less_often, Sign.spending_less})
BY_ENGAGEMENT: Final = frozenset({Sign.engaging_less, Sign.never_activated})
