"""The API's description, OpenAPI 3.1, written from the paths and the types that answer.

Owns: which paths there are and what each takes and gives. `schemas/openapi.json` is this document; `make check` holds
it against the types.
"""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from stream.desk import answers, listing
from stream.desk.aggregates import SHOWN_PERIODS
from stream.desk.words import SEVERITIES

VERSION: Final = "1"


@dataclass(frozen=True, slots=True)
class Path:
    """One path: its handler's name, what it gives, and what it takes; `secret`: only with the token."""

    name: str
    method: str
    path: str
    says: str
    gives: Any
    takes: Any = None
    secret: bool = False
    query: tuple[str, ...] = ()


PATHS: Final = (
    Path("now", "GET", "/api/now", "Open alerts by severity, sign and segment, and whether to trust it.", answers.Now),
    Path("period", "GET", "/api/period", "A segment's open period and those before it.", answers.Period,
         query=("kind", "segment")),
    Path("segments", "GET", "/api/segments", "Every segment this month, with its history.", answers.Segments),
    Path("policy", "GET", "/api/policy", "Every threshold, and what it means.", answers.PolicyView),
    Path("stream", "GET", "/api/stream", "Server-sent events: `now` for everybody, `alert` with the token.", None),
    Path("alerts", "GET", "/api/alerts", "Open alerts, page by page.", answers.Alerts, secret=True,
         query=("severity", "sign", "segment", "order", "after", "limit")),
    Path("recent", "GET", "/api/recent", "What happened last, newest first.", list[answers.AlertLine], secret=True),
    Path("alert", "GET", "/api/alerts/{alert_id}", "Why an alert opened, and its life.", answers.AlertStory,
         secret=True),
    Path("ack", "POST", "/api/alerts/{alert_id}/ack", "Say that somebody took it on.", answers.Taken, answers.Ack,
         secret=True),
    Path("mute", "POST", "/api/alerts/{alert_id}/mute", "End it, and hear no more of its sign until a day.",
         answers.Taken, answers.Mute, secret=True),
    # an id may hold slashes
    Path("customer", "GET", "/api/customers/{customer_id:.+}", "One customer's story.", answers.Customer, secret=True),
    Path("openapi", "GET", "/api/openapi.json", "This document.", None),
)  # fmt: skip

_QUERY: Final[dict[str, dict[str, Any]]] = {
    "kind": {"type": "string", "enum": list(SHOWN_PERIODS), "default": "month"},
    "segment": {"type": "string", "description": "one of the policy's, `other` or `all`; of alerts several by comma"},
    "severity": {"type": "string", "description": f"of {', '.join(SEVERITIES)}, several by comma"},
    "sign": {"type": "string", "description": "such as silent, several by comma"},
    "order": {"type": "string", "enum": list(listing.ORDERS), "default": "severity"},
    "after": {"type": "string", "description": "the `next` of the page before"},
    "limit": {"type": "integer", "minimum": 1, "maximum": listing.MOST_SHOWN, "default": 50},
}


def document() -> dict[str, Any]:
    """The whole document."""
    types = [answers.Wrong, *dict.fromkeys(t for path in PATHS for t in (path.gives, path.takes) if t)]
    refs, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    for component in components.values():
        if "description" in component:
            component["description"] = inspect.cleandoc(component["description"])
    ref = dict(zip(types, refs, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for path in PATHS:
        paths.setdefault(re.sub(r":[^}]+}", "}", path.path), {})[path.method.lower()] = _operation(path, ref)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "lapse desk",
            "version": VERSION,
            "description": "What the live page and `lapse` read. Aggregates are open to whoever reaches the port; what "
            "is about one customer wants the token that the desk was started with (LAPSE_TOKEN).",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def text() -> str:
    """The document as it is committed."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _operation(path: Path, ref: dict[type, Any]) -> dict[str, Any]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)", path.path)
    ]
    in_query = [{"name": name, "in": "query", "schema": _QUERY[name]} for name in path.query]
    good = "202" if path.takes else "200"
    kind = "text/event-stream" if path.name == "stream" else "application/json"
    content = {kind: {"schema": ref[path.gives] if path.gives else {}}}
    wrong = {"description": "Why not, in a sentence.", "content": {"application/json": {"schema": ref[answers.Wrong]}}}
    operation: dict[str, Any] = {"operationId": path.name, "summary": path.says, "parameters": [*in_path, *in_query]}
    if path.takes:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": ref[path.takes]}}}
    operation["responses"] = {good: {"description": path.says, "content": content}, "default": wrong}
    if path.secret:
        operation["security"] = [{"token": []}]
    return operation
