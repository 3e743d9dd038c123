"""Questions about customers, from the HTTP server's threads to the loop, which alone may look at rows.

Owns: the hand-over. A question waits for the loop's next turn; a loop that doesn't turn leaves it unanswered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, Final

from stream.worker.incarnation import Incarnation, State
from stream.worker.job import Job

MOST_WAITING: Final = 100
PATIENCE_SECONDS: Final = 2.0

Row = dict[str, Any]


class BusyError(RuntimeError):
    """The loop gave no answer in time."""


class Questions:
    """Customers that are asked for; `ask` by any thread, `answer` by the loop."""

    def __init__(self) -> None:
        """Begin with none."""
        self._waiting: deque[tuple[str, Future[Row | None]]] = deque()

    def ask(self, customer_id: str) -> Row | None:
        """What is known of a customer here, None when nothing is. Raises BusyError."""
        if len(self._waiting) >= MOST_WAITING:
            raise BusyError("too many questions")
        answer: Future[Row | None] = Future()
        self._waiting.append((customer_id, answer))
        try:
            return answer.result(PATIENCE_SECONDS)
        except TimeoutError:
            answer.cancel()
            raise BusyError("the loop is busy") from None

    def answer(self, look: Callable[[str], Row | None]) -> None:
        """Answer all that wait; `look` finds a customer's row, in words."""
        while self._waiting:
            customer_id, answer = self._waiting.popleft()
            if answer.set_running_or_notify_cancel():
                try:
                    answer.set_result(look(customer_id))
                except Exception as error:  # noqa: BLE001 (a question never stops the work)
                    answer.set_exception(error)


def describe(job: Job, incarnations: Iterable[Incarnation], customer_id: str) -> dict[str, Any] | None:
    """What the partitions that run here hold of a customer, in words."""
    found = (job.describe(one.partition, customer_id) for one in incarnations if one.state is State.RUN)
    return next((one for one in found if one is not None), None)


def knows(job: Job, incarnations: Mapping[int, Incarnation], number: int, customer_id: str) -> bool:
    """Whether that partition runs here and holds a customer."""
    one = incarnations.get(number)
    return one is not None and describe(job, [one], customer_id) is not None
