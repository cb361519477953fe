"""Kernels of deep stacks in balls: the recursion from certified series of the activation, and enclosures of stacks."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from flint import arb

from checks.tools.deep_kernels import RULE, Block, Rule
from checks.tools.deep_spectra import net
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball
from glutheory.layers import stack
from glutheory.networks import network
from glutheory.quadrature.stacks import enclose_stack
from glutheory.spectra.sphere import TaylorSeries, kernel_series

#: Coefficients of the map: at |ρ| < 0.75 the rest is below 1e-12.
_TERMS, _DIGITS, _BITS = 96, 15, 128


@lru_cache(maxsize=1024)
def enclosed(block: Block, rho: Fraction, depth: int, residual: bool) -> arb:
    """The NTK of a whole stack at rows of norm √d with this cosine, by integration."""
    return enclose_stack(stack(net(block), depth, residual=residual), 1, 1, rho, digits=_DIGITS).ntk


def differences(claimed: dict[int, arb], block: Block, rho: Fraction, residual: bool) -> list[arb]:
    """Of the kernels claimed at some depths and the enclosed ones."""
    with precision(_BITS):
        return [value - enclosed(block, rho, depth, residual) for depth, value in claimed.items()]


@lru_cache(maxsize=1024)
def recursion(block: Block, rho: Fraction, depth: int, residual: bool, rule: Rule = RULE) -> dict[int, arb]:
    """K after each number of blocks, rows of norm √d."""
    nngp, ntk = (_series(block.plain, kind) for kind in ("nngp", "ntk"))
    found = {}
    with precision(_BITS):
        v, r, q = nngp.total, ball(rho), arb(1)
        k = 2 * r
        times = ball(Fraction(2 * rule.centre - rule.centre**2)) if block.centred else arb(0)
        gone = times * nngp.coefficients[0] / v
        for number in range(1, depth + 1):
            # S = v f, and (ρS)′ = S + ρS′
            f = _sum(nngp, r) / v
            slope = (_sum(ntk, r) / v - f) / r
            f, slope = (f - gone) / (1 - gone), slope / (1 - gone)
            for _ in range(rule.degrees if block.gated else 0):
                f, slope = r * f, f + r * slope
            made = (k * slope if rule.slope else k) + ball(Fraction(rule.fresh)) * f
            if residual:
                m = v * (1 - gone) if rule.stream else q
                k, r, q = (q * k + m * made) / (q + m), (q * r + m * f) / (q + m), q + m
            else:
                k, r = made, f
            found[number] = k
    return found


@lru_cache(maxsize=16)
def _series(plain: str, kind: str) -> TaylorSeries:
    return kernel_series(network(plain), kind, _TERMS)


def _sum(series: TaylorSeries, r: arb) -> arb:
    """The series at r, whose coefficients are not negative: the rest is |r|^terms times what is left at 1 at most."""
    value = arb(0)
    for coefficient in reversed(series.coefficients):
        value = value * r + coefficient
    return value + arb(0, series.rest * abs(r).upper() ** len(series.coefficients))
