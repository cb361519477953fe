"""Particular activations in the proof on decorrelation: entire functions, the Gaussian, degree 8, and kinks."""

from __future__ import annotations

import sympy as sp

from derivations.proofs.mehler import he
from derivations.tools.gauss import polynomial_mean, u, v
from derivations.tools.limits import grows
from derivations.tools.numbers import larger
from derivations.tools.proof import Outcome, both, follows
from derivations.tools.zero import is_zero, positive, strictly, zero
from glutheory.activations import activation
from glutheory.ground.normal_form import differentiate
from glutheory.symbolic.duals import Expectation, dual
from glutheory.symbolic.gaussian import a, b, c

#: r = d/m.
RATIO = r = sp.Symbol("r", positive=True)
q, x, t = sp.symbols("q x t", positive=True)
theta = sp.Symbol("theta", positive=True)
rho = sp.Symbol("rho", positive=True)


def margin(first: sp.Expr, second: sp.Expr, third: sp.Expr) -> sp.Expr:
    """P of A, B, C."""
    return (1 + r) * first**2 + 2 * r * first * second + 2 * r**2 * second**2 - r**2 * first * third


def degree_eight() -> Outcome:
    """The dual of 1 + ε He_8, the margin at 1, and an exact violation."""
    w = sp.Symbol("w", positive=True)
    mean = polynomial_mean(he(8, u) * he(8, v), (sp.S.One, sp.S.One, rho))
    kappa = 1 + w * rho**8
    plain, gated = sp.diff(rho * kappa, rho), sp.diff(rho**2 * kappa, rho)
    diagonal = margin(1 + w, 8 * w, 56 * w).subs(r, 1)
    at = {w: sp.Rational(1, 5)}
    normalised = [(expr / expr.subs(rho, 1)).subs(at).subs(rho, sp.Rational(19, 20)) for expr in (gated, plain)]
    excess = normalised[0] - normalised[1]
    return both(
        zero((mean, sp.factorial(8) * rho**8), polynomial_mean(he(8, u), (sp.S.One, sp.S.One, rho))),
        zero(diagonal - (2 - 36 * w + 90 * w**2)),
        follows("the signs of its factors", _between(diagonal, w)),
        zero((excess, sp.Rational(46572537073, 7168000000000))),
        strictly(excess),
    )


def _between(quadratic: sp.Expr, w: sp.Symbol) -> Outcome:
    """90(w − 1/15)(w − 1/3): below 0 between its roots, and not below or above them."""
    low, high, y = sp.Rational(1, 15), sp.Rational(1, 3), sp.Symbol("y", positive=True)
    inside = (low + high * y) / (1 + y)
    left, right = low / (1 + y), high + y
    found = [sp.factor(quadratic.subs(w, value)) for value in (inside, left, right)]
    return both(zero(quadratic - 90 * (w - low) * (w - high)), strictly(-found[0], found[1], found[2]))


def always() -> Outcome:
    """e^z, sin, cos by their duals; the squared ReLU by its constants."""
    cases = {
        "exp": (sp.exp(x), sp.exp(x) ** 2 * (1 + r + 2 * r * x + r**2 * x**2)),
        "sin": (
            sp.sinh(x),
            (1 + r) * sp.sinh(x) ** 2 + 2 * r * x * sp.sinh(x) * sp.cosh(x) + r**2 * x**2 * (sp.cosh(x) ** 2 + 1),
        ),
        "cos": (
            sp.cosh(x),
            (1 - r) * (1 + 2 * r) * sp.cosh(x) ** 2
            + 2 * r**2
            + 2 * r * x * sp.sinh(x) * sp.cosh(x)
            + r**2 * x**2 * sp.cosh(x) ** 2
            + 2 * r**2 * (sp.sinh(x) ** 2 - x**2),
        ),
    }
    differences = []
    for name, (kappa, claimed) in cases.items():
        exact = dual(activation(name)).S.subs({a: q, b: q, c: x}) / kappa
        found = margin(kappa, x * sp.diff(kappa, x), x**2 * sp.diff(kappa, x, 2))
        differences += [sp.diff(exact.rewrite(sp.exp), x), (found - claimed).rewrite(sp.exp)]
    # the cosine's bound drops cosh² − 1 − x² = sinh² − x²; sinh x ≥ x as its slope is cosh x − 1 = 2 sinh²(x/2)
    cosh2, slack = sp.cosh(x) ** 2, sp.Symbol("e", nonnegative=True)  # sinh²x − x² = e
    low = (1 - r) * (1 + 2 * r) * (1 + x**2) + 2 * r**2 + 2 * r * x * sp.sinh(x) * sp.cosh(x) + r**2 * x**2 * cosh2
    bound = cases["cos"][1] - low - ((1 - r) * (1 + 2 * r) + 2 * r**2) * (sp.sinh(x) ** 2 - x**2)
    differences += [(bound).rewrite(sp.exp), (sp.diff(sp.sinh(x) - x, x) - 2 * sp.sinh(x / 2) ** 2).rewrite(sp.exp)]
    share = sp.Symbol("s", nonnegative=True)  # 1 − r for r ≤ 1
    terms = dual(activation("relu2")).terms
    values = [Expectation(differentiate(terms, j), differentiate(terms, j)).expression for j in range(3)]
    A, B, C = (value.subs({b: a, c: a}) * a**j for j, value in enumerate(values))
    sign = positive((share * (1 + 2 * r) + 2 * r**2) * slack, sp.sinh(x / 2) ** 2)
    return both(zero(*differences, B / A - sp.Rational(4, 3), C / A - sp.Rational(4, 3)), sign)


