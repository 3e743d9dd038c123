from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from stream.core.kinds import Kind
from stream.core.policy import Policy
from stream.wire import examples
from stream.wire.dead import DeadLetter, Headers, Reason
from stream.wire.decode import decode
from stream.wire.forms import STANDARD, kind_name
from tests.wire.fuzz import columns_at

POLICY = Policy("test")
STAMP_MS = 1_750_000_000_000
TIME = "2017-08-25T18:42:10Z"
FORMS = Path(__file__).parents[2] / "docs/forms.md"
_ENDED = {"type": "ticket_resolved", "ticket_id": "t"}
CALL = {"messageId": "1", "userId": "c"}


def read(content: Any, headers: Headers | None = None) -> tuple[tuple[object, ...] | None, DeadLetter | None]:
    value = json.dumps(content).encode() if content is not None else None
    batch, dead = decode([value], None, STAMP_MS, lambda _: headers, POLICY)
    return (columns_at(batch, [0])[0], None) if len(batch) else (None, dead[0])


def plain(**fields: Any) -> tuple[object, ...] | None:
    return read({"id": "1", "customer_id": "c", "time": TIME, "currency": "USD", **fields})[0]


def track(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    return CALL | {"type": "track", "event": name, "timestamp": TIME, "properties": properties}


@pytest.mark.parametrize(
    ("content", "same"),
    [
        (track("Order Completed", {"total": 5.5, "revenue": 5}), {"type": "order_completed", "amount": 5.5}),
        (track("Order Completed", {"revenue": 5}), {"type": "order_completed", "amount": 5}),
        (track("Order Refunded", {"total": 2, "source": "pos"}), {"type": "order_refunded", "amount": 2}),
        (track("Cart Viewed", {"value": 9, "products": [{}, {}]}), {"type": "cart_updated", "amount": 9, "items": 2}),
        (track("Cart Abandoned", {}), {"type": "cart_abandoned"}),
        (track("order_completed", {"amount": 5}), {"type": "order_completed", "amount": 5}),
        (track("Product Reviewed", {"rating": 4, "review_body": "x"}), {"type": "review_posted", "rating": 4}),
        (track("Email Opened", {"campaign_name": "s"}), {"type": "campaign_opened", "campaign": "s"}),
        (track("Feature Used", {"name": "x", "id": "not this", "time": 5}), {"type": "feature_used"}),
        (
            CALL | {"type": "identify", "timestamp": TIME, "traits": {"consent_tracking": False, "age": 4}},
            {"type": "profile_updated", "consent_tracking": False},
        ),
        (
            CALL | {"type": "identify", "timestamp": TIME, "context": {"traits": {"birthday": "1980-09-14T00:00:00Z"}}},
            {"type": "profile_updated", "birthday": "09-14"},
        ),
        (CALL | {"type": "group", "timestamp": TIME, "groupId": "a"}, {"type": "profile_updated", "account_id": "a"}),
        (track("Product Reviewed", {"rating": "5"}), {"type": "review_posted", "rating": 5}),
        (track("Product Reviewed", {"rating": 3.0}), {"type": "review_posted", "rating": 3}),
        (track("Order Cancelled", {"total": 2}), {"type": "order_refunded", "amount": 2}),
        (track("Unsubscribed", {}), {"type": "unsubscribed"}),
        (track("Application Opened", {}), {"type": "session"}),
        (track("Live Chat Conversation Ended", {"conversation_id": "t"}), _ENDED),
        (CALL | {"type": "page", "originalTimestamp": TIME, "name": "Home"}, {"type": "content_viewed"}),
    ],
)  # fmt: skip
def test_segment_and_rudderstack_calls(content: Any, same: dict[str, Any]) -> None:
    assert read(content) == (plain(**same), None)


@pytest.mark.parametrize("kind", ["order_completed", "com.example.order_completed", "shop.order.completed.v1"])
def test_cloud_events_structured(kind: str) -> None:
    attributes = {"specversion": "1.0", "id": "1", "source": "shop", "type": kind, "time": TIME}
    same = plain(type="order_completed", amount=5, source="shop")
    assert read(attributes | {"subject": "c", "data": {"amount": 5}}) == (same, None)
    assert read(attributes | {"subject": "x", "data": {"amount": 5, "customer_id": "c"}}) == (same, None)


def test_a_cloud_events_data_in_base64_and_its_key() -> None:
    event = {"specversion": "1.0", "id": "1", "source": "shop", "type": "order_completed", "time": TIME}
    packed = {"partitionkey": "c", "data_base64": base64.b64encode(b'{"amount": 5}').decode()}
    assert read(event | packed) == (plain(type="order_completed", amount=5, source="shop"), None)
    _, dead = read(event | packed | {"data_base64": "no!"})
    assert dead is not None
    assert dead.reason == Reason.missing_field


def test_every_standard_name_is_read_as_documented() -> None:
    table = dict(re.findall(r"^\| (.+?) \| `(\w+)` \|", FORMS.read_text(), re.MULTILINE))
    assert {kind_name(theirs): ours for theirs, ours in table.items()} == {ours: ours for ours in table.values()}
    documented = {theirs.lower().replace(" ", "_") for theirs in table}
    assert set(STANDARD) - {"email_sent", "email_unsubscribed"} <= documented


def test_cloud_events_binary() -> None:
    names = {"specversion": "1.0", "id": "1", "source": "shop", "type": "order_completed", "time": TIME, "subject": "c"}
    headers = [(f"ce_{name}", text.encode()) for name, text in names.items()]
    assert read({"amount": 5, "type": "gift"}, [*headers, ("trace", b"\xff")]) == (
        plain(type="order_completed", amount=5, source="shop"),
        None,
    )
    erased = [(name, b"customer_erased" if name == "ce_type" else text) for name, text in headers]
    assert read(None, erased) == (plain(type="customer_erased", source="shop"), None)


@pytest.mark.parametrize(
    ("content", "reason", "detail"),
    [
        (track("Lunch", {}), Reason.unknown_type, 'no such event as "Lunch"'),
        (track("Order Completed", {}), Reason.missing_field, "amount: missing"),
        (track("Order Completed", {"total": "5"}), Reason.bad_field, 'amount: expected a number, found "5"'),
        (track("Order Completed", {"total": -5}), Reason.amount_out_of_range, "found -5"),
        ({**track("Feature Used", {}), "userId": None}, Reason.missing_field, "customer_id: missing"),
        ({"type": "track", "event": 5}, Reason.unknown_type, '"track"'),
        ({"specversion": "1.0", "type": "order_completed"}, Reason.missing_field, ""),
        ({"specversion": "1.0", "type": [], "id": "1", "time": TIME, "subject": "c"}, Reason.unknown_type, ""),
    ],
)
def test_what_is_wrong_with_a_foreign_form(content: Any, reason: Reason, detail: str) -> None:
    _, dead = read(content)
    assert dead is not None
    assert dead.reason == reason
    assert detail in dead.detail


def test_the_examples_are_the_same_order() -> None:
    forms = examples.foreign()
    for name in ("cloudevents", "segment"):
        columns, dead = read(forms[name])
        assert dead is None
        assert columns is not None
        assert columns[1] == Kind.order_completed
        assert 4217 in columns
