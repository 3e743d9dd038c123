"""Every role and command on a Kafka with SCRAM over TLS; no secret in anything printed, logged or seen in `ps`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stream.tools.broker import free_port
from stream.tools.demo.processes import Processes
from stream.worker import topics
from stream.worker.settings import Settings
from tests.support.kafka import produce, read_all
from tests.support.secure import PASSWORD, SecureKafka
from tests.support.waiting import until
from tests.support.web import status

TOKEN = "token-of-sixteen-letters-91"  # noqa: S105 (looked for in everything that is printed)
SALT = "salt-nobody-may-read-55"
PATIENCE_SECONDS = 400.0  # the first worker after a change of the core compiles for a minute or more
LAPSE = [sys.executable, "-m", "stream.cli"]
COMMANDS = {  # what only a cluster that let it in makes it say; the roles, topics and doctor are tried beside these
    "alerts tail --since start --exit": "",
    "dead list": "no json",
    "dead redrive": "still refused",
    "policy publish default --from 2030-01-01": "is in force from 2030-01-01 on",
    "policy list": "2030-01-01",
    "policy remove --from 2030-01-01": "goes on after 2030-01-01",
    "customer anna": "anna",
    "fit --topic --policy default": "customers",
    "topics --check": "as the worker needs them",
    "topics --repartition 3": "there are 3 partitions now",
}


@pytest.fixture(scope="module")
def kafka(_kafka_can_run: None) -> Iterator[SecureKafka]:
    with SecureKafka() as running:
        yield running


def environment(kafka: SecureKafka, **more: str) -> dict[str, str]:
    return {**os.environ, **kafka.environment(), "LAPSE_TOKEN": TOKEN, "LAPSE_ERASURE_SALT": SALT, **more}


def lapse(kafka: SecureKafka, *words: str, **more: str) -> tuple[int, str]:
    """Exit code, and all that was printed, of one command; a secret in it is a failure."""
    done = subprocess.run(
        [*LAPSE, *words], env=environment(kafka, **more), capture_output=True, text=True, check=False,
        timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    said = done.stdout + done.stderr
    for secret in (PASSWORD, TOKEN, SALT, more.get("LAPSE_KAFKA_SASL_PASSWORD", PASSWORD)):
        assert secret not in said, said
    return done.returncode, said


@contextmanager
def role(kafka: SecureKafka, log: Path, name: str, ready: str) -> Iterator[str]:
    """A worker or a desk as a process, yielded (its address) when it is ready."""
    port = free_port()
    command = [*LAPSE, name, "--http", f"127.0.0.1:{port}"]
    with log.open("ab") as out, subprocess.Popen(command, env=environment(kafka), stdout=out, stderr=out) as process:
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while status(f"http://127.0.0.1:{port}{ready}") != 200:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            seen = Path(f"/proc/{process.pid}/cmdline").read_text(encoding="utf-8")
            assert not any(secret in seen for secret in (PASSWORD, TOKEN, SALT))
            yield f"http://127.0.0.1:{port}"
            process.terminate()
            assert process.wait(30) == 0, log.read_text()
        finally:
            process.kill()


@pytest.mark.kafka
@pytest.mark.slow
def test_every_role_works_and_tells_no_secret(kafka: SecureKafka, tmp_path: Path) -> None:
    assert lapse(kafka, "topics", "--partitions", "2")[0] == 0
    event = {"id": "1", "type": "session", "customer_id": "anna", "time": int(time.time() * 1000)}
    records = [(b"anna", json.dumps(event).encode()), (b"anna", b"no json")]
    produce(kafka.bootstrap, topics.EVENTS, records)
    log = tmp_path / "log"
    with role(kafka, log, "worker", "/readyz") as worker, role(kafka, log, "desk", "/readyz") as desk:
        until(lambda: read_all(kafka.bootstrap, topics.DEAD), log.read_text, PATIENCE_SECONDS)
        for url in (worker, desk):
            assert status(f"{url}/metrics") == 200
        assert [status(f"{worker}/customers/anna", token) for token in (None, "wrong", TOKEN)] == [401, 401, 200]
        assert [status(f"{desk}/api/customers/anna", token) for token in (None, "wrong")] == [401, 401]
        code, said = lapse(kafka, "doctor")
        assert "gave no answer" not in said, said
        assert code in {0, 1}
    for words, answer in COMMANDS.items():
        code, said = lapse(kafka, *words.split())
        assert code in {0, 1}, said
        assert answer in said, f"{words}: {said}"
    everything = log.read_text()
    assert not [secret for secret in (PASSWORD, TOKEN, SALT) if secret in everything]


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.usefixtures("_kafka_can_run")
def test_the_demo_works_there_too() -> None:
    with SecureKafka() as kafka:
        # its plain listener is ready, this one a bit later
        until(lambda: "gave no answer" not in lapse(kafka, "topics")[1], "no answer", PATIENCE_SECONDS)
        code, said = lapse(kafka, "demo", "--exit", "--json", "--days", "3")
    assert code == 0, said
    assert '"events":' in said


def test_a_demo_with_its_own_broker_does_not_go_by_anothers_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAPSE_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    own, other = Settings("own:1"), Settings("other:1", kafka={"security.protocol": "SASL_SSL"})
    with Processes(own, "default", 0) as alone, Processes(other, "default", 0) as joined:
        assert "LAPSE_KAFKA_SECURITY_PROTOCOL" not in alone.environment
        assert joined.environment["LAPSE_KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("command", "more"),
    [
        ("worker", {"LAPSE_KAFKA_SASL_PASSWORD": "wrong-password-88"}),
        ("topics", {"LAPSE_KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"}),
        ("doctor", {"LAPSE_KAFKA_SSL_CA_LOCATION": "/nowhere.pem"}),
    ],
    ids=["worker", "topics", "doctor"],
)
def test_who_is_not_let_in_is_told_so_in_a_sentence(kafka: SecureKafka, command: str, more: dict[str, str]) -> None:
    code, said = lapse(kafka, command, **more)
    assert code in {1, 2}, said
    assert "Traceback" not in said
    assert "LAPSE_KAFKA_" in said, said
