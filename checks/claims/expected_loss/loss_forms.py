"""Forms of an expected loss, right and wrong: what stands in the trace, the power of I − ηK, the targets' term."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from checks.tools.formulas import gated as gated_equation
from checks.tools.formulas import plain as plain_equation
from checks.tools.roads import Constants, Duals
from glutheory.dynamics import LossCurve, Modes, decompose, expected_loss
from glutheory.networks import GATES

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Problem:
    """A network's kernels on data, with targets and a learning rate.

    Attributes:
        name: of the network.
        width: m.
        X, Y: data, shape (n, d), and targets, shape (n,).
        K, sigma: NTK and NNGP kernel of this width, LeCun.
        other: the NNGP kernel of the counterpart: without the gate, or with it.
        modes: of K.
        rate: η.
    """

    name: str
    width: int
    X: Array
    Y: Array
    K: Array
    sigma: Array
    other: Array
    modes: Modes
    rate: float


def counterpart(name: str) -> str:
    """The gated network of an activation, or the other way round."""
    if name in GATES:
        return GATES[name]
    return next(gated for gated, activation in GATES.items() if activation == name)


def problem(name: str, width: int, X: Array, Y: Array, fraction: float) -> Problem:
    """LeCun, with `fraction` of the largest stable rate."""
    from glutheory import gram

    sigma, K = gram(name, X, kind="both", parametrization="standard", width=width)
    other = gram(counterpart(name), X, kind="nngp", parametrization="standard", width=width)
    modes = decompose(K, entry_error=1e-14)
    rate = fraction * LossCurve(modes.values, np.ones(len(X)), modes.error).largest_stable_rate
    return Problem(name, width, X, Y, K, sigma, other, modes, rate)


def nngp(scales: Constants, inner: Any, duals: Duals) -> Any:  # noqa: ARG001 (one signature for all formulas)
    """Σ = m σ_v² ∏ S."""
    return scales.m * scales.v * prod(pair[0] for pair in duals)


def ntk(scales: Constants, inner: Any, duals: Duals) -> Any:
    """Eq. 3 or 4."""
    return (plain_equation if len(duals) == 1 else gated_equation)(scales, inner, duals)


def _other(scales: Constants, inner: Any, duals: Duals) -> Any:
    """Σ of the counterpart: with the factor σ_p² x·x' or without it; LeCun's σ_p² = 1/d = σ_w²."""
    factor = scales.w[0] * inner
    return nngp(scales, inner, duals) * factor if len(duals) == 1 else nngp(scales, inner, duals[-1:])


@dataclass(frozen=True)
class Form:
    """E L_k ∝ Tr[(I − ηK)^{p k} C] + Yᵀ(I − ηK)^{p k} Y.

    Attributes:
        entry: an entry of C, as a formula.
        matrix: C for a problem.
        power: p.
        targets: whether the second term is there.
    """

    entry: Callable[[Constants, Any, Duals], Any]
    matrix: Callable[[Problem], Array]
    power: int = 2
    targets: bool = True

    def mean(self, given: Problem, steps: Array) -> Array:
        """The loss claimed, shape of `steps`."""
        curve = expected_loss(given.modes, self.matrix(given), given.Y if self.targets else None)
        return curve.descent(self.power / 2 * steps, given.rate)

    def single(self, given: Problem, outputs: Array, steps: Array) -> Array:
        """The same for networks that start at these outputs, shape (networks, steps): no mean, hence no C."""
        start = outputs - given.Y if self.targets else outputs
        curves = [expected_loss(given.modes, None, row) for row in start]
        return np.stack([curve.descent(self.power / 2 * steps, given.rate) for curve in curves])


CORRECT = Form(nngp, lambda given: given.sigma)
LITERAL = Form(ntk, lambda given: given.K)
MUTANTS: dict[str, Form] = {
    "K in the trace, as printed": LITERAL,
    "K/m in the trace": Form(lambda s, x, duals: ntk(s, x, duals) / s.m, lambda given: given.K / given.width),
    "the covariance of the other network": Form(_other, lambda given: given.other),
    "exponent k in place of 2k": Form(nngp, lambda given: given.sigma, power=1),
    "exponent 4k in place of 2k": Form(nngp, lambda given: given.sigma, power=4),
    "no term for the targets": Form(nngp, lambda given: given.sigma, targets=False),
}
