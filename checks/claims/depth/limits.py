"""Where a single pair of rows goes: the rates and limits that are claimed, against the recursion carried far."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from scipy.special import gammaln

from checks.claims.depth.law import Law
from checks.tools.deep_kernels import Array, Block, flow, numbers
from glutheory.claims import Evidence, Figure, Finding, Grade
from glutheory.networks import GATES

#: Cosines that pairs start with, and the diagonal.
_START = np.array([0.5, 1.0])
#: Rates are read off between these numbers of blocks: beyond the transient, before what is left is rounding.
_BETWEEN = {"gated": (20, 40), "diagonal": (100, 200), "constant": (8, 12)}
#: Of ln x per block at these depths: corrections to the geometric law are L^(−2) behind the factor L.
_RATE = 0.02
#: Of the exponent of L, times L: its corrections are of the order 1/L.
_EXPONENT = 40.0
#: Of ln(off/diagonal) of tanh's gate, times L: the correction is some 12/L.
_LOGARITHM = 15.0


def limits(law: Law, gates: tuple[str, ...], single: int) -> Evidence:
    """All rates and limits."""
    rows = [
        *(row for gate in gates for row in _rates(law, gate)),
        *_powers(law, gates, single),
        *_logarithm(law, single),
        *_marginal(law, single),
    ]
    wrong = [name for name, claimed, found, margin in rows if not abs(claimed - found) <= margin]
    figures: dict[str, Figure] = {
        "compared": len(rows),
        "not as claimed": wrong,
        "claimed, found, margin": {name: [claimed, found, margin] for name, claimed, found, margin in rows},
    }
    what = f"rates, exponents and limits of single pairs, by the recursion to {single} blocks"
    return Evidence(Grade.NUMERICAL, what, Finding.of(not wrong), part="limits", figures=figures)


Row = tuple[str, float, float, float]


@lru_cache(maxsize=256)
def _pair(block: Block, depths: tuple[int, ...], residual: bool) -> tuple[Array, ...]:
    """The off-diagonal and the diagonal k at these depths."""
    return tuple(deep.ntk for _, deep in flow(block, _START, depths, residual=residual))


def _rates(law: Law, gate: str) -> Iterator[Row]:
    """Without residuals: ln of what is off the diagonal over the diagonal, or of the difference to it, per block."""
    known = numbers(GATES[gate])
    mean, top = known.mean**law.attracts, known.slope + law.repels
    if mean > 1e-9:
        yield f"{gate}: off/diagonal", math.log(mean / top), _rate(Block(gate, True), "gated", True), _RATE
    plain = Block(gate, False)
    if known.slope > 1 + 1e-9:
        limit, factor = (known.linear / known.slope, True) if mean <= 1e-9 else (1 / known.slope, False)
        yield f"{plain.plain}: off/diagonal", math.log(limit), _rate(plain, "diagonal", factor), _RATE
    if known.slope < 1 - 1e-9:
        yield f"{plain.plain}: 1 - off/diagonal", math.log(known.slope), _rate(plain, "constant", True), _RATE


def _rate(block: Block, kind: str, factor: bool) -> float:
    """Per block, the factor L taken out."""
    first, last = _BETWEEN[kind]
    pairs = _pair(block, (first, last), False)
    left = [1 - k[0] / k[1] if kind == "constant" else k[0] / k[1] for k in pairs]
    logs = [math.log(x / depth) if factor else math.log(x) for x, depth in zip(left, (first, last), strict=True)]
    return (logs[1] - logs[0]) / (last - first)


def _powers(law: Law, gates: tuple[str, ...], single: int) -> Iterator[Row]:
    """With residuals: the exponent of L in (b/r) r/(D + α), the logarithm b/r taken out; and the diagonal itself.

    The constant α beside D is what makes the exponent visible late where χ is small: α = 13 for GLU.
    """
    for gate in gates:
        known = numbers(GATES[gate])
        depths = (single // 4, single // 2)
        logs = []
        for depth, linear in zip(depths, _linear(gate, depths), strict=True):
            # b/r: two numbers of the recursion
            ratio = 2 + sum(
                2 * known.square * known.mean / (1 + number * known.square + known.square * known.mean)
                for number in range(depth)
            )
            logs.append(math.log(linear / ratio) - _log_diagonal(gate, law, depth))
        found = (logs[1] - logs[0]) / math.log(depths[1] / depths[0])
        claimed = known.mean**law.attracts - law.repels - known.slope if known.mean > 1e-9 else -1 - known.slope
        yield f"{gate}: exponent with residuals", claimed, found, _EXPONENT / single
        top = known.slope + law.repels
        deepest = math.exp(_log_diagonal(gate, law, depths[1])) - _above(top)
        value = float(_pair(Block(gate, True), (depths[1],), True)[0][1])
        yield f"{gate}: the diagonal", 1.0, deepest / value, 1e-9


@lru_cache(maxsize=256)
def _linear(gate: str, depths: tuple[int, ...]) -> tuple[float, ...]:
    """The coefficient b of ρ in the gated kernel at these depths."""
    small = np.array([1e-8])
    return tuple(float(deep.ntk[0] / small[0]) for _, deep in flow(Block(gate, True), small, depths))


def _above(top: float) -> float:
    """α."""
    return 2 / (top - 1) if top > 1 else math.nan


def _log_diagonal(gate: str, law: Law, depth: int) -> float:
    """Ln (D_L + α) of a gated stack with residuals, in closed form."""
    known = numbers(GATES[gate])
    top, one = known.slope + law.repels, 1 / known.square
    logs = gammaln(depth + one + top) - gammaln(depth + 1 + one) + gammaln(1 + one) - gammaln(one + top)
    return math.log(2 + _above(top)) + float(logs)


def _logarithm(law: Law, single: int) -> Iterator[Row]:
    """With residuals and μ = 0, tanh: the power of ln L that is left of off/diagonal times L^(1 + χ)."""
    gated = Block("gtu", True)
    depths = (single // 4, single)
    power = 1 + numbers(GATES["gtu"]).slope
    pairs = zip(depths, _pair(gated, depths, True), strict=True)
    logs = [math.log(float(k[0] / k[1])) + power * math.log(depth) for depth, k in pairs]
    scale = math.log(math.log(depths[1]) / math.log(depths[0]))
    margin = _LOGARITHM * (1 / depths[0] - 1 / depths[1]) / scale
    yield "gtu: power of ln L", law.logarithm, (logs[1] - logs[0]) / scale, margin


def _marginal(law: Law, single: int) -> Iterator[Row]:
    """ReLU without residuals: off/diagonal tends to its limit like (ln L)/L."""
    relu = Block("reglu", False)
    depths = (single // 4, single)
    found = [float(k[0] / k[1]) for k in _pair(relu, depths, False)]
    scales = [math.log(depth) / depth for depth in depths]
    # the limit of a + b (ln L)/L through both, whose error is a fraction of the second correction 1/L
    value = (found[1] * scales[0] - found[0] * scales[1]) / (scales[0] - scales[1])
    yield "relu: off/diagonal", law.shared, value, 10 / single
