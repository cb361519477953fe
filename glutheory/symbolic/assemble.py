"""From the parts of a bilinear expectation to one readable SymPy expression, or to one fit for ball arithmetic."""

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp

from glutheory.ground import rational
from glutheory.symbolic.gaussian import DELTA, FIELD, a, b, c
from glutheory.symbolic.pairs import Part
from glutheory.symbolic.reduction import constants_basis

_Coefficients = dict[tuple[str, int, int], sp.Expr]
_D = sp.Symbol("D", positive=True)


def assemble(parts: Iterable[Part], *, for_balls: bool = False) -> sp.Expr:
    """The sum of the parts.

    Args:
        parts: what `glutheory.symbolic.pairs.bilinear` returned.
        for_balls: write it in (a, b, c, `DELTA`) with arctangents instead of arcsines: no cancellation in D = A − c²
            and no 0/0 at ρ = ±1 where the value is finite.
    """
    parts = list(parts)
    total = sp.Add(*(_arcsine_group(key, values, for_balls) for key, values in _gather(parts).items()))
    other = [part.coefficient * part.value for part in parts if part.family is None and part.stable is None]
    quadrants = [part for part in parts if part.stable is not None]
    if for_balls:
        return total + sp.Add(*other, *(part.coefficient * part.stable for part in quadrants))
    total += _collected(part.coefficient * term for part in quadrants for term in sp.Add.make_args(part.value))
    denominators = any(
        node.is_Pow and not node.exp.is_Integer and node.has(c) for v in other for node in sp.preorder_traversal(v)
    )
    rest = sp.Add(*other)
    if denominators:
        return total + sp.factor_terms(rest)
    return total + _hyperbolic(rest)


def _gather(parts: Iterable[Part]) -> dict[tuple[sp.Expr, sp.Expr], _Coefficients]:
    """The coefficients of all arcsine parts with the same squared scales, added up."""
    groups: dict[tuple[sp.Expr, sp.Expr], _Coefficients] = {}
    for part in parts:
        if part.family is None:
            continue
        form, total = part.family.form, groups.setdefault(part.squares, {})
        numbers = (a, b, *part.squares)
        entries = [(("arcsine", n, 0), v) for n, v in form.arcsine.items()]
        entries += [(("root", k, e), v) for (k, e), v in form.roots.items()]
        entries += [(("constant", n, basis), v) for (n, basis), v in form.constants.items()]
        for key, element in entries:
            total[key] = total.get(key, sp.S.Zero) + part.coefficient * element.as_expr(*numbers)
    return groups


def _arcsine_group(squares: tuple[sp.Expr, sp.Expr], coefficients: _Coefficients, for_balls: bool) -> sp.Expr:
    s2, t2 = squares
    product = (a + s2) * (b + t2)
    if for_balls:
        root = sp.sqrt(DELTA + s2 * b + t2 * a + s2 * t2)
        arcsine = sp.atan2(c, root)
    else:
        # (a + p/r)(b + q/s) as (ra + p)(sb + q)/(rs): no fractions inside the roots
        (p, r), (q, s) = (value.as_numer_denom() if value.is_Rational else (value, sp.S.One) for value in squares)
        whole = (r * a + p) * (s * b + q)
        root = sp.sqrt(whole - r * s * c**2) / sp.sqrt(r * s)
        arcsine = sp.asin(sp.sqrt(r * s) * c / sp.sqrt(whole))
    basis = constants_basis(dict(zip(FIELD.symbols, (a, b, s2, t2), strict=True)))
    angles, constants = sp.S.Zero, sp.S.Zero
    roots: dict[tuple[int, int], sp.Expr] = {}
    for (kind, n, extra), raw in coefficients.items():
        value = rational.cancel(raw)
        if value == 0:
            continue
        if kind == "arcsine":
            angles += value * c**n
        elif kind == "root":
            roots[n, extra] = value / (2 * sp.pi)
        else:
            constants += value * c**n * basis[extra]
    if for_balls:
        body = sp.Add(*(v * c**e * root ** (1 - 2 * k) for (k, e), v in roots.items()))
    else:
        body = _roots(roots, root, product)
    return (
        rational.factor(angles / (2 * sp.pi)) * arcsine
        + body
        + (constants if for_balls else rational.factor(constants))
    )


def _roots(values: dict[tuple[int, int], sp.Expr], root: sp.Expr, product: sp.Expr) -> sp.Expr:
    """Σ value·c^e·√D^(1−2k), the shortest of: term by term; over one power of √D; the same with A = c² + D in it."""
    top = max((k for k, _ in values), default=0)
    separate = sp.Add(*(rational.factor(v) * c**e * sp.sqrt(_D) ** (1 - 2 * k) for (k, e), v in values.items()))
    candidates = [separate]
    single = rational.cancel(sp.Add(*(v * c**e * (product - c**2) ** (top - k) for (k, e), v in values.items())))
    candidates.append(rational.factor(single) * sp.sqrt(_D) ** (1 - 2 * top))
    numerator = sp.S.Zero
    for (k, e), v in values.items():
        scaled = rational.cancel(v * product)
        whole = rational.cancel(scaled / product)
        exact = whole.is_polynomial(a, b)
        numerator += (whole * (c**2 + _D) if exact else scaled) * c**e * _D ** (top - k)
    collected = sp.factor_terms(sp.collect(sp.expand(numerator), _D, rational.factor))
    candidates.append(collected / product * sp.sqrt(_D) ** (1 - 2 * top))
    shortest = min(candidates, key=lambda expr: expr.count_ops())
    return shortest.subs(sp.sqrt(_D), root).subs(_D, product - c**2)


def _collected(summands: Iterable[sp.Expr]) -> sp.Expr:
    """The sum with one polynomial coefficient before each product of exponentials, roots and distribution functions."""
    sums: dict[sp.Expr, sp.Expr] = {}
    for summand in summands:
        coefficient, rest = sp.S.One, sp.S.One
        for factor in sp.Mul.make_args(summand):
            if factor.is_rational_function(a, b, c):
                coefficient *= factor
            else:
                rest *= factor
        sums[rest] = sums.get(rest, sp.S.Zero) + coefficient
    return sp.Add(*(rational.factor(coefficient) * rest for rest, coefficient in sums.items()))


def _hyperbolic(expr: sp.Expr) -> sp.Expr:
    """The sum with e^(E+kc) and e^(E−kc) paired to cosh(kc) and sinh(kc); complex pairs become cos and sin that way."""
    sums: dict[tuple[sp.Expr, sp.Expr], sp.Expr] = {}
    for summand in sp.Add.make_args(sp.expand(sp.expand(expr), power_exp=False)):
        exponent = sp.expand(sp.Add(*(f.args[0] for f in sp.Mul.make_args(summand) if isinstance(f, sp.exp))))
        slope = exponent.coeff(c, 1)
        rest = sp.expand(exponent - slope * c)
        factor = sp.Mul(*(f for f in sp.Mul.make_args(summand) if not isinstance(f, sp.exp)))
        sums[rest, slope] = sums.get((rest, slope), sp.S.Zero) + factor
    total = sp.S.Zero
    for (rest, slope), value in sums.items():
        mirror = sums.get((rest, -slope))
        if slope == 0 or mirror is None:
            total += rational.factor(value) * sp.exp(rational.factor(rest + slope * c))
        elif slope.could_extract_minus_sign():
            continue
        else:
            even, odd = rational.factor(value + mirror), rational.factor(value - mirror)
            total += sp.exp(rational.factor(rest)) * (even * sp.cosh(slope * c) + odd * sp.sinh(slope * c))
    return total
