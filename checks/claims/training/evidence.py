"""The evidence on the two-layer task: when the curves cross, what the rate does, and how far the kernels explain it."""

from __future__ import annotations

import numpy as np

from checks.claims.training.kernels import CASES, Prediction
from checks.claims.training.measures import LEVEL, LIMIT, Race, Statement
from checks.tools.signs import Interval, shown, signs, worst
from checks.tools.training_task import NAMES, PAIRS, Task, Trained
from glutheory.claims import About, Evidence, Figure, Finding, Grade

#: The crossing epoch follows the claimed power of the rate up to this factor.
MARGIN = 1.2
Races = dict[tuple[tuple[str, str], float, bool], Race]
Predictions = dict[tuple[str, str], Prediction]


def _label(pair: tuple[str, str], rate: float | None = None) -> str:
    return "/".join(pair) + ("" if rate is None else f", rate {rate}")


def crossing(task: Task, found: Races, statement: Statement) -> Evidence:
    """The non-gated loss is lower early, the gated loss at the end."""
    keys = [(pair, rate) for rate in task.rates for pair in PAIRS]
    events = {}
    rows: dict[str, Figure] = {}
    for pair, rate in keys:
        race = found[pair, rate, True]
        events[_label(pair, rate)] = statement.crosses(race.at(task.early), race.end)
        # before that the sign of the gap hangs on the random outputs at the start
        later = race.gap[task.epoch >= task.early]
        changes = np.sum(np.diff(np.sign(later), axis=0) != 0, axis=0)
        rows[_label(pair, rate)] = {
            "crossing epoch": shown(race.crossing),
            f"smallest and largest ln(gated/plain) at epoch {task.early}": _ends(race.at(task.early)),
            f"smallest and largest ln(gated/plain) at epoch {task.epochs}": _ends(race.end),
            "seeds with more sign changes than one after it": int(np.sum(changes > 1)),
        }
    finding, figures = signs(events, LIMIT)
    what = f"the training losses at epoch {task.early} and at epoch {task.epochs}, both rates, {task.seeds} seeds"
    figures |= {"level of all tests": LEVEL, "measured": rows}
    return Evidence(Grade.STATISTICAL, what, finding, part="crossing", figures=figures)


def shrinking(task: Task, found: Races, statement: Statement) -> Evidence:
    """The area between the curves before the crossing, at the two rates."""
    events = {}
    rows: dict[str, Figure] = {}
    low, high = task.rates
    for pair in PAIRS:
        slow, fast = (found[pair, rate, True].advantage for rate in task.rates)
        events[_label(pair)] = statement.shrinks(slow, fast)
        rows[_label(pair)] = {
            "advantage at the higher rate over that at the lower": shown(fast / slow),
            "the same in training time, rate x epochs": shown(fast / slow * high / low),
        }
    finding, figures = signs(events, LIMIT)
    what = f"the early advantage, the area of ln(gated/plain) while positive, at the rates {low} and {high}"
    figures |= {"measured": rows}
    return Evidence(Grade.STATISTICAL, what, finding, part="learning rate", figures=figures)


def scaling(task: Task, found: Races, statement: Statement) -> Evidence:
    """The crossing epoch as a power of the rate."""
    expected = (task.rates[1] / task.rates[0]) ** statement.exponent
    rows: dict[str, Figure] = {}
    findings = []
    for pair in PAIRS:
        low, high = (found[pair, rate, True].crossing for rate in task.rates)
        with np.errstate(invalid="ignore", divide="ignore"):
            interval = Interval.of(high / low / expected, 1 - LEVEL / len(PAIRS))
        rows[_label(pair)] = None if interval is None else interval.figure
        if interval is None:
            findings.append(Finding.UNDECIDED)
        elif interval.low > MARGIN or interval.high < 1 / MARGIN:
            findings.append(Finding.REFUTES)
        else:
            inside = interval.low > 1 / MARGIN and interval.high < MARGIN
            findings.append(Finding.SUPPORTS if inside else Finding.UNDECIDED)
    finding = worst(findings)
    what = f"the crossing epoch is in proportion to rate^{statement.exponent:g}, up to a factor {MARGIN} (t intervals)"
    figures: dict[str, Figure] = {"measured over claimed ratio": rows, "confidence": 1 - LEVEL}
    return Evidence(Grade.STATISTICAL, what, finding, About.CORRECTED, "time scale", figures)


