"""The one table of activations, and the points (a, b, c) at which the tests look."""

from __future__ import annotations

from fractions import Fraction

import sympy as sp
from hypothesis import strategies as st

from glutheory.activations import Activation, Z, activation, activation_names
from glutheory.exact import Point

#: Beyond the zoo: scaled arguments, linear combinations across all families, symbolic-free parameters.
COMBINATIONS: dict[str, sp.Expr] = {
    "3 - 2z + z^2/2": 3 - 2 * Z + Z**2 / 2,
    "relu(2z) - step(-z)": sp.Max(0, 2 * Z) - sp.Heaviside(-Z),
    "gelu(3z) + erf(z/2)": 3 * Z * (1 + sp.erf(3 * Z / sp.sqrt(2))) / 2 + sp.erf(Z / 2),
    "relu + gaussian": sp.Max(0, Z) + sp.exp(-(Z**2) / 2),
    "relu + sin": sp.Max(0, Z) + sp.sin(Z),
    "erf + exp": sp.erf(Z) + sp.exp(Z / 3),
    "z sin(2z) + z^2": Z * sp.sin(2 * Z) + Z**2,
    "shifted gaussian": sp.exp(-((Z - 1) ** 2)),
    "relu3": sp.Max(0, Z) ** 3,
    "abs - z": sp.Abs(Z) - Z,
    "cosh(z/2)": sp.cosh(Z / 2),
    "z^2 normal_cdf": Z**2 * (1 + sp.erf(Z)) / 2,
    "max(z, z/10)": sp.Max(Z, Z / 10),
}
LOGISTIC = ("sigmoid", "tanh", "silu", "softplus")

ZOO: tuple[Activation, ...] = tuple(activation(name) for name in activation_names())
CLOSED: tuple[Activation, ...] = tuple(act for act in ZOO if act.name not in LOGISTIC)
EXTRA: tuple[Activation, ...] = tuple(Activation(name, expr) for name, expr in COMBINATIONS.items())


def by_name(act: Activation) -> str:
    """The test id of an activation."""
    return act.name


def named(value: object) -> str:
    """A test id that is the same in every process: functions by their name, not by their address."""
    return str(getattr(value, "__name__", value))[:30]


def variances(low: int = -2, high: int = 2) -> st.SearchStrategy[Fraction]:
    """Rational variances between 10^low and 10^high, spread over the logarithmic scale."""
    return st.builds(
        lambda mantissa, exponent: min(Fraction(mantissa, 100) * Fraction(10) ** exponent, Fraction(10) ** high),
        st.integers(100, 999),
        st.integers(low, high),
    )


#: Rational sines of the half-angle family: ρ near ±1, at ±1, 0 and between.
RHOS = st.one_of(
    st.sampled_from([Fraction(0), Fraction(1), Fraction(-1)]),
    st.integers(-99, 99).map(lambda k: Fraction(k, 100)),
    st.builds(lambda sign, k: sign * (1 - Fraction(1, 10**k)), st.sampled_from([1, -1]), st.integers(3, 15)),
)


def _root(value: Fraction) -> Fraction | sp.Expr:
    root = sp.sqrt(sp.Rational(value.numerator, value.denominator))
    return Fraction(int(root.p), int(root.q)) if root.is_Rational else root


def points(low: int = -2, high: int = 2) -> st.SearchStrategy[Point]:
    """Admissible points; ρ = ±1 exactly is among them, with equal variances or an irrational covariance."""

    def build(a: Fraction, b: Fraction, rho: Fraction, equal: bool) -> Point:
        b = a if equal else b
        root = _root(a * b)
        # an irrational √(ab) is kept only where it is needed to be exact; elsewhere a rational below it serves
        if isinstance(root, Fraction):
            return Point.of(a, b, rho * root)
        if abs(rho) == 1:
            return Point.of(a, b, sp.Rational(rho.numerator, rho.denominator) * root)
        return Point.of(a, b, rho * Fraction(float(root)) * (1 - Fraction(1, 2**50)))

    return st.builds(build, variances(low, high), variances(low, high), RHOS, st.booleans())
