"""The recursion in ball arithmetic, from certified series of the activation, against enclosures of whole stacks."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from flint import arb

from checks.claims.depth.law import Law
from checks.settings import Settings
from checks.tools.deep_kernels import Block, Rule
from checks.tools.evidence import equal
from glutheory.claims import Evidence
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball
from glutheory.layers import stack
from glutheory.networks import network
from glutheory.quadrature.stacks import enclose_stack
from glutheory.spectra.sphere import TaylorSeries, kernel_series

#: Coefficients of the map: at |ρ| < 0.75 the rest is below 1e-12.
_TERMS, _DIGITS, _BITS = 96, 15, 128
_POINTS = (Fraction(1, 4), Fraction(-1, 2))


def entries(law: Law, settings: Settings) -> Evidence:
    """The NTK of whole stacks, enclosed by integration, less the recursion."""
    gates = ("reglu", "geglu", "swiglu", "glu") if settings.profile.thorough else ("reglu", "swiglu")
    depths = (1, 2, 4) if settings.profile.thorough else (1, 3)
    differences = []
    for block in (Block(gate, gated) for gate in gates for gated in (False, True)):
        for residual in (True, False):
            for rho in _POINTS:
                claimed = _recursion(law.block(block), rho, max(depths), law.residual(residual), law.rule)
                with precision(_BITS):
                    differences += [claimed[depth] - _enclosed(block, rho, depth, residual) for depth in depths]
    what = (
        f"the recursion against enclosed NTKs of stacks of {depths} blocks at two inner products ({', '.join(gates)})"
    )
    return equal(what, differences, part="recursion")


@lru_cache(maxsize=1024)
def _enclosed(block: Block, rho: Fraction, depth: int, residual: bool) -> arb:
    made = stack(block.gate if block.gated else block.plain, depth, residual=residual)
    return enclose_stack(made, 1, 1, rho, digits=_DIGITS).ntk


@lru_cache(maxsize=1024)
def _recursion(block: Block, rho: Fraction, depth: int, residual: bool, rule: Rule) -> dict[int, arb]:
    """K after each number of blocks, rows of norm √d."""
    nngp, ntk = (_series(block.plain, kind) for kind in ("nngp", "ntk"))
    found = {}
    with precision(_BITS):
        v, r, q = nngp.total, ball(rho), arb(1)
        k = 2 * r
        for number in range(1, depth + 1):
            # S = v f, and (ρS)′ = S + ρS′
            f = _sum(nngp, r) / v
            slope = (_sum(ntk, r) / v - f) / r
            for _ in range(rule.degrees if block.gated else 0):
                f, slope = r * f, f + r * slope
            made = (k * slope if rule.slope else k) + ball(Fraction(rule.fresh)) * f
            if residual:
                m = v if rule.stream else q
                k, r, q = (q * k + m * made) / (q + m), (q * r + m * f) / (q + m), q + m
            else:
                k, r, q = made, f, v
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
