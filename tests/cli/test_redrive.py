"""`lapse dead redrive`: what can be read now goes back, once."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stream.cli import main
from stream.core.policy import Policy
from stream.tools.dead import Chosen, Dead, read
from stream.tools.redrive import OvertakenError, _Sender, redrive
from stream.wire.dead import DeadLetter, Reason, to_record
from stream.worker import topics
from stream.worker.clients import producer
from stream.worker.settings import Settings
from tests.support.kafka import read_all

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = {"id": "1", "type": "session", "customer_id": "anna", "time": "2017-08-01T10:00:00Z"}


def bury(bootstrap: str, *letters: tuple[Reason, bytes | None, bytes], partition: int = 0) -> None:
    """Dead letters as a worker writes them; they come from offsets 0, 1, … of a partition."""
    sender = producer(Settings(bootstrap), "tests")
    sender.init_transactions(20)
    sender.begin_transaction()
    for offset, (reason, key, value) in enumerate(letters):
        letter = DeadLetter(0, reason, "why")
        key, value, headers = to_record(letter, key, value, topics.EVENTS, partition, offset)  # noqa: PLW2901
        sender.produce(topics.DEAD, value, key, headers=dict(headers))
    sender.commit_transaction(20)


def event(**more: Any) -> bytes:
    return json.dumps({**GOOD, **more}).encode()


@pytest.fixture
def cluster(embedded_bootstrap: str) -> str:
    topics.create(embedded_bootstrap, 2, 1)
    bury(
        embedded_bootstrap,
        (Reason.unknown_type, b"anna", event(id="1")),
        (Reason.not_json, b"bert", b"{broken \xff"),
        (Reason.too_late, b"anna", event(id="3")),
        (Reason.internal_error, b"anna", event(id="4")),
        (Reason.too_large, b"anna", b" " * 600_000),
        (Reason.key_mismatch, b"bert", event(id="6")),
    )
    return embedded_bootstrap


def sent(bootstrap: str) -> list[tuple[bytes | None, str]]:
    return sorted((one.key, json.loads(one.value or b"")["id"]) for one in read_all(bootstrap, topics.EVENTS))


def test_what_can_be_read_now_goes_back_once(cluster: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dead", "redrive", "--bootstrap", cluster, "--dry-run"]) == 1
    said = capsys.readouterr().out
    assert "would go back" in said
    assert sent(cluster) == []
    for _ in range(3):
        main(["dead", "redrive", "--bootstrap", cluster])
    assert sent(cluster) == [(b"anna", "1")]
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["all", "0", "2", "1", "1", "2"] in lines  # went before, still refused, cut, not asked for
    main(["dead", "list", "--json", "--bootstrap", cluster])
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["origin"], one["redriven"]) for one in listed] == [
        (f"customer.events/0@{at}", at == 0) for at in range(6)
    ]


def test_it_goes_back_to_where_it_was_unless_its_key_is_another_or_that_place_is_no_more(
    embedded_bootstrap: str, tmp_path: Path
) -> None:
    """A source may place customers as it likes: on another partition an event would be another customer's."""
    topics.create(embedded_bootstrap, 2, 1)
    names = [f"c{n}" for n in range(8)]
    letters = [(Reason.unknown_type, name.encode(), event(id=name, customer_id=name)) for name in names]
    for partition in (0, 1, 7):
        bury(embedded_bootstrap, *letters, partition=partition)
    main(["dead", "redrive", "--bootstrap", embedded_bootstrap])
    found = [(one.key, one.partition) for one in read_all(embedded_bootstrap, topics.EVENTS)]
    by_key = {key: number for key, number in found if found.count((key, number)) == 2}  # where its key belongs
    wanted = sorted([(name.encode(), at) for name in names for at in (0, 1, by_key[name.encode()])])
    assert sorted(found) == wanted
    assert set(by_key.values()) == {0, 1}
    other = 1 - by_key[b"c0"]
    bury(embedded_bootstrap, *letters, (Reason.key_mismatch, b"?", event(id="9", customer_id="c0")), partition=other)
    row = {"origin": f"customer.events/{other}@8", "key": "c0", "value": {**GOOD, "id": "9", "customer_id": "c0"}}
    file = tmp_path / "repaired.jsonl"
    file.write_text(json.dumps(row))
    assert main(["dead", "redrive", "--bootstrap", embedded_bootstrap, "--repaired", str(file)]) == 0
    (last,) = [one for one in read_all(embedded_bootstrap, topics.EVENTS) if b'"9"' in (one.value or b"")]
    assert last.partition == by_key[b"c0"]


