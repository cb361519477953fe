"""Integration in c of the functions that Price's theorem produces, by reduction to a normal form.

Two families are closed under integration, and in both the undetermined coefficients of the ansatz
(Hermite/Ostrogradsky) obey a bidiagonal linear system that is solved as it is written down:

    ArcsineForm   p(c)·arcsin(c/√A)/2π + Σ_k (α_k + β_k c) D^(1/2−k)/2π + polynomial,    D = A − c², A = (a+σ)(b+τ)
    ErfForm       p(c)·erf(wc) + q(c)·exp(−w²c²) + r(c)

Each form is unique (c² is replaced by A − D), so two forms are equal exactly when their coefficients are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from glutheory.symbolic.gaussian import A_, B_, FIELD, SIGMA_, TAU_, Element, c

#: A = (a+σ)(b+τ), so that D = A − c².
BIG_A = (A_ + SIGMA_) * (B_ + TAU_)

#: Basis of the constants: 1, 1/(2π√A), 1/√(2π(a+σ)), 1/√(2π(b+τ)).
ONE, BOTH, FIRST, SECOND = range(4)


def add_to(target: dict[Any, Element], key: object, value: Element) -> None:
    """target[key] += value, dropping zeros (the forms are compared by their dictionaries)."""
    total = target.get(key, FIELD.zero) + value
    if total:
        target[key] = total
    else:
        target.pop(key, None)


@dataclass
class ArcsineForm:
    """The normal form over D = A − c² described at the head of this module.

    Attributes:
        arcsine: {n: coefficient of c^n·arcsin(c/√A)/2π}.
        roots: {(k, e): coefficient of c^e·D^(1/2−k)/2π}, e in {0, 1}.
        constants: {(n, basis): coefficient of c^n times a basis element}.
    """

    arcsine: dict[int, Element] = field(default_factory=dict)
    roots: dict[tuple[int, int], Element] = field(default_factory=dict)
    constants: dict[tuple[int, int], Element] = field(default_factory=dict)

    def add_root(self, n: int, k: int, value: Element) -> None:
        """Add value·c^n·D^(1/2−k)/2π, bringing n down to 0 or 1 by c² = A − D."""
        while n >= 2 and value:
            self.add_root(n - 2, k - 1, -value)
            n, value = n - 2, value * BIG_A
        add_to(self.roots, (k, n), value)

    def integral(self) -> ArcsineForm:
        """The integral from 0 to c."""
        result = ArcsineForm()
        for (n, basis), value in self.constants.items():
            add_to(result.constants, (n + 1, basis), value / (n + 1))
        # ∫ c^n arcsin(c/√A) = (c^(n+1) arcsin(c/√A) − ∫ c^(n+1) D^(−1/2)) / (n+1)
        pending = ArcsineForm(roots=dict(self.roots))
        for n, value in self.arcsine.items():
            add_to(result.arcsine, n + 1, value / (n + 1))
            pending.add_root(n + 1, 1, -value / (n + 1))
        for (k, e), value in pending.roots.items():
            if e == 1:
                # ∫ c D^r = −D^(r+1)/(2(r+1)), r = 1/2 − k
                result.add_root(0, k - 1, -value / (3 - 2 * k))
            else:
                result._integrate_root(k, value)
        at_zero = sum((v * BIG_A ** (1 - k) for (k, e), v in result.roots.items() if e == 0), FIELD.zero)
        add_to(result.constants, (0, BOTH), -at_zero)
        return result

    def _integrate_root(self, k: int, value: Element) -> None:
        """Add value·∫ D^(1/2−k) dc, from d(c D^r) = (1+2r) D^r − 2rA D^(r−1)."""
        while k != 1 and value:
            if k > 1:  # with r − 1 = 1/2 − k: ∫ D^(r−1) = ((1+2r) ∫ D^r − c D^r) / (2rA)
                denominator = (3 - 2 * k) * BIG_A
                self.add_root(1, k - 1, -value / denominator)
                k, value = k - 1, value * (4 - 2 * k) / denominator
            else:  # with r = 1/2 − k: ∫ D^r = (c D^r + 2rA ∫ D^(r−1)) / (1+2r)
                self.add_root(1, k, value / (2 - 2 * k))
                k, value = k + 1, value * (1 - 2 * k) * BIG_A / (2 - 2 * k)
        add_to(self.arcsine, 0, value)

    def expression(self, values: Mapping[sp.Symbol, sp.Expr], arcsine: sp.Expr, root: sp.Expr) -> sp.Expr:
        """The SymPy expression, with `values` for a, b, σ, τ, and the given arcsin(c/√A) and √D."""
        numbers = [values[symbol] for symbol in FIELD.symbols]
        basis = constants_basis(values)

        def convert(element: Element) -> sp.Expr:
            return sp.factor_terms(element.as_expr(*numbers)) if element else sp.S.Zero

        total = sum((convert(v) * c**n for n, v in self.arcsine.items()), sp.S.Zero) * arcsine / (2 * sp.pi)
        total += sum((convert(v) * c**e * root ** (1 - 2 * k) for (k, e), v in self.roots.items()), sp.S.Zero) / (
            2 * sp.pi
        )
        return total + sum((convert(v) * c**n * basis[kind] for (n, kind), v in self.constants.items()), sp.S.Zero)


def constants_basis(values: Mapping[sp.Symbol, sp.Expr]) -> dict[int, sp.Expr]:
    """The basis of the constants as SymPy expressions, with `values` for a, b, σ, τ."""
    a_, b_, s_, t_ = (values[symbol] for symbol in FIELD.symbols)
    return {
        ONE: sp.S.One,
        BOTH: 1 / (2 * sp.pi * sp.sqrt((a_ + s_) * (b_ + t_))),
        FIRST: 1 / sp.sqrt(2 * sp.pi * (a_ + s_)),
        SECOND: 1 / sp.sqrt(2 * sp.pi * (b_ + t_)),
    }


@dataclass
class ErfForm:
    """p(c)·erf(wc) + q(c)·exp(−w²c²) + r(c); the lists hold the coefficients of c^0, c^1, … (SymPy expressions)."""

    w: sp.Expr
    erf: list[sp.Expr] = field(default_factory=list)
    exponential: list[sp.Expr] = field(default_factory=list)
    polynomial: list[sp.Expr] = field(default_factory=list)

    def integral(self) -> ErfForm:
        """The integral from 0 to c."""
        w, size = self.w, max(len(self.erf), len(self.exponential), len(self.polynomial)) + 2
        result = ErfForm(w, [sp.S.Zero] * size, [sp.S.Zero] * size, [sp.S.Zero] * size)
        for n, value in enumerate(self.polynomial):
            result.polynomial[n + 1] += value / (n + 1)
        pending = [*self.exponential, *[sp.S.Zero] * (size - len(self.exponential))]
        for n, value in enumerate(self.erf):
            # ∫ c^n erf(wc) = (c^(n+1) erf(wc) − ∫ c^(n+1) (2w/√π) e^(−w²c²)) / (n+1)
            result.erf[n + 1] += value / (n + 1)
            pending[n + 1] -= value * 2 * w / sp.sqrt(sp.pi) / (n + 1)
        for n in range(size - 1, 0, -1):
            # ∫ c^n e^(−w²c²) = (−c^(n−1) e^(−w²c²) + (n−1) ∫ c^(n−2) e^(−w²c²)) / (2w²)
            value = pending[n] / (2 * w**2)
            result.exponential[n - 1] -= value
            if n >= 2:
                pending[n - 2] += (n - 1) * value
        result.erf[0] += pending[0] * sp.sqrt(sp.pi) / (2 * w)
        result.polynomial[0] -= result.exponential[0]
        return result

    def expression(self) -> sp.Expr:
        """The SymPy expression."""

        def polynomial(values: list[sp.Expr]) -> sp.Expr:
            return sum((sp.expand(value) * c**n for n, value in enumerate(values)), sp.S.Zero)

        gauss = sp.exp(-sp.expand(self.w**2) * c**2)
        return (
            polynomial(self.erf) * sp.erf(self.w * c)
            + polynomial(self.exponential) * gauss
            + polynomial(self.polynomial)
        )
