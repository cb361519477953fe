"""E[f(u) g(v)] for two terms of the normal form, as a sum of parts with closed forms.

Which rule applies depends on the kernels only:

    exp-quadratic × exp-quadratic          elementary at once (complete the square)
    Φ or density × power, Φ or density     Price, then the arcsine family (a centred Gaussian is a density)
    Φ or density × power · e^{αv}          Price, then the error-function family
    a kernel away from 0, or on a half-line
    with an exponential × anything         Stein, then bivariate normal distribution functions (`quadrants`)
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace

import sympy as sp

from glutheory.errors import DerivationError
from glutheory.ground.normal_form import (
    KAPPA,
    ExpQuad,
    NormalCdf,
    NormalPdf,
    Term,
    as_expression,
    collect,
    differentiate,
    is_plain,
)
from glutheory.symbolic.family import Family, Shape, derivatives, family, mean, shape_of
from glutheory.symbolic.gaussian import U, a, b, c, expquad_mean, expquad_pair, sigma, tau
from glutheory.symbolic.quadrants import quadrant_pair
from glutheory.symbolic.reduction import ErfForm

#: The second, independent copy of `KAPPA`: v has its own mixing variable.
KAPPA_PRIME = sp.Symbol("kappa'", positive=True)


@dataclass(frozen=True)
class Part:
    """coefficient × E[f(u) g(v)] for one pair of terms.

    Attributes:
        coefficient: free of a, b, c; may contain the mixing variables.
        rule: "elementary", "arcsine", "error function" or "bivariate normal".
        order: the number k of derivatives in c that Price's theorem took.
        family, squares: the arcsine family and its squared scales (rule "arcsine").
        value: the closed form (the other rules).
        stable: the same in a, b, c and `DELTA`, without cancellation (rule "bivariate normal").
        factors: the two terms, for printing and for the certificate.
    """

    coefficient: sp.Expr
    rule: str
    order: int
    factors: tuple[Term, Term]
    family: Family | None = None
    squares: tuple[sp.Expr, sp.Expr] = (sp.S.Zero, sp.S.Zero)
    value: sp.Expr = sp.S.Zero
    stable: sp.Expr | None = None


def bilinear(first: Iterable[Term], second: Iterable[Term]) -> list[Part]:
    """E[f(u) g(v)] for two sums of terms, as the list of its parts (v gets its own mixing variable).

    Raises:
        DerivationError: some pair has no elementary closed form.
    """
    copies = _second_copy(second)
    return [part for f in first for g in copies for part in _pair(f, g)]


def _second_copy(terms: Iterable[Term]) -> list[Term]:
    """The terms of φ(v): the same with the independent mixing variable."""

    def move(term: Term) -> Term:
        kernel = term.kernel
        if not isinstance(kernel, ExpQuad):
            kernel = type(kernel)(*(sp.sympify(x).subs(KAPPA, KAPPA_PRIME) for x in kernel.__dict__.values()))
            if isinstance(kernel, NormalPdf):
                kernel = replace(kernel, order=int(kernel.order))
            elif isinstance(kernel, NormalCdf):
                kernel = replace(kernel, side=int(kernel.side))
        return Term(term.coefficient.subs(KAPPA, KAPPA_PRIME), term.power, kernel)

    return [move(term) for term in terms]


def _pair(first: Term, second: Term) -> list[Part]:
    if isinstance(first.kernel, ExpQuad) and isinstance(second.kernel, ExpQuad):
        value = expquad_pair(first.power, first.kernel, second.power, second.kernel)
        coefficient = first.coefficient * second.coefficient
        return [Part(coefficient, "elementary", 0, (_plain(first), _plain(second)), value=value)]
    parts: list[Part] = []
    for f, g in itertools.product(as_densities(first), as_densities(second)):
        coefficient, factors = f.coefficient * g.coefficient, (_plain(f), _plain(g))
        if not (is_plain(f.kernel) and is_plain(g.kernel)):
            value, stable = quadrant_pair(*factors)
            parts.append(Part(coefficient, "bivariate normal", 0, factors, value=value, stable=stable))
        elif _is_exponential(f) or _is_exponential(g):
            swapped = _is_exponential(f)
            order, value = _curved(*reversed(factors), swapped=True) if swapped else _curved(*factors, swapped=False)
            parts.append(Part(coefficient, "error function", order, factors, value=value))
        else:
            fam = family(shape_of(f), shape_of(g))
            parts.append(Part(coefficient, "arcsine", fam.order, factors, fam, (_scale(f), _scale(g))))
    return parts


def _is_exponential(term: Term) -> bool:
    return isinstance(term.kernel, ExpQuad) and term.kernel != ExpQuad()


def as_densities(term: Term) -> tuple[Term, ...]:
    """A centred Gaussian z^n e^{−βz²} as derivatives of the density with s² = 1/(2β); other terms unchanged."""
    kernel = term.kernel
    if not (isinstance(kernel, ExpQuad) and kernel.alpha == 0 and kernel.beta != 0):
        return (term,)
    s = 1 / sp.sqrt(2 * kernel.beta)
    return collect([Term(term.coefficient * s * sp.sqrt(2 * sp.pi), term.power, NormalPdf(s))])


def _scale(term: Term) -> sp.Expr:
    return sp.S.Zero if isinstance(term.kernel, ExpQuad) else sp.expand(term.kernel.s**2)


def _plain(term: Term) -> Term:
    return Term(sp.S.One, term.power, term.kernel)


def _swap(expr: sp.Expr) -> sp.Expr:
    return expr.subs({a: b, b: a, sigma: tau, tau: sigma}, simultaneous=True)


def mean_formula(shape: Shape, level: int, square: sp.Expr) -> sp.Expr:
    """E[f^(level)(u)] in a and the squared scale of f."""
    x, y = (part.as_expr(a, b, square, tau) if part else sp.S.Zero for part in mean(shape, level, U, sigma))
    return x + y / sp.sqrt(2 * sp.pi * (a + square))


def _error_function_pair(shape: Shape, square: sp.Expr, m: int, alpha: sp.Expr) -> sp.Expr:
    """E[f(u)·v^m e^{αv}], f = u^n Φ(u/s) or N_s^(n): Price n+1 times, then integrals of polynomials times e^{−w²c²}.

    E[N_s^(i)(u) v^m e^{αv}] = e^{α²b/2} e^{−w²c²}/√(2π(a+s²)) · P_{i,m}(c), w² = α²/(2(a+s²)); Stein's lemma in v gives
    P_{i,m} = αb P_{i,m−1} + (m−1) b P_{i,m−2} + c P_{i+1,m−1}.
    """
    total = a + square
    w = alpha / sp.sqrt(2 * total)
    front = sp.exp(alpha**2 * b / 2) / sp.sqrt(2 * sp.pi * total)

    def polynomial(i: int, power: int) -> sp.Expr:
        if power > 0:
            lower = (power - 1) * b * polynomial(i, power - 2) if power > 1 else sp.S.Zero
            return alpha * b * polynomial(i, power - 1) + lower + c * polynomial(i + 1, power - 1)
        previous, current = sp.S.Zero, sp.S.One
        for j in range(i):
            previous, current = current, (-alpha * c * current - j * previous) / total
        return current

    order = shape.order
    kernel = ExpQuad(sp.S.Zero, alpha)
    exponential = [Term(sp.S.One, m, kernel)]
    elementary = sp.S.Zero
    for coefficient, f in derivatives(shape, order, sigma):
        for g in differentiate(exponential, order):
            elementary += coefficient.as_expr(a, b, square, tau) * g.coefficient * polynomial(f.n, g.power)
    coefficients = sp.Poly(sp.expand(front * elementary), c).all_coeffs()[::-1] if elementary != 0 else []
    form = ErfForm(w, [], coefficients, [])
    for level in reversed(range(order)):
        form = form.integral()
        means = sum(
            (g.coefficient * expquad_mean(g.power, kernel).subs(a, b) for g in differentiate(exponential, level)),
            sp.S.Zero,
        )
        form.polynomial[0] += mean_formula(shape, level, square) * means
    return form.expression()


def _curved(flat: Term, curved: Term, *, swapped: bool) -> tuple[int, sp.Expr]:
    """(order, value) of a distribution function or density of u times v^m e^{αv}, or with u and v exchanged."""
    kernel = curved.kernel
    if not isinstance(kernel, ExpQuad) or kernel.beta != 0:
        raise DerivationError(
            f"no closed form: E[f(u) g(v)] for f = {as_expression(flat)}, g = {as_expression(curved)} is not elementary"
            " (a shifted Gaussian times a distribution function)."
        )
    shape = shape_of(flat)
    value = _error_function_pair(shape, _scale(flat), curved.power, kernel.alpha)
    return shape.order, _swap(value) if swapped else value
