"""JSON Schemas of what goes in and out, with an example of each, written from the types that decode and encode.

Owns: which files there are under `schemas/`. They are committed; CI holds them against the types, and against what
released versions promised: their schemas lie under `schemas/released/VERSION` and are never written again.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from stream.core.events import STRUCTS
from stream.wire import encode, examples, policies
from stream.wire.compatible import breaks

DRAFT = "https://json-schema.org/draft/2020-12/schema"

RELEASED = "released"
SENT = {
    "customer.events": False,
    "churn.alerts": True,
    "retention.daily": True,
    "lapse.policy": False,
}  # the others are read

Files: TypeAlias = dict[Path, str]


def files() -> Files:
    """Every file and its text, by its path below the schemas' directory."""
    topics: dict[str, tuple[str, list[Any]]] = {
        "customer.events": ("An event of a customer; the record's key is `customer_id`.", list(STRUCTS.values())),
        "churn.alerts": ("An alert; the record's key is `customer_id`.", [encode.AlertEvent]),
        "retention.daily": ("The counts and rates of a period of a segment.", [encode.DayRecord]),
        "lapse.policy": ("A version of the policy; the record's key is its day.", [policies.PolicyVersion]),
    }
    made = {Path(f"{topic}.json"): _text(_schema(title, types)) for topic, (title, types) in topics.items()}
    shown: dict[str, Any] = {
        **examples.events(),
        **examples.foreign(),
        "alert": msgspec.json.decode(encode.alert(examples.alert())[1]),
        "policy": msgspec.json.decode(policies.encode(*examples.policy())[1]),
        "record": msgspec.json.decode(encode.record(examples.record(), examples.beside())[1]),
    }
    return made | {Path("examples", f"{name}.json"): _text(example) for name, example in shown.items()}


def _schema(title: str, types: list[Any]) -> dict[str, Any]:
    refs, definitions = msgspec.json.schema_components(types)
    for definition in definitions.values():
        definition["description"] = inspect.cleandoc(definition["description"])
    content = refs[0] if len(refs) == 1 else {"oneOf": list(refs), "discriminator": {"propertyName": "type"}}
    return {"$schema": DRAFT, "title": title, **content, "$defs": definitions}


def _text(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def stale(directory: Path, more: Files | None = None) -> list[Path]:
    """The files that are missing or differ from what the types say; `more` are others' that lie beside them."""
    made = {directory / path: text for path, text in (files() | (more or {})).items()}
    return sorted(path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text)


def write(directory: Path, more: Files | None = None) -> list[Path]:
    """Write what is stale; gives the files that were written."""
    made = files() | (more or {})
    written = stale(directory, more)
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made[path.relative_to(directory)], encoding="utf-8")
    return written


def release(directory: Path, version: str) -> list[Path]:
    """Keep today's schemas as what `version` promises; gives the files, none if that version was released before."""
    folder = directory / RELEASED / version
    if folder.exists():
        return []
    folder.mkdir(parents=True)
    kept = {folder / path: text for path, text in files().items() if path.stem in SENT}
    for path, text in kept.items():
        path.write_text(text, encoding="utf-8")
    return list(kept)


def broken(directory: Path, version: str) -> list[str]:
    """What today's types break of the released versions that bind `version`: those with its major number (0: minor)."""
    found: list[str] = []
    made = {path.stem: json.loads(text) for path, text in files().items() if path.stem in SENT}
    for folder in sorted((directory / RELEASED).glob("*/")):
        if _binding(folder.name) != _binding(version):
            continue
        for path in sorted(folder.glob("*.json")):
            says = breaks(json.loads(path.read_text(encoding="utf-8")), made[path.stem], sent=SENT[path.stem])
            found += [f"{path.stem} of {folder.name}: {one}" for one in says]
    return found


def _binding(version: str) -> tuple[str, ...]:
    """The part of a version within which nothing may break.

    >>> _binding("0.1.3"), _binding("2.1.3")
    (('0', '1'), ('2',))
    """
    parts = version.split(".")
    return tuple(parts[:2] if parts[0] == "0" else parts[:1])
