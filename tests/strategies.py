"""What Hypothesis draws from: activations beyond the zoo, the points (a, b, c), networks and data sets."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from glutheory.activations import Activation, Z
from glutheory.ground.exact import Point
from glutheory.networks import GATES, Network, network, product
from tests.data_sets import symmetric_sets
from tests.zoo import ROWS

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


#: Networks without jumps, whose kernels are finite at all norms of `datasets`.
NETWORKS: tuple[Network, ...] = (
    *(network(name) for name in GATES),
    *(network(name) for name, row in ROWS.items() if row.fast and row.kink != 0 and math.isfinite(row.growth)),
    product("relu", "gelu"),
    product("identity", "erf", "relu"),
)
_ROWS = ("fresh", "duplicate", "near", "opposite", "scaled", "zero")


def datasets(*, normalised: bool = False, rows: tuple[int, int] = (1, 8)) -> st.SearchStrategy[np.ndarray]:
    """Data sets for every law about all of them: of mixed rows, and the symmetric ones of `tests.data_sets`.

    With `normalised` every row has norm √d (and none is zero). Symmetric sets may have up to 16 rows.
    """
    symmetric = symmetric_sets(normalised=normalised, rows=(rows[0], max(rows[1], 16)))
    return st.one_of(mixed_rows(normalised=normalised, rows=rows), symmetric)


@st.composite
def mixed_rows(draw: st.DrawFn, *, normalised: bool = False, rows: tuple[int, int] = (1, 8)) -> np.ndarray:
    """Data of 1 to 8 dimensions: fresh rows, duplicates, near-duplicates, antipodes, norms 1e-6 to 1e6, zero rows."""
    d, n = draw(st.integers(1, 8)), draw(st.integers(*rows))
    whole = st.lists(st.integers(-16, 16), min_size=d, max_size=d).map(lambda row: np.array(row) / 8)
    if normalised:
        whole = whole.filter(lambda row: bool(row.any()))
    found: list[np.ndarray] = []
    for _ in range(n):
        kinds = [kind for kind in _ROWS if (found or kind in ("fresh", "zero")) and not (normalised and kind == "zero")]
        kind = draw(st.sampled_from(kinds))
        old = draw(st.sampled_from(found)) if found else np.zeros(d)
        if kind == "fresh":
            found.append(draw(whole))
        elif kind == "near":
            found.append(old + 10.0 ** -draw(st.integers(3, 15)) * np.linalg.norm(old) * draw(whole))
        elif kind == "scaled":
            # within 1e±6 of a fresh row even if it is scaled again
            size = max(float(np.linalg.norm(old)), 1e-300)
            found.append(old * (10.0 ** draw(st.integers(-6, 6)) / size))
        else:
            found.append({"duplicate": old, "opposite": -old, "zero": np.zeros(d)}[kind])
    X = np.array(found)
    if not normalised:
        return X
    return np.asarray(X * (np.sqrt(d) / np.linalg.norm(X, axis=1, keepdims=True)))


@st.composite
def parametrisations(draw: st.DrawFn, net: Network) -> dict[str, Any]:
    """Options of `gram`: ntk or standard, LeCun's variances or any."""
    if draw(st.booleans()):
        return {"parametrization": "ntk"}
    options: dict[str, Any] = {"parametrization": "standard", "width": draw(st.integers(1, 4096))}
    if draw(st.booleans()):
        options["variances"] = {name: draw(variances()) for name in ("readout", *net.roles)}
    return options