def gaussian() -> Outcome:
    """The mean and the variance of the degree, and the root of M = 2."""
    kappa = dual(activation("gaussian")).S.subs({a: q, b: q, c: q * rho})
    mu = rho * sp.diff(kappa, rho) / kappa
    V = rho * sp.diff(mu, rho)
    mean = q**2 / (1 + 2 * q)
    root = 2 + sp.sqrt(6)
    gap = 2 - mean + (q - root) * (q - 2 + sp.sqrt(6)) / (1 + 2 * q)
    return both(
        zero(V - 2 * mu * (1 + mu), (1 + mu) * (2 + mu) - V - (1 + mu) * (2 - mu), mu.subs(rho, 1) - mean),
        follows("it has the sign of $2 + \\sqrt6 - q$", zero(gap), strictly(q - 2 + sp.sqrt(6), 1 + 2 * q)),
    )


def _shares(angle: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """S/S(1) and T/T(1) of the family."""
    return sp.cos(angle) * (1 - t * angle) + t * sp.sin(angle), 1 - t * angle


def _g(angle: sp.Expr) -> sp.Expr:
    share = t * ((1 + r) / (1 + 2 * r) - 1 / ((1 + r) * sp.cos(angle)))
    return share - (1 - t * angle) * sp.tan(angle / 2)


def bend(alpha: sp.Expr, beta: sp.Expr) -> sp.Expr:
    """The family's t: 0 where there is no kink, 1/π for ReLU."""
    return 2 * beta**2 / (sp.pi * (alpha**2 + beta**2))


def family() -> Outcome:
    """The duals of αz + β|z|, and the difference of the normalised kernels."""
    alpha, beta = sp.symbols("alpha beta", real=True)
    differences = []
    # odd and even parts do not mix: S = α²c + β² S_abs; ReLU has α = β = 1/2
    modulus = [_at_angle(expr) for expr in (dual(activation("abs")).S, dual(activation("abs")).T)]
    total = alpha**2 + beta**2
    share = bend(alpha, beta)
    mixed = (alpha**2 * q * sp.cos(theta) + beta**2 * modulus[0], alpha**2 + beta**2 * modulus[1])
    for value, claimed, scale in zip(mixed, _shares(theta), (q * total, total), strict=True):
        differences.append(value / scale - claimed.subs(t, share))
    relu = [_at_angle(expr) for expr in (dual(activation("relu")).S, dual(activation("relu")).T)]
    half = {alpha: sp.Rational(1, 2), beta: sp.Rational(1, 2)}
    differences += [value - other.subs(half) for value, other in zip(relu, mixed, strict=True)]
    S, T = _shares(2 * theta)  # half the angle, so that tan(θ/2) is a quotient of the same sine and cosine
    cosine = sp.cos(2 * theta)
    plain = (S + r * cosine * T) / (1 + r)
    gated = cosine * ((1 + r) * S + r * cosine * T) / (1 + 2 * r)
    claimed = sp.sin(2 * theta) * cosine * _g(2 * theta)
    differences.append(_half(gated - plain - claimed))
    return zero(*differences)


def _at_angle(expr: sp.Expr) -> sp.Expr:
    """A dual at a = b = q, c = q cos θ, 0 < θ < π."""
    moved = expr.subs({a: q, b: q}).subs(c, q * sp.cos(theta))
    table = {}
    for node in moved.atoms(sp.asin):
        _same(node.args[0], sp.cos(theta))
        table[node] = sp.pi / 2 - theta
    for node in moved.atoms(sp.Pow):
        if node.exp.is_Rational and node.exp.q == 2 and node.has(sp.cos):
            _same(node.base, (q * sp.sin(theta)) ** 2)
            table[node] = (q * sp.sin(theta)) ** (2 * node.exp)
    return moved.xreplace(table)


def _same(found: sp.Expr, expected: sp.Expr) -> None:
    if not is_zero(found - expected):
        raise ValueError(f"{found} is not {expected}")


def _half(expr: sp.Expr) -> sp.Expr:
    """In sin θ and cos θ instead of the functions of 2θ."""
    return sp.expand_trig(expr.subs(sp.tan(theta), sp.sin(theta) / sp.cos(theta)))


def angle() -> Outcome:
    """The value of g at 0, its derivative, and 1 − t(θ + sin θ) ≥ 1 − (π/2 + 1)/π."""
    slope = -t * sp.sin(2 * theta) / ((1 + r) * sp.cos(2 * theta) ** 2)
    slope -= (1 - t * (2 * theta + sp.sin(2 * theta))) / (2 * sp.cos(theta) ** 2)
    found = sp.diff(_g(2 * theta), theta) / 2
    start = _g(theta).subs(theta, 0) - t * r**2 / ((1 + r) * (1 + 2 * r))
    # leaky ReLU with slope s: 1/π − t = 2s/(π(1 + s²))
    s = sp.Symbol("s", nonnegative=True)
    leaky = 1 / sp.pi - (1 - s) ** 2 / (sp.pi * (1 + s**2)) - 2 * s / (sp.pi * (1 + s**2))
    # at θ = π/2, where θ + sin θ is largest
    rest = 1 - (sp.pi / 2 + 1) / sp.pi
    # θ + sin θ does not fall: its slope is 1 + cos θ = 2 cos²(θ/2)
    rises = _half(sp.diff(2 * theta + sp.sin(2 * theta), theta) / 2 - 2 * sp.cos(theta) ** 2)
    # cos θ · g at θ = π/2: tan(π/4) stays finite, and −1/cos θ does not
    end = sp.cancel(sp.cos(theta) * _g(theta)).subs(theta, sp.pi / 2) + t / (1 + r)
    return both(
        zero(_half(found - slope), start, leaky, rises, end),
        strictly(t / (1 + r), t * r**2 / ((1 + r) * (1 + 2 * r))),
        positive(2 * sp.cos(theta) ** 2, s / (1 + s**2)),
        larger((rest, sp.S.Zero)),
    )


def first_order() -> Outcome:
    """That g at ℓ + rtℓ²/(1+r) vanishes to second order in ℓ: the Taylor polynomial of g by its derivatives at 0."""
    ell = sp.Symbol("ell", positive=True)
    start = t * r**2 / ((1 + r) * (1 + 2 * r))
    second = r * t / (1 + r)
    derivatives = [sp.diff(_g(theta), theta, order).subs(theta, 0) for order in range(3)]
    taylor = [derivatives[0] - start, derivatives[1] + sp.Rational(1, 2), derivatives[2] - second]
    at = sp.expand(ell / 2 - (ell + second * ell**2) / 2 + second * (ell + second * ell**2) ** 2 / 2)
    low = [at.coeff(ell, k) for k in range(3)]
    relu = (2 * start).subs({t: 1 / sp.pi, r: 1}) - 1 / (3 * sp.pi)
    return zero(*taylor, *low, relu)


def slope_at_kink() -> tuple[tuple[tuple[sp.Expr, sp.Expr], ...], Outcome]:
    """κ'' of the family is t/sin θ (with κ'(1) = 1): what must be zero, and that it is unbounded at θ = 0."""
    kappa, slope = _shares(theta)
    first = (-sp.diff(kappa, theta) / sp.sin(theta), slope)
    second = -sp.diff(slope, theta) / sp.sin(theta)
    inverse = sp.Symbol("h", positive=True)  # 1/sin θ → ∞
    return (first, (second, t / sp.sin(theta))), grows(t * inverse, inverse)
