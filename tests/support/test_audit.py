"""What `make check` makes of the auditor's answer: whoever could not ask must not look as if all were well."""

from __future__ import annotations

from typing import Any

from tests.support.audit import verdict

FINE = {"name": "numpy", "version": "2.4.6", "vulns": []}
BAD = {"name": "aiohttp", "version": "3.9.1", "vulns": [{"id": "PYSEC-2024-24", "fix_versions": ["3.9.2"]}]}
UNKNOWN = {"name": "lapse", "skip_reason": "Dependency not found on PyPI and could not be audited: lapse (0.1.0)"}


def answer(*packages: dict[str, Any]) -> dict[str, Any]:
    return {"dependencies": list(packages), "fixes": []}


def test_a_finding_fails_the_check_and_says_what_to_install() -> None:
    code, said = verdict(answer(FINE, BAD, UNKNOWN), ci=False)
    assert code == 1
    assert said == [
        "aiohttp 3.9.1: PYSEC-2024-24, mended in 3.9.2", "2 dependencies audited, 1 could not be: 1 advisories",
    ]  # fmt: skip


def test_in_ci_an_advisory_of_last_night_is_a_warning() -> None:
    code, said = verdict(answer(BAD), ci=True)
    assert code == 0
    assert "PYSEC-2024-24" in said[0]
    assert "warning" in said[-1]


def test_nothing_found_is_said_with_how_much_was_looked_at() -> None:
    assert verdict(answer(FINE, UNKNOWN), ci=False) == (0, ["1 dependencies audited, 1 could not be: ok"])


def test_who_could_not_be_asked_is_never_called_fine() -> None:
    for found in (None, answer(), answer(UNKNOWN, UNKNOWN)):
        code, said = verdict(found, ci=False)
        assert code == 0
        assert "NOT audited" in said[0]
