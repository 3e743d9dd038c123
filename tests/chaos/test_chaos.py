"""A seed of the crash harness each time; many by hand: `make chaos SEEDS=200`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import harness
from tests.chaos.plan import LAST_SECONDS, MOST_WORKERS, TROUBLES, plan
from tests.chaos.processes import warm_up

SEED = 167  # seven kinds of ten: workers killed, ended, stopped for less and for more than a session; broker, topic


def test_a_plan_is_the_seeds_and_leaves_somebody_to_work() -> None:
    for seed in range(200):
        found = plan(seed)
        assert found == plan(seed)
        assert set(found.troubles) <= set(TROUBLES)
        assert all(act.at < LAST_SECONDS + 20 and -1 <= act.slot < MOST_WORKERS for act in found.acts)
    assert {trouble for seed in range(200) for trouble in plan(seed).troubles} == set(TROUBLES)


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.usefixtures("_kafka_can_run")
def test_crashes_lose_and_repeat_nothing(tmp_path: Path) -> None:
    warm_up()
    with harness.Lane() as lane:
        result = lane.run(plan(SEED), tmp_path)
    assert not result.problems, f"python -m tests.chaos --seed {SEED}: {result.problems}"
    assert result.alerts > 0
