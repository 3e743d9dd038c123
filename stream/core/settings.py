"""Reads settings out of nested tables and collects every problem in words.

Owns: what is said about a wrong setting. Knows nothing of what the settings mean, nor where the tables come from.
A wrong setting is noted and its default stands in, so that one reading finds all the problems there are.
"""

from __future__ import annotations

import difflib
import math
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

LONGEST_TEXT = 64
LONGEST_LIST = 64


def suggestion(name: str, known: Collection[str]) -> str:
    """Give a did-you-mean for a name that isn't known, or else the names there are.

    >>> suggestion("tehta", ["theta", "overdue"])
    '; did you mean theta?'
    >>> suggestion("colour", ["theta", "overdue"])
    '; known: overdue, theta'
    """
    near = difflib.get_close_matches(name, sorted(known), n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; known: {', '.join(sorted(known))}" if known else ""


class Settings:
    """One table of settings; `errors` is shared with the tables in it and grows as they are read."""

    def __init__(self, table: Mapping[str, object], path: str, errors: list[str]) -> None:
        """`path` is what the table is called in messages, empty for the outermost."""
        self._table = table
        self._path = path
        self._asked: set[str] = set()
        self.errors = errors

    def name(self, key: str) -> str:
        """Give the full name of a setting, as it is written in a message."""
        return f"{self._path}.{key}" if self._path else key

    def wrong(self, key: str, says: str) -> None:
        """Note a problem of a setting."""
        self.errors.append(f"{self.name(key)}: {says}")

    def keys(self) -> list[str]:
        """List the settings present, in the order of the file."""
        return list(self._table)

    def has(self, key: str) -> bool:
        """Say whether the setting was given."""
        return key in self._table

    def table(self, key: str) -> Settings:
        """Open the table under `key`; a missing one is empty."""
        found = self._take(key)
        if found is not None and not isinstance(found, dict):
            self.wrong(key, f"must be a table, not {_shown(found)}")
        return Settings(found if isinstance(found, dict) else {}, self.name(key), self.errors)

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """Read a whole number in low..high."""
        found = self._take(key)
        if found is None:
            return default
        if not isinstance(found, int) or isinstance(found, bool):
            self.wrong(key, f"must be a whole number, not {_shown(found)}")
            return default
        if not low <= found <= high:
            self.wrong(key, f"must be {low}..{high}, not {found}")
            return default
        return found

    def number(self, key: str, default: float, low: float, high: float, *, open_ends: bool = False) -> float:
        """Read a number in low..high, without the ends themselves when `open_ends`."""
        found = self._take(key)
        if found is None:
            return default
        if not isinstance(found, (int, float, Decimal)) or isinstance(found, bool):
            self.wrong(key, f"must be a number, not {_shown(found)}")
            return default
        value = _float(found)
        fits = low < value < high if open_ends else low <= value <= high
        if not fits:  # a NaN compares false and ends here too
            words = f"between {low:g} and {high:g}, without the ends" if open_ends else f"{low:g}..{high:g}"
            self.wrong(key, f"must be {words}, not {value:g}")
            return default
        return value

    def exact(self, key: str, default: Decimal, high: Decimal) -> Decimal:
        """Read a decimal number in 1/high..high, as it is written."""
        found = self._take(key)
        if found is None:
            return default
        if not isinstance(found, (int, Decimal)) or isinstance(found, bool):
            self.wrong(key, f"must be a number, not {_shown(found)}")
            return default
        value = Decimal(found)
        if not value.is_finite() or not 1 / high <= value <= high:
            self.wrong(key, f"must be {1 / high:g}..{high:g}, not {value:g}")
            return default
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Read true or false."""
        found = self._take(key)
        if found is None:
            return default
        if not isinstance(found, bool):
            self.wrong(key, f"must be true or false, not {_shown(found)}")
            return default
        return found

    def text(self, key: str, default: str) -> str:
        """Read a short text on one line."""
        found = self._take(key)
        if found is None:
            return default
        problem = text_problem(found)
        if problem or not isinstance(found, str):
            self.wrong(key, problem)
            return default
        return found

    def day(self, key: str) -> date | None:
        """Read a date without a time."""
        found = self._take(key)
        if found is None:
            return None
        if not isinstance(found, date) or isinstance(found, datetime):
            self.wrong(key, f"must be a date such as 2017-01-01 (without quotes or a time), not {_shown(found)}")
            return None
        return found

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Read a list of different short texts, in their order."""
        found = self._take(key)
        if found is None:
            return default
        if not isinstance(found, list):
            self.wrong(key, f"must be a list of texts, not {_shown(found)}")
            return default
        if len(found) > LONGEST_LIST:
            self.wrong(key, f"has {len(found)} entries, at most {LONGEST_LIST} are read")
            return default
        good: list[str] = []
        for position, one in enumerate(found, 1):
            problem = text_problem(one) or (f"is there twice: {one!r}" if one in good else "")
            if problem:
                self.wrong(key, f"entry {position} {problem}")
            else:
                good.append(str(one))
        return tuple(good)

    def refuse_unknown(self) -> None:
        """Note every setting that nobody asked for; call it when all the known ones were read."""
        for key in self._table:
            if key not in self._asked:
                self.wrong(key, f"no such setting{suggestion(key, self._asked)}")

    def refuse_others(self, known: Collection[str], what: str) -> None:
        """Note every setting that is not named after one of `known`, which are called `what`."""
        for key in self._table:
            if key not in known:
                self.wrong(key, f"no such {what}{suggestion(key, known)}")

    def _take(self, key: str) -> object:
        self._asked.add(key)
        return self._table.get(key)


def _float(found: float | Decimal) -> float:
    try:
        return float(found)
    except OverflowError:  # a whole number of more than 308 digits
        return math.inf


def text_problem(found: object) -> str:
    """Say what is wrong with a short text, or give an empty string."""
    if not isinstance(found, str):
        return f"must be a text, not {_shown(found)}"
    if not found or found != found.strip():
        return f"must not be empty, nor begin or end with a space: {found!r}"
    if len(found) > LONGEST_TEXT:
        return f"must have at most {LONGEST_TEXT} characters, not {len(found)}"
    if not found.isprintable():
        return f"must not have control characters: {found!r}"
    return ""


def _shown(found: object) -> str:
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, dict):
        return "a table"
    if isinstance(found, list):
        return "a list"
    return repr(found) if isinstance(found, str) else str(found)
