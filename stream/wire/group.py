"""The events of one kind in a batch, field by field: what `wire.columns` makes its columns of.

Owns: how a field of many events becomes numbers, hashes or instants, and which events turn out to be bad there. Knows
nothing of which kind has which field, nor of bytes and keys.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stream.core.hashing import spans
from stream.core.money import Converter, Fault, minor_digits
from stream.wire import times
from stream.wire.dead import Reason
from stream.wire.explain import found

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Ints: TypeAlias = NDArray[np.int64]


@dataclass(slots=True)
class Refused:
    """The events of a batch that turned out to be bad: position → reason and detail, the first that was found."""

    by_position: dict[int, tuple[Reason, str]] = field(default_factory=dict)

    def add(self, position: int, reason: Reason, detail: str) -> None:
        """Refuse one event."""
        self.by_position.setdefault(position, (reason, detail))


@dataclass
class Group(ABC):
    """The events of one kind in a batch, and their positions in it: what each field holds, as columns."""

    positions: NDArray[np.int64]
    money: Converter
    refused: Refused

    def __len__(self) -> int:
        return self.positions.size

    @abstractmethod
    def numbers(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """A field as numbers, 0 where it is absent, and where that is. A list is its length, true is 1."""

    @abstractmethod
    def texts(self, name: str) -> list[str | None]:
        """A field as text."""

    @abstractmethod
    def hashes(self, name: str) -> NDArray[np.uint64]:
        """The hashes of an id, 0 where it is absent."""

    @abstractmethod
    def instants(self, name: str) -> tuple[Ints, NDArray[np.bool_]]:
        """A field as epoch milliseconds, 0 where it is absent, and where that is. What can't be read is refused."""

    def codes(self, name: str, codes: dict[str, int], default: int) -> Ints:
        """The code of a field's text, `default` where it is absent or not listed."""
        return np.array([default if text is None else codes.get(text, default) for text in self.texts(name)], np.int64)

    def refuse(self, mask: NDArray[np.bool_], reason: Reason, say: Callable[[int], str]) -> None:
        """Refuse the events where `mask` holds; `say` gives the detail of the event of that index in the group."""
        for i in np.flatnonzero(mask).tolist():
            self.refused.add(int(self.positions[i]), reason, say(i))

    @cached_property
    def currencies(self) -> tuple[list[str], set[str]]:
        """The currency of each event, and which there are. One without a rate is refused and counts as the policy's."""
        codes = [code or self.money.currency for code in self.texts("currency")]
        distinct = set(codes)
        for strange in [code for code in distinct if not self.money.knows(code)]:
            rates = ", ".join(self.money.known)
            detail = f"currency: expected one that the policy has a rate for ({rates}), found {found(strange)}"
            for position, code in zip(self.positions.tolist(), codes, strict=True):
                if code == strange:
                    self.refused.add(position, Reason.bad_field, detail)
            codes = [self.money.currency if code == strange else code for code in codes]
        return codes, set(codes)

    def minor(self, name: str, amounts: NDArray[np.float64]) -> Ints:
        """Amounts of a field in minor units of the reporting currency."""
        codes, distinct = self.currencies
        if len(distinct) == 1:
            minor, faults = self.money.convert(amounts, codes[0])
        else:
            minor, faults = np.zeros(len(codes), np.int64), np.zeros(len(codes), np.uint8)
            for code in distinct:
                mine = np.array([other == code for other in codes])
                minor[mine], faults[mine] = self.money.convert(amounts[mine], code)
        if faults.any():
            self.refuse(
                faults == Fault.inexact,
                Reason.bad_field,
                lambda i: f"{name}: {codes[i]} has {minor_digits(codes[i])} decimals, found {amounts[i]}",
            )
            self.refuse(
                faults == Fault.too_large,
                Reason.amount_out_of_range,
                lambda i: f"{name}: too large in {self.money.currency}, found {amounts[i]} {codes[i]}",
            )
        return minor


@dataclass
class Structs(Group):
    """Events as msgspec read them."""

    events: Sequence[Any]

    def numbers(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """See Group. NumPy reads None as NaN, which no JSON number is."""
        given = [len(value) if isinstance(value, list) else value for value in self.texts(name)]
        numbers = np.fromiter(given, np.float64, len(given))
        missing = np.isnan(numbers)
        numbers[missing] = 0
        return numbers, missing

    def texts(self, name: str) -> list[Any]:
        """See Group."""
        return list(map(attrgetter(name), self.events))

    def hashes(self, name: str) -> NDArray[np.uint64]:
        """See Group. An id with a NUL is refused."""
        texts = [value or "" for value in self.texts(name)]
        data = joined(texts)
        if data is None:
            self.refuse(
                np.array(["\x00" in text for text in texts]),
                Reason.bad_field,
                lambda _: f"{name}: must not contain the character NUL",
            )
            data = joined([text.replace("\x00", "") for text in texts])
            assert data is not None
        starts, hashes = spans(data, len(texts))
        hashes[np.diff(starts) == 1] = 0
        return hashes

    def instants(self, name: str) -> tuple[Ints, NDArray[np.bool_]]:
        """See Group."""
        values = self.texts(name)
        missing = np.array([value is None for value in values], bool)
        when = instants([0 if value is None else value for value in values])
        self.refuse(when == times.UNREADABLE, Reason.bad_field, lambda i: unreadable(name, values[i]))
        return when, missing


def joined(texts: list[str]) -> bytes | None:
    """The texts' UTF-8 joined by NUL; None when one of them holds a NUL itself."""
    data = "\x00".join(texts).encode()
    return data if data.count(0) == max(len(texts) - 1, 0) else None


def instants(values: Sequence[str | int]) -> Ints:
    """Epoch milliseconds, times.UNREADABLE for each that is neither an integer nor RFC 3339."""
    try:
        data = joined(values)  # type: ignore[arg-type]  # the common case: all are text
    except TypeError:
        texts = [value if isinstance(value, str) else "" for value in values]
        whole = np.array([times.UNREADABLE if isinstance(value, str) else value for value in values], np.int64)
        return np.where(whole == times.UNREADABLE, instants(texts), whole)
    if data is None:
        return instants([str(value).replace("\x00", " ") for value in values])
    return times.parse(data, len(values))


def unreadable(name: str, value: object) -> str:
    """What to say of an instant that can't be read."""
    return f"{name}: expected RFC 3339 with a zone (2017-08-25T18:42:10Z) or epoch milliseconds, found {found(value)}"
