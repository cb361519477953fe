"""Bounds of the terms of the normal form for complex mixing variables: what the mixture's quadrature error needs."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from flint import arb

from glutheory.activations import Z
from glutheory.balls import Tape
from glutheory.symbolic.gaussian import double_factorial
from glutheory.symbolic.kolmogorov import TAU, Rule
from glutheory.terms import KAPPA, ExpQuad, NormalCdf, Term


def _hermite_bound(order: int) -> arb:
    """A bound of |He_j(y) e^{−y²/2}|/√(2π) on the sector |arg y| ≤ TAU.

    Coefficient by coefficient, with sup x^k e^{−qx²/2} = (k/(eq))^{k/2}, q = cos(2 TAU).
    """
    shrink = (2 * arb(TAU)).cos()
    coefficients = sp.Poly(sp.expand(2 ** sp.Rational(-order, 2) * sp.hermite(order, Z / sp.sqrt(2))), Z)
    total = arb(0)
    for (k,), value in coefficients.terms():
        total += abs(int(value)) * ((k / (arb.const_e() * shrink)) ** (arb(k) / 2) if k else arb(1))
    return total / (2 * arb.pi()).sqrt()


@dataclass(frozen=True)
class Majorant:
    """A term is at most norm·|κ|^exponent in L² of the Gaussian, for κ in the sector; `mixed` if it contains κ."""

    norm: arb
    exponent: int
    mixed: bool


def majorants(terms: tuple[Term, ...], variance: arb) -> list[Majorant]:
    """The bound of each term, for an argument of this variance."""
    rows = []
    for term in terms:
        kernel, n = term.kernel, term.power
        degree = int(sp.degree(term.coefficient, KAPPA)) if term.coefficient.has(KAPPA) else 0
        size = abs(Tape([sp.Abs(term.coefficient / KAPPA**degree)], []).bind()([])[0])
        moment = (double_factorial(2 * n - 1) * variance**n).sqrt()
        mixed = degree > 0
        if isinstance(kernel, ExpQuad):
            rate = abs(Tape([sp.Abs(sp.re(kernel.alpha))], []).bind()([])[0])
            if rate != 0:
                moment = (double_factorial(4 * n - 1) * variance ** (2 * n) * 2 * (8 * rate**2 * variance).exp()).root(
                    4
                )
            size *= moment
        else:
            mixed = mixed or kernel.s.has(KAPPA)
            scale = Tape([kernel.s.subs(KAPPA, 1)], []).bind()([])[0]
            if isinstance(kernel, NormalCdf):
                # |Φ| ≤ 3/2 on the sector: erfc(z) = e^{−z²} w(iz) with |w| ≤ 1 for Re z ≥ 0
                size *= moment * arb(3) / 2
            elif kernel.s == 0:
                # δ(u): the density of u at 0; the other factor keeps at most its own variance given u = 0
                size *= (2 * arb.pi() * variance).rsqrt()
            else:
                size *= _hermite_bound(kernel.order) * scale ** (-kernel.order - 1)
                degree -= (kernel.order + 1) if kernel.s.has(KAPPA) else 0
        rows.append(Majorant(size, degree, mixed))
    return rows


def product_error(first: tuple[Term, ...], second: tuple[Term, ...], variances: tuple[arb, arb], rule: Rule) -> arb:
    """A bound of the rule's error for the mixture average of E[f(u) g(v)]."""
    total = arb(0)
    right = majorants(second, variances[1])
    for f in majorants(first, variances[0]):
        for g in right:
            if f.mixed or g.mixed:
                total += f.norm * g.norm * rule.error(f.exponent, g.exponent)
    return arb(total.upper())
