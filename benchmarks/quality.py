"""How good the learned signs are: each line of what was asked for, against customers of whom nothing was learned.

Owns: the lines and their limits. What is measured is `lapse evaluate`'s: learned from the public half of each data set
(`lapse import --half public`), judged on the other.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stream.core.policy import Policy, parse
from stream.policies import load
from stream.tools import importing
from stream.tools.evaluate import OURS, evaluate
from stream.tools.fit import fit, fitted
from stream.tools.history import batches, history

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream.core.batch import Batch
    from stream.tools.evaluate import Evaluation, Table

RIVAL = "BG/NBD P(none)"
CDNOW = 'active_days = 120\nqualifying = ["order_completed"]\n[signs.silent]\nhorizon_days = 90\n'
CLAIM_MAY_MISS = 0.05

Line = tuple[str, str, str, bool]  # what, asked for, found, whether it is met


def run(*, anew: bool) -> list[Line]:
    """Every line. `anew`: with parameters learned now from the public half, in place of those that are shipped."""
    with tempfile.TemporaryDirectory() as folder:
        journey = _judged(Path(folder), "complete-journey", load("complete-journey"), anew=anew)
        cdnow = _judged(Path(folder), "cdnow", parse(CDNOW, "cdnow"), anew=True)  # no policy is shipped for it
    return [*_of_journey(journey), *_of_cdnow(cdnow)]


def _judged(folder: Path, source: str, policy: Policy, *, anew: bool) -> Evaluation:
    public, judge = (_half(folder, source, half, policy) for half in ("public", "judge"))
    if anew:
        learned = fit(history(public, policy), policy)
        policy = replace(fitted(policy, learned.parameters, learned.segment_odds), name=policy.name)
    return evaluate(judge, policy, public)


def _half(folder: Path, source: str, half: str, policy: Policy) -> list[Batch]:
    path = folder / f"{source}-{half}.jsonl"
    importing.write(source, half, path, lambda _: None)
    with path.open("rb") as file:
        return list(batches(file, policy))


def _of_journey(found: Evaluation) -> Iterator[Line]:
    table = found.tables[0]
    ours = next(line.quality for line in table.lines if line.score == OURS)
    over = table.over_bg_nbd.roc_auc
    name = "Complete Journey, 28 days"
    yield f"{name}: ROC-AUC", "≥ .845", f"{ours.roc_auc.value:.4f}", ours.roc_auc.value >= 0.845
    yield f"{name}: PR-AUC", "≥ .365", f"{ours.pr_auc.value:.4f}", ours.pr_auc.value >= 0.365
    yield f"{name}: Brier", "≤ .0845", f"{ours.brier.value:.4f}", ours.brier.value <= 0.0845
    shown = f"{over.value:+.4f} ({over.low:+.4f} … {over.high:+.4f})"
    yield f"{name}: ROC-AUC over {RIVAL}", "≥ +.015, interval > 0", shown, over.value >= 0.015 and over.low > 0
    own = found.personal.quality.roc_auc.value
    yield "own horizon: ROC-AUC", "≥ .75", f"{own:.4f}", own >= 0.75
    for one in found.online[0].ours.by_claim:
        right = one.precision.value
        shown = f"{right:.3f} of {one.alerts} claiming {one.mean_claimed:.3f}"
        yield f"alerts claiming {one.claim:.2f}", "within .05", shown, abs(right - one.mean_claimed) <= CLAIM_MAY_MISS
    rarer = found.rarer
    shown = f"{rarer.precision.value:.3f} of {rarer.alerts}, {rarer.budget:.1%} spent"
    yield "buying_less_often at a 2 % budget", "≥ .50", shown, rarer.precision.value >= 0.50


def _of_cdnow(found: Evaluation) -> Iterator[Line]:
    for table in found.tables:
        yield _against_rival(table)


def _against_rival(table: Table) -> Line:
    over = table.over_bg_nbd.roc_auc
    rival = next(line.quality.roc_auc.value for line in table.lines if line.score == RIVAL)
    who = "4 purchase days or more" if table.population == "customers" else "everybody"
    shown = f"{over.value:+.4f} ({over.low:+.4f} … {over.high:+.4f}), {RIVAL} {rival:.4f}"
    return f"CDNOW, 90 days, {who}: ROC-AUC over {RIVAL}", "≥ -.003", shown, over.value >= -0.003


def told(lines: list[Line]) -> str:
    """The table, in Markdown."""
    rows = [f"| {what} | {asked} | {found} | {'pass' if met else 'MISS'} |" for what, asked, found, met in lines]
    return "\n".join(["| figure | asked for | found | |", "|---|---|---|---|", *rows]) + "\n"
