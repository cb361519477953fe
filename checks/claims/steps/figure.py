"""The figures of the steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from checks.claims.steps.cases import Count, Ends, curve, learning_rate
from checks.settings import Settings
from checks.tools.loss_pairs import PAIRS, kernels
from glutheory.figures.chart import Chart, Role, Series

#: Of the curves: GELU and GEGLU, Gaussian inputs.
_SHOWN, _SHAPE = PAIRS[1], (300, 20)
_WORDS = {"bottom": "bottom eigenvector", "random": "random labels", "linear": "linear target"}


def charts(cases: Sequence[Count], settings: Settings) -> tuple[Chart, ...]:
    """Steps against the bound, ratios of steps against ratios of condition numbers, and a pair of curves."""
    return against_bound(cases), *(ratios(cases, rate) for rate in ("own", "shared")), curves(settings)


def against_bound(cases: Sequence[Count], error: float = 0.01) -> Chart:
    """Both networks, at their own rates."""
    series = []
    for target, words in _WORDS.items():
        chosen = [case for case in cases if (case.target, case.rate, case.error) == (target, "own", error)]
        pairs = [
            (ends.condition, steps.value) for case in chosen for ends, steps in zip(case.ends, case.steps, strict=True)
        ]
        x, y = zip(*pairs, strict=True)
        role = Role.THEORY if target == "bottom" else Role.OTHER
        series.append(Series(words, x, y, role, line=False, dashed=target == "linear"))
    line = np.geomspace(2, max(ends.condition for case in cases for ends in case.ends), 40)
    series.append(Series(r"$\kappa\,\ln(1/\varepsilon)$", list(line), list(line * math.log(1 / error)), Role.THEORY))
    return Chart(
        "Steps to a relative error of 1 % against the condition number",
        r"condition number $\kappa$",
        r"steps at $\eta=1/\lambda_{max}$",
        series,
        xscale="log",
        yscale="log",
        note=(
            "Linearised networks, non-gated and gated, all data sets. The bottom eigenvector takes the steps of the "
            "bound, random labels somewhat fewer, linear targets mostly far fewer."
        ),
    )


def ratios(cases: Sequence[Count], rate: str, error: float = 0.1) -> Chart:
    """Steps non-gated over gated against the quotient of the condition numbers."""
    series = []
    low, high = math.inf, 0.0
    for target, words in _WORDS.items():
        chosen = [
            case for case in cases if (case.target, case.rate, case.error) == (target, rate, error) and case.known
        ]
        x, y = [case.quotient("condition") for case in chosen], [case.ratio for case in chosen]
        low, high = min(low, *x), max(high, *x)
        role = Role.THEORY if target == "bottom" else Role.OTHER
        series.append(Series(words, x, y, role, line=False, dashed=target == "linear"))
    series.append(Series("equal ratios", [low, high], [low, high], Role.THEORY, dashed=True))
    series.append(Series("equal numbers of steps", [low, high], [1, 1], Role.OTHER, dashed=True, guide=True))
    own = rate == "own"
    where = "each at its own largest rate" if own else "at a shared rate"
    return Chart(
        f"What gating saves in steps, {where}",
        r"$\kappa/\tilde\kappa$",
        r"steps, non-gated over gated",
        series,
        xscale="log",
        yscale="log",
        note=(
            "Relative error 10 %. Random labels save about what the condition numbers say; linear targets save much "
            "less, and below 1 the gated network is the slower one although it is better conditioned."
            if own
            else "Relative error 10 %. The largest eigenvalue does not count: every target saves less than the "
            "condition numbers say, and most linear targets take more steps with the gate."
        ),
    )


def curves(settings: Settings) -> Chart:
    """A linear target on which the better conditioned network is the slower one to 10 %."""
    seed = settings.stream(f"steps/sets/{_SHAPE[0]}/{_SHAPE[1]}/0")
    data = kernels(_SHOWN, *_SHAPE, None, seed, False)
    ends = [Ends.of(modes) for modes in data.modes]
    steps = np.unique(np.round(np.geomspace(1, 3e5, 120)))
    series = []
    for modes, mine, role, name in zip(data.modes, ends, (Role.PLAIN, Role.GATED), ("GELU", "GEGLU"), strict=True):
        for target in ("linear", "random"):
            loss = curve(modes, target, data.X, seed)
            y = np.sqrt(loss.descent(steps, learning_rate("own", mine, (ends[0], ends[1]))) / loss.initial)
            label = f"{name}, {_WORDS[target]}"
            series.append(
                Series(label, list(steps), list(np.where(y < 1e-6, np.nan, y)), role, dashed=target == "random")
            )
    return Chart(
        "Two targets, two networks, each at its own largest rate",
        "steps",
        "relative error",
        series,
        xscale="log",
        yscale="log",
        note=(
            f"Gaussian inputs, n = {_SHAPE[0]}, d = {_SHAPE[1]}; condition numbers {ends[0].condition:.0f} and "
            f"{ends[1].condition:.0f}. The gated network is far ahead on random labels (dashed); on the linear target "
            "the other one is, down to a few per cent."
        ),
    )
