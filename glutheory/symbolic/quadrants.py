"""E[f(u) g(v)] where f or g has a kernel away from 0 or an exponential on a half-line: bivariate normal integrals.

With X = u and Y = v shifted to the mean (αa + βc, αc + βb) that an exponential e^{αu + βv} gives them, f and g are
powers times step-like kernels, and Stein's lemma for a normal pair of mean (μ, ν),

    E[X f] = μ E[f] + a E[∂f/∂X] + c E[∂f/∂Y],

takes the powers away, down to products of kernels, whose expectations are

    Φ((X−k)/s) Φ((Y−l)/t)   the bivariate distribution function Φ₂ (Sheppard 1899; Owen 1956)
    Φ((X−k)/s) N_t(Y−l)     a density times a conditional Φ
    N_s(X−k) N_t(Y−l)       a bivariate density

and their derivatives in the means. The method is that of truncated moments (Rosenbaum 1961; Tallis 1961).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import sympy as sp

from glutheory.errors import DerivationError
from glutheory.ground.normal import Phi, Phi2, density
from glutheory.ground.normal_form import ExpQuad, Kernel, NormalCdf, NormalPdf, Term, as_expression
from glutheory.symbolic.gaussian import DELTA, a, b, c

#: The means of X and Y, and D = (a + s²)(b + t²) − c², while derivatives are taken.
_MU, _NU = sp.symbols("mu nu", real=True)
_D = sp.Symbol("D", positive=True)
_SWAP = {a: b, b: a, _MU: _NU, _NU: _MU}
_Sum = tuple[tuple[sp.Expr, sp.Expr], ...]


def quadrant_pair(first: Term, second: Term) -> tuple[sp.Expr, sp.Expr]:
    """E[f(u) g(v)] in (a, b, c), and the same with `DELTA` for ab − c², without cancellation as ρ → ±1.

    Raises:
        DerivationError: a Gaussian that is no density, or a complex exponential, stands beside a shifted kernel.
    """
    alpha, f = _split(first, second)
    beta, g = _split(second, first)
    weight = sp.exp(sp.expand(alpha**2 * a + 2 * alpha * beta * c + beta**2 * b) / 2)
    means = {_MU: sp.expand(alpha * a + beta * c), _NU: sp.expand(alpha * c + beta * b)}
    s, t = _square(f), _square(g)
    explicit, stable = sp.expand((a + s) * (b + t) - c**2), DELTA + sp.expand((a + s) * (b + t) - a * b)
    summands = [
        sp.expand(coefficient.xreplace(means)) * weight * basis.xreplace(means)
        for basis, coefficient in _expectation(first.power, f, second.power, g)
    ]
    values = [
        sp.Add(*(summand.xreplace({_D: determinant}) for summand in summands)) for determinant in (explicit, stable)
    ]
    return values[0], values[1]


def _split(term: Term, other: Term) -> tuple[sp.Expr, Kernel]:
    """(α, kernel): e^{αz} and what is beside it."""
    kernel = term.kernel
    if isinstance(kernel, NormalPdf):
        return sp.S.Zero, kernel
    if isinstance(kernel, ExpQuad) and (kernel.beta != 0 or not kernel.alpha.is_real):
        raise DerivationError(
            f"no closed form: E[f(u) g(v)] for f = {as_expression(term)}, g = {as_expression(other)} is not elementary."
        )
    rest: Kernel = ExpQuad() if isinstance(kernel, ExpQuad) else NormalCdf(kernel.s, kernel.shift, side=kernel.side)
    return kernel.alpha, rest


def _square(kernel: Kernel) -> sp.Expr:
    return sp.S.Zero if isinstance(kernel, ExpQuad) else sp.expand(kernel.s**2)


@lru_cache(maxsize=4096)
def _expectation(m: int, f: Kernel, n: int, g: Kernel) -> _Sum:
    """E[X^m f(X) Y^n g(Y)] in the means `_MU`, `_NU`, by Stein's lemma in X, then in Y: (basis, coefficient) pairs."""
    if isinstance(f, NormalPdf):
        return _given(m, f, n, g)
    if isinstance(g, NormalPdf) or m == 0 < n:
        # the pair the other way round
        return tuple((basis.xreplace(_SWAP), value.xreplace(_SWAP)) for basis, value in _expectation(n, g, m, f))
    if m == 0:
        return ((_product(f, g), sp.S.One),)
    summands = [(_MU, _expectation(m - 1, f, n, g))]
    if m > 1:
        summands.append((a * (m - 1), _expectation(m - 2, f, n, g)))
    if n:
        summands.append((c * n, _expectation(m - 1, f, n - 1, g)))
    if isinstance(f, NormalCdf):
        summands.append((a * f.side, _expectation(m - 1, _slope(f), n, g)))
    if isinstance(g, NormalCdf):
        summands.append((c * g.side, _expectation(m - 1, f, n, _slope(g))))
    total: dict[sp.Expr, sp.Expr] = {}
    for factor, part in summands:
        for basis, value in part:
            total[basis] = total.get(basis, sp.S.Zero) + factor * value
    expanded = ((basis, sp.expand(value)) for basis, value in total.items())
    return tuple((basis, value) for basis, value in expanded if value != 0)


def _slope(kernel: NormalCdf) -> NormalPdf:
    """The kernel's derivative, but for its side."""
    return NormalPdf(kernel.s, 0, kernel.shift)


def _product(f: Kernel, g: Kernel) -> sp.Expr:
    """E[f(X) g(Y)] for two kernels without densities."""
    x, y = _argument(f, _MU, a), _argument(g, _NU, b)
    if x is None or y is None:
        return sp.S.One if x is y else Phi(y if x is None else x)
    assert isinstance(f, NormalCdf)
    assert isinstance(g, NormalCdf)
    return Phi2(x, y, f.side * g.side * c, sp.sqrt(_D))


