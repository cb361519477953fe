"""The Kolmogorov mixture behind the logistic function, integrated by a trapezoidal rule with a proved error bound.

σ(z) = E[Φ(z/(2κ))] for κ with the Kolmogorov density k (Andrews & Mallows 1974; Stefanski 1991), so a logistic dual is
∬ k(κ) k(κ') F(κ, κ') dκ dκ' with F a closed form of the arcsine family. In w = log κ the density decays doubly
exponentially at both ends and is analytic in the strip |Im w| < π/4, so equispaced nodes converge exponentially
(Trefethen & Weideman 2014).

The error bound, for |F| ≤ |κ|^e |κ'|^e' on the sector |arg κ|, |arg κ'| ≤ TAU: by Poisson summation the rule errs by
at most M_e M_e' (((1+q)/(1−q))² − 1) with q = exp(−2π TAU/h) and M_e = ∫ |k(r e^{i TAU})| r^e dr; the nodes left out
are bounded by incomplete gamma functions. `product_error` sums this over the pairs of terms of the normal form, each
bounded on the sector by a `Majorant` norm·|κ|^e in L² of the Gaussian. All of it is computed in ball arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import sympy as sp
from flint import arb, ctx, fmpq

from glutheory.activations import Z
from glutheory.ground.balls import Tape, precision
from glutheory.ground.normal_form import KAPPA, ExpQuad, NormalCdf, Term
from glutheory.symbolic.gaussian import double_factorial

#: Half-width of the strip that is used (the density is analytic up to π/4 = 0.785…).
TAU = fmpq(37, 50)
#: Where the two series of the density are exchanged.
_SWITCH = fmpq(4, 5)
_TERMS = 48


def density(kappa: arb) -> arb:
    """k(κ) as a ball, by whichever of its two theta series converges faster at κ."""
    cutoff = arb(2) ** (-ctx.prec - 8)
    total = arb(0)
    if kappa > arb(_SWITCH):
        # 8κ Σ (−1)^(n−1) n² e^{−2n²κ²}: alternating and decreasing, so the first term left out bounds the tail
        step, n = (-2 * kappa**2).exp(), 0
        while True:
            n += 1
            term = 8 * kappa * n**2 * step ** (n * n)
            if n > 1 and term < total * cutoff:
                return total + arb(0, term.upper())
            total += term if n % 2 else -term
    # √(2π) Σ_{m odd} (m²π²/(4κ⁴) − 1/κ²) e^{−m²π²/(8κ²)}: positive terms whose ratio is below 25/9·e^{−2π²/κ²} < 1/2
    front, beta = (2 * arb.pi()).sqrt(), arb.pi() ** 2 / (8 * kappa**2)
    step, m = (-beta).exp(), 1
    while True:
        term = front * (2 * m * m * beta - 1) / kappa**2 * step ** (m * m)
        if m > 1 and term < total * cutoff:
            return total + arb(0, 2 * term.upper())
        total += term
        m += 2


@dataclass(frozen=True)
class Rule:
    """Equispaced nodes on log κ.

    Attributes:
        nodes: (κ, weight) pairs, weight = h κ k(κ), as balls.
        step: h.
        low, high: the smallest and the largest κ.
    """

    nodes: tuple[tuple[arb, arb], ...]
    step: arb
    low: arb
    high: arb

    def _tail(self, e: int) -> arb:
        """A bound of Σ weight·κ^e over the nodes left out (each end lies where the bound below is monotone)."""
        above = 8 * _upper_integral(e + 1, arb(2), self.high)
        rate = arb.pi() ** 2 / 8
        below = 2 * (2 * arb.pi()).sqrt() * arb.pi() ** 2 / 4 * _lower_integral(e - 4, rate, self.low)
        return above + below

    def error(self, e: int, other: int) -> arb:
        """A bound of the error of the product rule for |F| ≤ |κ|^e |κ'|^other on the sector of half-angle `TAU`."""
        q = (-2 * arb.pi() * arb(TAU) / self.step).exp()
        whole = (1 + q) / (1 - q)
        alias = moment_bound(e) * moment_bound(other) * (whole**2 - 1)
        left_out = self._tail(e) * moment_bound(other) * whole + self._tail(other) * moment_bound(e) * whole
        return arb((alias + left_out).upper())


