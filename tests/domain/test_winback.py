"""Win-back, cross-sell and variants by hand: a few customers of whom it is plain what must be counted."""

from __future__ import annotations

from typing import Any

from stream.core.alerts import held_out
from tests.adapter import run
from tests.recount import recount

DAY_MS = 86_400_000
START_MS = 1_700_006_400_000  # a midnight
POLICY: dict[str, Any] = {
    "holdout_share": 0.5,
    "signs": {"silent": {"horizon_days": 14}},
    "figures": {"categories": ["bread", "fish"], "variants": ["old", "new"]},
}
TREATED = [name for name in map(str, range(40)) if not held_out(name, 0.5)]
HELD = [name for name in map(str, range(40)) if held_out(name, 0.5)]


def event(name: str, day: float, kind: str = "order_completed", **fields: Any) -> dict[str, Any]:
    more = {"amount": 10} if kind == "order_completed" else {}
    return {
        "id": f"{kind}{day}",
        "customer_id": name,
        "type": kind,
        "time": START_MS + int(day * DAY_MS),
        **more,
        **fields,
    }


def figures(events: list[dict[str, Any]], prefix: str) -> dict[str, int]:
    """The sums of all days' measures of that name, which the recount finds as well."""
    events = sorted(events, key=lambda one: one["time"])
    end = {"type": "clock_advanced", "time": START_MS + 120 * DAY_MS}
    found = [rule([*events, end], POLICY).records for rule in (run, recount)]
    total: dict[str, int] = {}
    for records in found:
        total = {}
        for (period, _, segment), record in records.items():
            for name, value in record["figures"].items():
                if (period, segment) == ("day", "all") and name.startswith(prefix):
                    total[name.removeprefix(prefix)] = total.get(name.removeprefix(prefix), 0) + value
    assert found[0] == found[1]
    return total


def regular(name: str) -> list[dict[str, Any]]:
    """Ten orders, one every third day; what falls silent then opens an alert before day 45."""
    return [event(name, 3 * n) for n in range(10)]


def test_who_came_back_and_who_had_been_written_to() -> None:
    """D6: treated and held out by what was meant; contacted only with a campaign since the opening."""
    back, written, gone = TREATED[:3]
    events = [one for name in (back, written, gone, *HELD[:2]) for one in regular(name)]
    events += [event(name, day, "campaign_sent") for name, day in ((back, 20), (written, 46), (HELD[0], 46))]
    events += [event(name, 47) for name in (back, written, HELD[1])]
    assert figures(events, "win_back_") == {
        "treated": 3 + 2, "treated_returned": 2, "contacted": 1, "contacted_returned": 1,
        "held_out": 2 + 1, "held_out_returned": 1,
    }, "those who came back fall silent once more, and are judged"  # fmt: skip


def test_a_cross_sell_is_an_order_in_a_category_that_is_new_to_somebody_who_knows_another() -> None:
    """D7: not the first category, not one known already, not one that the policy doesn't list."""
    orders = [["bread"], ["bread"], None, ["soap", "bread"], ["fish", "bread"], ["fish"]]
    events = [event("c", n, categories=bought, amount=n) for n, bought in enumerate(orders, 1)]
    events += [event("d", 1), event("d", 2, categories=["bread", "fish"])]
    assert figures(events, "cross_sell") == {"s": 1, "_revenue": 500}


def test_a_variant_is_the_last_one_that_the_policy_lists() -> None:
    """W12: the order that says another counts for the other already."""
    events = [event("c", 1, variant="old"), event("c", 2), event("c", 3, variant="new"), event("c", 4, variant="none")]
    assert figures([*events, event("d", 1)], "variant_revenue:") == {"old": 2000, "new": 2000}
