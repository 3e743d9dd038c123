"""The measures against examples counted by hand, the rivals against their formulas, the tables on a small history."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import betaln, logsumexp

from stream.cli import main
from stream.core.policy import parse
from stream.tools.budget import measured, threshold_for
from stream.tools.evaluate import evaluate
from stream.tools.history import History, NotEnoughHistoryError, batches
from stream.tools.measures import brier, measure, pr_auc, roc_auc, share
from stream.tools.online import Window, fixed_inactivity, silences
from stream.tools.personal import personal
from stream.tools.rivals import BgNbd, isotonic, rows
from tests.learning.simulated import Truth, events

TRUTH = Truth(mu0=2.0, k0=1.0, a0=4.0, b0=2.0, a=0.4, b=8.0)
POLICY = parse("active_days = 56\n", "simulated")
Y = np.array([1.0, 0.0, 1.0, 0.0, 0.0])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("learning") / "events.jsonl"
    path.write_bytes(b"\n".join(events(TRUTH, 320, 300, seed=2)) + b"\n")
    return path


def test_roc_auc_counts_pairs() -> None:
    # 1s at .9 and .4; 0s at .5, .4, .1: above 3 of 3, above 1 of 3 and tied with 1
    assert roc_auc(Y, np.array([0.9, 0.5, 0.4, 0.4, 0.1])) == pytest.approx((3 + 1.5) / 6)
    assert roc_auc(Y, np.zeros(5)) == 0.5
    assert np.isnan(roc_auc(np.ones(5), np.zeros(5)))


def test_pr_auc_is_average_precision() -> None:
    # precision 1/1 at the first 1, 2/4 at the second, whose tie comes at once
    assert pr_auc(Y, np.array([0.9, 0.5, 0.4, 0.4, 0.1])) == pytest.approx((1 + 2 / 4) / 2)
    assert pr_auc(Y, np.zeros(5)) == pytest.approx(2 / 5)


def test_brier() -> None:
    assert brier(Y, np.array([1.0, 0.0, 0.5, 0.5, 0.0])) == pytest.approx((0.25 + 0.25) / 5)


def test_customers_are_drawn_not_rows() -> None:
    rng = np.random.default_rng(7)
    outcome, score = (rng.random(400) < 0.3).astype(float), rng.random(400)
    repeated = np.repeat(np.arange(400), 9)
    once = measure(outcome, score, score, np.arange(400)).quality()
    many = measure(outcome[repeated], score[repeated], score[repeated], repeated).quality()
    assert many == once, "nine equal rows of a customer say nothing that one doesn't"


def test_the_difference_is_paired() -> None:
    rng = np.random.default_rng(7)
    outcome = (rng.random(500) < 0.3).astype(float)
    score = outcome * 0.2 + rng.random(500)
    one = measure(outcome, score, score, np.arange(500))
    other = measure(outcome, score * 2, score, np.arange(500))  # the same order
    assert one.over(other).roc_auc == type(one.over(other).roc_auc)(0.0, 0.0, 0.0)


def test_share() -> None:
    found = share(np.array([True, False, True, True]), np.array([1, 1, 2, 3]))
    assert found.value == 0.75
    assert found.low <= 0.75 <= found.high


def test_isotonic_never_falls() -> None:
    chance = isotonic(np.array([1.0, 2, 3, 4]), np.array([0.0, 1, 0, 1]), np.array([0.0, 1, 2.5, 4, 9]))
    assert chance.tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]


def known() -> History:
    """Two customers: purchases on days 0, 10, 20, 90, and on 0, 5, 10, 15, 50."""
    days = [0, 10, 20, 90, 0, 5, 10, 15, 50]
    return History(["a", "b"], np.array(days), np.zeros(9), np.zeros(9, int), np.array([0, 4, 9]), 0, 140)


def test_rows() -> None:
    at = rows(known(), np.array([30, 62, 100]), 28)
    assert at.silent_days.tolist() == [10, 42, 10, 15, 12, 50]
    assert at.purchase_days.tolist() == [3, 3, 4, 4, 5, 5]
    assert at.known_days.tolist() == [30, 62, 100, 30, 62, 100]
    assert at.outcome.tolist() == [1, 0, 1, 0, 1, 1]  # a: 90 = 62 + 28 is still within
    assert at.mean_gap_days.tolist() == pytest.approx([10, 10, 30, 5, 12.5, 12.5])


def test_fixed_inactivity_by_hand() -> None:
    found = silences(known(), 3, np.ones(2, bool))
    assert found.began.tolist() == [20, 90, 10, 15, 50]
    assert found.lasted[[0, 2, 3]].tolist() == [70, 5, 35]
    window = Window(first=30, last=112, horizon_days=28, customer_days=10 * 365.25 / 12)
    alerts = fixed_inactivity(4, found, window)  # 6 days are the first that leave the gap of 5 out, but open on day 21
    assert alerts.rule.startswith("silent for ")
    days = int(alerts.rule.split()[2])
    opened = [b + days for b, lasted in zip(found.began, found.lasted, strict=True) if lasted > days]
    assert alerts.opened == sum(30 <= day <= 112 for day in opened) == 4
    # of these a's on day 20 + D and 90 + D and b's on 50 + D go on for 28 days, b's on 15 + D ends on day 50
    assert alerts.precision.value == 0.75
    assert alerts.false_per_1000_months == 100.0
    assert alerts.caught == 1.0
    assert alerts.median_day == days


def test_bg_nbd_p_none_is_the_ratio_of_likelihoods(file: Path) -> None:
    """P(none until T + h | none from tx to T) = L(x, tx, T + h) / L(x, tx, T), eq. 6 of Fader, Hardie & Lee 2005."""
    from stream.tools.history import history

    with file.open("rb") as lines:
        past = history(batches(lines, POLICY), POLICY)
    model = BgNbd(past)
    at = rows(past, np.array([past.end_day - 60]), 28)
    r, alpha, a, b = (float(model._fitter.params_[name]) for name in ("r", "alpha", "a", "b"))
    x, tx = at.purchase_days - 1.0, (at.known_days - at.silent_days).astype(np.float64)

    def log_likelihood(until: NDArray[np.float64]) -> object:
        stays = betaln(a, b + x) - (r + x) * np.log(alpha + until)
        left = np.where(x > 0, betaln(a + 1, b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + tx), -np.inf)
        return logsumexp([stays, left], axis=0)

    until = at.known_days.astype(np.float64)
    expected = np.exp(np.asarray(log_likelihood(until + 28)) - np.asarray(log_likelihood(until)))
    assert model.p_none(at, 28) == pytest.approx(expected, rel=1e-6)


def test_the_tables(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.toml").write_text("active_days = 56\n")
    words = ["evaluate", str(file), "--policy", str(tmp_path / "mine.toml")]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    customers, everybody = found["tables"]
    assert customers["rows"] < everybody["rows"]
    assert 100 < found["learned_from"] < 220, "one half"
    quality = {line["score"]: line["quality"] for line in customers["lines"]}
    assert quality["this model, learned anew"]["roc_auc"]["value"] > quality["fixed inactivity"]["roc_auc"]["value"]
    for measures in quality.values():
        assert all(one["low"] <= one["value"] <= one["high"] for one in measures.values())
    opened = [pair["ours"]["opened"] for pair in found["online"]]
    assert [pair["theta"] for pair in found["online"]] == [0.2, 0.25, 0.3, 0.35]
    assert opened == sorted(opened, reverse=True)
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "BG/NBD P(none)" in told
    assert "theta 0.35" in told
    assert max(map(len, told.splitlines())) <= 110


def test_nobody_is_judged_who_was_learned_from(file: Path) -> None:
    with file.open("rb") as lines:
        source = list(batches(lines, POLICY))
    with pytest.raises(NotEnoughHistoryError, match="320 customers are in both files"):
        evaluate(source, POLICY, source)


def test_fit_on_the_command_line(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "params.toml"
    assert main(["fit", str(file), "--out", str(out)]) == 0
    assert capsys.readouterr().out == out.read_text()
    assert parse(out.read_text(), "params").silent.mu0 != POLICY.silent.mu0


@pytest.mark.parametrize("command", ["fit", "evaluate"])
def test_too_little_history_is_an_error_in_words(
    command: str, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = tmp_path / "short.jsonl"
    with file.open("rb") as lines:
        short.write_bytes(b"".join(lines.readlines()[:150]))
    assert main([command, str(short)]) == 1
    told = capsys.readouterr()
    assert not told.out
    assert told.err.startswith("lapse: ")
    assert "days" in told.err
    assert "Traceback" not in told.err
    short.write_bytes(b"")
    assert main([command, str(short)]) == 1


def test_a_threshold_spends_the_budget_and_its_alerts_are_judged() -> None:
    """Of 80 weekly customers 5 come every four weeks from some day on: those, and nobody else, are called."""
    days, starts = [], [0]
    for c in range(80):
        own = list(range(c % 7, 200, 7))
        own = [*own, *range(own[-1] + 28, 360, 28)] if c < 5 else list(range(c % 7, 360, 7))
        days += own
        starts.append(len(days))
    past = History(
        [f"c{c}" for c in range(80)],
        np.array(days),
        np.zeros(len(days)),
        np.zeros(len(days), int),
        np.array(starts),
        0,
        359,
    )
    threshold = threshold_for(past, POLICY)
    found = measured(past, POLICY, threshold)
    assert 0 < found.budget <= 0.02
    assert found.alerts > 0
    assert found.precision.value == 1.0
    assert measured(past, POLICY, 49.0).alerts == 0


def test_a_personal_horizon_is_the_customers_own() -> None:
    often, seldom = list(range(0, 160, 3)), list(range(0, 100, 20))
    past = History(
        ["often", "seldom"], np.array(often + seldom), np.zeros(59), np.zeros(59, int), np.array([0, 54, 59]), 0, 160
    )
    at = rows(past, np.array([99]), 28)
    found = personal(past, POLICY, at)
    assert found.rows == 2
    assert 14 < found.mean_horizon_days <= 28
    assert found.base_rate == 0.5
    assert found.quality.roc_auc.value == 1.0
