"""The AsyncAPI document of the topics: who reads and writes what, written from the types.

Owns: what is said of each topic. Payloads are the JSON Schemas beside the document; names are `stream.names`.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any, Final, NamedTuple

from stream import names
from stream.wire.dead import Reason

VERSION: Final = "3.0.0"
_JSON_SCHEMA: Final = "application/schema+json;version=draft-2020-12"


class Channel(NamedTuple):
    """One topic that others may read or write."""

    name: str
    action: str  # what lapse does: send or receive
    title: str
    key: str
    schema: str | None  # the file below `schemas/`, None: any bytes
    cleanup: str = "delete"
    headers: dict[str, str] = {}  # noqa: RUF012 — a named tuple: nobody changes it


_WHY: Final = {
    "reason": f"one of {', '.join(Reason)}",
    "detail": "what was expected, and what was found",
    **dict.fromkeys(("topic", "partition", "offset"), "where it came from"),
}
CHANNELS: Final = (
    Channel(names.EVENTS, "receive", "What customers did", "customer_id", "customer.events.json"),
    Channel(names.ALERTS, "send", "Customers who show a sign of lapsing", "customer_id", "churn.alerts.json"),
    Channel(names.DAILY, "send", "Retention of each period and segment", "period:start:segment",
            "retention.daily.json", "compact"),
    Channel(names.POLICY, "receive", "Versions of the policy, each from a business day on", "from",
            "lapse.policy.json", "compact"),
    Channel(names.DEAD, "send", "Records that are no events, with the original bytes and key", "as it was", None,
            headers=_WHY),
)  # fmt: skip


def text() -> str:
    """The document as it is committed."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def document() -> dict[str, Any]:
    """The document, as JSON."""
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "lapse",
            "version": version("lapse"),
            "description": "Customer events in, alerts and retention figures out. Kafka; values are JSON in UTF-8. "
            "Read with isolation.level=read_committed: what a worker sends is one transaction.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {_id(one): _channel(one) for one in CHANNELS},
        "operations": {
            f"{one.action}{_id(one)[0].upper()}{_id(one)[1:]}": {
                "action": one.action,
                "channel": {"$ref": f"#/channels/{_id(one)}"},
                "summary": one.title,
            }
            for one in CHANNELS
        },
    }


def _id(one: Channel) -> str:
    first, *rest = one.name.split(".")
    return first + "".join(word.capitalize() for word in rest)


def _channel(one: Channel) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": one.name,
        "title": one.title,
        "bindings": {"kafka": {"key": {"type": "string", "description": one.key}, "bindingVersion": "0.5.0"}},
    }
    if one.schema is None:
        message["contentType"] = "application/octet-stream"
    else:
        message["payload"] = {"schemaFormat": _JSON_SCHEMA, "schema": {"$ref": f"./{one.schema}"}}
    if one.headers:
        known = {name: {"type": "string", "description": says} for name, says in one.headers.items()}
        message["headers"] = {"type": "object", "properties": known, "required": list(known)}
    settings = {"cleanup.policy": [one.cleanup]}
    return {
        "address": one.name,
        "title": one.title,
        "messages": {"message": message},
        "bindings": {"kafka": {"topic": one.name, "topicConfiguration": settings, "bindingVersion": "0.5.0"}},
    }
