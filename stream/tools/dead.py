"""Reading the dead letters: what was refused, with the reason and the original, and whether it went back.

Owns: reading `customer.events.dead` from its beginning to its present end. Changes nothing. How a dead letter is
written is `stream.wire.dead`; sending back is `stream.tools.redrive`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec
from confluent_kafka import Message

from stream.tools.reading import messages
from stream.worker import topics
from stream.worker.settings import Settings

RECEIPT: Final = "redriven"  # the reason of a record that says: this letter went back


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which letters: None chooses all. Times are epoch ms, of when it was refused."""

    reason: str | None = None
    partition: int | None = None  # of the original
    since_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Dead:
    """One refused input."""

    reason: str
    detail: str
    place: Mapping[str, str]  # topic, partition and offset of the original
    stored_ms: int
    key: bytes | None
    value: bytes
    cut: bool  # the original was too large to be kept whole

    @property
    def origin(self) -> str:
        """Where the original was: topic/partition@offset, which names a letter."""
        return f"{self.place['topic']}/{self.place['partition']}@{self.place['offset']}"

    @property
    def stored_at(self) -> datetime:
        """When it was refused."""
        return datetime.fromtimestamp(self.stored_ms / 1000, UTC)

    def as_json(self, *, redriven: bool = False) -> str:
        """Return it as one line of JSON; an original that is no UTF-8 is given in base64."""
        row: dict[str, object] = {
            "stored_at": self.stored_at, "origin": self.origin, "reason": self.reason, "detail": self.detail,
            "redriven": redriven,
        }  # fmt: skip
        for name, data in (("key", self.key), ("value", self.value)):
            try:
                row[name] = None if data is None else data.decode()
            except UnicodeDecodeError:
                row[f"{name}_base64"] = base64.b64encode(data or b"").decode()
        return msgspec.json.encode(row).decode()


def read(cluster: Settings, chosen: Chosen | None = None) -> Iterator[Dead]:
    """Yield the chosen refused inputs in the order in which they were refused."""
    wanted = Chosen() if chosen is None else chosen
    for message in messages(cluster, topics.DEAD, since_ms=wanted.since_ms):
        one = _dead(message)
        if (
            one.reason != RECEIPT
            and wanted.reason in {None, one.reason}
            and (wanted.partition is None or one.place["partition"] == str(wanted.partition))
            and (wanted.until_ms is None or one.stored_ms < wanted.until_ms)
        ):
            yield one


def receipts(cluster: Settings) -> set[str]:
    """The origins of the letters that went back."""
    found = map(_dead, messages(cluster, topics.DEAD))
    return {one.origin for one in found if one.reason == RECEIPT}


def _dead(message: Message) -> Dead:
    headers = {str(name): _text(value) for name, value in list(message.headers() or [])}
    return Dead(
        reason=headers.get("reason", ""),
        detail=headers.get("detail", ""),
        place={name: headers.get(name, "?") for name in ("topic", "partition", "offset")},
        stored_ms=message.timestamp()[1],
        key=message.key(),
        value=message.value() or b"",
        cut="original_size" in headers or "original_key_size" in headers,
    )


def _text(value: str | bytes | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
