"""A desk to ask, and a real browser to look with; where Chromium is missing its tests are skipped, but never in CI."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.browser import Tab, chromium, program
from tests.support.fakedesk import FakeDesk, alert, serving, tell, tell_months

CLOCK = "2017-08-25T18:42:10Z"
SEVERITIES = ("critical", "high", "medium", "low")


@pytest.fixture
def served() -> Iterator[FakeDesk]:
    """Twelve open alerts, three of each severity; eight months of every segment; all partitions report."""
    with serving() as desk:
        desk.do(lambda: tell(desk.desk, [alert(n, severity=SEVERITIES[n % 4], segment="45-54") for n in range(12)]))
        desk.do(lambda: tell_months(desk.desk))
        desk.beat(CLOCK)
        yield desk


@pytest.fixture(scope="session")
def _browser() -> Iterator[Callable[[], Tab]]:
    if program() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no chromium: apt-get install chromium")
        pytest.skip("no chromium: apt-get install chromium")
    with chromium() as new_tab:
        yield new_tab


@pytest.fixture
def tab(_browser: Callable[[], Tab]) -> Tab:
    """A new tab on a desktop screen, which remembers nothing."""
    tab = _browser()
    tab.screen(1440, 900)
    return tab


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go: LAPSE_PICTURES, or a temporary folder."""
    folder = Path(os.environ.get("LAPSE_PICTURES") or tmp_path_factory.mktemp("pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
