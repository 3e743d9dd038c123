"""`lapse evaluate`: how good the sign `silent` is on history, beside what is used elsewhere."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from stream.cli.learning import interval, need_packages, read_lines, short, show
from stream.cli.terminal import Progress
from stream.cli.usage import FINE, FOUND_SOMETHING, Command, Problems, add_policy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stream.core.policy import Policy
    from stream.tools.evaluate import Evaluation, Table
    from stream.tools.measures import Quality
    from stream.tools.online import Alerts


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("events", nargs="?", metavar="EVENTS.jsonl", help="one event per line; - reads standard input")
    add_policy(parser)
    parser.add_argument(
        "--fit-on",
        metavar="OTHER.jsonl",
        help="events of other customers, to learn from (default: one half of the customers of EVENTS.jsonl, by a hash "
        "of their ids; only the other half is judged then)",
    )
    parser.add_argument(
        "--simulated",
        metavar="FILE",
        help="events of `lapse simulate`: hold every sign's alerts against the truth in FILE.truth.jsonl instead",
    )
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")


def _plan(args: argparse.Namespace, problems: Problems) -> Callable[[], int]:
    if args.simulated is not None:
        for name in ("events", "fit_on"):
            if getattr(args, name) is not None:
                problems.add(f"--simulated goes without {'EVENTS.jsonl' if name == 'events' else '--fit-on'}")
        return partial(
            _against, problems.file(args.simulated, "--simulated"), problems.policy(args.policy), as_json=args.json
        )
    name = problems.need(args.events, "EVENTS.jsonl", "give a file of events, or - for standard input")
    source = problems.file(name, "EVENTS.jsonl") if name not in {"", "-"} else None
    fit_on = problems.file(args.fit_on, "--fit-on") if args.fit_on is not None else None
    policy = problems.policy(args.policy)
    need_packages(problems, "scipy", "lifetimes")
    return partial(_run, source, fit_on, policy, as_json=args.json)


def _run(source: Path | None, fit_on: Path | None, policy: Policy, *, as_json: bool) -> int:
    from stream.tools.evaluate import evaluate
    from stream.tools.history import NotEnoughHistoryError, batches

    sizes = [path.stat().st_size for path in (source, fit_on) if path is not None]
    try:
        with Progress("evaluate", sum(sizes) if source else None) as progress:
            judged = list(batches(read_lines(source, progress.advance), policy))
            other = list(batches(read_lines(fit_on, progress.advance), policy)) if fit_on else None
            found = evaluate(judged, policy, other, progress.say)
    except NotEnoughHistoryError as error:
        print(f"lapse: {error}", file=sys.stderr)
        return FOUND_SOMETHING
    show(found, as_json=as_json, words=_told)
    return FINE


def _against(source: Path, policy: Policy, *, as_json: bool) -> int:
    from stream.cli.verdicts import told
    from stream.tools.history import batches
    from stream.tools.simulate import truth_of
    from stream.tools.truth import NoTruthError, against_truth

    try:
        with Progress("evaluate", source.stat().st_size) as progress:
            lines = read_lines(source, progress.advance)
            found = against_truth(batches(lines, policy), truth_of(source), policy, progress.say)
    except NoTruthError as error:
        print(f"lapse: {error}", file=sys.stderr)
        return FOUND_SOMETHING
    show(found, as_json=as_json, words=told)
    return FINE if all(one.right for one in found.scenarios) else FOUND_SOMETHING


def _told(found: Evaluation) -> Iterator[str]:
    h, first, last = found.horizon_days, found.first_cut, found.last_cut
    yield f"Policy {found.policy}: is there no purchase in the next {h} days?"
    yield f"Scored weekly from {first} to {last}, as known at the end of the day. Behind each figure its 95 %"
    yield "interval, by bootstrap of customers."
    yield f"Learned from {found.learned_from:,} customers, none of whom is judged: BG/NBD, the calibration of scores"
    yield "that are no chances (for Brier), the row `learned anew`. `this model` has the policy's own parameters."
    for table in found.tables:
        yield ""
        yield from _scores(table, found)
    yield ""
    yield f"Alerts opened from {first} to {last}, in {found.customer_months:,.0f} customer-months."
    yield f"Right: no purchase in the {h} days after. False: the others, per 1,000 customer-months. Caught: of the"
    yield f"{found.long_silences:,} silences of {h} days or more those in which an alert opened; early: before day {h};"
    yield "day: of the silence, the median. Under each theta fixed inactivity with as many alerts (a rule of fewer"
    yield "days than the horizon catches every such silence by definition)."
    yield f"  {'':<24}{'alerts':>7}{'claimed':>9}  {'right':<18}{'false':>7}{'caught':>8}{'early':>7}{'day':>6}"
    for pair in found.online:
        yield _alerts(pair.ours)
        yield _alerts(pair.fixed)
    yield from _more(found)


def _scores(table: Table, found: Evaluation) -> Iterator[str]:
    if table.population == "customers":
        few, active = found.min_purchase_days, found.active_days
        yield f"Customers at that day (active within {active} days) with {few} purchase days or more:"
    else:
        yield "Everybody who had ever purchased:"
    yield (
        f"{table.rows:,} rows of {table.customers:,} customers; no purchase after {table.base_rate:.1%}, "
        f"claimed {table.mean_claimed:.1%}"
    )
    yield f"  {'':<26}{'ROC-AUC':<21}{'PR-AUC':<21}Brier"
    for line in table.lines:
        yield f"  {line.score:<26}{_quality(line.quality)}"
    yield f"  {'ours less BG/NBD P(none)':<26}{_quality(table.over_bg_nbd, sign='+')}"


def _more(found: Evaluation) -> Iterator[str]:
    """What alerts claim against what came, the own horizon, and the sign of longer gaps."""
    theta, own, rarer = found.online[0].theta, found.personal, found.rarer
    yield ""
    yield f"What alerts claim (at theta {theta:g}, those within .025 of it) and how often it came true:"
    for one in found.online[0].ours.by_claim:
        mean, right = short(one.mean_claimed, places=3), interval(one.precision, places=3)
        yield f"  about {short(one.claim, places=2)}: {one.alerts:>5,} alerts claim {mean} on average, right {right}"
    yield ""
    yield f"By each customer's own horizon (9 of 10 of their gaps end within it; 14 to {found.horizon_days} days,"
    yield f"{own.mean_horizon_days:g} on average; no purchase after {own.base_rate:.1%}): ROC-AUC, PR-AUC, Brier"
    yield f"  {'this model':<26}{_quality(own.quality)}"
    yield ""
    yield f"buying_less_often at threshold {rarer.threshold:g}, which spends 2 alerts per 100 customers and 28 days"
    yield f"where it was learned, {rarer.budget * 100:.1f} here. Right: fewer than 7 of 10 usual purchase days in the"
    yield "56 days after:"
    yield f"  {rarer.alerts:,} alerts, right {interval(rarer.precision, places=3)}"


def _alerts(one: Alerts) -> str:
    claimed = "" if one.claimed is None else short(one.claimed, places=3)
    day = "" if one.median_day is None else f"{one.median_day:g}"
    return (
        f"  {one.rule:<24}{one.opened:>7,}{claimed:>9}  {interval(one.precision, places=3):<18}"
        f"{one.false_per_1000_months:>7.1f}{one.caught:>8.1%}{one.caught_early:>7.1%}{day:>6}"
    )


def _quality(quality: Quality, sign: str = "") -> str:
    shown = (interval(one, sign) for one in (quality.roc_auc, quality.pr_auc, quality.brier))
    return "".join(f"{one:<21}" for one in shown).rstrip()


COMMAND = Command(
    name="evaluate",
    summary="measure the sign of silence on history, beside fixed inactivity and BG/NBD",
    about="Scores customers week by week with the same core as the worker, on customers that nothing was learned from: "
    "ROC-AUC, PR-AUC and Brier of fixed inactivity, of the silence against the own mean gap, of BG/NBD and of this "
    "model, with intervals by bootstrap of customers. Then the alerts as they would have come: how often they were "
    "right against the chance that they claim, and how many were false.\n\n"
    "Two populations: customers with the policy's min_purchase_days or more (those of whom an alert may speak), from "
    "the middle of the history on but not before day 90; and everybody who ever purchased. A history too short is "
    "refused (exit code 1). If the policy's own parameters were learned from the same customers, the row `learned "
    "anew` is the fair one.\n\n"
    "--simulated holds every sign's alerts against the truth of `lapse simulate`: how many were right, how many of the "
    "times that a sign was to be seen were covered, and the verdict on each scenario; exit code 1 if one is wrong.",
    examples=(
        "lapse evaluate --simulated events.jsonl --policy simulated",
        "lapse evaluate events.jsonl --policy complete-journey",
        "lapse evaluate events.jsonl --policy mine.toml --json",
    ),
    options=_options,
    plan=_plan,
)
