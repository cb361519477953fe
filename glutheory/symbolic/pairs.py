"""E[f(u) g(v)] for two terms of the normal form, as a sum of parts with closed forms.

Which rule applies depends on the kernels only:

    exp-quadratic × exp-quadratic          elementary at once (complete the square)
    Φ or density × power, Φ or density     Price, then the arcsine family (a centred Gaussian is a density)
    Φ or density × power · e^{αv}          Price, then the error-function family
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from glutheory.errors import DerivationError
from glutheory.ground.normal_form import KAPPA, ExpQuad, NormalPdf, Term, as_expression, collect, differentiate
from glutheory.symbolic.family import Family, Shape, derivatives, family, mean, shape_of
from glutheory.symbolic.gaussian import FIELD, U, a, b, c, expquad_mean, expquad_pair, sigma, tau
from glutheory.symbolic.reduction import ErfForm, constants_basis

#: The second, independent copy of `KAPPA`: v has its own mixing variable.
KAPPA_PRIME = sp.Symbol("kappa'", positive=True)


@dataclass(frozen=True)
class Part:
    """coefficient × E[f(u) g(v)] for one pair of terms.

    Attributes:
        coefficient: free of a, b, c; may contain the mixing variables.
        rule: "elementary", "arcsine" or "error function".
        order: the number k of derivatives in c that Price's theorem took.
        family, squares: the arcsine family and its squared scales (rule "arcsine").
        value: the closed form (the other rules).
        factors: the two terms, for printing and for the certificate.
    """

    coefficient: sp.Expr
    rule: str
    order: int
    factors: tuple[Term, Term]
    family: Family | None = None
    squares: tuple[sp.Expr, sp.Expr] = (sp.S.Zero, sp.S.Zero)
    value: sp.Expr = sp.S.Zero


def _is_exponential(term: Term) -> bool:
    return isinstance(term.kernel, ExpQuad) and term.kernel != ExpQuad()


def _as_densities(term: Term) -> tuple[Term, ...]:
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


def _mean(shape: Shape, level: int, square: sp.Expr) -> sp.Expr:
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
        form.polynomial[0] += _mean(shape, level, square) * means
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


def _pair(first: Term, second: Term) -> list[Part]:
    if isinstance(first.kernel, ExpQuad) and isinstance(second.kernel, ExpQuad):
        value = expquad_pair(first.power, first.kernel, second.power, second.kernel)
        coefficient = first.coefficient * second.coefficient
        return [Part(coefficient, "elementary", 0, (_plain(first), _plain(second)), value=value)]
    parts: list[Part] = []
    for f, g in itertools.product(_as_densities(first), _as_densities(second)):
        coefficient, factors = f.coefficient * g.coefficient, (_plain(f), _plain(g))
        if _is_exponential(f) or _is_exponential(g):
            swapped = _is_exponential(f)
            order, value = _curved(*reversed(factors), swapped=True) if swapped else _curved(*factors, swapped=False)
            parts.append(Part(coefficient, "error function", order, factors, value=value))
        else:
            fam = family(shape_of(f), shape_of(g))
            parts.append(Part(coefficient, "arcsine", fam.order, factors, fam, (_scale(f), _scale(g))))
    return parts


def second_copy(terms: Iterable[Term]) -> list[Term]:
    """The terms of φ(v): the same with the independent mixing variable."""

    def move(term: Term) -> Term:
        kernel = term.kernel
        if not isinstance(kernel, ExpQuad):
            kernel = type(kernel)(*(sp.sympify(x).subs(KAPPA, KAPPA_PRIME) for x in kernel.__dict__.values()))
            if isinstance(kernel, NormalPdf):
                kernel = NormalPdf(kernel.s, int(kernel.order))
        return Term(term.coefficient.subs(KAPPA, KAPPA_PRIME), term.power, kernel)

    return [move(term) for term in terms]


def bilinear(first: Iterable[Term], second: Iterable[Term]) -> list[Part]:
    """E[f(u) g(v)] for two sums of terms, as the list of its parts (v gets its own mixing variable).

    Raises:
        DerivationError: some pair has no elementary closed form.
    """
    copies = second_copy(second)
    return [part for f in first for g in copies for part in _pair(f, g)]


#: ab − c², given as an input of its own where a formula is evaluated: no cancellation as ρ → ±1.
DELTA = sp.Symbol("delta", nonnegative=True)

Coefficients = dict[tuple[str, int, int], sp.Expr]


def _gather(parts: Iterable[Part]) -> dict[tuple[sp.Expr, sp.Expr], Coefficients]:
    """The coefficients of all arcsine parts with the same squared scales, added up."""
    groups: dict[tuple[sp.Expr, sp.Expr], Coefficients] = {}
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


_D = sp.Symbol("D", positive=True)


def _roots(values: dict[tuple[int, int], sp.Expr], root: sp.Expr, product: sp.Expr) -> sp.Expr:
    """Σ value·c^e·√D^(1−2k), the shortest of: term by term; over one power of √D; the same with A = c² + D in it."""
    top = max((k for k, _ in values), default=0)
    separate = sp.Add(*(sp.factor(v) * c**e * sp.sqrt(_D) ** (1 - 2 * k) for (k, e), v in values.items()))
    candidates = [separate]
    single = sp.cancel(sp.Add(*(v * c**e * (product - c**2) ** (top - k) for (k, e), v in values.items())))
    candidates.append(sp.factor(single) * sp.sqrt(_D) ** (1 - 2 * top))
    numerator = sp.S.Zero
    for (k, e), v in values.items():
        scaled = sp.cancel(v * product)
        whole = sp.cancel(scaled / product)
        exact = whole.is_polynomial(a, b)
        numerator += (whole * (c**2 + _D) if exact else scaled) * c**e * _D ** (top - k)
    collected = sp.factor_terms(sp.collect(sp.expand(numerator), _D, sp.factor))
    candidates.append(collected / product * sp.sqrt(_D) ** (1 - 2 * top))
    shortest = min(candidates, key=lambda expr: expr.count_ops())
    return shortest.subs(sp.sqrt(_D), root).subs(_D, product - c**2)


def _arcsine_group(squares: tuple[sp.Expr, sp.Expr], coefficients: Coefficients, for_balls: bool) -> sp.Expr:
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
        value = sp.cancel(raw)
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
    return sp.factor(angles / (2 * sp.pi)) * arcsine + body + (constants if for_balls else sp.factor(constants))


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
            total += sp.factor(value) * sp.exp(sp.factor(rest + slope * c))
        elif slope.could_extract_minus_sign():
            continue
        else:
            even, odd = sp.factor(value + mirror), sp.factor(value - mirror)
            total += sp.exp(sp.factor(rest)) * (even * sp.cosh(slope * c) + odd * sp.sinh(slope * c))
    return total


def assemble(parts: Iterable[Part], *, for_balls: bool = False) -> sp.Expr:
    """The sum of the parts.

    Args:
        parts: what `glutheory.symbolic.pairs.bilinear` returned.
        for_balls: write it in (a, b, c, `DELTA`) with arctangents instead of arcsines: no cancellation in D = A − c²
            and no 0/0 at ρ = ±1 where the value is finite.
    """
    parts = list(parts)
    total = sp.Add(*(_arcsine_group(key, values, for_balls) for key, values in _gather(parts).items()))
    other = [part.coefficient * part.value for part in parts if part.family is None]
    if for_balls:
        return total + sp.Add(*other)
    denominators = any(
        node.is_Pow and not node.exp.is_Integer and node.has(c) for v in other for node in sp.preorder_traversal(v)
    )
    rest = sp.Add(*other)
    if denominators:
        return total + sp.factor_terms(rest)
    return total + _hyperbolic(rest)
