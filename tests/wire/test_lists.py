"""What an event names of the policy's closed lists: variants of experiments, categories of goods."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stream.core.reporting import Reporting
from stream.wire.decode import decode
from tests.wire.test_decode import POLICY, STAMP_MS, text


def test_variants_and_categories_are_places_in_the_policys_lists() -> None:
    policy = replace(POLICY, figures=Reporting(categories=("dairy", "bread", "fish"), variants=("old", "new")))

    def told(**event: Any) -> tuple[list[int], list[int]]:
        batch, dead = decode([text(**event)], None, STAMP_MS, None, policy)
        assert not dead
        return batch.variant.tolist(), batch.ref.tolist()

    assert told(variant="new") == ([2], [0])  # plain
    assert told(variant="new", categories=["fish", "soap", "dairy", "fish"]) == ([2], [0b101])  # a list: not plain
    assert told(variant="newer", categories=[]) == ([0], [0])
    assert told(order_id="o1") == ([0], [0]), "of an order no id is kept"
    assert decode([text(variant="new", categories=["fish"])], None, STAMP_MS, None, POLICY)[0].variant.tolist() == [0]
