"""Who is measured: how each is built and started. Peers live in environments of their own, in the user's cache."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import BenchmarkError
from benchmarks.progress import say
from stream.tools.broker import cache_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PEERS = Path(__file__).parent / "peers"
WORKER_GROUP = "lapse"
STREAMS_VERSION = "4.1.1"
QUIX = ("quixstreams==3.28.0", "msgspec>=0.22")
FAUST = ("faust-streaming==0.15.3", "msgspec>=0.22", "uvloop>=0.22", "cramjam>=2.8")
STREAM_THREADS = 1  # one worker each; a second thread makes 10–40 % fewer events per CPU-second here
QUIX_COMMIT_SECONDS = 1.0  # its default of 5 s is 4 % cheaper, but may idle 5 s before the last commit

_COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


@dataclass(frozen=True)
class Setting:
    """Where a contestant runs. The group is new in every round, so that all begin at the beginning."""

    bootstrap: str
    group: str
    scratch: Path
    partitions: int


@dataclass(frozen=True)
class Contestant:
    """`command` makes what is missing and gives the command line."""

    name: str
    job: str
    command: Callable[[Setting], list[str]]
    most_events: int | None = None  # for the slow: as many are enough to tell


def lapse_command(role: str, bootstrap: str, *more: str) -> list[str]:
    """`lapse worker` or `lapse topics`, as a user starts it."""
    return [sys.executable, "-m", "stream.cli", role, "--bootstrap", bootstrap, *more]


def _lapse(at: Setting) -> list[str]:
    return lapse_command("worker", at.bootstrap)


def _kafka_streams(at: Setting) -> list[str]:
    home = _built_streams()
    jvm = ["-Xms1g", "-Xmx2g", "-XX:+UseParallelGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
    classes = f"{home / 'classes'}:{home / 'jars'}/*"
    arguments = [at.bootstrap, at.group, str(at.scratch), str(STREAM_THREADS)]
    return ["java", *jvm, "-cp", classes, "lapse.peers.OrderJob", *arguments]


def _quix(at: Setting) -> list[str]:
    python = _environment("quix", QUIX)
    return [python, str(PEERS / "quix_job.py"), at.bootstrap, at.group, str(at.scratch), str(QUIX_COMMIT_SECONDS)]


def _faust(at: Setting) -> list[str]:
    python = _environment("faust", FAUST)
    return [python, str(PEERS / "faust_job.py"), at.bootstrap, at.group, str(at.scratch), str(at.partitions)]


LAPSE = Contestant("lapse", "the whole job, exactly once", _lapse)
KAFKA_STREAMS = Contestant(f"Kafka Streams {STREAMS_VERSION}", "small job, RocksDB, exactly once v2", _kafka_streams)
QUIX_STREAMS = Contestant("Quix Streams 3.28.0", "small job, RocksDB, exactly once", _quix)
FAUST_STREAMING = Contestant("Faust 0.15.3", "small job, memory table, at least once", _faust, most_events=200_000)
ALL = {"lapse": LAPSE, "kafka-streams": KAFKA_STREAMS, "quix": QUIX_STREAMS, "faust": FAUST_STREAMING}


def prepare(contestants: Sequence[Contestant]) -> None:
    """Build or fetch what the contestants need, so that nothing of it falls into a measurement."""
    for contestant in contestants:
        contestant.command(Setting("", "", Path(), 1))


def _environment(name: str, requirements: tuple[str, ...]) -> str:
    """The interpreter of an environment with exactly these, made the first time."""
    text = "\n".join((sys.version, *requirements))
    home = cache_dir() / "peers" / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    python, ready = home / "bin" / "python", home / "ready"
    if not ready.exists():
        say(f"making the environment of {name}")
        shutil.rmtree(home, ignore_errors=True)
        venv.create(home, with_pip=True)
        _run([str(python), "-m", "pip", "install", "--quiet", *requirements])
        ready.touch()
    return str(python)


def _built_streams() -> Path:
    """The directory with the classes and the jars of the Java peer, built anew when its source has changed."""
    project = PEERS / "kafka_streams"
    sources = [project / "pom.xml", *sorted((project / "src").rglob("*.java"))]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    home = cache_dir() / "peers" / f"kafka-streams-{digest}"
    ready = home / "ready"
    if not ready.exists():
        say("building the Kafka Streams job")
        if shutil.which("mvn") is None:
            raise BenchmarkError("Maven (mvn) is not on PATH: the Kafka Streams job can't be built")
        command = ["mvn", "-q", "-B", "-f", str(project / "pom.xml"), f"-Doutput={home}", "compile", _COPY_DEPENDENCIES]
        _run([*command, "-DincludeScope=runtime", f"-DoutputDirectory={home / 'jars'}"])
        ready.touch()
    return home


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchmarkError(f"{' '.join(command[:4])} … failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