@lru_cache(maxsize=8)
def rule(bits: int) -> Rule:
    """The rule whose error is about 2^−bits; nodes and weights carry 32 guard bits."""
    with precision(bits + 32):
        exponent = (bits + 12) * arb(2).log()
        step = arb((2 * arb.pi() * arb(TAU) / exponent).mid())
        high, low = (exponent / 2).sqrt(), (arb.pi() ** 2 / (8 * exponent)).sqrt()
        first, last = int(float((low.log() / step).lower())) - 1, int(float((high.log() / step).upper())) + 1
        nodes = []
        for k in range(first, last + 1):
            kappa = (step * k).exp()
            nodes.append((kappa, step * kappa * density(kappa)))
        return Rule(tuple(nodes), step, nodes[0][0], nodes[-1][0])


@cache
def moment_bound(e: int) -> arb:
    """An upper bound of M_e = ∫_0^∞ |k(r e^{i TAU})| r^e dr.

    The modulus of each series is at most the sum of its terms' moduli, in which κ² is replaced by r² cos(2 TAU).
    """
    with precision(96):
        r, shrink, pi = arb(_SWITCH), (2 * arb(TAU)).cos(), arb.pi()
        total = arb(0)
        for n in range(1, _TERMS + 1):
            total += 8 * n * n * _upper_integral(e + 1, 2 * n * n * shrink, r)
        for m in range(1, 2 * _TERMS, 2):
            rate = m * m * pi**2 * shrink / 8
            front = (2 * pi).sqrt()
            total += front * m * m * pi**2 / 4 * _lower_integral(e - 4, rate, r) + front * _lower_integral(
                e - 2, rate, r
            )
        # the terms left out: split each exponent in halves, n² x² ≥ (n²−1)·start² + x² …, and sum the first half
        # geometrically
        first = (-shrink * r**2 * _TERMS**2).exp() * 8 * 2 * (_TERMS + 1) ** 2 * _upper_integral(e + 1, shrink, r)
        rate = pi**2 * shrink / 16
        odd = (2 * _TERMS) ** 2
        second = (-rate / r**2 * odd).exp() * 2 * (odd + 4 * _TERMS + 1) * (2 * pi).sqrt() * pi**2 / 4
        second *= _lower_integral(e - 4, rate, r) + _lower_integral(e - 2, rate, r)
        return arb((total + first + second).upper())


def _upper_integral(e: int, rate: arb, start: arb) -> arb:
    """∫_start^∞ r^e exp(−rate·r²) dr."""
    s = arb(e + 1) / 2
    return rate ** (-s) * (rate * start**2).gamma_upper(s) / 2


def _lower_integral(e: int, rate: arb, end: arb) -> arb:
    """∫_0^end r^e exp(−rate/r²) dr, by r → 1/r."""
    return _upper_integral(-e - 2, rate, 1 / end)


def product_error(first: tuple[Term, ...], second: tuple[Term, ...], variances: tuple[arb, arb], rule: Rule) -> arb:
    """A bound of the rule's error for the mixture average of E[f(u) g(v)]."""
    total = arb(0)
    right = _majorants(second, variances[1])
    for f in _majorants(first, variances[0]):
        for g in right:
            if f.mixed or g.mixed:
                total += f.norm * g.norm * rule.error(f.exponent, g.exponent)
    return arb(total.upper())


@dataclass(frozen=True)
class _Majorant:
    """A term is at most norm·|κ|^exponent in L² of the Gaussian, for κ in the sector; `mixed` if it contains κ."""

    norm: arb
    exponent: int
    mixed: bool


def _majorants(terms: tuple[Term, ...], variance: arb) -> list[_Majorant]:
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
        rows.append(_Majorant(size, degree, mixed))
    return rows


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
