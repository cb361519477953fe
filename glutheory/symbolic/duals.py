"""The dual activations S and T of an activation: derived, classified, and carrying their certificate.

    S(a,b,c) = E[φ(u) φ(v)],   T(a,b,c) = E[φ'(u) φ'(v)] = ∂S/∂c,   (u, v) ~ N(0, [[a, c], [c, b]])

φ' is the derivative in the sense of distributions: T of a step contains E[δ(u) δ(v)].
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import sympy as sp

from glutheory.activations import Activation
from glutheory.errors import DerivationError, DomainError
from glutheory.ground.arguments import as_exact
from glutheory.ground.normal_form import KAPPA, ExpQuad, Term, differentiate, is_mixture, is_plain, read
from glutheory.ground.pieces import pieces
from glutheory.symbolic.assemble import assemble
from glutheory.symbolic.certify import Check, ball_check, family_checks, price_check, zero_check
from glutheory.symbolic.gaussian import a, b, c
from glutheory.symbolic.hermite import HermiteSeries, hermite_series
from glutheory.symbolic.mean import mean
from glutheory.symbolic.pairs import KAPPA_PRIME, Part, bilinear
from glutheory.symbolic.series_form import series

#: The methods by which a dual is found.
CLOSED, MIXTURE, HERMITE = "closed form", "normal scale mixture", "Hermite series"

_ONE = (Term(sp.S.One, 0, ExpQuad()),)


@dataclass(frozen=True)
class Expectation:
    """E[f(u) g(v)] for two sums of terms.

    Attributes:
        first, second: the terms of f and g.
    """

    first: tuple[Term, ...]
    second: tuple[Term, ...]

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The closed forms of all pairs."""
        return tuple(bilinear(self.first, self.second))

    @cached_property
    def kernel(self) -> sp.Expr:
        """The closed form in (a, b, c), for given mixing variables κ, κ' if there are any."""
        return assemble(self.parts)

    @cached_property
    def expression(self) -> sp.Expr:
        """The closed form in (a, b, c); with mixing variables, an ``Integral`` over them, which evaluates."""
        fixed, mixed = split_mixture(self.kernel)
        for kappa in (KAPPA_PRIME, KAPPA):
            if mixed.has(kappa):
                mixed = mean(mixed, kappa)
        return fixed + mixed


def split_mixture(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """The summands without and with the mixing variables."""
    summands = sp.Add.make_args(expr)
    return (
        sp.Add(*(s for s in summands if not s.has(KAPPA, KAPPA_PRIME))),
        sp.Add(*(s for s in summands if s.has(KAPPA, KAPPA_PRIME))),
    )


@dataclass(frozen=True, eq=False)
class Dual:
    """The dual activations of an activation.

    Attributes:
        activation: φ.
        method: how S was found: `CLOSED`, `MIXTURE` (exact, an average of closed forms) or `HERMITE` (a series).
        terms: the normal form of φ; empty for a Hermite series.
    """

    activation: Activation
    method: str
    terms: tuple[Term, ...]

    @cached_property
    def derivative(self) -> tuple[Term, ...]:
        """The normal form of φ'."""
        return differentiate(self.terms)

    @cached_property
    def s(self) -> Expectation:
        """E[φ(u) φ(v)]."""
        return Expectation(self.terms, self.terms)

    @cached_property
    def t(self) -> Expectation:
        """E[φ'(u) φ'(v)], derived on its own (not by differentiating S)."""
        return Expectation(self.derivative, self.derivative)

    @cached_property
    def mean(self) -> Expectation:
        """E[φ(u)], as E[φ(u)·1]."""
        return Expectation(self.terms, _ONE)

    @cached_property
    def derivative_mean(self) -> Expectation:
        """E[φ'(u)]."""
        return Expectation(self.derivative, _ONE)

    @property
    def S(self) -> sp.Expr:  # noqa: N802 (the field's symbol)
        """E[φ(u) φ(v)] as a SymPy expression in a, b, c."""
        return self.s.expression if self.terms else series(self.activation, 0)(a, b, c)

    @property
    def T(self) -> sp.Expr:  # noqa: N802 (the field's symbol)
        """E[φ'(u) φ'(v)] as a SymPy expression in a, b, c."""
        return self.t.expression if self.terms else series(self.activation, 1)(a, b, c)

    @property
    def order(self) -> int:
        """The number k of derivatives in c after which the expectation is elementary."""
        return max((part.order for part in self.s.parts), default=0)

    def series(self, variance: Any, terms: int = 12, *, digits: int = 30) -> HermiteSeries:
        """The second representation: the first Hermite coefficients of φ at this variance, with Parseval's tail.

        Raises:
            DomainError: the variance is not a positive number.
            ExpressionError: φ is not a finite function of z with at most exponential growth.
        """
        exact = as_exact("variance", variance)
        if not exact > 0:
            raise DomainError(f"variance is {exact}: give a positive number.")
        return hermite_series(self.activation, exact, terms, digits)

    def checks(self) -> tuple[Check, ...]:
        """The certificate: every family used, the elementary parts, and Price's theorem T = ∂S/∂c for the whole."""
        if not self.terms:
            return ()
        everything = (*self.s.parts, *self.t.parts)
        if any(part.stable is not None for part in everything):
            return self._whole_checks()
        families = {(part.family, part.squares): None for part in everything if part.family is not None}
        checks = [check for fam, squares in families if fam is not None for check in family_checks(fam, squares)]
        scales = dict.fromkeys(part.squares for part in everything if part.family is not None)
        checks += [price_check(self.s.parts, self.t.parts, squares) for squares in scales]
        checks += [_part_check(part) for part in self.s.parts if part.family is None]
        return tuple(checks)

    def _whole_checks(self) -> tuple[Check, ...]:
        """For bivariate normal distribution functions, whose parts have deltas that cancel in the sum only."""
        S, T = self.s.kernel, self.t.kernel
        mean = self.mean.kernel
        return (
            ball_check("∂S/∂c = T = E[φ'(u) φ'(v)], both derived separately", sp.diff(S, c) - T, [a, b, c]),
            ball_check("S(a,b,0) = E[φ(u)]·E[φ(v)]", S.subs(c, 0) - mean * mean.subs(a, b), [a, b]),
        )


def _part_check(part: Part) -> Check:
    """Price's theorem for a pair without an arcsine family: ∂/∂c E[f g] = E[f' g'], the right side derived anew."""
    f, g = part.factors
    right = assemble(bilinear(differentiate([f]), differentiate([g])), for_balls=False)
    symbols = sorted((part.value.free_symbols | right.free_symbols | {a, b, c}), key=str)
    return zero_check(
        "∂/∂c E[f(u) g(v)] = E[f'(u) g'(v)] for an elementary pair", sp.diff(part.value, c) - right, symbols
    )


@lru_cache(maxsize=256)
def dual(act: Activation) -> Dual:
    """Derive the dual activations of `act`: by Price's theorem if that ends, else as a Hermite series.

    Raises:
        ExpressionError: φ is not real, has a pole or an unbounded derivative, or kinks that are not found.
    """
    terms = read(act.expr)
    if terms is None and not act.symbols:
        pieces(act.expr).derivative()  # refuses what has no kernel
    if terms is None or (is_mixture(terms) and not all(is_plain(term.kernel) for term in terms)):
        return Dual(act, HERMITE, ())
    found = Dual(act, MIXTURE if is_mixture(terms) else CLOSED, terms)
    try:
        _ = found.s.parts, found.t.parts
    except DerivationError:
        return Dual(act, HERMITE, ())
    return found
