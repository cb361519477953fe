"""The Kolmogorov density, the trapezoidal rule on its logarithm, and the bound of its error."""

from __future__ import annotations

import pytest
import sympy as sp
from flint import acb, arb
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstwobign

from glutheory.ground.balls import precision
from glutheory.symbolic import kolmogorov
from glutheory.symbolic.kolmogorov import density, moment_bound, rule
from glutheory.symbolic.mean import KolmogorovDensity


@pytest.mark.parametrize("kappa", ["0.2", "0.5", "0.79", "0.81", "1", "2", "4"])
def test_the_density_is_the_kolmogorov_density(kappa: str) -> None:
    # scipy's density is a numerical derivative of its own series: about 1e-10
    assert float(density(arb(kappa))) == pytest.approx(kstwobign.pdf(float(kappa)), rel=1e-7, abs=1e-9)


def test_both_series_agree_where_they_are_exchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    with precision(400):
        kappa = arb("0.8")
        lower = density(kappa - arb("1e-100"))
        upper = density(kappa + arb("1e-100"))
        assert abs(lower - upper) < arb("1e-97")
        monkeypatch.setattr(kolmogorov, "_SWITCH", 10)
        theta = density(kappa)
        monkeypatch.setattr(kolmogorov, "_SWITCH", 0)
        assert theta.overlaps(density(kappa))
        assert theta.rel_accuracy_bits() > 380


def test_the_printed_series_is_the_density() -> None:
    kappa = sp.Symbol("kappa", positive=True)
    series = KolmogorovDensity(kappa).rewrite(sp.Sum)
    partial = sum(series.function.subs({series.variables[0]: n, kappa: sp.Rational(6, 5)}) for n in range(1, 12))
    with precision(120):
        assert abs(density(arb("1.2")) - arb(str(sp.N(partial, 40)))) < arb("1e-30")


@pytest.mark.parametrize("bits", [40, 64, 128, 300])
def test_the_weights_integrate_to_one_within_the_bound(bits: int) -> None:
    with precision(bits + 64):
        total = sum((weight for _, weight in rule(bits).nodes), arb(0))
        bound = rule(bits).error(0, 0)
        assert abs(total - 1) <= bound
        # the bound is of the size asked for: M_0² ≈ 2^14 and a few bits
        assert bound < arb(2) ** (-bits + 20)


@given(z=st.fractions(-30, 30, max_denominator=50), bits=st.sampled_from([64, 160]))
def test_the_mixture_of_normal_cdfs_is_the_logistic_function(z: object, bits: int) -> None:
    with precision(bits + 32):
        x = arb(str(z).split("/")[0]) / arb(str(z).split("/")[1] if "/" in str(z) else 1)
        mixture = sum((w * (1 + (x / (2 * k) / arb(2).sqrt()).erf()) / 2 for k, w in rule(bits).nodes), arb(0))
        logistic = 1 / (1 + (-x).exp())
        assert abs(mixture - logistic) <= arb(3) / 2 * rule(bits).error(0, 0)


def test_a_coarser_rule_errs_and_its_bound_says_so() -> None:
    """Negative control: halving the number of nodes is seen."""
    with precision(200):
        nodes = rule(128).nodes[::2]
        coarse = 2 * sum((weight for _, weight in nodes), arb(0))
        assert abs(coarse - 1) > rule(128).error(0, 0)
        assert abs(coarse - 1) > arb(2) ** -80


@pytest.mark.parametrize("e", [-3, -2, -1, 0, 1, 2, 4])
def test_the_moment_bound_bounds_the_integral_on_the_rotated_ray(e: int) -> None:
    """Against direct quadrature of |k(r e^{iτ})| r^e with the series summed in complex arithmetic."""
    with precision(80):
        ray = acb(0, arb(kolmogorov.TAU)).exp()

        def modulus(r: arb) -> arb:
            z = ray * r
            if r > 1:
                terms = [(-1) ** (n - 1) * n * n * (-2 * n * n * z * z).exp() for n in range(1, 40)]
                return abs(8 * z * sum(terms, acb(0)))
            beta = arb.pi() ** 2 / 8
            odd = [(2 * m * m * beta / z**4 - 1 / z**2) * (-m * m * beta / z**2).exp() for m in range(1, 80, 2)]
            return abs((2 * arb.pi()).sqrt() * sum(odd, acb(0)))

        h = arb("0.01")
        total = sum((h * (h * k).exp() ** (e + 1) * modulus((h * k).exp()) for k in range(-260, 220)), arb(0))
        assert total < moment_bound(e)
        # and it is no wild overestimate (terms are bounded by their moduli, so some slack is inherent)
        assert moment_bound(e) < 100 * total
