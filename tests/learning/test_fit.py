"""The likelihoods are those of the model, and their maximum finds what the data were made of."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from stream.core.policy import Policy, parse
from stream.core.rules import rules_of
from stream.core.scores import Score
from stream.core.silence import SilenceParams
from stream.tools.fit import fit, fitted, gap_likelihood, matured_likelihood, toml
from stream.tools.history import History, NotEnoughHistoryError, batches, history
from stream.tools.replay import Replay
from stream.tools.rivals import rows
from tests.learning.simulated import Truth, events, past

POLICY = parse("[signs.silent.model]\nmemory = 1.0\n", "simulated")
LOYAL = Truth(mu0=2.2, k0=1.5, a0=8.0, b0=2.0, a=0.3, b=9.0)
FICKLE = Truth(mu0=3.0, k0=0.8, a0=6.0, b0=4.0, a=2.0, b=14.0)
PARAMS = SilenceParams(1.2, 0.7, 2.5, 1.5, 0.02, 1.3, 0.9, 28.0, 0.3, 0.8, 2.0, 0.0, 0.0)


def normal(gaps: list[int], params: SilenceParams) -> stats.rv_continuous:
    """The law of the next log gap, by the formulas of the shared design §5 in their closed form: weights memory^age."""
    ages = np.arange(len(gaps))[::-1]
    weight = params.memory**ages
    n = weight.sum()
    y = np.log(gaps) if gaps else np.zeros(0)
    m = (weight * y).sum() / n if gaps else 0.0
    square = (weight * (y - m) ** 2).sum()
    k = params.k0 + n
    rate = params.b0 + square / 2 + params.k0 * n * (m - params.mu0) ** 2 / (2 * k)
    loc = (params.k0 * params.mu0 + n * m) / k
    return stats.norm(loc, math.sqrt(rate * (k + 1) / ((params.a0 + n / 2) * k)))


def test_the_likelihood_of_gaps_is_that_of_the_model() -> None:
    days, end = [3, 7, 8, 30], 55
    expected = 0.0
    for i in range(4):
        gaps = np.diff(days[: i + 1]).tolist()
        law, p = normal(gaps, PARAMS), PARAMS.a / (PARAMS.a + PARAMS.b + i)
        if i == 3:
            expected += math.log(p + (1 - p) * law.sf(math.log(end - 30 + 0.5)))
        else:
            gap = days[i + 1] - days[i]
            expected += math.log((1 - p) * (law.sf(math.log(gap - 0.5)) - law.sf(math.log(gap + 0.5))))
    found = gap_likelihood(np.array(days), np.zeros(4), np.array([0, 4]), end, PARAMS)
    assert found == pytest.approx(expected, rel=1e-9)


def test_the_likelihood_of_horizons_is_that_of_the_model() -> None:
    days, cuts = [3, 7, 8, 90], np.array([5, 7, 20, 40, 69, 95])
    expected = 0.0
    # day 5: one purchase day, too few; 69: silent for 61 days, no customer any more
    for cut, gaps, none in ((7, [4], False), (20, [4, 1], True), (40, [4, 1], True), (95, [4, 1, 82], True)):
        last = days[len(gaps)]
        law, p = normal(gaps, PARAMS), PARAMS.a / (PARAMS.a + PARAMS.b + len(gaps))
        alive = [p + (1 - p) * law.sf(math.log(cut - last + ahead + 0.5)) for ahead in (0, 28)]
        chance = alive[1] / alive[0]
        expected += math.log(chance if none else 1 - chance)
    total, counted = matured_likelihood(np.array(days), np.zeros(4), np.ones(4), np.array([0, 4]), cuts, 60, PARAMS)
    assert counted == 4
    assert total == pytest.approx(expected, rel=1e-9)


def test_what_is_fitted_is_what_the_core_says() -> None:
    policy = replace(POLICY, active_days=(56,))
    lines = events(LOYAL, 60, 240, seed=5)
    known = past(LOYAL, 60, 240, 5, policy)
    cuts = np.arange(known.first_day + 100, known.end_day - 27, 7)
    at = rows(known, cuts, 28)
    outcome = {(known.customers[c], cut): y for c, cut, y in zip(at.customer, at.cut.tolist(), at.outcome, strict=True)}
    said: list[float] = []

    def note(day: int, found: list[Score]) -> None:
        judged = (one for one in found if one.stage in {"active", "at_risk"})
        said.extend(one.p_none if outcome[one.customer_id, day] else 1 - one.p_none for one in judged)

    Replay(policy).run(batches(lines, policy), cuts.tolist(), note)
    total, counted = matured_likelihood(
        known.days, known.spend, np.ones(known.days.size), known.starts, cuts, 56, rules_of(policy).silence
    )
    assert counted == len(said) > 500
    assert total == pytest.approx(np.log(said).sum(), rel=1e-9)


@pytest.mark.parametrize("truth", [LOYAL, FICKLE])
def test_known_parameters_are_found(truth: Truth) -> None:
    found = fit(past(truth, 900, 500, 3, POLICY), POLICY)
    learned = Truth(**{name: found.parameters[name] for name in Truth._fields})
    assert found.parameters["spend_power"] < 0.3, "everybody spends the same here: it tells nothing"
    assert learned.mu0 == pytest.approx(truth.mu0, abs=0.12)
    assert learned.b0 / learned.a0 == pytest.approx(truth.b0 / truth.a0, rel=0.25), "variance of the log gaps"
    assert learned.k0 == pytest.approx(truth.k0, rel=0.35)
    assert learned.a / (learned.a + learned.b) == pytest.approx(truth.a / (truth.a + truth.b), rel=0.25), "drop-out"
    assert found.after.per_gap > found.before.per_gap
    assert found.after.per_matured is not None
    assert found.before.per_matured is not None
    assert found.after.per_matured > found.before.per_matured


def test_segments_that_leave_sooner_are_told_apart() -> None:
    policy = replace(POLICY, segments=("other", "rash", "unseen"), active_days=(90, 90, 90))
    mixed = [*events(LOYAL, 400, 400, 1)[:-1]]
    leaving = LOYAL._replace(a=3.0)  # of 12 purchases three are the last, in place of one in 31
    for line in events(leaving, 400, 400, 2):
        event = json.loads(line)
        if event["type"] == "order_completed":
            event |= {"id": f"r{event['id']}", "customer_id": f"r{event['customer_id']}", "segment": "rash"}
        mixed.append(json.dumps(event).encode())
    known = history(batches(sorted(mixed, key=lambda line: json.loads(line)["time"]), policy), policy)
    found = fit(known, policy)
    assert found.by == "matured"
    assert "unseen" not in found.segment_odds
    assert found.segment_odds["rash"] > 3 * found.segment_odds["other"]
    alike = fit(replace(known, segment=np.zeros_like(known.segment)), policy)
    assert found.after.per_matured is not None
    assert alike.after.per_matured is not None
    assert found.after.per_matured > alike.after.per_matured
    pasted = parse(f'segments = ["rash", "unseen"]\n{toml(found)}', "pasted")
    assert pasted.silent == fitted(policy, found.parameters, found.segment_odds).silent


def test_purchases_are_in_the_segment_last_observed_by_their_day() -> None:
    policy = replace(POLICY, segments=("other", "a", "b"), active_days=(90, 90, 90))
    told = [("1", 3, None), ("2", 3, "b"), ("1", 5, "a"), ("1", 8, "b"), ("1", 9, None), ("3", 9, None)]
    lines = [
        json.dumps({
            "id": f"{who}-{day}", "type": "order_completed", "customer_id": who, "amount": 1, "currency": "USD",
            "order_id": f"{who}-{day}", "time": f"2020-01-{day:02}T12:00:00Z", "segment": segment,
        }).encode()
        for who, day, segment in told
    ]  # fmt: skip
    unknown = b'{"id":"p","type":"profile_updated","customer_id":"4","time":"2020-01-02T12:00:00Z","segment":"a"}'
    known = history(batches([unknown, *lines], policy), policy)
    of = {name: known.segment[known.starts[c] : known.starts[c + 1]].tolist() for c, name in enumerate(known.customers)}
    assert of == {"1": [1, 1, 2, 2], "2": [2], "3": [0]}


def test_what_is_learned_depends_on_the_history_alone() -> None:
    known = past(LOYAL, 150, 200, 1, POLICY)
    elsewhere = fitted(POLICY, {"mu0": 5.0, "k0": 9.0, "a0": 30.0, "b0": 9.0, "a": 5.0, "b": 5.0}, {})
    assert fit(known, POLICY).parameters == fit(known, elsewhere).parameters


def test_the_table_can_be_pasted_into_a_policy() -> None:
    found = fit(past(LOYAL, 150, 200, 1, POLICY), POLICY)
    pasted = parse(f'zone = "Europe/Vienna"\n{toml(found)}', "pasted")
    assert pasted.silent == fitted(POLICY, found.parameters, {}).silent


@pytest.mark.parametrize(
    ("customers", "days", "words"),
    [(99, 200, "customers with a purchase, it takes 100"), (150, 89, "days (2020-01-01 to"), (0, 9, "no events")],
)
def test_too_little_is_refused_in_words(customers: int, days: int, words: str) -> None:
    with pytest.raises(NotEnoughHistoryError) as refused:
        fit(past(LOYAL, customers, days, 1, POLICY), POLICY)
    assert words in str(refused.value)


def test_nobody_came_twice() -> None:
    once = History(
        [f"c{i}" for i in range(200)], np.arange(200), np.zeros(200), np.zeros(200, int), np.arange(201), 0, 199
    )
    with pytest.raises(NotEnoughHistoryError, match="nobody came a second time"):
        fit(once, Policy("simulated"))
