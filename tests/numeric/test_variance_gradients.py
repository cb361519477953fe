"""Derivatives of Gram matrices in log σ², against differences of 30-digit values of the derived kernels.

f'(λ) ≈ (f(1 + h) − f(1 − h))/2h with h = 1e-8: an error of h² f''' ≈ 1e-16, and 1e-32/h of rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest

import glutheory as glu
from glutheory.activations import Activation
from glutheory.errors import DomainError
from glutheory.networks import Network, network, product
from glutheory.numeric import gram
from glutheory.numeric.diagonals import diagonal
from glutheory.numeric.gradient import gram_gradient
from glutheory.numeric.reading import prepare
from tests.zoo import FAST, JUMPS
from tests.zoo import FAST_LOGISTIC as LOGISTIC

STEP = Fraction(1, 10**8)
#: Of √(K(x,x) K(x',x')): an error of 1e-16 in ρ or in a coefficient, times the degrees up to 160 that rates weigh it by
#: (they are rates of values whose own errors stay below 1e-14), and the terms of the largest product rule, about 20.
TOLERANCE = 1e-12

#: Far and near parallel, opposite, equal, large and zero rows; multiples of 2^-30 are exact in both roads.
_NEAR = 2.0**-20
ROWS = np.array([[0.5, -1.25], [1.0, 0.75], [0.5 + _NEAR, -1.25], [-1.0, -0.75 + _NEAR], [12.0, 9.5], [0.0, 0.0]])
PAIRS = ((0, 1), (0, 0), (0, 2), (1, 3), (1, 4), (4, 4), (3, 5), (5, 5))
#: exp grows so that it has a test of its own; where φ jumps the NTK is infinite.
QUICK = tuple(name for name in FAST if name not in (*LOGISTIC, *JUMPS, "exp"))
GATED = ("reglu", "geglu", "bilinear")
#: Their 32-digit values take tenths of seconds: by default the pairs that take different ways, in one parametrisation.
NETWORKS = [*map(network, (*QUICK, *GATED)), product("erf", "gelu", "relu")]
FEW = ((0, 2), (4, 4))
VARIANTS = [("ntk", False), ("nngp", False), ("ntk", True)]


@cache
def _dual(act: Activation, a: Fraction, b: Fraction, c: Fraction) -> tuple[mpmath.mpf, mpmath.mpf]:
    S, T = glu.evaluate(act, a, b, c, digits=32)
    return S, T if c else mpmath.mpf(0)


def _kernel(
    net: Network, kind: str, standard: bool, variances: dict[str, Fraction], x: np.ndarray, y: np.ndarray
) -> mpmath.mpf:
    """The kernel by the table of the weights' scales, width 1 in the standard parametrisation."""
    own = [variances[role] for role in net.roles]
    readout = variances["readout"]
    gram = [sum(Fraction(p) * Fraction(q) for p, q in zip(u, v, strict=True)) for u, v in ((x, x), (y, y), (x, y))]
    S, cT = [], []
    for act, variance in zip(net.branches, own, strict=True):
        a, b, c = (entry * (variance if standard else variance / len(x)) for entry in gram)
        s, t = _dual(act, a, b, c)
        S.append(s)
        cT.append(_mp(c) * t)
    if kind == "nngp":
        return _mp(readout) * mpmath.fprod(S)
    trained = mpmath.mpf(0)
    for i, t in enumerate(cT):
        share = readout / own[i] if standard else readout
        trained += _mp(share) * t * mpmath.fprod(S[:i] + S[i + 1 :])
    return (1 if standard else _mp(readout)) * mpmath.fprod(S) + trained


def _name(net: Network) -> str:
    return net.name


def _mp(value: Fraction) -> mpmath.mpf:
    return mpmath.mpf(value.numerator) / value.denominator


def _errors(net: Network, kind: str, standard: bool, pairs: Sequence[tuple[int, int]] = PAIRS) -> list[float]:
    """Of every pair and role, the error over √(K(x,x) K(x',x')); and of the diagonal and the values themselves."""
    variances = {role: Fraction(3 + k, 4) for k, role in enumerate(("readout", *net.roles))}
    options: dict[str, Any] = {"parametrization": "standard", "width": 1} if standard else {}
    K, gradient = gram_gradient(net, ROWS, kind=kind, variances=variances, **options)
    np.testing.assert_array_equal(gradient, gradient.swapaxes(0, 1))
    size = np.sqrt(np.outer(np.diag(K), np.diag(K))) + 1e-300
    with np.errstate(all="ignore"):
        straight = diagonal(prepare(net, ROWS, variances=variances, **options), kind)
    np.testing.assert_allclose(straight, np.diag(K), rtol=1e-15)
    found = list((abs(K - gram(net, ROWS, kind=kind, variances=variances, **options)) / size).max(axis=1))
    for i, j in pairs:
        x, y = ROWS[i], ROWS[j]
        for k, role in enumerate(("readout", *net.roles)):
            up, down = (
                _kernel(net, kind, standard, variances | {role: variances[role] * factor}, x, y)
                for factor in (1 + STEP, 1 - STEP)
            )
            found.append(float(abs((up - down) / (2 * _mp(STEP)) - float(gradient[i, j, k])) / size[i, j]))
    return found


