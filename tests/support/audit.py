"""`python -m tests.support.audit`: whether a version that is installed here has a published vulnerability.

Owns: what that means for `make check` (decision 0105): a finding fails a person's check, and is a warning in CI, which
must give the same answer for the same commit; who can't be asked is a warning everywhere.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

PATIENCE_SECONDS: Final = 120
_COMMAND: Final = [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--skip-editable", "--timeout", "5"]


def ask() -> dict[str, Any] | None:
    """What pip-audit found, by the advisories of PyPI; None when it could not ask."""
    try:
        done = subprocess.run(
            [*_COMMAND, "--format", "json", "--desc", "off"],
            capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS,
        )  # fmt: skip
        found = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, json.JSONDecodeError):  # without an answer it prints a trace and no JSON
        return None
    return found if isinstance(found, dict) else None


def verdict(found: Mapping[str, Any] | None, *, ci: bool) -> tuple[int, list[str]]:
    """Exit code and what to say."""
    packages = [] if found is None else found["dependencies"]
    audited = [one for one in packages if "vulns" in one]
    if not audited:  # a mirror of PyPI without its advisories answers that it knows none of the packages
        return 0, ["dependencies NOT audited: the index answers no questions for advisories"]
    lines = [
        f"{one['name']} {one['version']}: {bad['id']}, mended in {', '.join(bad['fix_versions']) or 'no version yet'}"
        for one in audited for bad in one["vulns"]
    ]  # fmt: skip
    unasked = len(packages) - len(audited)
    said = f"{len(audited)} dependencies audited" + (f", {unasked} could not be" if unasked else "")
    if not lines:
        return 0, [f"{said}: ok"]
    return (0 if ci else 1), [*lines, f"{said}: {len(lines)} advisories" + (" (a warning in CI)" if ci else "")]


def main() -> int:
    """Ask, say, exit."""
    code, lines = verdict(ask(), ci=os.environ.get("CI") == "true")
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
