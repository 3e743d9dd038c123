from __future__ import annotations

import json
from pathlib import Path

import msgspec

from stream.core.events import STRUCTS
from stream.core.kinds import NAMES
from stream.core.policy import Policy
from stream.wire import encode, policies, schemas
from stream.wire.decode import decode

DIRECTORY = Path(__file__).parents[2] / "schemas"


def test_what_is_committed_is_what_the_types_say() -> None:
    assert schemas.stale(DIRECTORY) == []
    beside = {Path("asyncapi.json"), Path("openapi.json")}  # written by those who know the topics and the desk
    here = {path.relative_to(DIRECTORY) for path in DIRECTORY.rglob("*.json")}
    assert {path for path in here if path.parts[0] != schemas.RELEASED} == schemas.files().keys() | beside


def test_there_is_an_example_of_every_event_and_it_decodes() -> None:
    paths = sorted((DIRECTORY / "examples").glob("*.json"))
    examples = {path.stem: path.read_bytes() for path in paths}
    msgspec.json.decode(examples.pop("alert"), type=encode.AlertEvent)
    msgspec.json.decode(examples.pop("record"), type=encode.DayRecord)
    assert policies.decode(examples.pop("policy"))[1].isoformat() == "2017-09-01"
    assert examples.keys() >= set(NAMES)
    batch, dead = decode(list(examples.values()), None, 1_750_000_000_000, None, Policy("test"))
    assert dead == []
    assert len(batch) == len(examples)


def test_an_example_shows_every_field_of_its_event() -> None:
    shared = {"id", "customer_id", "time", "source", "segment", "variant"}
    for kind, struct in STRUCTS.items():
        shown = json.loads((DIRECTORY / "examples" / f"{kind.name}.json").read_text())
        fields = set(struct.__struct_fields__) - shared
        assert set(shown) - {"type"} - shared <= fields, f"{kind.name}: an example shows no unknown field"


def test_write_makes_what_is_missing(tmp_path: Path) -> None:
    written = schemas.write(tmp_path)
    assert {path.relative_to(tmp_path) for path in written} == schemas.files().keys()
    assert schemas.stale(tmp_path) == []
    broken = tmp_path / "churn.alerts.json"
    broken.write_text("{}")
    (tmp_path / "mine.json").write_text("{}")
    assert schemas.stale(tmp_path) == [broken]
    assert schemas.write(tmp_path) == [broken]
    assert (tmp_path / "mine.json").exists()
