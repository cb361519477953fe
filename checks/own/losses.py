"""Claims about losses in training: of wide networks, by their kernels at the start."""

from __future__ import annotations

import math

import numpy as np

from checks.claims.steps.cases import Ends, learning_rate
from checks.claims.trajectory.curves import straightness_of
from checks.claims.trajectory.paths import ALIKE, OPPOSITE, PAIR, RELEASED
from checks.own.measure import FEWER, Array, Measure, Row, sized
from checks.tools.biased import matrices
from checks.tools.loss_pairs import ENTRY_ERROR, PAIRS, LossPair, data_of, loss_pair, targets
from glutheory import gram
from glutheory.dynamics import LossCurve, Steps, steps_to
from glutheory.errors import DomainError
from glutheory.networks import matched_width, network

#: The relative error of `steps`.
_ERROR = 0.1
#: Of straightness: a thousand lengths of a few operations each, relative to their sum.
_ROUNDING = 1e-12
_QUOTIENTS = ("condition", "least")
#: What the difference of two sums may be off by, over what is summed: errors of two entries, and rounding of sums.
_OFF = 2 * ENTRY_ERROR + 4 * FEWER * 2.0**-53
_YES = {-1: "no", 0: "not told", 1: "yes"}
_ORDER = {-1: "non-gated", 0: "neither", 1: "gated"}


def _targets(X: Array, y: Array | None, *kinds: str) -> dict[str, Array]:
    """One's own targets, or those of these kinds."""
    return {"yours": y} if y is not None else {kind: targets(kind, X, 0) for kind in kinds}


def steps(X: Array, y: Array | None) -> list[Row]:
    """Numbers of steps from output 0, against condition numbers."""
    table: list[Row] = []
    for pair in PAIRS:
        data = data_of(pair, X)
        ends = [Ends.of(modes) for modes in data.modes]
        for name, Y in _targets(X, y, "random", "linear").items():
            curves = [LossCurve(modes.values, (modes.vectors.T @ Y) ** 2, modes.error) for modes in data.modes]
            ratios = []
            for rate in ("own", "shared"):
                both = [
                    steps_to(curve, _ERROR, learning_rate(rate, mine, (ends[0], ends[1])))
                    for curve, mine in zip(curves, ends, strict=True)
                ]
                ratios.append(_ratio(both))
            # by condition numbers and by least eigenvalues
            regular = all(one.least > modes.error for one, modes in zip(ends, data.modes, strict=True))
            quotients = [ends[0].measure(what) / ends[1].measure(what) if regular else math.nan for what in _QUOTIENTS]
            table.append((f"{'/'.join(pair)}, {name}", ratios[0], quotients[0], ratios[1], quotients[1]))
    return table


def _ratio(both: list[Steps]) -> float:
    """Not a number where one of them is not known within a quarter."""
    known = all(one.high is not None and one.high <= 1.25 * one.low for one in both)
    return both[0].value / both[1].value if known else math.nan


def _cases(X: Array, y: Array | None) -> list[tuple[str, LossPair]]:
    """Every pair of networks at half the largest stable rate of both."""
    found = []
    for pair in PAIRS:
        data = data_of(pair, X)
        for name, Y in _targets(X, y, "linear", "random").items():
            found.append((f"{'/'.join(pair)}, {name}", loss_pair("", data, Y, 0.5)))
    return found


def early(X: Array, y: Array | None) -> list[Row]:
    """Who leads at first, beside the two rules."""
    return [
        (
            label,
            one.traces[0] / len(X),
            one.traces[1] / len(X),
            _YES[_sign(*one.forms, max(_weight(K, one.Y) for K in one.data.K))],
            _ORDER[_sign(*one.traces, max(one.traces))],
            _ORDER[one.found.start],
        )
        for label, one in _cases(X, y)
    ]


def _sign(plain: float, gated: float, size: float) -> int:
    """The sign of their difference; 0 where it may be the entries' errors, or rounding of sums, in units of `size`."""
    return int(np.sign(plain - gated)) if abs(plain - gated) > _OFF * size else 0


def _weight(K: Array, Y: Array) -> float:
    """(Σ|Y_i|√K_ii)²: what errors of K count with in YᵀKY."""
    return float(np.abs(Y) @ np.sqrt(np.diag(K))) ** 2


