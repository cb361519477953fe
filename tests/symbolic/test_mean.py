"""S and T as SymPy expressions of mixtures and of Φ₂: against the certified digits and the defining integral."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy as sp

import glutheory as glu
from glutheory.symbolic.mean import KolmogorovDensity, average, mean

s = glu.symbols
HALF = {s.a: 1, s.b: 2, s.c: sp.Rational(1, 2)}


@pytest.mark.parametrize("name", ["sigmoid", pytest.param("silu", marks=pytest.mark.slow), "tanh"])
def test_evalf_has_the_certified_digits(name: str) -> None:
    own = glu.derivation(name).dual
    wanted = glu.evaluate(name, 1, 2, "1/2", digits=25)
    found = own.S.subs(HALF).evalf(22)
    assert abs(found - sp.Float(wanted[0], 25)) < sp.Float("1e-21")  # a value below 1, to 22 digits
    assert float(own.T.evalf(subs=HALF)) == pytest.approx(float(wanted[1]), rel=1e-13)


@pytest.mark.long
def test_lambdify_by_numpy_and_mpmath() -> None:
    expr = glu.derivation("swiglu").ntk
    by_numpy = sp.lambdify((s.a, s.b, s.c), expr)
    c = np.linspace(-0.9, 0.9, 7)
    wanted = [2 * x * S + x**2 * T for x in c for S, T in [map(float, glu.evaluate("silu", 1, 1, float(x), digits=18))]]
    np.testing.assert_allclose(by_numpy(1.0, 1.0, c), wanted, rtol=1e-12, atol=1e-14)
    with mpmath.workdps(20):
        S, T = glu.evaluate("silu", 1, 1, "1/2", digits=22)
        found = sp.lambdify((s.a, s.b, s.c), expr, "mpmath")(mpmath.mpf(1), mpmath.mpf(1), mpmath.mpf("0.5"))
        assert abs(found - (S + T / 4)) < mpmath.mpf("1e-18")


@pytest.mark.parametrize("name", ["elu", pytest.param("hard_tanh", marks=pytest.mark.long)])
def test_with_bivariate_distribution_functions(name: str) -> None:
    own = glu.derivation(name).dual
    wanted = [float(value) for value in glu.evaluate(name, 1, 2, "1/2", digits=18)]
    for modules in (None, "mpmath"):
        found = [float(sp.lambdify((s.a, s.b, s.c), expr, modules)(1, 2, 0.5)) for expr in (own.S, own.T)]
        assert found == pytest.approx(wanted, rel=1e-13)  # sums of numbers of order 1
    # where the rows are parallel T is a sum of one-dimensional distribution functions; S has 0/0, which is no number
    for c in (1, -1):
        end = {s.a: 1, s.b: 1, s.c: c}
        assert float(own.T.subs(end).evalf()) == pytest.approx(float(glu.evaluate(name, 1, 1, c)[1]), rel=1e-14)
        assert own.S.subs(end).evalf() is sp.nan


def test_symbols_are_those_of_the_formulas() -> None:
    derived = glu.derivation("swiglu", parametrization="standard")
    known = {getattr(s, name) for name in s.__all__}
    assert derived.ntk.free_symbols <= known
    assert derived.formulas["ntk"].free_symbols <= known
    assert glu.derivation("relu", parametrization="standard").nngp.free_symbols <= known
    assert glu.Activation("own", s.z * sp.erf(s.z)).expr == glu.Activation("z*erf(z)").expr


def test_with_symbols_left_nothing_is_evaluated() -> None:
    expr = glu.derivation("silu").dual.S
    assert expr.subs(s.a, 1).evalf().free_symbols == {s.b, s.c}
    assert expr.has(sp.Integral)


def test_the_density_integrates_to_one_and_has_its_mean() -> None:
    kappa = sp.Symbol("kappa", positive=True)
    assert mean(sp.S.One, kappa).evalf(25) == pytest.approx(1, abs=1e-24)
    # E κ = √(π/2) ln 2 (Kolmogorov's distribution)
    assert abs(mean(kappa, kappa).evalf(25) - (sp.sqrt(sp.pi / 2) * sp.log(2)).evalf(25)) < sp.Float("1e-23")
    plain = mpmath.quad(lambda x: float(KolmogorovDensity(sp.Float(x)).evalf()), [0.1, 0.5, 1, 2, 4])
    assert plain == pytest.approx(1, abs=1e-6)  # the tails beyond
    assert average(lambda k: k**2) == pytest.approx(np.pi**2 / 12, rel=1e-14)
