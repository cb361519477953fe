"""Eq. 5: the corrected form is an identity at every entry, and a quotient only where there is one."""

from __future__ import annotations

import mpmath
import pytest
from flint import arb

from checks.claims import hadamard
from checks.tools import roads
from checks.tools.formulas import gated, plain
from checks.tools.roads import Constants, Duals
from glutheory.claims import Finding

NAMES = ("reglu",)


def _entries(name: str) -> tuple[arb, arb]:
    """K and K̃ of `vanishing`, off the diagonal."""
    setting, pair = hadamard.vanishing(), (0, 1)

    def first(scales: Constants, inner: arb, duals: Duals) -> arb:
        found: arb = plain(Constants(scales.m, scales.d, scales.v, scales.w[1:]), inner, duals[-1:])
        return found

    road = roads.symbolic if name == "symbolic" else roads.quadrature
    K, other = (roads.entry(formula, setting, pair, road) for formula in (first, gated))
    return K, other


@pytest.mark.parametrize("road", ["symbolic", "quadrature"])
def test_where_k_is_0_the_gated_kernel_is_not(road: str) -> None:
    """By the arc-cosine kernels: K = mS + gT = 0 at m = d, and K̃ = gS; it was said to be a multiple of K."""
    K, found = _entries(road)
    (x, y), d = hadamard.vanishing().X, 2
    g = sum(
        (mpmath.mpf(a.numerator * b.numerator) / (a.denominator * b.denominator) for a, b in zip(x, y, strict=True))
    )
    rho, angle = g, mpmath.acos(g)  # the rows have norm 1
    S = (mpmath.sin(angle) + (mpmath.pi - angle) * rho) / (2 * mpmath.pi * d)
    assert abs(float(K.mid())) < 1e-16
    assert float(found.mid()) == pytest.approx(float(g * S), rel=1e-12)
    # over m, with rows of norm √d
    assert d * float(found.mid()) == pytest.approx(-0.0288, rel=2e-3)


def test_the_identity_is_at_every_entry_and_the_quotient_is_not() -> None:
    every, some = (f(NAMES, 0, hadamard.order) for f in (hadamard.identity, hadamard.rate))
    assert {every.finding, some.finding} == {Finding.SUPPORTS}
    counts = [item.figures["differences"] for item in (every, some)]
    # 12 settings of 10 pairs, and one of 3; opposite inputs have no quotient
    assert counts == [123, 108]


@pytest.mark.parametrize("label", hadamard.MUTANTS)
def test_a_wrong_order_is_refuted_by_the_identity(label: str) -> None:
    assert hadamard.identity(NAMES, 0, hadamard.MUTANTS[label]).finding is Finding.REFUTES


def test_the_order_is_none_where_k_is_0() -> None:
    assert hadamard._everywhere().caught
    assert r"K_{ij}" in hadamard.CLAIM.corrected.split(r"\ne 0")[0]
