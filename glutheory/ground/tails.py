"""The sign of a function for all z beyond some R, proved.

A function is enclosed by sums Σ c_i·x^a·log(x)^b·e^{p(x)}, p a polynomial without constant, where c_i is a number that
is exact as long as nothing was estimated, and a ball that holds for every x ≥ R besides. Functions of such sums are
taken at the leading term, and what follows it by the mean value theorem:

    F(c + δ) = F(c) + δ·F'(ξ), ξ between

so that the first order of what follows a leading term stays, and z·tanh(z) − z is seen to be negative. What is left at
the end has a sign if its leading term outweighs all others at R, from where on their ratios fall.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import sympy as sp
from flint import arb

from glutheory.activations import Z
from glutheory.errors import DerivationError
from glutheory.ground.balls import Tape, precision

_BITS = 128
#: Coefficients of x, x², … in p; a; b.
Monomial = tuple[tuple[sp.Expr, ...], sp.Expr, sp.Expr]
#: An exact coefficient, and a ball to be added to it.
Terms = dict[Monomial, tuple[sp.Expr, arb]]

_ONE: Monomial = ((), sp.S.Zero, sp.S.Zero)
_HALF_TO_ONE = arb(0.75, 0.25)


class UndecidedError(Exception):
    """Nothing is known of the sign, with this R or at all."""


def sign_beyond(expr: sp.Expr, R: int) -> int:
    """The sign of the function of `Z` on [R, ∞), R ≥ 3; 0 if it is 0.

    Raises:
        UndecidedError: it has not one, or it could not be shown.
    """
    with precision(_BITS):
        beyond = _Beyond(R)
        terms = beyond.of(expr)
        if not terms:
            return 0
        lead = beyond.leading(terms)
        size = _ball(terms.pop(lead))
        rest = sum((abs(_ball(c)) * beyond.most(_over(m, lead)) for m, c in terms.items()), arb(0))
        if not abs(size) > rest:
            raise UndecidedError
        return 1 if size > 0 else -1


def _ball(coefficient: tuple[sp.Expr, arb]) -> arb:
    return _number(coefficient[0]) + coefficient[1]


def _number(value: sp.Expr) -> arb:
    try:
        found = Tape([value], []).bind()([])[0]
    except DerivationError:
        raise UndecidedError from None
    if not isinstance(found, arb) or not found.is_finite():
        raise UndecidedError
    return found


def _stripped(exponent: list[sp.Expr]) -> tuple[sp.Expr, ...]:
    while exponent and exponent[-1] == 0:
        exponent.pop()
    return tuple(exponent)


def _times(one: Monomial, two: Monomial) -> Monomial:
    longer, shorter = sorted((one[0], two[0]), key=len, reverse=True)
    exponent = [sp.expand(c + (shorter[k] if k < len(shorter) else 0)) for k, c in enumerate(longer)]
    return _stripped(exponent), one[1] + two[1], one[2] + two[2]


def _raised(monomial: Monomial, q: sp.Expr) -> Monomial:
    return tuple(q * c for c in monomial[0]), q * monomial[1], q * monomial[2]


def _over(one: Monomial, two: Monomial) -> Monomial:
    return _times(one, _raised(two, sp.S.NegativeOne))


def _order(monomial: Monomial) -> int:
    """1 if it grows without bound, −1 if it falls to 0, 0 for the constant."""
    for value in (*monomial[0][::-1], monomial[1], monomial[2]):
        if value.is_positive:
            return 1
        if value.is_negative:
            return -1
        if value != 0:
            raise UndecidedError
    return 0


def _collected(items: list[tuple[Monomial, tuple[sp.Expr, arb]]]) -> Terms:
    terms: Terms = {}
    for monomial, (exact, ball) in items:
        own = terms.get(monomial, (sp.S.Zero, arb(0)))
        terms[monomial] = sp.expand(own[0] + exact), own[1] + ball
    return {m: (e, b) for m, (e, b) in terms.items() if not (b == 0 and (e == 0 or e.equals(0)))}


def _plus(*parts: Terms) -> Terms:
    return _collected([item for part in parts for item in part.items()])


def _product(one: Terms, two: Terms) -> Terms:
    items = []
    for m, (e, b) in one.items():
        for n, (f, c) in two.items():
            ball = arb(0) if b == 0 and c == 0 else (_number(e) + b) * (_number(f) + c) - _number(e * f)
            items.append((_times(m, n), (e * f, ball)))
    return _collected(items)


def _scaled(terms: Terms, factor: arb) -> Terms:
    return {m: (sp.S.Zero, _ball(c) * factor) for m, c in terms.items()}


def _constant(value: sp.Expr) -> Terms:
    return {_ONE: (value, arb(0))} if value != 0 else {}


class _Beyond:
    """Enclosures on [R, ∞)."""

    def __init__(self, R: int) -> None:
        self.R = sp.Integer(R)

    def of(self, node: sp.Expr) -> Terms:
        if node == Z:
            return {((), sp.S.One, sp.S.Zero): (sp.S.One, arb(0))}
        if not node.has(Z):
            return _constant(node)
        if node.is_Add:
            return _plus(*map(self.of, node.args))
        if node.is_Mul:
            found = self.of(node.args[0])
            for factor in node.args[1:]:
                found = _product(found, self.of(factor))
            return found
        if isinstance(node, sp.exp):
            return self.exponential(self.of(node.args[0]))
        if node.is_Pow and node.exp.is_Integer and 0 < node.exp <= 16:
            return self.of(sp.Mul(*[node.base] * int(node.exp), evaluate=False))
        if node.is_Pow and node.exp.is_Rational:
            return self.power(self.of(node.base), node.exp)
        if len(node.args) == 1 and node.func in self.functions:
            return self.functions[node.func](self, self.of(node.args[0]), node)
        raise UndecidedError

    def leading(self, terms: Terms) -> Monomial:
        """The monomial that grows most, whose coefficient is not 0."""
        if not terms:
            raise UndecidedError
        lead = next(iter(terms))
        for monomial in terms:
            lead = monomial if _order(_over(monomial, lead)) > 0 else lead
        if _ball(terms[lead]).contains(0):
            raise UndecidedError
        return lead

    def most(self, monomial: Monomial) -> arb:
        """The value at R of one that falls from there on."""
        exponent, a, b = monomial
        if _order(monomial) > 0:
            raise UndecidedError
        over = sp.Max(b, 0)
        if exponent:
            # x·(log m)' ≤ a + b/log x + x p'(x), which has no positive coefficient around R
            slope = sp.Poly(sum((k * c * Z**k for k, c in enumerate(exponent, 1)), sp.Max(a, 0) + over), Z)
            values = [_number(c) for c in slope.compose(sp.Poly(Z + self.R, Z)).all_coeffs()]
            if not all(value < 0 or value == 0 for value in values):
                raise UndecidedError
        elif over != 0 and not _number(-a * sp.log(self.R)) > _number(over):
            raise UndecidedError
        power = sum((c * self.R**k for k, c in enumerate(exponent, 1)), sp.S.Zero)
        if not b.is_Integer:
            raise UndecidedError
        return _number(self.R**a * sp.log(self.R) ** b * sp.exp(power))

    def spread(self, terms: Terms) -> arb:
        """A ball that holds the sum of terms that fall."""
        if any(_order(m) >= 0 for m in terms):
            raise UndecidedError
        size = sum((abs(_ball(c)).upper() * self.most(m).upper() for m, c in terms.items()), arb(0))
        return arb(0, size.upper())

    def near(self, terms: Terms, function: Callable[[sp.Expr], sp.Expr]) -> Terms:
        """F of what tends to a constant."""
        exact, ball = terms.get(_ONE, (sp.S.Zero, arb(0)))
        rest = {m: c for m, c in terms.items() if m != _ONE}
        if ball != 0:
            raise UndecidedError
        slope = Tape([sp.diff(function(Z), Z)], [Z]).bind()([_number(exact) + self.spread(rest)])[0]
        return _plus(_constant(function(exact)), _scaled(rest, slope))

    def beside(self, terms: Terms, lead: Monomial, exact: sp.Expr) -> tuple[Terms, arb]:
        """What stands beside the leading term, over it, and a ball about 1 and it, which is positive."""
        inverse = {_raised(lead, sp.S.NegativeOne): (1 / exact, arb(0))}
        relative = _product({m: c for m, c in terms.items() if m != lead}, inverse)
        spread = 1 + self.spread(relative)
        if not spread > 0:
            raise UndecidedError
        return relative, spread

    def power(self, terms: Terms, q: sp.Rational) -> Terms:
        lead = self.leading(terms)
        exact, ball = terms[lead]
        if ball != 0 or not (q.is_Integer or exact.is_positive):
            raise UndecidedError
        relative, spread = self.beside(terms, lead, exact)
        slope = _number(q) * (spread.log() * _number(q - 1)).exp()
        around = _plus(_constant(sp.S.One), _scaled(relative, slope))
        return _product({_raised(lead, q): (exact**q, arb(0))}, around)

    def exponential(self, terms: Terms) -> Terms:
        powers = {m: c for m, c in terms.items() if not m[0] and m[2] == 0 and m[1].is_Integer and m[1] >= 0}
        rest = {m: c for m, c in terms.items() if m not in powers}
        if any(ball != 0 for _, ball in powers.values()):
            raise UndecidedError
        degree = max((int(m[1]) for m in powers), default=0)
        exponent = [powers.get(((), sp.Integer(k), sp.S.Zero), (sp.S.Zero, 0))[0] for k in range(1, degree + 1)]
        constant = powers.get(_ONE, (sp.S.Zero, 0))[0]
        around = _plus(_constant(sp.S.One), _scaled(rest, self.spread(rest).exp()) if rest else {})
        return _product({(_stripped(exponent), sp.S.Zero, sp.S.Zero): (sp.exp(constant), arb(0))}, around)

    def logarithm(self, terms: Terms, _: sp.Expr) -> Terms:
        lead = self.leading(terms)
        exact, ball = terms[lead]
        if ball != 0 or not exact.is_positive or lead[2] != 0:
            raise UndecidedError
        relative, spread = self.beside(terms, lead, exact)
        own: Terms = {((), sp.Integer(k), sp.S.Zero): (c, arb(0)) for k, c in enumerate(lead[0], 1) if c != 0}
        if lead[1] != 0:
            own[(), sp.S.Zero, sp.S.One] = lead[1], arb(0)
        return _plus(_constant(sp.log(exact)), own, _scaled(relative, 1 / spread))

    def side(self, terms: Terms) -> int:
        """The sign of what grows without bound; 0 for what does not."""
        if not terms:
            return 0
        lead = self.leading(terms)
        if _order(lead) <= 0:
            return 0
        rest = {_over(m, lead): c for m, c in terms.items() if m != lead}
        if not 1 + self.spread(rest) / abs(_ball(terms[lead])) > 0:
            raise UndecidedError
        return 1 if _ball(terms[lead]) > 0 else -1

    def saturated(self, terms: Terms, node: sp.Expr) -> Terms:
        """Tanh, erf, erfc and atan."""
        side, inner = self.side(terms), node.args[0]
        if side == 0:
            return self.near(terms, node.func)
        sign = sp.Integer(side)
        if isinstance(node, sp.tanh):
            return self.of(sign * (1 - 2 / (sp.exp(2 * sign * inner) + 1)))
        inverse = self.power(terms, sp.S.NegativeOne)
        if isinstance(node, sp.atan):
            return _plus(_constant(sign * sp.pi / 2), _scaled(self.near(inverse, sp.atan), arb(-1)))
        # erfc(x)·x·√π·exp(x²) is from 1/2 to 1 for x ≥ 1
        if not abs(self.spread(inverse)) <= 1:
            raise UndecidedError
        normal = self.exponential(_product(_product(terms, terms), _constant(sp.S.NegativeOne)))
        missing = _scaled(_product(inverse, normal), _HALF_TO_ONE / arb.pi().sqrt())
        if isinstance(node, sp.erf):
            return _plus(_constant(sign), _scaled(missing, arb(-1)))
        return _plus(_constant(1 - sign), missing)

    def wave(self, terms: Terms, node: sp.Expr) -> Terms:
        return self.near(terms, node.func) if self.side(terms) == 0 else {_ONE: (sp.S.Zero, arb(0, 1))}

    def by_exponentials(self, _: Terms, node: sp.Expr) -> Terms:
        return self.of(sp.expand(node.rewrite(sp.exp)))

    functions: ClassVar[dict[type, Callable[[_Beyond, Terms, sp.Expr], Terms]]] = {
        sp.log: logarithm,
        sp.tanh: saturated,
        sp.erf: saturated,
        sp.erfc: saturated,
        sp.atan: saturated,
        sp.sin: wave,
        sp.cos: wave,
        sp.sinh: by_exponentials,
        sp.cosh: by_exponentials,
    }
