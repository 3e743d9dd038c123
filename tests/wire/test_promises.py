"""What released schemas promise is kept; the AsyncAPI document is one; examples fit the schemas that are published."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from stream.cli import main
from stream.tools import asyncapi
from stream.wire import schemas
from stream.wire.compatible import breaks
from stream.worker.topics import TOPICS

DIRECTORY = Path(__file__).parents[2] / "schemas"
# of npm @asyncapi/specs 6.11.1 (Apache-2.0)
META = Path(__file__).with_name("asyncapi-3.0.0.json.gz")

Schema = dict[str, Any]


def schema(name: str) -> Schema:
    found: Schema = json.loads((DIRECTORY / f"{name}.json").read_text())
    return found


def _order(s: Schema) -> Schema:
    found: Schema = s["$defs"]["OrderCompleted"]
    return found


def _data(s: Schema) -> Schema:
    found: Schema = s["$defs"]["AlertData"]
    return found


READ: list[tuple[Callable[[Schema], object], str | None]] = [
    (lambda s: _order(s)["properties"].pop("items"), "order_completed.items: is no longer read"),
    (lambda s: _order(s)["required"].append("order_id"), "order_completed.order_id: is now required"),
    (lambda s: s["oneOf"].pop(3), "session: is no longer read"),
    (lambda s: _order(s)["properties"]["amount"].update(maximum=10), "order_completed.amount: maximum 10 against"),
    (lambda s: _order(s)["properties"]["id"].update(pattern="^o"), "order_completed.id: pattern ^o against none"),
    (
        lambda s: s["$defs"]["SurveyAnswered"]["properties"]["survey"]["enum"].remove("csat"),
        "'csat': is no longer read",
    ),
    (
        lambda s: _order(s)["properties"].update(coupon={"type": "string"}),
        "order_completed.coupon (null): is no",
    ),
    (lambda s: _order(s)["properties"].update(gift={"type": "boolean"}), None),
    (lambda s: _order(s)["required"].remove("amount"), None),
    (lambda s: s["$defs"]["SurveyAnswered"]["properties"]["survey"]["enum"].append("ces"), None),
]
SENT: list[tuple[Callable[[Schema], object], str | None]] = [
    (lambda s: _data(s)["properties"].pop("stage"), ".data.stage: is no longer sent"),
    (lambda s: _data(s)["required"].remove("sign"), ".data.sign: may now be absent"),
    (lambda s: _data(s)["properties"]["p_none"].update(maximum=100), ".data.p_none: maximum 1 against 100"),
    (lambda s: _data(s)["properties"]["severity"]["enum"].append("dire"), ".data.severity 'dire': was never announced"),
    (lambda s: _data(s)["properties"].update(segment={"anyOf": [{"type": "string"}, {"type": "null"}]}),
     ".data.segment (null): was never announced"),
    (lambda s: s["$defs"]["Evidence"]["properties"].pop("unit"), ".data.signs[].unit: is no longer sent"),
    (lambda s: _data(s)["properties"].update(team={"type": "string"}), None),
    (lambda s: _data(s)["properties"]["severity"]["enum"].remove("low"), None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [("customer.events", *one) for one in READ] + [("churn.alerts", *one) for one in SENT],
    ids=lambda one: one[:40] if isinstance(one, str) else None,
)
def test_what_breaks_a_promise_and_what_does_not(
    name: str, change: Callable[[Schema], object], says: str | None
) -> None:
    released, now = schema(name), copy.deepcopy(schema(name))
    assert breaks(released, now, sent=schemas.SENT[name]) == []
    change(now)
    assert now != released
    found = breaks(released, now, sent=schemas.SENT[name])
    if says is None:
        assert found == []
    else:
        assert says in "\n".join(found)


def test_a_release_is_kept_and_binds_its_like(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = ["schemas", "--dir", str(tmp_path)]
    assert main([*here, "--release"]) == 0
    assert main([*here, "--check"]) == 0
    folder = tmp_path / "released" / version("lapse")
    assert {path.stem for path in folder.iterdir()} == set(schemas.SENT)
    old = json.loads((folder / "churn.alerts.json").read_text())
    old["$defs"]["AlertData"]["properties"]["team"] = {"type": "string"}
    (folder / "churn.alerts.json").write_text(json.dumps(old))
    capsys.readouterr()
    assert main([*here, "--check"]) == 1
    assert f"churn.alerts of {version('lapse')}: .data.team: is no longer sent" in capsys.readouterr().out
    assert main([*here, "--release"]) == 0
    assert "team" in (folder / "churn.alerts.json").read_text(), "what was promised is not written again"
    folder.rename(folder.with_name("99.0.0"))
    assert main([*here, "--check"]) == 0, "another major number may break it"


def test_todays_types_keep_what_was_released() -> None:
    assert schemas.broken(DIRECTORY, version("lapse")) == []


def test_the_asyncapi_document_is_one_and_names_the_topics_as_they_are() -> None:
    valid = jsonschema.Draft7Validator(json.loads(gzip.decompress(META.read_bytes())))
    document = asyncapi.document()
    assert [error.message for error in valid.iter_errors(document)] == []
    assert list(valid.iter_errors(document | {"channels": {"x": {"adress": "x"}}})), "a slip would be seen"
    settings = {topic.name: topic.settings.get("cleanup.policy", "delete") for topic in TOPICS}
    for channel in document["channels"].values():
        shown = channel["bindings"]["kafka"]["topicConfiguration"]["cleanup.policy"]
        assert shown == [settings[channel["address"]]]
        payload = channel["messages"]["message"].get("payload")
        assert payload is None or (DIRECTORY / payload["schema"]["$ref"]).is_file()


def test_examples_fit_the_published_schemas() -> None:
    valid = {name: jsonschema.Draft202012Validator(schema(name)) for name in schemas.SENT}
    topics = {"alert": "churn.alerts", "record": "retention.daily", "policy": "lapse.policy"}
    foreign = {"cloudevents", "segment", "identify"}
    for path in sorted((DIRECTORY / "examples").glob("*.json")):
        if path.stem not in foreign and not path.stem.startswith(("segment", "rudderstack", "cloudevents")):
            valid[topics.get(path.stem, "customer.events")].validate(json.loads(path.read_text()))
