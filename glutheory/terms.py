"""The normal form of an activation: a sum of coefficient · z^n · kernel(z), read off its definition.

Kernels, closed under differentiation and under multiplication by z:

    ExpQuad(beta, alpha)   exp(−beta z² + alpha z)                 1, exp, sin and cos (complex alpha), Gaussian
    NormalCdf(s)           Φ(z/s); s = 0 is the Heaviside step     erf, Φ, GELU; s = 0: step, sign, |z|, ReLU^k
    NormalPdf(s, j)        j-th derivative of the N(0, s²) density; s = 0: of the delta function

A scale s that contains `KAPPA` is random: 2·KAPPA times a standard normal is logistic when KAPPA is Kolmogorov
distributed (Andrews & Mallows 1974; Stefanski 1991), so σ(z) = E[Φ(z/(2 KAPPA))] is a NormalCdf as well, and the
normal form stands for its expectation over KAPPA.

This is a reading of the definition, not a derivation: both roads that need it start here, and the tests compare the sum
with the definition point by point.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from glutheory.activations import Z

#: The Kolmogorov-distributed mixing variable of the logistic family.
KAPPA = sp.Symbol("kappa", positive=True)


@dataclass(frozen=True)
class ExpQuad:
    """exp(−beta z² + alpha z); beta = alpha = 0 is the constant 1."""

    beta: sp.Expr = sp.S.Zero
    alpha: sp.Expr = sp.S.Zero


@dataclass(frozen=True)
class NormalCdf:
    """Φ(z/s), the distribution function of N(0, s²); the Heaviside step at s = 0."""

    s: sp.Expr


@dataclass(frozen=True)
class NormalPdf:
    """The derivative of this order of the N(0, s²) density; of the delta function at s = 0."""

    s: sp.Expr
    order: int = 0


Kernel = ExpQuad | NormalCdf | NormalPdf


@dataclass(frozen=True)
class Term:
    """coefficient · z^power · kernel(z); `collect` gives a NormalPdf power 0, since z N = −s² N'."""

    coefficient: sp.Expr
    power: int
    kernel: Kernel


def collect(terms: Iterable[Term]) -> tuple[Term, ...]:
    """The sum with equal z^n·kernel merged, powers of z moved off the densities, and zero terms dropped."""
    sums: dict[tuple[int, Kernel], sp.Expr] = {}
    queue = list(terms)
    while queue:
        term = queue.pop()
        if isinstance(term.kernel, NormalPdf) and term.power:
            # z·N^(j)(z) = −s² N^(j+1)(z) − j N^(j−1)(z), from z N = −s² N' by Leibniz; for s = 0 it is z·δ^(j) = −j
            # δ^(j−1)
            s, j, rest = term.kernel.s, term.kernel.order, term.power - 1
            queue.append(Term(-term.coefficient * s**2, rest, NormalPdf(s, j + 1)))
            if j:
                queue.append(Term(-j * term.coefficient, rest, NormalPdf(s, j - 1)))
            continue
        key = (term.power, term.kernel)
        sums[key] = sums.get(key, sp.S.Zero) + term.coefficient
    kept = ((key, sp.expand(value)) for key, value in sums.items())
    ordered = sorted(((k, v) for k, v in kept if v != 0), key=lambda item: (repr(item[0][1]), item[0][0]))
    return tuple(Term(value, power, kernel) for (power, kernel), value in ordered)


def differentiate(terms: Iterable[Term], times: int = 1) -> tuple[Term, ...]:
    """The derivative in z, in the sense of distributions (a step's derivative is the delta function)."""
    current = tuple(terms)
    for _ in range(times):
        new: list[Term] = []
        for term in current:
            c, n, kernel = term.coefficient, term.power, term.kernel
            if n:
                new.append(Term(n * c, n - 1, kernel))
            if isinstance(kernel, ExpQuad):
                new.append(Term(c * kernel.alpha, n, kernel))
                new.append(Term(-2 * c * kernel.beta, n + 1, kernel))
            elif isinstance(kernel, NormalCdf):
                new.append(Term(c, n, NormalPdf(kernel.s)))
            else:
                new.append(Term(c, n, NormalPdf(kernel.s, kernel.order + 1)))
        current = collect(new)
    return current


def as_expression(term: Term) -> sp.Expr:
    """The term as an ordinary SymPy expression in `Z` (KAPPA left free; a delta function is ``DiracDelta``)."""
    kernel = term.kernel
    if isinstance(kernel, ExpQuad):
        value = sp.exp(-kernel.beta * Z**2 + kernel.alpha * Z)
    elif isinstance(kernel, NormalCdf):
        value = sp.Heaviside(Z) if kernel.s == 0 else (1 + sp.erf(Z / (kernel.s * sp.sqrt(2)))) / 2
    elif kernel.s == 0:
        value = sp.DiracDelta(Z, kernel.order)
    else:
        density = sp.exp(-(Z**2) / (2 * kernel.s**2)) / (kernel.s * sp.sqrt(2 * sp.pi))
        value = sp.diff(density, Z, kernel.order)
    return term.coefficient * Z**term.power * value


def is_mixture(terms: Iterable[Term]) -> bool:
    """Whether some scale is random, that is contains `KAPPA`."""
    return any(isinstance(term.kernel, NormalCdf | NormalPdf) and KAPPA in term.kernel.s.free_symbols for term in terms)