def _argument(kernel: Kernel, mean: sp.Expr, variance: sp.Expr) -> sp.Expr | None:
    """Where Φ is taken for the mean of a distribution function; None for a constant."""
    if not isinstance(kernel, NormalCdf):
        return None
    return kernel.side * (mean - kernel.shift) / sp.sqrt(variance + _square(kernel))


@dataclass(frozen=True)
class _Law:
    """Means and covariances of a normal pair."""

    x: sp.Expr
    y: sp.Expr
    xx: sp.Expr
    xy: sp.Expr
    yy: sp.Expr

    def power(self, m: int, n: int) -> sp.Expr:
        """E[X^m Y^n]."""
        if n == 0 < m:
            return _Law(self.y, self.x, self.yy, self.xy, self.xx).power(0, m)
        if n == 0:
            return sp.S.One
        value = self.y * self.power(m, n - 1)
        value += self.yy * (n - 1) * self.power(m, n - 2) if n > 1 else 0
        value += self.xy * m * self.power(m - 1, n - 1) if m else 0
        return sp.expand(value)

    def given(self, s: sp.Expr, k: sp.Expr, total: sp.Expr) -> _Law:
        """The law given that X plus an independent N(0, s²) is k; `total` is the variance of that sum."""
        if s == 0:
            return _Law(k, self.y + self.xy / total * (k - self.x), sp.S.Zero, sp.S.Zero, self.yy - self.xy**2 / total)
        rest = s**2 / total
        x, y = (mean + cov / total * (k - self.x) for mean, cov in ((self.x, self.xx), (self.y, self.xy)))
        return _Law(x, y, self.xx * rest, self.xy * rest, self.yy - self.xy**2 / total)

    def swapped(self) -> _Law:
        """The pair the other way round."""
        return _Law(self.y, self.x, self.yy, self.xy, self.xx)


def _given(m: int, f: NormalPdf, n: int, g: Kernel) -> _Sum:
    """E[X^m f(X) Y^n g(Y)] for a density f: its own density times the mean under the law that it conditions on."""
    if f.order or (isinstance(g, NormalPdf) and g.order):
        return _polynomial(m, f, n, g)
    A, x = a + _square(f), f.shift - _MU
    law = _Law(_MU, _NU, a, c, b).given(f.s, f.shift, A)
    front = density(x / sp.sqrt(A)) / sp.sqrt(A)
    if isinstance(g, ExpQuad):
        return ((front, law.power(m, n)),)
    B, y = b + _square(g), g.shift - _NU
    law = replace(law, yy=_D / A - _square(g))
    both = sp.exp(-(B * x**2 - 2 * c * x * y + A * y**2) / (2 * _D)) / (2 * sp.pi * sp.sqrt(_D))
    second = law.swapped().given(g.s, g.shift, _D / A).swapped()
    if isinstance(g, NormalPdf):
        return ((both, second.power(m, n)),)
    whole, edge = _truncated(law, m, n, second)
    # (mean of Y − shift)/√(variance of Y + t²)
    conditional = Phi(g.side * (c * x - A * y) / sp.sqrt(A * _D))
    return tuple((p, q) for p, q in ((front * conditional, whole), (both, g.side * edge)) if q != 0)


def _truncated(law: _Law, m: int, n: int, second: _Law) -> tuple[sp.Expr, sp.Expr]:
    """E[X^m Y^n G(Y)] = first·E[G(Y)] + second·E[G'(Y)], `second` being the law under G'."""
    if m == n == 0:
        return sp.S.One, sp.S.Zero
    on_y = n > 0
    mean, own, mixed = (law.y, law.yy, law.xy) if on_y else (law.x, law.xx, law.xy)
    i, j = (m, n - 1) if on_y else (m - 1, n)
    whole, edge = (mean * value for value in _truncated(law, i, j, second))
    # Stein's lemma: the slope of G is in Y, with its variance or its covariance with X
    edge += (own if on_y else mixed) * second.power(i, j)
    for power, cov, lower in ((n - 1 if on_y else m - 1, own, (i, j - 1) if on_y else (i - 1, j)),) + (
        ((m, mixed, (i - 1, j)),) if on_y else ()
    ):
        if power:
            p, q = _truncated(law, *lower, second)
            whole, edge = whole + power * cov * p, edge + power * cov * q
    return sp.expand(whole), sp.expand(edge)


def _polynomial(m: int, f: NormalPdf, n: int, g: Kernel) -> _Sum:
    """A derivative of a density as a polynomial times it: N^(j)(z−k) = −((z−k) N^(j−1) + (j−1) N^(j−2))/s².

    Raises:
        DerivationError: a derivative of a delta function.
    """
    if not f.order:
        return tuple((x.xreplace(_SWAP), v.xreplace(_SWAP)) for x, v in _expectation(n, g, m, f))
    if f.s == 0:
        raise DerivationError("no closed form: a derivative of a delta function stands in E[f(u) g(v)].")
    total: dict[sp.Expr, sp.Expr] = {}
    for power, order, factor in (
        (m + 1, f.order - 1, sp.S.NegativeOne),
        (m, f.order - 1, f.shift),
        (m, f.order - 2, sp.Integer(1 - f.order)),
    ):
        if order >= 0 and factor != 0:
            for basis, value in _given(power, NormalPdf(f.s, order, f.shift), n, g):
                total[basis] = total.get(basis, sp.S.Zero) + factor * value / f.s**2
    return tuple(total.items())
