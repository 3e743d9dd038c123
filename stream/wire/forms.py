"""Foreign forms of an event: CloudEvents (structured, binary) and Segment / RudderStack calls → the plain form.

Owns: their field names and the standard names of their events. Runs only for records that are not plain events.
What comes out is a plain event as a dict, which the types check like any other.
"""

from __future__ import annotations

import base64
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from stream.core.kinds import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

Plain: TypeAlias = dict[str, Any]

_CALLS = {
    "identify": "profile_updated",
    "group": "profile_updated",
    "page": "content_viewed",
    "screen": "content_viewed",
}

# standard names of the Segment and RudderStack specifications (e-commerce, email, mobile, live chat, video) that are
# not ours in other words; docs/forms.md has the table
STANDARD = {
    "order_cancelled": "order_refunded",
    "cart_viewed": "cart_updated",
    "product_added": "cart_updated",
    "product_removed": "cart_updated",
    "wishlist_product_added_to_cart": "cart_updated",
    "checkout_started": "cart_updated",
    "product_clicked": "content_viewed",
    "product_viewed": "content_viewed",
    "product_list_viewed": "content_viewed",
    "video_playback_started": "content_viewed",
    "product_shared": "content_shared",
    "cart_shared": "content_shared",
    "product_reviewed": "review_posted",
    "application_opened": "session",
    "signed_in": "session",
    "email_sent": "campaign_sent",
    "email_delivered": "campaign_sent",
    "push_notification_received": "campaign_sent",
    "email_opened": "campaign_opened",
    "email_link_clicked": "campaign_clicked",
    "push_notification_tapped": "campaign_clicked",
    "email_unsubscribed": "unsubscribed",
    "email_marked_as_spam": "unsubscribed",
    "live_chat_conversation_started": "ticket_opened",
    "live_chat_conversation_ended": "ticket_resolved",
}
# ours: theirs, the first that is there. `total` is what was paid; `revenue` leaves out shipping and tax.
_PROPERTIES = {
    "amount": ("total", "revenue", "value"),
    "items": ("products",),
    "text": ("review_body",),
    "campaign": ("campaign_name", "campaign_id"),
    "ticket_id": ("conversation_id",),
    "rating": ("rating",),
}
_BORN = re.compile(r"(?:\d{4}-)?(\d\d-\d\d)(?:T.*)?")


def plain(content: object, headers: Mapping[str, str]) -> Plain | None:
    """The plain form of a record in a form that is known, else None. `headers` are those of the record, decoded."""
    if "ce_type" in headers:
        data = {} if content is None else content
        return _cloud_event({name[3:]: text for name, text in headers.items() if name.startswith("ce_")}, data)
    if not isinstance(content, dict):
        return None
    if "specversion" in content:
        return _cloud_event(content, content.get("data") or _unpacked(content.get("data_base64")))
    call, name = content.get("type"), content.get("event")
    if call == "track" and isinstance(name, str):
        return _call(content, kind_name(name), content.get("properties"))
    if isinstance(call, str) and call in _CALLS and ("userId" in content or "messageId" in content):
        body, more = _body(content, call)
        return _call(content, _CALLS[call], body, more)
    return None


def _body(content: Plain, call: str) -> tuple[object, Plain]:
    """What a call other than `track` says, and what stands beside it."""
    if call == "identify":
        return _traits(content), {}
    if call == "group":
        return {}, {"account_id": content.get("groupId")}
    return content.get("properties"), {"name": content.get("name")}


@lru_cache(maxsize=1024)
def kind_name(name: str) -> str:
    """Our name of an event that is called so elsewhere; one that is unknown stays as it is.

    >>> kind_name("Order Completed"), kind_name("com.shop.order_completed"), kind_name("shop.order.completed.v2")
    ('order_completed', 'order_completed', 'order_completed')
    >>> kind_name("Cart Viewed"), kind_name("Lunch")
    ('cart_updated', 'Lunch')
    """
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[\s\-]+", "_", name.strip()).lower()
    parts = [part for part in re.split(r"[./:]", snake) if not re.fullmatch(r"v?\d*", part)]
    for candidate in ("_".join(parts[-1:]), "_".join(parts[-2:])):
        known = STANDARD.get(candidate, candidate)
        if known in NAMES:
            return known
    return name


def _cloud_event(attributes: Mapping[str, Any], data: object) -> Plain:
    body = data if isinstance(data, dict) else {}
    kind = attributes.get("type")
    event = {
        **body,
        "type": kind_name(kind) if isinstance(kind, str) else kind,
        "customer_id": body.get("customer_id") or attributes.get("subject") or attributes.get("partitionkey"),
        **{name: attributes.get(name, body.get(name)) for name in ("id", "time", "source")},
    }
    return _given(event)


def _unpacked(text: object) -> object:
    """The data of a structured CloudEvent that came as base64; nothing where it is no JSON."""
    try:
        return json.loads(base64.b64decode(text, validate=True)) if isinstance(text, str) else {}
    except ValueError:
        return {}


def _traits(content: Plain) -> Plain:
    """What `identify` says of the customer: Segment has it in `traits`, RudderStack in `context.traits`."""
    context = content.get("context")
    found = content.get("traits") or (context.get("traits") if isinstance(context, dict) else None)
    traits = dict(found) if isinstance(found, dict) else {}
    born = _BORN.fullmatch(traits["birthday"]) if isinstance(traits.get("birthday"), str) else None
    return traits | {"birthday": born[1] if born else None}


def _rating(value: object) -> object:
    """Stars as a whole number; the specifications show them as a text or as 3.0, too."""
    if isinstance(value, str) and value.strip().isdigit():
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _call(content: Plain, kind: str, body: object, more: Plain | None = None) -> Plain:
    properties = body if isinstance(body, dict) else {}
    renamed = {
        ours: next((properties[name] for name in (ours, *theirs) if properties.get(name) is not None), None)
        for ours, theirs in _PROPERTIES.items()
    }
    renamed["rating"] = _rating(renamed["rating"])
    event = {
        **(more or {}),
        **properties,
        **renamed,
        "type": kind,
        "id": content.get("messageId"),
        "customer_id": content.get("userId"),
        "time": next((content[name] for name in ("timestamp", "originalTimestamp", "sentAt") if name in content), None),
        "source": None,  # a property of that name is not the sender of the event
    }
    return _given(event)


def _given(event: Plain) -> Plain:
    """Without what is null: for a required field that is *missing*, not *wrong*."""
    return {name: value for name, value in event.items() if value is not None}
