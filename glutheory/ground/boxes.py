"""S = E[φ(u)φ(v)] and T = E[φ'(u)φ'(v)] over a box of covariances, from their values at exact points of it.

A deep kernel is a composition, whose inner covariances are known as balls only. Both certified roads bring their own
values at exact points; here is how far S and T can be from these within the box, with x, y standard normal, u = r·x,
v = s·y, E[xy] = ρ and f = φ or φ' (Mehler: E[f(u)f(v)] = Σ_k f_k(r) f_k(s) ρ^k, with M(r)² = Σ_k f_k(r)² = E[f(u)²]):

* in ρ: a power series bounded by M(r)M(s) in the unit disc has a derivative of at most M(r)M(s)/(1−ρ²) (Schwarz and
  Pick), and that of S is r·s·T, at most r·s·√(E[φ'(u)²]E[φ'(v)²]);
* in log r: x·d/dx takes the k-th coefficient to k·f_k + √((k+1)(k+2))·f_{k+2}, so that the derivative is at most
  2·M(r)M(s)·sup_k (k+2)|ρ|^k;
* where v = λu: r times the density of r·x increases with r, so that r·E[g(u)] does for g ≥ 0; 4φ(u)φ(λu) is the
  difference of two squares, (φ(u) + φ(λu))² and (φ(u) − φ(λu))²;
* a φ of degree p is taken at variance 1: S = (ab)^(p/2) S(1,1,ρ), T = (ab)^((p−1)/2) T(1,1,ρ).

These bounds know nothing of φ; a mistake in them would be in the radii of both roads, in the midpoints of neither.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from flint import arb

from glutheory.ground.exact import ball
from glutheory.ground.symmetry import Ray, Symmetry

Pair = tuple[arb, arb]
#: (S, T) at exact a, b, c.
Values = Callable[[Fraction, Fraction, Fraction], Pair]


def boxed(values: Values, symmetry: Symmetry, a: arb, b: arb, c: arb, ray: Ray | None) -> Pair:
    """Balls that contain S and T at all covariances of a box.

    Args:
        values: (S, T) at exact points.
        symmetry: of φ.
        a: the variance of u as a ball, ≥ 0.
        b: the variance of v.
        c: their covariance.
        ray: v as a multiple of u, where it is one; b and c are not looked at then.

    Returns:
        Two balls; nan where a variance is known too badly to be told from 0, which more digits mend.
    """
    if not all(side == 0 or side > 0 for side in (a, b)) or not c.is_finite():
        return arb.nan(), arb.nan()
    if symmetry.line is not None:
        slope, constant = (ball(value) for value in symmetry.line)
        return slope * slope * c + constant * constant, slope * slope
    if symmetry.degree is not None and a > 0 and b > 0:
        one = arb(1)
        rho = c / (a * b).sqrt() if ray is None else arb(ray.sign)
        unit = None if ray is None else Ray(ray.sign, Fraction(1))
        S, T = _pair(values, one, one, rho, unit)
        found = S * _power(a * b, symmetry.degree), T * _power(a * b, symmetry.degree - 1)
    else:
        found = _pair(values, a, b, c, ray)
    return _apart(found, symmetry) if ray is not None and ray.sign < 0 else found


def _apart(found: Pair, symmetry: Symmetry) -> Pair:
    """Opposite units: exactly 0 where φ is 0 on one side, which a ball only holds to be possible.

    A jump at 0 meets itself there, and leaves T infinite.
    """
    if not symmetry.one_sided:
        return found
    S, T = (arb(0) if not value.is_finite() or value.contains(0) else value for value in found)
    return S, found[1] if symmetry.jumps_at_zero else T


def boxed_mean(mean: Callable[[Fraction], arb], values: Values, symmetry: Symmetry, a: arb) -> arb:
    """A ball that contains E[φ(u)] at all variances of a ball; its derivative in log r is E[(x² − 1)φ(r·x)].

    Args:
        mean: E[φ(u)] at an exact variance.
        values: (S, T) at exact points.
        symmetry: of φ.
        a: the variance of u.
    """
    if symmetry.parity < 0:
        return arb(0)
    if symmetry.degree is not None and a > 0:
        return mean(Fraction(1)) * _power(a, symmetry.degree)
    middle = exact(a)
    found = mean(middle)
    if a.is_exact():
        return found
    spread = _bounds(values, (a, a), 0, Fraction(1)).sqrt() * arb(2).sqrt() * _log_ratio(a, middle)
    return found + arb(0, spread.upper())


def _power(value: arb, twice: int) -> arb:
    """value^(twice/2)."""
    root = value.sqrt()
    return arb(1) if twice == 0 else 1 / root if twice < 0 else root**twice


def _pair(values: Values, a: arb, b: arb, c: arb, ray: Ray | None) -> Pair:
    if ray is not None and ray.ratio is not None:
        return _line(values, a, ray.sign * ray.ratio)
    return _inside(values, a, b, c)


def _line(values: Values, a: arb, ratio: Fraction) -> Pair:
    """V = ratio·u, whose variance is a."""
    ends = [exact(a)] if a.is_exact() else [exact(a.lower()), exact(a.upper())]
    mixed = [values(end, end * ratio * ratio, end * ratio) for end in ends]
    if len(ends) == 1:
        return mixed[0]
    if not ends[0] > 0:
        return arb.nan(), arb.nan()
    # of the radii
    growth = (ball(ends[1]) / ball(ends[0])).sqrt()
    if ratio == 1:
        return _grown(mixed[0][0], mixed[1][0], growth), _grown(mixed[0][1], mixed[1][1], growth)
    first = [values(end, end, end) for end in ends]
    second = [values(*(3 * (end * ratio * ratio,))) for end in ends]
    made = []
    for i in range(2):
        squares = [
            [one[i] + two[i] + 2 * sign * both[i] for one, two, both in zip(first, second, mixed, strict=True)]
            for sign in (1, -1)
        ]
        plus, minus = (_grown(low, high, growth) for low, high in squares)
        made.append((plus - minus) / 4)
    return made[0], made[1]


def _grown(low: arb, high: arb, growth: arb) -> arb:
    """E[g(u)] for radii between those of `low` and `high`, g ≥ 0."""
    if not (low.is_finite() and high.is_finite()):
        return low if low == high else arb.nan()
    return (low / growth).union(high * growth)


def _inside(values: Values, a: arb, b: arb, c: arb) -> Pair:
    """Any box: the values at a point of it, and how far S and T can be from these."""
    mids = _middle(a, b, c)
    S, T = values(*mids)
    if a.is_exact() and b.is_exact() and c.is_exact():
        return S, T
    if not (a > 0 and b > 0):
        # one of them is the constant 0, exactly
        here, there = arb(0), arb(0)
    else:
        here, there = c / (a * b).sqrt(), ball(mids[2]) / (ball(mids[0]) * ball(mids[1])).sqrt()
    largest = arb(arb.max(abs(here).upper(), abs(there).upper()))
    moved = arb(abs(here - there).upper())
    logs = sum((_log_ratio(side, mid) for side, mid in zip((a, b), mids, strict=False)), arb(0))
    bounds = _bounds(values, (a, b), 0, Fraction(1)), _bounds(values, (a, b), 1, Fraction(1))
    spreads = [bound * (moved * _pick(largest, arb(1)) + logs * 2 * _steepest(largest)) for bound in bounds]
    if bounds[1].is_finite():
        slope = (a * b).sqrt() * bounds[1] * moved + bounds[0] * logs * 2 * _steepest(largest)
        spreads[0] = arb.min(slope, spreads[0]) if spreads[0].is_finite() else slope
    elif a.is_exact() and b.is_exact() and largest < 1:
        spreads[1] = _beyond(values, (a, b), largest) * moved
    return S + arb(0, spreads[0].upper()), T + arb(0, spreads[1].upper())


def _middle(a: arb, b: arb, c: arb) -> tuple[Fraction, Fraction, Fraction]:
    """An exact admissible point near the middle of the box."""
    first, second, third = (exact(side.mid()) for side in (a, b, c))
    if third * third > first * second:
        # beyond the cone by rounding: back onto it, or just within
        root = exact((ball(first) * ball(second)).sqrt().lower())
        third = max(min(third, root), -root)
    return first, second, third


def _bounds(values: Values, sides: tuple[arb, arb], which: int, at: Fraction) -> arb:
    """√(E[f(u)²]E[f(v)²]) over the box, or its weakened form Σ|f_k(r)f_k(s)|·at^k at exact variances."""
    product = arb(1)
    for side in sides:
        top = exact(side.upper())
        size = abs(values(top, top, top * at)[which])
        if not side.is_exact():
            size = size * (ball(top) / side.lower()).sqrt()
        product *= size
    return arb(product.sqrt().upper()) if product.is_finite() else arb.pos_inf()


def _beyond(values: Values, sides: tuple[arb, arb], largest: arb) -> arb:
    """The derivative of T in ρ where T is infinite at ρ = 1: its series bounded within a smaller disc."""
    disc = exact(((1 + largest) / 2).upper())
    if not disc < 1:
        return arb.pos_inf()
    return _bounds(values, sides, 1, disc) * _pick(largest, ball(disc))


def _pick(largest: arb, disc: arb) -> arb:
    """Schwarz and Pick: the largest derivative at |ρ| ≤ `largest` of a series bounded by 1 for |ρ| ≤ disc."""
    below = disc * disc - largest * largest
    return disc / below if below > 0 else arb.pos_inf()


def _steepest(largest: arb) -> arb:
    """The supremum over k ≥ 0 of (k + 2)·largest^k."""
    if not largest < 1:
        return arb.pos_inf()
    if not largest > arb("0.6"):
        return arb(2)  # the factor of k = 1 is at most 3·0.6, and later ones are smaller
    rate = -largest.log()
    return arb.max(arb(2), 1 / (arb.const_e() * rate * largest * largest))


def _log_ratio(side: arb, mid: Fraction) -> arb:
    """How far log r is from that of the midpoint."""
    if side.is_exact():
        return arb(0)
    if not side.lower() > 0:
        return arb.pos_inf()
    return arb((abs((side / ball(mid)).log()) / 2).upper())


def exact(number: arb) -> Fraction:
    """The midpoint, which is a binary fraction, at no more bits than the working precision has."""
    mantissa, exponent = number.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


__all__ = ["Pair", "Values", "boxed", "boxed_mean", "exact"]
