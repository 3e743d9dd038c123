"""The events of a cluster's topic as a file of lines, for what reads a history more than once.

Owns: the order of the lines. Partitions are read side by side, each in its own order; a file has them merged by the
records' timestamps, as one source would have sent them. Reading is `stream.tools.reading`'s.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, cast

import msgspec
from confluent_kafka import Message

from stream.names import EVENTS
from stream.tools.reading import messages
from stream.wire import forms
from stream.wire.dead import Headers
from stream.worker.settings import Settings


def spool(cluster: Settings, scratch: Path, say: Callable[[int], None]) -> Path:
    """Write all events that the topic holds by now to a file in the directory `scratch`; its path.

    `say` is told how many there are, now and then. What is no JSON is left out: it is no event in a file either.
    Raises KafkaException.
    """
    with ExitStack() as stack:
        parts: dict[int, IO[bytes]] = {}
        for n, message in enumerate(messages(cluster, EVENTS)):
            line = _line(message)
            number = message.partition() or 0
            if number not in parts:
                parts[number] = stack.enter_context((scratch / f"part-{number}").open("w+b"))
            if line is not None:
                parts[number].write(b"%d %s\n" % (message.timestamp()[1], line))
            if n % 1000 == 0:
                say(n)
        for part in parts.values():
            part.seek(0)
        whole = scratch / "events.jsonl"
        with whole.open("wb") as out:
            out.writelines(line for _, line in heapq.merge(*map(_stamped, parts.values()), key=lambda one: one[0]))
    return whole


def _stamped(part: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    for text in part:
        stamp, _, line = text.partition(b" ")
        yield int(stamp), line


def _line(message: Message) -> bytes | None:
    """A record as one line; what a CloudEvent in binary mode says in headers is in it."""
    value = message.value() or b""
    headers = cast("Headers", message.headers() or [])  # a list of pairs, whatever its types say
    named = {name: (text or b"").decode(errors="replace") for name, text in headers if name.startswith("ce_")}
    if named:
        try:
            plain = forms.plain(msgspec.json.decode(value) if value else None, named)
        except msgspec.DecodeError:
            return None
        return None if plain is None else msgspec.json.encode(plain)
    if b"\n" not in value:
        return value or None
    try:
        return msgspec.json.format(value, indent=-1)
    except msgspec.DecodeError:
        return None