@pytest.mark.parametrize(("kind", "standard"), VARIANTS)
@pytest.mark.parametrize("net", NETWORKS, ids=_name)
def test_against_differences_of_exact_values(net: Network, kind: str, standard: bool) -> None:
    with mpmath.workdps(32):
        assert max(_errors(net, kind, standard)) <= TOLERANCE


@pytest.mark.parametrize("name", LOGISTIC)
def test_logistic_family(name: str) -> None:
    with mpmath.workdps(32):
        assert max(_errors(network(name), "ntk", False, FEW)) <= TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "standard"), VARIANTS)
@pytest.mark.parametrize("name", [*LOGISTIC, "glu", "swiglu"])
def test_logistic_family_and_its_gates_on_all_pairs(name: str, kind: str, standard: bool) -> None:
    with mpmath.workdps(32):
        assert max(_errors(network(name), kind, standard)) <= TOLERANCE


def test_exponentials_relative_to_the_entry() -> None:
    """exp: K and its derivative grow like e^a, so errors are relative to a·K."""
    X = ROWS[:4] / 4
    K, gradient = gram_gradient("exp", X, kind="nngp")
    a = np.sum(X * X, axis=1) / 2
    exponent = (a[:, None] + a) / 2 + X @ X.T / 2
    np.testing.assert_allclose(gradient[..., 1], exponent * np.exp(exponent), rtol=1e-14)
    np.testing.assert_allclose(gradient[..., 0], K, rtol=0)


def test_jumps_and_kinds_are_answered() -> None:
    with pytest.raises(DomainError, match=r"the NTK of 'step' is infinite on its diagonal: use kind='nngp'"):
        gram_gradient("step", ROWS)
    K, gradient = gram_gradient("step", ROWS, kind="nngp")
    assert not gradient[..., 1].any()  # φ(σu) = φ(u)
    np.testing.assert_array_equal(gradient[..., 0], K)
    with pytest.raises(DomainError, match="kind is 'both'"):
        gram_gradient("relu", ROWS, kind="both")


@pytest.mark.parametrize(
    ("net", "x", "variance", "kind", "degrees"),
    [
        ("bilinear", 1e80, 1e-12, "ntk", (1, 1)),
        ("monomial2", 1e80, 1e-12, "ntk", (2,)),
        ("relu2", 1e80, 1e-12, "nngp", (2,)),
        ("monomial2", 1e120, 1e-200, "ntk", (2,)),
        ("monomial2", 1e-150, 1e200, "ntk", (2,)),
    ],
)
def test_norms_and_variances_balance_each_other(
    net: str, x: float, variance: float, kind: str, degrees: tuple[int, ...]
) -> None:
    """A homogeneous kernel K has the derivative p K by Euler's theorem, also where powers of its parts overflow."""
    variances = dict.fromkeys(network(net).roles, variance)
    K, gradient = gram_gradient(net, np.array([[x]]), kind=kind, variances=variances)
    assert 0 < K[0, 0] < math.inf
    np.testing.assert_allclose(gradient[0, 0], K[0, 0] * np.array([1, *degrees]), rtol=1e-14)


def test_a_gaussian_of_long_rows_keeps_its_derivative() -> None:
    """S(a, a, a) = 1/√(1 + 2a), so that dS/dlog σ² = −a S/(1 + 2a), about −S/2."""
    K, gradient = gram_gradient("gaussian", np.array([[1e150]]), kind="nngp")
    assert gradient[0, 0, 1] == pytest.approx(-K[0, 0] / 2, rel=1e-14)


def test_vanishing_kernels_of_huge_variances_have_no_derivative() -> None:
    net = product("abs", "leaky_relu", "relu")
    _, gradient = gram_gradient(net, np.zeros((1, 2)), variances=dict.fromkeys(("readout", *net.roles), 1e200))
    assert not gradient.any()
