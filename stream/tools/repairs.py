"""A file of repaired dead letters: lines of `lapse dead list --json`, with key and value put right.

Owns: reading it, all mistakes at once. Whether a repair is an event now is the decoder's to say.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any, Final

import msgspec

from stream.tools.redrive import Repair

SHOWN_ERRORS: Final = 20


class RepairsError(ValueError):
    """The file can't be used; `errors` says what is wrong with which line."""

    def __init__(self, errors: list[str]) -> None:
        """`errors` in the order of the lines."""
        self.errors = errors
        super().__init__("\n".join(errors))


def read(path: Path) -> dict[str, Repair]:
    """The repairs by the origin of their letters. Raises RepairsError with every mistake."""
    found: dict[str, Repair] = {}
    errors: list[str] = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
            origin, repair = _origin(row), Repair(_data(row, "key"), _data(row, "value") or b"")
        except (msgspec.DecodeError, ValueError) as error:
            errors.append(f"{path}, line {number}: {error}")
            continue
        if origin in found:
            errors.append(f"{path}, line {number}: {origin} is there twice")
        found[origin] = repair
    if not found and not errors:
        errors.append(f"{path} has no line in it")
    if errors:
        more = len(errors) - SHOWN_ERRORS
        raise RepairsError(errors[:SHOWN_ERRORS] + ([f"… and {more} more"] if more > 0 else []))
    return found


def _origin(row: Any) -> str:
    if not isinstance(row, dict) or not isinstance(row.get("origin"), str):
        raise RepairsError(["no line of `lapse dead list --json`: it has no origin"])
    return str(row["origin"])


def _data(row: dict[str, Any], name: str) -> bytes | None:
    """A text, JSON written as JSON, or base64."""
    encoded, plain = row.get(f"{name}_base64"), row.get(name)
    if isinstance(encoded, str) and plain is None:
        try:
            return base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise ValueError(f"{name}_base64 is no base64") from None
    if plain is None or isinstance(plain, str):
        return None if plain is None else plain.encode()
    return msgspec.json.encode(plain)
