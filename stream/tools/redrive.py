"""Sending refused input back, once: as it was where today's rules take it, or as somebody repaired it.

Owns: which letters may go back, and that none goes twice. What goes back and the receipt for it (a record on the same
topic, without a value) are written in one transaction, so a redrive that is broken off or repeated sends the rest.
Reading letters is `stream.tools.dead`'s.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from confluent_kafka import KafkaException, Producer

from stream.core.policy import Policy
from stream.names import DEAD, EVENTS
from stream.tools import dead
from stream.tools.dead import RECEIPT, Chosen, Dead
from stream.wire.dead import Reason
from stream.wire.decode import decode
from stream.worker import clients
from stream.worker.settings import Settings
from stream.worker.transaction import FENCED, cause_of

CALL_SECONDS: Final = 20.0
MOST_AT_ONCE: Final = 500  # letters in a transaction
MOST_BYTES: Final = 8 << 20
# as they are they would be refused again, or end workers again: they go only when they are asked for by name
NOT_UNASKED: Final = (Reason.too_late, Reason.internal_error)


@dataclass(frozen=True, slots=True)
class Repair:
    """What somebody made of an original: sent in its place."""

    key: bytes | None
    value: bytes


@dataclass(slots=True)
class Outcome:
    """Letters by reason: what became of them, or would; `refusals` says why those that are no events yet are none."""

    back: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    before: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    unasked: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    unknown: list[str] = field(default_factory=list)  # repairs of letters that are not there

    @property
    def reasons(self) -> list[str]:
        """Every reason that was met."""
        return sorted(set().union(self.back, self.refused, self.before, self.cut, self.unasked))


class OvertakenError(RuntimeError):
    """Another redrive began meanwhile."""


def redrive(
    cluster: Settings,
    policy: Policy,
    chosen: Chosen,
    repairs: Mapping[str, Repair] | None,
    *,
    dry: bool,
    seen: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Send back the chosen letters, with `repairs` only the repaired ones; `dry` only says what would happen.

    `seen` is told of letters as they are looked at. Raises KafkaException, and OvertakenError when another redrive
    began meanwhile: what this one had sent is sent, and known to be.
    """
    sender = None if dry else _Sender(cluster)
    receipts = dead.receipts(cluster)  # after the sender has ended what another one had open
    now_ms = time.time_ns() // 1_000_000
    # what is refused again on the way is a new letter: it waits for the next redrive
    chosen = replace(chosen, until_ms=min(now_ms, chosen.until_ms or now_ms))
    outcome = Outcome()
    if repairs:
        outcome.unknown = sorted(set(repairs) - {one.origin for one in dead.read(cluster)})
    for letters in _together(dead.read(cluster, chosen)):
        ready = [one for one in letters if _may_go(one, chosen, receipts, repairs, outcome)]
        sent = _events(ready, repairs or {}, policy, outcome)
        if sender is not None and sent:
            sender.send(sent)
        receipts |= {one.origin for one, _, _ in sent}
        seen(len(letters))
    return outcome


def _may_go(
    one: Dead, chosen: Chosen, receipts: set[str], repairs: Mapping[str, Repair] | None, outcome: Outcome
) -> bool:
    if repairs is not None and one.origin not in repairs:
        return False
    if one.origin in receipts:
        outcome.before[one.reason] += 1
    elif one.cut and repairs is None:
        outcome.cut[one.reason] += 1
    elif one.reason in NOT_UNASKED and chosen.reason != one.reason and repairs is None:
        outcome.unasked[one.reason] += 1
    else:
        return True
    return False


def _events(
    ready: list[Dead], repairs: Mapping[str, Repair], policy: Policy, outcome: Outcome
) -> list[tuple[Dead, bytes | None, bytes]]:
    """Those that are events by today's rules, with the key and value to send."""
    given = [(one, repairs.get(one.origin, Repair(one.key, one.value))) for one in ready]
    now_ms = time.time_ns() // 1_000_000
    _, letters = decode([to.value for _, to in given], [to.key for _, to in given], now_ms, None, policy)
    refused = {letter.record: letter for letter in letters}
    for at, letter in refused.items():
        outcome.refused[given[at][0].reason] += 1
        outcome.refusals[f"{letter.reason}: {letter.detail}"] += 1
    sent = [(one, to.key, to.value) for at, (one, to) in enumerate(given) if at not in refused]
    outcome.back.update(one.reason for one, _, _ in sent)
    return sent


def _together(letters: Iterator[Dead]) -> Iterator[list[Dead]]:
    """Letters as many as go into one transaction."""
    batch: list[Dead] = []
    size = 0
    for one in letters:
        batch.append(one)
        size += len(one.value)
        if len(batch) == MOST_AT_ONCE or size > MOST_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Sender:
    """The one redrive of a group at a time: whoever begins cuts off the one before."""

    def __init__(self, cluster: Settings) -> None:
        self._producer: Producer = clients.producer(cluster, f"{cluster.group}.redrive")
        self._producer.init_transactions(CALL_SECONDS)
        self._partitions = self._producer.list_topics(EVENTS, timeout=CALL_SECONDS).topics[EVENTS].partitions.keys()

    def send(self, sent: Iterable[tuple[Dead, bytes | None, bytes]]) -> None:
        try:
            self._producer.begin_transaction()
            for one, key, value in sent:
                self._producer.produce(EVENTS, value, key, self._place(one, key))
                self._producer.produce(DEAD, b"", one.key, headers=_receipt(one))
            self._producer.commit_transaction(CALL_SECONDS)
        except KafkaException as error:
            if cause_of(self._producer, error).args[0].code() in FENCED:
                raise OvertakenError(
                    "another `lapse dead redrive` of this group began meanwhile and took over; nothing went twice"
                ) from None
            raise

    def _place(self, one: Dead, key: bytes | None) -> int:
        """Where it was, if that can be: its customer's row is there, however the source places customers.

        −1: where Java's producers would put its key.
        """
        number = one.place["partition"]
        same = key == one.key and one.place["topic"] == EVENTS and number.isdecimal()
        return int(number) if same and int(number) in self._partitions else -1


def _receipt(one: Dead) -> list[tuple[str, str | bytes | None]]:
    names = ("topic", "partition", "offset")
    return [("reason", RECEIPT), *((name, one.place[name]) for name in names)]
