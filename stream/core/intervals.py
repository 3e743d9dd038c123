"""How sure a share is, and the difference of two: intervals that hold the truth in 95 of 100 cases.

Owns: the formulas, and their sources. Knows nothing of where counts come from.
"""

from __future__ import annotations

from math import hypot, sqrt

NORMAL_95 = 1.959963984540054  # so many standard deviations to either side hold 95 %


def wilson(part: float, whole: float) -> tuple[float, float] | None:
    """Where the share `part` ÷ `whole` lies with 95 %: Wilson's score interval. None without a whole.

    Newcombe, Statistics in Medicine 17 (1998), 857–872: 81 of 263 are 0.2553 to 0.3662.

    >>> [round(end, 4) for end in wilson(81, 263)]
    [0.2553, 0.3662]
    """
    if whole <= 0:
        return None
    share, square = part / whole, NORMAL_95**2
    middle = (share + square / (2 * whole)) / (1 + square / whole)
    half = NORMAL_95 * sqrt(share * (1 - share) / whole + square / (4 * whole**2)) / (1 + square / whole)
    return middle - half, middle + half


def difference(
    part: float, whole: float, other_part: float, other_whole: float
) -> tuple[float | None, float | None, float | None]:
    """By how much one share is more than another, and where that lies with 95 %: difference, lower and upper end.

    Newcombe's interval of the difference of two independent shares (Statistics in Medicine 17 (1998), 873–890, method
    10). His worked example, 56 of 70 against 48 of 80: 0.2, from 0.0524 to 0.3339.

    >>> [round(one, 4) for one in difference(56, 70, 48, 80)]
    [0.2, 0.0524, 0.3339]
    >>> difference(1, 2, 0, 0)
    (None, None, None)
    """
    own, others = wilson(part, whole), wilson(other_part, other_whole)
    if own is None or others is None:
        return None, None, None
    here, there = part / whole, other_part / other_whole
    low = here - there - hypot(here - own[0], others[1] - there)
    high = here - there + hypot(own[1] - here, there - others[0])
    return here - there, low, high