def mechanism(task: Task, found: Races, kernels: Predictions, statement: Statement) -> Evidence:
    """The crossing epochs of the trained networks against those of the kernels at initialisation, both rates.

    One test per pair: a seed counts where both of its rates are as claimed. What is claimed hangs on whether descent
    with the plain kernel converges at the rate.
    """
    events = {}
    rows: dict[str, Figure] = {}
    for pair in PAIRS:
        own, good = kernels[pair], np.ones(task.seeds, dtype=bool)
        row: dict[str, Figure] = {}
        for index, rate in enumerate(task.rates):
            measured, predicted = found[pair, rate, True].crossing, own.expected[index]
            stable = rate < own.bounds[0]
            held = np.where(stable, statement.earlier(measured, predicted), statement.beyond(measured, predicted))
            good &= held
            row[f"rate {rate}"] = {
                "as claimed": int(np.sum(held)),
                "seeds at which descent with the plain kernel diverges": int(np.sum(~stable)),
                "measured over predicted": shown(measured / predicted),
            }
        events[_label(pair)] = good
        rows[_label(pair)] = {
            **row,
            **{
                f"predicted epoch, {'large' if large else 'unit'} targets, rate {task.rates[rate]}": {
                    "expected kernels": shown(own.expected[case]),
                    "own kernels at the start": shown(own.own[case]),
                }
                for case, (large, rate) in enumerate(CASES)
            },
            "descent diverges from these rates on (plain, gated)": [float(bound) for bound in own.bounds.min(axis=1)],
        }
    finding, figures = signs(events, LIMIT)
    what = (
        "at both rates the losses cross earlier than with the expected kernels at initialisation (Cor. 4.2), or later "
        "where descent with the plain one diverges; large targets"
    )
    figures |= {"measured": rows}
    return Evidence(Grade.STATISTICAL, what, finding, About.CORRECTED, "mechanism", figures)


def diverges(task: Task, kernels: Predictions) -> bool:
    """Whether descent with a plain kernel does at any rate: what is claimed there cannot be tried otherwise."""
    return any(bool(np.any(kernels[pair].bounds[0] <= max(task.rates))) for pair in PAIRS)


def scope(task: Task, found: Races) -> Evidence:
    """The same inputs with targets of variance about 1."""
    rate = task.rates[0]
    events = {_label(pair): found[pair, rate, False].end > 0 for pair in PAIRS}
    finding, figures = signs(events, LIMIT)
    ends: dict[str, Figure] = {_label(pair): _ends(found[pair, rate, False].end) for pair in PAIRS}
    what = f"with targets of variance about 1 the gated loss is still higher at epoch {task.epochs}, rate {rate}"
    figures |= {"smallest and largest ln(gated/plain) at the end": ends}
    return Evidence(Grade.STATISTICAL, what, finding, About.CORRECTED, "targets", figures)


def held_out(task: Task, runs: dict[tuple[str, float, bool], Trained]) -> Evidence:
    """The losses on new data at the end, and what became of the kernels."""
    rate = task.rates[0]
    events = {}
    rows: dict[str, Figure] = {}
    for pair in PAIRS:
        plain, gated = (runs[name, rate, True].held_out[-1] for name in pair)
        events[_label(pair)] = gated > plain
        rows[_label(pair)] = {"gated over plain": shown(gated / plain)}
    for name in NAMES:
        mine = runs[name, rate, True]
        rows[name] = {
            "held-out loss": float(np.median(mine.held_out[-1])),
            "training loss": float(np.median(mine.loss[-1])),
            f"condition number on {task.probe} inputs before": float(np.median(mine.condition[0])),
            f"condition number on {task.probe} inputs after": float(np.median(mine.condition[1])),
            "relative change of the kernel": float(np.median(mine.moved)),
            "the same, unit targets": float(np.median(runs[name, rate, False].moved)),
        }
    finding, figures = signs(events, LIMIT)
    what = "the held-out loss of the gated network is the higher one at the end, large targets (medians over seeds)"
    figures |= {"measured": rows, "noise floor": 0.01}
    return Evidence(Grade.STATISTICAL, what, finding, About.CORRECTED, "held-out", figures)


def _ends(values: np.ndarray) -> Figure:
    return [round(float(np.min(values)), 4), round(float(np.max(values)), 4)]
