"""What `lapse evaluate --simulated` prints: signs against the truth, and the verdict on each scenario.

Owns: the looks of that. Does no work itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream.cli.learning import interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream.tools.measures import Interval
    from stream.tools.truth import Against


def told(found: Against) -> Iterator[str]:
    """Every line, in order."""
    yield f"Policy {found.policy} on {found.customers:,} made-up customers, {found.left:,} of whom left."
    yield f"Of {found.base_rate:.1%} the next 28 days were the last. Warned of in the 60 days before they left:"
    lead = "" if found.warned_days is None else f", {found.warned_days:g} days ahead (median)"
    yield f"{_share(found.warned)}{lead}."
    yield ""
    yield "Right: opened while the sign was to be seen of that customer. Followed: left within the alert's horizon."
    yield "Covered: of the times that the sign was to be seen those with an alert; days: until it came (median)."
    yield f"  {'':<19}{'alerts':>7}  {'right':<18}{'followed':<18}{'shown':>6}  {'covered':<18}{'days':>5}"
    for one in found.signs:
        days = "" if one.median_days is None else f"{one.median_days:g}"
        yield (
            f"  {one.sign:<19}{one.opened:>7,}  {_share(one.right):<18}{_share(one.followed):<18}{one.shown:>6,}  "
            f"{_share(one.covered):<18}{days:>5}"
        ).rstrip()
    wrong = [one for one in found.scenarios if not one.right]
    yield ""
    yield f"Scenarios: {len(found.scenarios) - len(wrong)} of {len(found.scenarios)} as they must be."
    for verdict in wrong:
        yield f"  {verdict.customer_id}: {verdict.says}"
        yield f"      must {verdict.must}; happened: {verdict.happened}"


def _share(one: Interval) -> str:
    return "" if one.value != one.value else interval(one, places=3)