def test_what_would_be_refused_again_goes_only_when_it_is_named(cluster: str) -> None:
    assert main(["dead", "redrive", "--bootstrap", cluster, "--reason", "too_late"]) == 0
    assert sent(cluster) == [(b"anna", "3")]
    assert main(["dead", "redrive", "--bootstrap", cluster, "--partition", "1"]) == 0
    assert main(["dead", "redrive", "--bootstrap", cluster, "--until", "2017-01-01"]) == 0
    assert sent(cluster) == [(b"anna", "3")]


def test_repaired_letters_go_in_place_of_the_originals(
    cluster: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["dead", "list", "--json", "--bootstrap", cluster])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    rows[1] |= {"value": {**GOOD, "id": "2", "customer_id": "bert"}}
    del rows[1]["value_base64"]
    rows[5] |= {"key": "anna"}
    file = tmp_path / "repaired.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in (rows[1], rows[5])))
    for _ in range(2):
        assert main(["dead", "redrive", "--bootstrap", cluster, "--repaired", str(file)]) == 0
    assert sent(cluster) == [(b"anna", "6"), (b"bert", "2")]
    file.write_text(json.dumps({**rows[1], "origin": "customer.events/9@9"}))
    assert main(["dead", "redrive", "--bootstrap", cluster, "--repaired", str(file)]) == 1
    assert "no such letter (any more): customer.events/9@9" in capsys.readouterr().out


def test_a_bad_file_of_repairs_is_told_line_by_line(
    embedded_bootstrap: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topics.create(embedded_bootstrap, 1, 1)
    file = tmp_path / "repaired.jsonl"
    file.write_text('{"origin": "a/0@1", "value": "x"}\nno json\n[]\n{"origin": "a/0@1", "value_base64": "!"}\n')
    assert main(["dead", "redrive", "--bootstrap", embedded_bootstrap, "--repaired", str(file)]) == 2
    said = capsys.readouterr().err
    assert all(f"line {number}" in said for number in (2, 3, 4))
    wrong = ["dead", "redrive", "--bootstrap", "a:1", "--reason", "to_late", "--since", "soon", "--partition", "-1"]
    assert main(wrong) == 2
    said = capsys.readouterr().err
    assert "too_late" in said
    assert "--since is 'soon'" in said
    assert "--partition" in said


@pytest.mark.kafka
def test_two_at_the_same_time_send_nothing_twice(kafka_bootstrap: str) -> None:
    cluster = Settings(kafka_bootstrap)
    topics.create(kafka_bootstrap, 2, 1)
    bury(kafka_bootstrap, *((Reason.unknown_type, b"anna", event(id=str(n))) for n in range(3000)))
    overtaken: list[Exception] = []

    def one() -> None:
        try:
            redrive(cluster, Policy("default"), Chosen(), None, dry=False)
        except OvertakenError as error:
            overtaken.append(error)

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome = redrive(cluster, Policy("default"), Chosen(), None, dry=False)
    assert len(overtaken) < 3
    assert outcome.back.total() + outcome.before.total() == 3000
    ids = [json.loads(one.value or b"")["id"] for one in read_all(kafka_bootstrap, topics.EVENTS)]
    assert sorted(ids, key=int) == [str(n) for n in range(3000)]


def one_letter(bootstrap: str) -> tuple[Settings, Dead]:
    """A cluster, and the one letter that lies in it."""
    cluster = Settings(bootstrap)
    topics.create(bootstrap, 1, 1)
    bury(bootstrap, (Reason.unknown_type, b"anna", event()))
    return cluster, next(read(cluster))


@pytest.mark.kafka
def test_one_that_was_overtaken_says_so(kafka_bootstrap: str) -> None:
    cluster, letter = one_letter(kafka_bootstrap)
    first, second = _Sender(cluster), _Sender(cluster)
    second.send([(letter, letter.key, letter.value)])
    with pytest.raises(OvertakenError, match="nothing went twice"):
        first.send([(letter, letter.key, letter.value)])
    assert len(read_all(kafka_bootstrap, topics.EVENTS)) == 1


@pytest.mark.kafka
def test_one_that_is_overtaken_while_it_sends_says_so(kafka_bootstrap: str) -> None:
    cluster, letter = one_letter(kafka_bootstrap)
    first = _Sender(cluster)
    _Sender(cluster)
    pause = threading.Event()

    def for_ever() -> Iterator[tuple[Dead, bytes | None, bytes]]:
        while True:  # until librdkafka knows, and takes no more
            yield letter, letter.key, letter.value
            pause.wait(0.01)

    with pytest.raises(OvertakenError, match="nothing went twice"):
        first.send(for_ever())
    assert read_all(kafka_bootstrap, topics.EVENTS) == []
