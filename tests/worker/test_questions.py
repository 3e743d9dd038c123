"""Questions about customers: only so many wait for the loop, and a loop that doesn't turn leaves nobody waiting."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from stream.worker import questions
from stream.worker.questions import MOST_WAITING, BusyError, Questions


def test_more_than_may_wait_are_refused_at_once() -> None:
    found = Questions()
    found._waiting.extend(("somebody", Future()) for _ in range(MOST_WAITING))
    with pytest.raises(BusyError, match="too many"):
        found.ask("anna")
    found.answer(lambda name: {"customer_id": name})
    assert not found._waiting


def test_a_loop_that_does_not_turn_gives_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "PATIENCE_SECONDS", 0.01)
    found = Questions()
    with pytest.raises(BusyError, match="busy"):
        found.ask("anna")
    found.answer(lambda _: pytest.fail("nobody waits for it any more"))