def late(X: Array, y: Array | None) -> list[Row]:
    """Who leads in the end, beside the least eigenvalues."""
    table: list[Row] = []
    for label, one in _cases(X, y):
        # the slowest mode of a singular kernel may carry no loss but for rounding
        sure = one.resolved and one.regular
        said = _ORDER[int(np.sign(one.least[1] - one.least[0]))] if sure else "not resolved"
        found = _ORDER[one.found.end] if sure else "not resolved"
        # what follows the last certain sign may be rounding in modes of eigenvalue 0
        count = len(one.found) if sure and one.found.complete and one.found.certain else math.nan
        table.append((label, *one.least, said, found, count))
    return table


def expected_loss(X: Array, _: Array | None) -> list[Row]:
    """The trace at the start with the covariance, and with K/m in its place."""
    d = X.shape[1]
    table: list[Row] = []
    for pair in PAIRS:
        for name in pair:
            for times in (4, 64):
                m = times * d
                sigma, K = (
                    float(np.trace(one)) for one in gram(name, X, kind="both", parametrization="standard", width=m)
                )
                table.append((f"{name}, m = {m}", sigma, K / m, K / m / sigma - 1, 1 / times))
    return table


def trajectory(X: Array, _: Array | None) -> list[Row]:
    """Consecutive pairs of rows as data sets of two samples."""
    d, count = X.shape[1], len(X) // 2
    kernels = []
    # T of a pair at a right angle is lost by `matrices`
    chosen = np.flatnonzero(np.sum(X[: 2 * count : 2] * X[1 : 2 * count : 2], axis=1))
    if not len(chosen):
        raise DomainError("all rows that follow each other are at right angles: give others.")
    for name in PAIR:
        K = matrices(name, X[: 2 * count], matched_width(network(name), 4 * d, d))[0].reshape(count, 2, count, 2)
        kernels.append(K[chosen, :, chosen])
    table: list[Row] = []
    for Y in (RELEASED, ALIKE, OPPOSITE):
        start = np.broadcast_to(np.negative(Y), (len(chosen), 2))
        plain, gated = (straightness_of(K, start) for K in kernels)
        medians = [float(np.median(np.where(value < 1 - _ROUNDING, 1 - value, 0.0))) for value in (plain, gated)]
        label, apart = f"targets {Y[0]:.3g}, {Y[1]:.3g}", np.abs(gated - plain) > _ROUNDING
        share = float(np.mean((gated > plain)[apart])) if apart.any() else math.nan
        table.append((label, *[len(chosen), share, *medians]))
    return table


_START = "expected losses by the kernels at the start, wide limit, half the largest rate stable for both"
MEASURES = {
    "expected-loss": Measure(
        "the first term at the start, with Σ and with K/m in its place, LeCun's variances",
        ("Tr Σ", "Tr K/m", "off by", "d/m"),
        expected_loss,
        "The recorded run trains networks beside it, and has all steps and both terms.",
        sized("gaussian", 300, 75),
    ),
    "crossing-early": Measure(
        _START,
        ("Tr Σ/n", "Tr Σ̃/n", "YᵀKY ≥ YᵀK̃Y", "lower at first, by the traces", "found"),
        early,
        "As stated, the non-gated loss is the lower one at first wherever the third column says yes. The recorded run "
        "has 2000 data sets of this size, and others.",
        sized("gaussian", 300, 290),
    ),
    "crossing-late": Measure(
        _START,
        ("λ_n(K)/m", "λ_n(K̃)/m", "lower in the end, by λ_n", "found", "crossings"),
        late,
        "As stated, the gated loss is the lower one in the end. The recorded run has other widths and 432 cases, with "
        "certified signs.",
        sized("gaussian", 300, 20),
    ),
    "steps": Measure(
        f"ratios of steps of gradient descent from output 0 to the relative error {_ERROR:g}, non-gated over gated",
        ("steps, own rates", "cond", "steps, shared rate", "1/λ_n"),
        steps,
        "Random signs and linear targets, unless --target gives yours; rates are 1/λ_1 of the own kernel, or of the "
        "one with the larger λ_1. The recorded run has n up to 1500, three errors and rates, and targets made for a "
        "kernel.",
        sized("gaussian", 300, 75),
    ),
    "trajectory": Measure(
        "ReLU and ReGLU, width 4d and matched, with biases: every two rows that follow each other are a data set",
        ("data sets", "gated straighter", "median 1 − straightness, plain", "gated"),
        trajectory,
        "The share is that of the data sets on which the two differ. Paths are those of the expected kernels. "
        "The recorded run has d = 75, and trains networks on 2048 data sets.",
        sized("gaussian", 640, 75),
    ),
}  # fmt: skip
