"""The rules' tests need Prometheus's own programs: skipped where they are missing, but never in CI."""

from __future__ import annotations

import os
import shutil

import pytest

PROGRAMS = ("promtool", "prometheus", "amtool", "prometheus-alertmanager")


@pytest.fixture(scope="session")
def _programs() -> None:
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing and os.environ.get("CI") != "true":
        pytest.skip(f"not on PATH: {', '.join(missing)} (Debian: prometheus, prometheus-alertmanager)")
    assert not missing, f"CI must have {missing}"
