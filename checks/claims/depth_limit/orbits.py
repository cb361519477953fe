"""Correlations and kernels of deep stacks, by `gram`, against the claimed rates and limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from checks.claims.depth_limit.law import LAW, Law
from checks.claims.depth_limit.theory import Array, Block, grown
from glutheory.activations import Z
from glutheory.claims import Evidence, Figure, Finding, Grade
from glutheory.layers import stack
from glutheory.numeric import grams_by_depth

#: Correlations of the first row with the others.
STARTS = (-0.9, -0.3, 0.2, 0.6, 0.95)
#: Blocks at which ReLU's law and the exponents with residuals are looked at; corrections are O(ln L/L).
FAR = 16_384
#: What the ratio of successive distances may be off once the distance is below `_CLOSE`; both are linear in it.
_CLOSE, _OFF = 1e-4, 1e-3
#: Relative, at `FAR` blocks; and of exponents.
_FAR_OFF, _EXPONENT_OFF = 0.02, 0.02
#: Distances that are looked at; what rounding does to one that is the difference of correlations; and to limits.
_FLOOR, _ROUNDING, _LIMIT_OFF = 1e-9, 1e-13, 1e-6


def rows() -> Array:
    """Unit rows in the plane with these correlations to the first one."""
    rho = np.array([1.0, *STARTS])
    return np.stack([rho, np.sqrt(1 - rho**2)], axis=1)


@lru_cache(maxsize=256)
def kernels(block: Block, depths: tuple[int, ...], residual: bool = False) -> tuple[tuple[Array, Array], ...]:
    """(NNGP, NTK) after each of these numbers of blocks."""
    grams = grams_by_depth(stack(block.network, 1, residual=residual), rows(), list(depths))
    return tuple(grams[depth] for depth in depths)


def orbit(block: Block, depths: tuple[int, ...], residual: bool = False) -> Array:
    """The correlations with the first row, shape (depths, rows)."""
    return np.stack([nngp[0, 1:] / nngp[0, 0] for nngp, _ in kernels(block, depths, residual)])


def rates(law: Law, blocks: Sequence[Block]) -> Evidence:
    """Successive distances from the attractor."""
    wrong: list[str] = []
    rows_: dict[str, Figure] = {}
    for block in blocks:
        good, figure = _marginal(law, block) if block.kink and not block.gated else _geometric(law, block)
        wrong += [] if good else [block.name]
        rows_[block.name] = figure
    what = (
        f"correlations of stacks without residuals, {len(STARTS)} starts from {STARTS[0]} to {STARTS[-1]}: every ratio "
        "of gated ones within the bound of the theorem, the last ratios of plain ones, and ReLU's power law"
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(not wrong), part="rates", figures=_figures(rows_, wrong))


def _geometric(law: Law, block: Block) -> tuple[bool, Figure]:
    at, rate = law.attractor(block), law.rate(block)
    away = orbit(block, tuple(range(1, 40 if block.gated and rate < 0.5 else 300))) - at
    before, after = away[:-1], away[1:]
    seen = np.abs(after) > _FLOOR
    if block.gated and rate < _FLOOR:
        # without a mean distances are squared: F = ρf with |f(ρ)| ≤ |ρ|
        largest = float(np.max(np.abs(after[seen]) / before[seen] ** 2))
        return largest <= 1 + _OFF, {"claimed": rate, "largest ρ'/ρ²": largest}
    if not block.gated:
        seen &= np.abs(before) < _CLOSE
    if not seen.any():
        return False, {"claimed": rate, "last ratio": None}
    ratios, distances = after[seen] / before[seen], np.abs(before[seen])
    slack = _OFF if not block.gated else (1 - rate) * distances + _ROUNDING / distances
    worst = float(np.max(np.abs(ratios - rate) - slack))
    return worst <= 0, {"claimed": rate, "last ratio": float(ratios[-1]), "worst beyond the bound": worst}


def _marginal(law: Law, block: Block) -> tuple[bool, Figure]:
    # with πt = 2β²/(α² + β²) for φ = αz + β|z|, 1 for ReLU: 1 − ρ' = 1 − ρ − (t/3)(2(1 − ρ))^(3/2) + …
    plus, minus = (float(block.act.expr.subs(Z, sign)) for sign in (1, -1))
    share = (plus + minus) ** 2 / (plus**2 + minus**2)
    claimed = law.relu_rate / share**2
    found = FAR**2 * (1 - orbit(block, (FAR,))[0])
    off = float(np.abs(found / claimed - 1).max())
    return off <= _FAR_OFF, {"claimed": claimed, f"L^2 (1 - rho), L = {FAR}": float(found[0]), "relative error": off}


def residuals(law: Law, blocks: Sequence[Block]) -> Evidence:
    """With residuals: ρ_L − ρ* falls like L to the power −(1 − slope); between FAR/2 and FAR blocks."""
    wrong: list[str] = []
    rows_: dict[str, Figure] = {}
    for block in blocks:
        at = law.attractor(block)
        away = np.abs(orbit(block, (FAR // 2, FAR), residual=True) - at)
        found = np.log2(away[0] / away[1])
        claimed = 1 - law.residual * law.rate(block)
        if not float(np.abs(found - claimed).max()) <= _EXPONENT_OFF:
            wrong.append(block.name)
        rows_[block.name] = {"claimed": claimed, "measured": [float(x) for x in found]}
    what = f"stacks with residuals: the exponent of L in the distance from the attractor, L = {FAR // 2} to {FAR}"
    return Evidence(Grade.NUMERICAL, what, Finding.of(not wrong), part="rates", figures=_figures(rows_, wrong))


def limits(law: Law, blocks: Sequence[Block]) -> Evidence:
    """Correlations of both kernels after many blocks against their limits, and the growth of the diagonal."""
    wrong: list[str] = []
    rows_: dict[str, Figure] = {}
    for block in blocks:
        marginal = block.kink and not block.gated
        depth = FAR if marginal else _deep(block)
        before, (nngp, ntk) = kernels(block, (depth - 1, depth))
        # without the readout's weights, which add the NNGP
        last, now = (both[1][0, 0] - both[0][0, 0] for both in (before, (nngp, ntk)))
        claimed = law.limits(block)
        own = [K[0, 1:] / K[0, 0] for K in (nngp, ntk)]
        gaps = [float(np.abs(one - other).max()) for one, other in zip(own, claimed, strict=True)]
        # ReLU's NTK comes near 1/4 like ln L/L
        good = max(gaps) <= (_FAR_OFF if marginal else _LIMIT_OFF)
        factor = law.factor(block)
        if not marginal:
            good = good and math.isclose(now, grown(factor, 1, float(last)), rel_tol=_LIMIT_OFF)
        if not good:
            wrong.append(block.name)
        rows_[block.name] = {
            "blocks": depth,
            "limits (NNGP, NTK)": list(claimed),
            "largest distance": gaps,
            "factor of the diagonal": None if marginal else factor,
        }
    what = "correlations of NNGP and NTK of deep stacks without residuals against their limits, and how the NTK grows"
    return Evidence(Grade.NUMERICAL, what, Finding.of(not wrong), part="kernels", figures=_figures(rows_, wrong))


def _deep(block: Block) -> int:
    """Blocks after which distances are e^−20 or less, by what is so, whatever is claimed."""
    slowest = min(abs(math.log(LAW.factor(block))), abs(math.log(max(LAW.rate(block), 1e-12))))
    return max(40, math.ceil(25 / slowest))


def _figures(rows_: dict[str, Figure], wrong: list[str]) -> dict[str, Figure]:
    return {"blocks": rows_, "not as claimed": list(wrong)}
