"""What docs/operations.md says of errors is what the code does: its numbers, its reasons, its exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stream.worker import fence, loop, main, processing, transaction, trial, watchdog
from stream.worker.gauges import REASONS

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
TEXT = PAGE.read_text(encoding="utf-8")
TABLE = TEXT.partition("## Errors, and what the worker does")[2].partition("\n## ")[0]
DEATHS = trial.FREE_LIVES + 1 + trial.LAST_LIVES


def row(kind: str) -> str:
    return next(line for line in TABLE.splitlines() if line.startswith(f"| {kind} |"))


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_why_a_transaction_was_not_committed_is_explained(reason: str) -> None:
    assert f'"{reason}"' in TABLE


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("retriable", f"a connection for {transaction.CONNECT_SECONDS:.0f} s"),
        ("retriable", f"a full queue for {transaction.FULL_SECONDS:.0f} s"),
        ("fatal", f"{loop.MOST_FAILURES} transactions in a row fail"),
        ("fatal", f"more than {fence.MOST_CUTS} times in a minute"),
        ("fatal", f"exit code {main.FAILED}"),
        ("hangs", f"more than {watchdog.CALL_SECONDS:.0f} s"),
        ("hangs", f"stands still for {watchdog.STILL_SECONDS:.0f} s"),
        ("hangs", f"exit code {watchdog.EXIT_CODE}"),
        ("badly configured", f"exit code {main.BAD_CONFIGURATION}"),
        ("the process dies of an event", f"in steps of {trial.FEW} events"),
    ],
)
def test_its_numbers_are_the_codes(kind: str, said: str) -> None:
    assert said in row(kind)


def test_numbers_that_are_said_in_words() -> None:
    words = ("none", "one", "two", "three", "four", "five", "six")
    assert f"after {words[DEATHS]} deaths" in row("the process dies of an event")
    assert f"after {words[trial.FREE_LIVES]} that ended" in row("the process dies of an event")
    assert trial.MOST_GIVEN_UP == 3
    assert "a fourth within an hour" in row("the kernel fails on an event")
    assert processing.REST_MS == 60_000
    assert "rests for a minute" in row("the clock fails")


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (PAGE.parent / target).exists(), target
