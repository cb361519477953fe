"""Rates of centred stacks, the limit of the mean's share, and one block against two layers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np

from checks.claims.depth_centred.four import KINDS, foreseen
from checks.claims.depth_centred.law import Law
from checks.settings import Settings
from checks.tools.deep_balls import differences, recursion
from checks.tools.deep_kernels import Array, Block, flow, numbers, size
from checks.tools.deep_spectra import Cell, net
from checks.tools.evidence import equal
from glutheory.claims import Evidence, Figure, Finding, Grade
from glutheory.layers import Stack, stack
from glutheory.networks import GATES, Network
from glutheory.numeric import gram

#: Of ln x per block between these depths, the factor L taken out: corrections are L^(−2).
_RATE, _BETWEEN = 0.02, (40, 80)
#: Of the exponent of L, times L.
_EXPONENT = 40.0
#: Blocks at the last of which the share is looked at where χ < 1: the plain condition number, χ^(−L), is known to 1e10.
_ORDERED = (4, 6, 8)
#: Always among the gates: the one with χ < 1.
_SIGMOID = "glu"
_POINTS = (Fraction(1, 4), Fraction(-1, 2))
#: Entries of a centred stack against those of two layers, over the diagonal.
_ENTRY = 1e-11
Row = tuple[str, float, float, float]


def entries(law: Law, settings: Settings) -> Evidence:
    """The NTK of centred stacks, enclosed by integration of φ less its mean, less the recursion."""
    gates = ("reglu", "geglu", "swiglu", "glu") if settings.profile.thorough else ("reglu", "swiglu")
    found = []
    for block in (Block(gate, gated, True) for gate in gates for gated in (False, True)):
        for residual in (True, False):
            for rho in _POINTS:
                claimed = recursion(law.block(block), rho, 2, residual, law.rule)
                found += differences(claimed, law.taken(block), rho, residual)
    what = f"the recursion against enclosed NTKs of centred stacks of 1 and 2 blocks ({', '.join(gates)})"
    return equal(what, found, part="recursion")


def limits(law: Law, gates: Sequence[str], single: int, shape: tuple[int, int]) -> Evidence:
    """Rates of the centred kernel without residuals and with, and the share of the mean far down."""
    gates = tuple(dict.fromkeys((*gates, _SIGMOID)))
    rows = [row for gate in gates for row in (*_rates(law, gate, single), *_shares(law, gate, *shape))]
    wrong = [name for name, claimed, found, margin in rows if not abs(claimed - found) <= margin]
    figures: dict[str, Figure] = {
        "compared": len(rows),
        "not as claimed": wrong,
        "claimed, found, margin": {name: [claimed, found, margin] for name, claimed, found, margin in rows},
    }
    what = f"rates of centred pairs by the recursion to {single} blocks, and the mean's share far down"
    return Evidence(Grade.NUMERICAL, what, Finding.of(not wrong), part="limits", figures=figures)


def _rates(law: Law, gate: str, single: int) -> Iterator[Row]:
    known, block = numbers(GATES[gate]), Block(gate, False, True)
    linear = known.linear / (1 - known.mean)
    top = known.slope / (1 - known.mean) if law.slopes else known.slope
    pairs = zip(_BETWEEN, _flows(block, 0.5, _BETWEEN, False), strict=True)
    logs = [math.log(off / diagonal / depth) for depth, (off, diagonal) in pairs]
    found = (logs[1] - logs[0]) / (_BETWEEN[1] - _BETWEEN[0])
    yield f"{block.title}: off/diagonal", math.log(linear / top), found, _RATE
    small, v = 1e-8, size(block)
    depths = (single // 4, single // 2)
    above = 2 / (top - 1) if top > 1 else math.nan
    logs = []
    for depth, (off, diagonal) in zip(depths, _flows(block, small, depths, True), strict=True):
        # b/r = 2 + Σ 2mp/(q + mp): what is left is a power of the depth
        ratio = 2 + sum(2 * v * linear / (1 + number * v + v * linear) for number in range(depth))
        logs.append(math.log(off / small / ratio / (diagonal + above)))
    power = (logs[1] - logs[0]) / math.log(depths[1] / depths[0])
    yield f"{block.title}: exponent with residuals", linear - top, power, _EXPONENT / single


@lru_cache(maxsize=256)
def _flows(block: Block, rho: float, depths: tuple[int, ...], residual: bool) -> tuple[tuple[float, float], ...]:
    """The kernel of a pair with this cosine and the diagonal at these depths."""
    found = flow(block, np.array([rho, 1.0]), depths, residual=residual)
    return tuple((float(deep.ntk[0]), float(deep.ntk[1])) for _, deep in found)


def _shares(law: Law, gate: str, n: int, d: int) -> Iterator[Row]:
    """Without residuals, of the limiting spectra; the deepest stack of which the plain kernel is known."""
    cell = Cell("sphere", Block(gate, False), n, d, 0, (1,), False)
    slope, linear = numbers(GATES[gate]).slope, numbers(GATES[gate]).linear
    *_, (depth, found) = foreseen(cell, Law(), (48,) if slope > 1 - 1e-9 else _ORDERED).items()
    if slope > 1 - 1e-9:
        # what centring leaves, of order (p_1/χ)^L, over what the plain kernel keeps, of order χ^(−L) where χ > 1
        left = 10 * depth * n * linear**depth * (1 if slope > 1 + 1e-9 else slope**-depth)
    else:
        # 1 − share is ln(cond K_c/cond K̃), bounded, over ln(cond K/cond K̃), which grows by −ln χ a block
        left = (found.centred - found.gated) / (-depth * math.log(slope))
    yield f"{GATES[gate]}: share of the mean at {depth} blocks", law.share, found.share, max(left, 1e-6)


def one_block(law: Law, cells: Sequence[Cell]) -> Evidence:
    """One block without residuals is 2/v of the two-layer NTK; where its image has mean square 1, a residual adds ρ."""
    worst, count = 0.0, 0
    for cell in {(cell.data, cell.block.gate): cell for cell in cells if cell.residual}.values():
        X = cell.rows()
        X = X / np.sqrt(np.mean(X * X, axis=1))[:, None]
        for kind in KINDS:
            block = Block(cell.block.gate, *kind)
            made, v = net(law.taken(block)), size(block, law.rule)
            alone, added = _one_block(block, X, v)
            layers = _kernel(made, X)
            inner = X @ X.T / X.shape[1]
            for found, claimed in ((alone, law.twice / v * layers), (added, inner + law.twice / 2 / v * layers)):
                scale = np.sqrt(np.outer(np.diag(found), np.diag(found)))
                worst = max(worst, float(np.max(np.abs(found - claimed) / scale)))
                count += 1
    figures: dict[str, Figure] = {"matrices": count, "largest difference": worst, "allowed": _ENTRY}
    what = "one block against the two-layer network of the same activation: the settings ntk and block of `mechanism`"
    return Evidence(Grade.NUMERICAL, what, Finding.of(worst <= _ENTRY), part="two layers", figures=figures)


def _one_block(block: Block, X: Array, v: float) -> tuple[Array, Array]:
    alone = _kernel(stack(net(block), 1, residual=False), X)
    unit = stack(net(block), 1, scale=Fraction(1 / math.sqrt(v)))
    return alone, _kernel(unit, X)


def _kernel(made: Stack | Network, X: Array) -> Array:
    found: Array = gram(made, X, threads=1)
    return found
