"""The two-parameter families E[f(u) g(v)] with f, g in {z^n, z^n Φ(z/s), N_s^(n)}, derived by Price's theorem.

One derivation serves all: step and ReLU^k are s = t = 0, Φ and GELU s = t = 1, erf s² = 1/2, and the logistic family
is its expectation over random s, t. Source of the method: Price 1958, ∂^k/∂c^k E[f(u)g(v)] = E[f^(k)(u) g^(k)(v)].
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import sympy as sp

from glutheory.ground.normal_form import ExpQuad, NormalCdf, NormalPdf, Term, differentiate
from glutheory.symbolic.gaussian import (
    FIELD,
    Element,
    Scale,
    U,
    V,
    cdf_mean,
    pdf_mean,
    pdf_pair,
    power_mean,
    sigma,
    tau,
)
from glutheory.symbolic.reduction import BOTH, FIRST, ONE, SECOND, ArcsineForm, add_to

Mean = tuple[Element, Element]


@dataclass(frozen=True)
class Shape:
    """One factor of a family: kind "power" (z^n), "cdf" (z^n Φ(z/s)) or "pdf" (N_s^(n))."""

    kind: str
    n: int

    @property
    def order(self) -> int:
        """How many derivatives make it a combination of densities (or zero)."""
        return 0 if self.kind == "pdf" else self.n + 1

    def term(self, square: sp.Symbol) -> Term:
        """The factor as a `Term` whose squared scale is this symbol."""
        s = sp.sqrt(square)
        if self.kind == "power":
            return Term(sp.S.One, self.n, ExpQuad())
        return Term(sp.S.One, self.n, NormalCdf(s)) if self.kind == "cdf" else Term(sp.S.One, 0, NormalPdf(s, self.n))


def shape_of(term: Term) -> Shape:
    """The shape of a term of the normal form (a Gaussian must have been turned into a density before)."""
    if isinstance(term.kernel, NormalPdf):
        return Shape("pdf", term.kernel.order)
    return Shape("cdf" if isinstance(term.kernel, NormalCdf) else "power", term.power)


def derivatives(shape: Shape, times: int, square: sp.Symbol) -> list[tuple[Element, Shape]]:
    """The derivative of this order as (coefficient, shape) pairs."""
    terms = differentiate([shape.term(square)], times)
    return [(FIELD.from_expr(term.coefficient), shape_of(term)) for term in terms]


_MEANS = {"power": power_mean, "cdf": cdf_mean, "pdf": pdf_mean}


def mean(shape: Shape, times: int, scale: Scale, square: sp.Symbol) -> Mean:
    """E[f^(times)(u)] = x + y/√(2π(a+σ)), as (x, y)."""
    x = y = FIELD.zero
    for coefficient, part in derivatives(shape, times, square):
        px, py = _MEANS[part.kind](part.n, scale)
        x, y = x + coefficient * px, y + coefficient * py
    return x, y


@dataclass(frozen=True, eq=False)  # compared by identity: `family` makes each one once
class Family:
    """E[f(u) g(v)] for two shapes.

    Attributes:
        first, second: the shapes of f and g.
        order: k, the number of derivatives after which the expectation is elementary.
        elementary: E[f^(k)(u) g^(k)(v)], a polynomial in c over a half-integer power of D.
        form: E[f(u) g(v)].
    """

    first: Shape
    second: Shape
    order: int
    elementary: ArcsineForm
    form: ArcsineForm


def _elementary(first: Shape, second: Shape, order: int) -> ArcsineForm:
    result = ArcsineForm()
    for left, f in derivatives(first, order, sigma):
        for right, g in derivatives(second, order, tau):
            for power, value in pdf_pair(f.n, g.n).items():
                result.add_root(power, (f.n + g.n) // 2 + 1, left * right * value)
    return result


@cache
def family(first: Shape, second: Shape) -> Family:
    """Derive E[f(u) g(v)]: Price down to an elementary expectation, then integrate back with the values at c = 0."""
    order = max(first.order, second.order)
    elementary = form = _elementary(first, second, order)
    for level in reversed(range(order)):
        form = form.integral()
        x, y = mean(first, level, U, sigma)
        z, w = mean(second, level, V, tau)
        for basis, value in ((ONE, x * z), (BOTH, y * w), (FIRST, y * z), (SECOND, x * w)):
            add_to(form.constants, (0, basis), value)
    return Family(first, second, order, elementary, form)
