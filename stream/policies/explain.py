"""What every setting of a policy means: read from the comments of `default.toml`, where each stands once.

Owns: that reading. So the file that people copy and the page that they look at can't say different things.
"""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from importlib import resources
from typing import Any, NamedTuple

_TABLE = re.compile(r"\[([\w.\-\"]+)\]\s*(?:#\s*(.*))?")
_SETTING = re.compile(r"(#\s*)?([\w\-]+)\s*=\s*([^#]*?)\s*(?:#\s*(.*))?")


class Setting(NamedTuple):
    """One threshold: its full name, the value in force, the default, and what it means."""

    name: str
    value: Any
    default: Any
    means: str


def settings(text: str) -> list[Setting]:
    """Every setting there is, in the order of `default.toml`, with its value in the policy whose TOML `text` is.

    What the policy names itself, such as a segment's own `active_days` or a rate, follows its table.
    """
    default_text = resources.files("stream.policies").joinpath("default.toml").read_text("utf-8")
    given = _flat(tomllib.loads(text, parse_float=Decimal))
    default = _flat(tomllib.loads(default_text, parse_float=Decimal))
    means, headings = _comments(default_text)
    names = [*means, *(name for name in (*default, *given) if name not in means)]
    order = {name: place for place, name in enumerate(means)}
    tables = {_table(name): place for name, place in order.items()}

    def place(name: str) -> float:
        return order.get(name, order.get(_table(name), tables.get(_table(name), len(order))) + 0.5)

    return [
        Setting(
            name, _plain(given.get(name, default.get(name))), _plain(default.get(name)), _meaning(name, means, headings)
        )
        for name in sorted(dict.fromkeys(names), key=place)
        if name in given or name in default or not any(one.startswith(f"{name}.") for one in default)
    ]


def _table(name: str) -> str:
    return name.rpartition(".")[0]


def _meaning(name: str, means: dict[str, str], headings: dict[str, str]) -> str:
    """Its own comment, else that of its table: one written on a line (`target_hours = {…}`), or with a heading."""
    return means.get(name) or means.get(_table(name)) or headings.get(_table(name), "")


def _comments(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """The comment of every setting by its full name, and of every table.

    One without takes that of its name under an earlier sign (`cooldown_days` means the same for all), else its table's.
    """
    found: dict[str, str] = {}
    headings: dict[str, str] = {}
    of_signs: dict[str, str] = {}
    table = said = ""
    for line in text.splitlines():
        if match := _TABLE.fullmatch(line.strip()):
            table, said = f"{match[1]}.", match[2] or ""
            headings[match[1]] = said
        elif (match := _SETTING.fullmatch(line.strip())) and match[3]:
            own = match[4] or (of_signs.get(match[2]) if table.startswith("signs.") else "")
            found[f"{table}{match[2]}"] = own or said
            if match[4] and table.startswith("signs."):
                of_signs[match[2]] = match[4]
    return found, headings


def _flat(table: dict[str, Any], path: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{path}{name}.")
        else:
            flat[f"{path}{name}"] = value
    return flat


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value if isinstance(value, bool | int | str) or value is None else str(value)
