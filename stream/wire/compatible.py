"""Whether a schema still keeps what a released one promised.

Owns: the rule, and how the difference is told. Of what is *read* (events) every value that a released schema allows
must still be allowed: no new required field, no narrower type, no field that is no longer read. Of what is *sent*
(alerts, records) every value must still fit the released schema: no field gone, none that may now be absent, no wider
type. Anything may be added otherwise. Only what the types write is understood (`schemas`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

Schema: TypeAlias = dict[str, Any]

_LOWEST, _HIGHEST = ("minimum", "minLength", "minItems"), ("maximum", "maxLength", "maxItems")
_SAME = ("pattern", "format")


class _In(NamedTuple):
    """A part of a schema, and the definitions that it may refer to."""

    schema: Schema
    definitions: Schema


def breaks(released: Schema, now: Schema, *, sent: bool) -> list[str]:
    """Say in words what the schema `now` breaks of a released one; empty when nothing is."""
    old = _In(released, released.get("$defs", {}))
    new = _In(now, now.get("$defs", {}))
    return list(dict.fromkeys(_breaks(old, new, "", sent=sent)))


def _breaks(old: _In, new: _In, path: str, *, sent: bool) -> Iterator[str]:
    """What may come (the released when read, today's when sent) must fit what is allowed (the other)."""
    comes, allowed = (new, old) if sent else (old, new)
    for one in _alternatives(comes):
        known = [other for other in _alternatives(allowed) if _key(other) == _key(one)]
        name = f"{path}{_shown(one)}"
        if not known:
            yield f"{name}: {'was never announced' if sent else 'is no longer read'}"
            continue
        was, now = (known[0], one) if sent else (one, known[0])
        yield from _object(was, now, path or _shown(one).strip(), sent=sent)
        yield from _limits(one.schema, known[0].schema, path or _shown(one).strip())
        if "items" in one.schema and "items" in known[0].schema:
            each = [_In(at.schema["items"], at.definitions) for at in (was, now)]
            yield from _breaks(each[0], each[1], f"{path}[]", sent=sent)


def _object(old: _In, new: _In, path: str, *, sent: bool) -> Iterator[str]:
    before, after = old.schema.get("properties", {}), new.schema.get("properties", {})
    must_before, must_after = set(old.schema.get("required", ())), set(new.schema.get("required", ()))
    for name in before:
        where = f"{path}.{name}"
        if name not in after:
            yield f"{where}: {'is no longer sent' if sent else 'is no longer read'}"
        else:
            yield from _breaks(_In(before[name], old.definitions), _In(after[name], new.definitions), where, sent=sent)
    if sent:
        yield from (f"{path}.{name}: may now be absent" for name in sorted((must_before - must_after) & set(after)))
    else:
        yield from (f"{path}.{name}: is now required" for name in sorted(must_after - must_before))


def _limits(comes: Schema, allowed: Schema, path: str) -> Iterator[str]:
    """A limit of what is allowed must hold of all that comes."""
    for name in _LOWEST:
        if name in allowed and comes.get(name, float("-inf")) < allowed[name]:
            yield f"{path}: {name} {allowed[name]} against {comes.get(name, 'none')}"
    for name in _HIGHEST:
        if name in allowed and comes.get(name, float("inf")) > allowed[name]:
            yield f"{path}: {name} {allowed[name]} against {comes.get(name, 'none')}"
    for name in _SAME:
        if name in allowed and comes.get(name) != allowed[name]:
            yield f"{path}: {name} {allowed[name]} against {comes.get(name, 'none')}"


def _alternatives(at: _In) -> list[_In]:
    """What a schema allows, one by one: references followed, anyOf, oneOf and enum spread out."""
    schema = at.schema
    if "$ref" in schema:
        return _alternatives(_In(at.definitions[schema["$ref"].rpartition("/")[2]], at.definitions))
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return [found for one in schema[several] for found in _alternatives(_In(one, at.definitions))]
    if "enum" in schema:
        return [_In({"const": value}, at.definitions) for value in schema["enum"]]
    return [at]


def _key(at: _In) -> tuple[object, ...]:
    """What makes two alternatives the same one: a value, or a type, of objects with the value of their `type`."""
    schema = at.schema
    if "const" in schema:
        return "value", schema["const"]
    tag = schema.get("properties", {}).get("type", {})
    return "type", schema.get("type"), tuple(tag.get("enum", ())) if len(tag.get("enum", ())) == 1 else ()


def _shown(at: _In) -> str:
    """A name for an alternative: its value, the kind of event, or its type."""
    kind, *rest = _key(at)
    if kind == "value":
        return f" {rest[0]!r}"
    name, tag = rest
    return str(tag[0]) if isinstance(tag, tuple) and tag else f" ({name})" if name != "object" else ""
