"""Why a record is no event, in words a person understands.

Owns: the way from msgspec's errors to a reason and a detail. Runs for bad records only, so it may be slow.
"""

from __future__ import annotations

import difflib
import re
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

from stream.core.kinds import NAMES
from stream.wire.dead import Reason

Refusal: TypeAlias = tuple[Reason, str]

AMOUNTS = frozenset({"amount", "cost", "discount", "mrr", "acquisition_cost"})
_LONGEST_FOUND = 80  # characters of a value that are repeated in a detail
_LONGEST_DETAIL = 500

_MISSING = re.compile(r"missing required field `(\w+)`(?P<more>.*)")
_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)
_WORDS = {
    "`int`": "a whole number",
    "`float`": "a number",
    "`bool`": "true or false",
    "`str`": "text",
    "`object`": "an object",
    "`array`": "a list",
    "`null`": "null",
    "`int | str`": "an RFC 3339 time with its zone, or epoch milliseconds",
    "`int | array | null`": "a number or a list",
}
_PLAIN = {"<=": "at most", ">=": "at least", " 1000000000000.0": " 1,000,000,000,000", " 0.0": " 0"}
_EXPECTED = {"survey": "expected nps or csat", "birthday": "expected a day of the year as MM-DD"}
_UNIONS = {f"`{name} | null`": f"`{name}`" for name in ("int", "float", "bool", "str", "int | str")}


def explain(problem: Exception, content: object) -> Refusal:
    """Say what is wrong with a record that could not be made an event; `content` is its JSON, if that could be read.

    >>> explain(msgspec.ValidationError("Expected `int` <= 5 - at `$.rating`"), {"rating": 9})
    (<Reason.bad_field: 'bad_field'>, 'rating: expected a whole number at most 5, found 9')
    """
    if isinstance(problem, RecursionError):
        return Reason.not_json, "nested too deeply to be read"
    if not isinstance(problem, msgspec.ValidationError):
        return Reason.not_json, f"not JSON: {problem}"[:_LONGEST_DETAIL]
    reason, detail = _validation(str(problem), content)
    return reason, detail[:_LONGEST_DETAIL]


def _validation(message: str, content: object) -> Refusal:
    if missing := _MISSING.search(message):
        return Reason.missing_field, f"{missing[1]}: missing, and every such event needs it{missing['more']}"
    at = _AT.match(message)
    assert at is not None, "the pattern matches any text"
    what, path = at["what"], at["path"] or ""
    if not path and not isinstance(content, dict):
        return Reason.not_json, f"expected a JSON object, found {found(content)}"
    name = path.removeprefix(".")
    if name == "type":
        return unknown_type(content)
    said = f"{name}: {_EXPECTED.get(name) or _in_words(what)}" if name else _in_words(what)
    seen = None
    if isinstance(content, dict) and name in content:
        seen = content[name]
        said = f"{said}, found {found(seen)}"
    is_number = isinstance(seen, int | float) and not isinstance(seen, bool)
    out_of_range = "out of range" in what or (is_number and re.search("[<>]=", what))
    if out_of_range and name in AMOUNTS:
        return Reason.amount_out_of_range, said
    if out_of_range and name == "time":
        return Reason.time_absurd, said
    return Reason.bad_field, said


def unknown_type(content: object) -> Refusal:
    """Say that there is no such event, and which may be meant."""
    name = content.get("type") if isinstance(content, dict) else None
    hint = _hint(name) if isinstance(name, str) and len(name) < _LONGEST_FOUND else ""
    return Reason.unknown_type, f"type: no such event as {found(name)}{hint}"


@lru_cache(maxsize=1024)  # likeness costs 0.1 ms, and what is unknown comes in crowds
def _hint(name: str) -> str:
    near = difflib.get_close_matches(name, NAMES, 1)
    return f", did you mean {near[0]}?" if near else ""


def _in_words(what: str) -> str:
    """Msgspec's message without its types."""
    for union, name in _UNIONS.items():
        what = what.replace(union, name)
    for name, words in (_WORDS | _PLAIN).items():
        what = what.replace(name, words)
    return (what[:1].lower() + what[1:]).split(", got ")[0]


def found(value: Any) -> str:
    """A value as it stood in the JSON, cut when it is long."""
    try:
        text = msgspec.json.encode(value).decode()
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError):  # integers beyond 64 bits among them
        text = f"a value that is too large ({type(value).__name__})"
    return text if len(text) <= _LONGEST_FOUND else f"{text[:_LONGEST_FOUND]}…"
