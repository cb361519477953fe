"""Nearly opposite rows: the duals of relu and relu² vanish like ψ³ and ψ⁵ there; all derivatives to 50 digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from glutheory.activations import activation
from glutheory.numeric.duals import evaluator
from glutheory.numeric.pairs import Geometry

Real = Any
#: 2π k, with k the dual over (r r')^p as a function of ψ = π − θ (Cho & Saul 2009), ρ = −cos ψ.
PROFILES: dict[str, tuple[int, Callable[[Real], Real]]] = {
    "relu": (1, lambda psi: mpmath.sin(psi) - psi * mpmath.cos(psi)),
    "relu2": (2, lambda psi: psi * (1 + 2 * mpmath.cos(psi) ** 2) - 3 * mpmath.sin(psi) * mpmath.cos(psi)),
}
#: Twelve terms of the power series and the few operations on them, each of relative error 1e-16.
TOLERANCE = 4e-15


def exact(name: str, psi: float) -> dict[str, Real]:
    """k, k' and k'' along ρ, by the chain rule dρ = sin ψ dψ applied to numerical Taylor coefficients of 50 digits."""
    degree, profile = PROFILES[name]
    with mpmath.workdps(120):
        at = mpmath.mpf(psi)
        k, first, second = (c / (2 * mpmath.pi) for c in mpmath.taylor(profile, at, 2))
        sine, cosine = mpmath.sin(at), mpmath.cos(at)
        k1 = first / sine
        k2 = (2 * second - k1 * cosine) / sine**2
        return {"s": k, "s_rho": k1, "s_rho2": k2, "left": degree * k, "left_rho": degree * k1}


@pytest.mark.parametrize("exponent", range(2, 13))
@pytest.mark.parametrize("name", PROFILES)
def test_all_derivatives_have_all_their_digits(name: str, exponent: int) -> None:
    psi = 10.0**-exponent
    pairs = Geometry(np, np.array([-np.cos(psi)]), True, 1.0, np.array([np.sin(psi)]), np.zeros(1))
    dual, r = evaluator(activation(name)), np.ones((1, 1))
    found, wanted = dual.partials(pairs, r, r, True), exact(name, psi)
    for part, value in wanted.items():
        assert abs(getattr(found, part)[0] - value) <= TOLERANCE * abs(value), part
    assert found.right[0] == found.left[0]
    assert found.right_rho[0] == found.left_rho[0]
    values = dual.values(pairs, r, r)
    assert abs(values.s[0] - wanted["s"]) <= TOLERANCE * wanted["s"]
    rho = -mpmath.cos(mpmath.mpf(psi))
    assert abs(values.t[0] - rho * wanted["s_rho"]) <= TOLERANCE * wanted["s_rho"]


def test_the_closed_form_alone_would_be_caught() -> None:
    """In float64 it has no digit left at ψ = 1e-6."""
    psi = 1e-6
    naive = (np.sin(psi) - psi * np.cos(psi)) / (2 * np.pi)
    assert abs(naive / float(exact("relu", psi)["s"]) - 1) > 1e6 * TOLERANCE
