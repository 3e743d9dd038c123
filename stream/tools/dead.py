"""Reading the dead letters: what was refused, with the reason and the original.

Owns: reading `customer.events.dead` from its beginning to its present end. Changes nothing. How a dead letter is
written is `stream.wire.dead`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from confluent_kafka import Message

from stream.tools.reading import messages
from stream.worker import topics
from stream.worker.settings import Settings


@dataclass(frozen=True, slots=True)
class Dead:
    """One refused input."""

    reason: str
    detail: str
    origin: str  # topic/partition@offset of the original
    stored_at: datetime
    key: bytes | None
    value: bytes

    def as_json(self) -> str:
        """Return it as one line of JSON; an original that is no UTF-8 is given in base64."""
        row = {"stored_at": self.stored_at, "origin": self.origin, "reason": self.reason, "detail": self.detail}
        for name, data in (("key", self.key), ("value", self.value)):
            try:
                row[name] = None if data is None else data.decode()
            except UnicodeDecodeError:
                row[f"{name}_base64"] = base64.b64encode(data or b"").decode()
        return msgspec.json.encode(row).decode()


def read(cluster: Settings, reason: str | None, limit: int) -> Iterator[Dead]:
    """Yield the refused inputs in the order in which they were refused, at most `limit`, only of `reason` if given."""
    found = 0
    for message in messages(cluster, topics.DEAD):
        one = _dead(message)
        if reason in {None, one.reason}:
            yield one
            found += 1
            if found == limit:
                return


def _dead(message: Message) -> Dead:
    headers = {str(name): _text(value) for name, value in list(message.headers() or [])}
    return Dead(
        reason=headers.get("reason", ""),
        detail=headers.get("detail", ""),
        origin=f"{headers.get('topic', '?')}/{headers.get('partition', '?')}@{headers.get('offset', '?')}",
        stored_at=datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC),
        key=message.key(),
        value=message.value() or b"",
    )


def _text(value: str | bytes | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
