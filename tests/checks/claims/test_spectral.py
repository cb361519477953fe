"""The checks of Theorem 3.1: their data, each piece of evidence, what it refutes, and the proofs they rest on."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from checks import runner
from checks.catalog import modules
from checks.claims import condition, lambda_max, lambda_min, spike
from checks.claims.compact import statement as compact
from checks.claims.compact.measures import MEASURES, cases
from checks.claims.decomposition import statement as decomposition
from checks.claims.decomposition.linear_errors import errors, kappa
from checks.settings import PROFILES, Settings
from checks.tools import orders
from checks.tools.extremal_sets import exact, rounded
from checks.tools.far_spectrum import far, far_residual
from checks.tools.orders import Order, asymptotic, bounded, exceeded, measured, refuted
from checks.tools.spectral_grid import Cell, families, gaussian, groups, inputs, kernels, product
from derivations.proofs import relu_expansion, spectral_orders
from derivations.proofs.relu_expansion import LEVEL0, coefficient, d, n
from derivations.tools.proof import run as run_proof
from glutheory.claims import Evidence, Finding, Grade, Outcome, Verdict
from glutheory.spectra import equivalent, spectrum

pytest.importorskip("statsmodels", reason="the orders of spectra are fitted by statsmodels")

Array = npt.NDArray[np.float64]
QUICK, FULL = Settings(), Settings(PROFILES["full"])
EXPECTED = {
    "compact": Verdict.CORRECTED,
    "condition": Verdict.CORRECTED,
    "decomposition": Verdict.CORRECTED,
    "lambda-max": Verdict.CORRECTED,
    "lambda-min": Verdict.CORRECTED,
    "spike": Verdict.HOLDS,
}
#: Small data sets: Gaussian, normalised, of finite width. Predictions are fast on normalised inputs.
SMALL = (Cell(40, 6, (1, 2)), Cell(60, 12, (1, 2)), Cell(90, 9, (1,)))
SPHERE = tuple(Cell(size, dim, (1, 2, 3), sphere=True) for size in (120, 240, 480) for dim in (10, 20, 40))
FINITE = (Cell(40, 6, (1,), width=50), Cell(60, 12, (1,), True, 50))


def module(name: str) -> ModuleType:
    return modules()[name]


def refuting(*evidence: Evidence) -> set[str]:
    return {item.part for item in evidence if item.finding is Finding.REFUTES}


def relu(rho: Array) -> tuple[Array, Array]:
    """The functions s and s' as in the literature, naively."""
    angle = np.arccos(np.clip(rho, -1, 1))
    T = (math.pi - angle) / (2 * math.pi)
    return np.sin(angle) / (2 * math.pi) + rho * T, T


# ---------------------------------------------------------------- the data


@pytest.mark.parametrize("settings", [QUICK, FULL], ids=["quick", "full"])
def test_all_sizes_are_as_the_theorem_wants(settings: Settings) -> None:
    cells = [cell for group in groups(settings).values() for cell in group]
    assert all(cell.d + 1 < cell.n for cell in cells)
    found = product(settings)
    for axis in ({cell.n for cell in found}, {cell.d for cell in found}):
        assert max(axis) >= 10 * min(axis)
    assert len(found) == 16
    assert all(cell.n == 4 * cell.d for cell in families(settings)["n = 4d"])
    assert all(abs(cell.n / cell.d**1.5 - 1) < 0.1 for cell in families(settings)["n = d^1.5"])


@pytest.mark.parametrize("width", [0, 7])
def test_kernels_are_those_of_the_formulas(width: int) -> None:
    X = inputs(9, 3, 5)
    a = np.sum(X**2, axis=1) / 3
    C, root = X @ X.T / 3, np.sqrt(np.outer(a, a))
    s, T = relu(C / root)
    ratio = 3 / width if width else 0.0
    plain, gated = kernels(X, width)
    assert plain == pytest.approx(root * s + ratio * C * T)
    assert gated == pytest.approx(C * ((1 + ratio) * root * s + ratio * C * T))


def test_draws_are_reproducible_and_read_only() -> None:
    draw = SMALL[0].draws[0]
    X = inputs(40, 6, 1)
    assert np.array_equal(X, inputs(40, 6, 1))
    assert not np.array_equal(X, inputs(40, 6, 2))
    for values, K in zip((draw.plain, draw.gated), kernels(X), strict=True):
        assert np.sort(np.linalg.eigvalsh(K))[::-1] == pytest.approx(values, abs=1e-12)
        assert not values.flags.writeable
    assert draw.linear == pytest.approx(np.linalg.eigvalsh(X @ X.T / 6)[-1])
    norms = np.sum(X**2, axis=1) / 6
    assert draw.squared == pytest.approx(np.linalg.eigvalsh(np.sqrt(np.outer(norms, norms)) * (X @ X.T) / 6)[-1])
    assert np.sum(inputs(5, 4, 0, sphere=True) ** 2, axis=1) == pytest.approx(4)
    assert draw.ends(gated=False).second == draw.plain[1]
    assert draw.ends(gated=True, outliers=0).second == draw.gated[0]


def test_assumptions_are_evaluated_on_the_data() -> None:
    assert all(item.holds for item in gaussian(product(QUICK)[:4]))
    assert not gaussian((Cell(10, 9, (0,)),))[0].holds
    assert not gaussian((Cell(200, 20, (0, 1), sphere=True),))[1].holds


def test_far_spectra_continue_the_equivalent() -> None:
    for network, found in zip(("relu", "reglu"), far(40_000, 1000), strict=True):
        expected = equivalent(network, 40_000, 1000, degree=None)
        for end in ("largest", "second", "smallest"):
            assert getattr(found, end) == pytest.approx(getattr(expected, end), rel=1e-3)


def test_predictions_meet_measured_spectra() -> None:
    """The edge of the gated bulk fluctuates by 3 % (Tracy–Widom), the spike of K by far less."""
    draw = Cell(400, 25, (3,)).draws[0]
    for gated in (False, True):
        ends, predicted = draw.ends(gated=gated), draw.predicted[gated]
        assert predicted.largest == pytest.approx(ends.largest, rel=0.15 if gated else 0.01)
        assert predicted.smallest == pytest.approx(ends.smallest, rel=0.25)


# ---------------------------------------------------------------- orders

LAWS: dict[str, Any] = {
    "lambda-max": lambda law: asymptotic(law.orders),
    "condition": lambda law: asymptotic(law.orders),
    "lambda-min": lambda law: asymptotic(law.floors),
}
ORDER_MUTANTS = [
    (name, label)
    for name in LAWS
    for label, law in module(name).MUTANTS.items()
    if (law.floors != module(name).LAW.floors if name == "lambda-min" else law.orders != module(name).LAW.orders)
]


@pytest.mark.parametrize("name", LAWS)
def test_the_claimed_orders_are_those_of_the_equivalent(name: str) -> None:
    assert LAWS[name](module(name).LAW).finding is Finding.SUPPORTS


@pytest.mark.parametrize(("name", "label"), ORDER_MUTANTS)
def test_a_wrong_order_is_refuted(name: str, label: str) -> None:
    assert LAWS[name](module(name).MUTANTS[label]).finding is Finding.REFUTES


def test_a_wrong_stair_is_refuted() -> None:
    wanted = {label: law for label, law in lambda_min.MUTANTS.items() if law.beyond != lambda_min.LAW.beyond}
    assert len(wanted) == 2
    for law, finding in ((lambda_min.LAW, Finding.SUPPORTS), *((law, Finding.REFUTES) for law in wanted.values())):
        assert asymptotic(law.beyond, scales=lambda_min.BEYOND).finding is finding


def test_measured_spectra_against_the_equivalent() -> None:
    law = {"K": Order("plain", "second", 0.25, 1, -1), "gated": Order("gated", "largest", 0.25, 1, -1)}
    found = measured(law, {"normalised": SPHERE})
    assert found.finding is Finding.SUPPORTS
    row = found.figures["K, all sizes"]
    assert isinstance(row, dict)
    assert row["points"] == 27
    # with the spike left in, the bulk is of another order
    assert measured(law, {"normalised": SPHERE}, outliers=0).finding is Finding.REFUTES


def test_bounds_over_orders() -> None:
    assert exceeded(n, n / d, "", "").finding is Finding.REFUTES
    assert exceeded(n / d, n / d, "", "").finding is Finding.SUPPORTS
    assert bounded(n / d, n / d, "", "").finding is Finding.SUPPORTS
    assert bounded(n, n / d, "", "").finding is Finding.REFUTES


def test_nothing_is_concluded_from_a_proof_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Evidence(Grade.PROOF, "", Finding.REFUTES)
    monkeypatch.setattr(orders, "proof", lambda _: broken)
    assert exceeded(n, n / d, "", "").finding is Finding.UNDECIDED
    assert bounded(n / d, n / d, "", "").finding is Finding.UNDECIDED


def test_an_uncaught_mutant_is_said_to_be_uncaught() -> None:
    good = Evidence(Grade.PROOF, "", Finding.SUPPORTS, part="x")
    bad = replace(good, finding=Finding.REFUTES)
    caught, missed = refuted({"a": 1, "b": 2}, lambda law: (good, bad) if law == 1 else (good,))
    assert (caught.caught, caught.by) == (True, "refuted by: x")
    assert (missed.caught, missed.by) == (False, "refuted by: nothing")


# ---------------------------------------------------------------- each check


def test_lambda_max_bounds_and_literal() -> None:
    good = lambda_max.sandwich(SMALL + SPHERE[:3] + FINITE, lambda_max.LAW)
    assert good.finding is Finding.SUPPORTS
    for label in ("1/pi for 1/(2 pi)", "1/2 for 1/4", "the bulk with the outlier"):
        wrong = lambda_max.MUTANTS[label]
        assert lambda_max.sandwich((Cell(300, 5, (1,), True),), wrong).finding is Finding.REFUTES
    assert [item.finding.value for item in lambda_max.literal()] == ["refutes", "supports", "refutes", "refutes"]


def test_lambda_min_inequality_and_literal() -> None:
    cells = SMALL + SPHERE[:3] + FINITE
    assert lambda_min.inequality(cells, lambda_min.LAW).finding is Finding.SUPPORTS
    for label in ("the inequality without the norms", "the inequality reversed"):
        assert lambda_min.inequality(cells, lambda_min.MUTANTS[label]).finding is Finding.REFUTES
    assert lambda_min.orders().finding is Finding.SUPPORTS
    found = lambda_min.counterexamples(QUICK)
    assert (found.finding, found.grade) == (Finding.REFUTES, Grade.CERTIFICATE)
    row = found.figures["d=5, n=8"]
    assert isinstance(row, dict)
    X = np.array(row["sixteenths"]) / 16
    for K, name in zip(kernels(X, 1000), ("lambda_min(K)", "lambda_min(gated)"), strict=True):
        assert 1000 * np.linalg.eigvalsh(K)[0] == pytest.approx(float(row[name]), rel=1e-9)


def test_rounded_inputs_are_exact() -> None:
    data = rounded(np.random.default_rng(0), 3, 2)
    assert np.array_equal([[float(x) for x in row] for row in exact(data)], data / 16)


def test_condition_bounds_and_literal() -> None:
    assert condition.bounds(SMALL + SPHERE[:3], condition.LAW).finding is Finding.SUPPORTS
    wrong = condition.MUTANTS["three times the lower bounds"]
    assert condition.bounds((Cell(400, 200, (1,), True),), wrong).finding is Finding.REFUTES
    assert [item.finding.value for item in condition.literal(condition.LAW)] == ["refutes", "refutes", "supports"]


def test_decomposition_errors() -> None:
    law = decomposition.LAW
    for sphere in (False, True):
        X = inputs(30, 5, 4, sphere=sphere)
        C, r = X @ X.T / 5, np.linalg.norm(X, axis=1)
        claimed = C / 4 + np.outer(r, r) / (10 * math.pi) * 1.1 + float(relu_expansion.FLOOR) * np.diag(r**2) / 5
        found = errors(30, 5, 4, sphere, law)
        K, gated = kernels(X)
        assert found.plain == pytest.approx(np.linalg.norm(K - claimed, 2))
        assert found.gated == pytest.approx(np.linalg.norm(gated - claimed * C, 2))
        assert found.least == pytest.approx((np.linalg.eigvalsh(K)[0], np.linalg.eigvalsh(gated)[0]))
        assert found.longest == pytest.approx(np.max(r**2) / 5)
    cells = [Cell(y * dim, dim, (1, 2), True) for y in (2, 5, 10) for dim in (18, 32, 58)]
    assert not refuting(decomposition.measured(cells, law), decomposition.hadamard(cells, law))
    for label in ("alpha = 1/(2d)", "beta = 1/(pi d)", "the gated floor for gamma", "T for S"):
        assert refuting(decomposition.measured(cells, decomposition.MUTANTS[label])) == {"errors"}
    assert decomposition.derived(law).finding is Finding.SUPPORTS
    for label in ("half the error of K", "an error of the gated kernel like 1/sqrt(d)"):
        assert decomposition.derived(decomposition.MUTANTS[label]).finding is Finding.REFUTES
    square = (Cell(100, 10, (1,), True),)
    assert [item.finding for item in decomposition.literal(square)] == [Finding.REFUTES] * 2


@pytest.mark.parametrize("y", [1.5, 4.0, 25.0])
def test_the_norm_of_the_free_sum(y: float) -> None:
    """By brute force on a grid, and by the levels themselves far out."""
    g = np.linspace(0, 1 / (2 * y), 200_001)[1:-1]
    right = np.min(1 / g + 2 / (1 - 2 * y * g) - 2 + 6 * y * g - 1)
    assert kappa(y, 2.0) == pytest.approx(right, rel=1e-6)
    dim = 10**6
    assert far_residual(round(y * dim), dim)[1] * dim * 4 * math.pi == pytest.approx(right, rel=1e-3)


def test_compact_measures_and_literal() -> None:
    normalised = cases(7, ((40, 4), (40, 12)), True, "nngp")
    assert compact.theorem(normalised, compact.LAW).finding is Finding.SUPPORTS
    reverse = compact.MUTANTS["the non-gated one is the more compact"]
    assert compact.theorem(normalised, reverse).finding is Finding.REFUTES
    logarithms = compact.MUTANTS["also for the spread of the logarithms"]
    assert compact.theorem(normalised, logarithms).finding is Finding.REFUTES
    assert compact.logarithms(normalised).finding is Finding.REFUTES
    gauss = cases(7, ((120, 4),), False, "nngp")
    assert compact.theorem(gauss, compact.MUTANTS["also for Gaussian inputs"]).finding is Finding.REFUTES
    points = compact.two_points()
    assert points.finding is Finding.REFUTES
    rho = float(str(points.figures["cos of the angle"]))
    s, T = (float(x) for x in relu(np.array(rho)))
    assert float(str(points.figures["cond(gated)"])) == pytest.approx(
        (1.5 + abs(rho * (2 * s + rho * T))) / (1.5 - abs(rho * (2 * s + rho * T))), rel=1e-9
    )
    assert compact.unequal_norms(QUICK).finding is Finding.REFUTES


def test_measures_know_their_errors() -> None:
    flat, steep = spectrum(np.diag([1.0, 1.0, 1.0])), spectrum(np.diag([3.0, 1.0, 1e-17]))
    for name, measure in MEASURES.items():
        value, error = measure(steep, flat)
        # the tiny eigenvalue is not resolved: nothing is said about logarithms
        assert value >= -error
        assert (value > 0.2) == (name not in {"condition number", "spread of logarithms"})
    assert MEASURES["condition number"](spectrum(np.diag([4.0, 1.0])), flat)[0] == pytest.approx(math.log(4))


def test_spike_limits_threshold_and_measurement() -> None:
    many = tuple(Cell(size, dim, (1, 2), True) for size in (120, 240, 480) for dim in (8, 16))
    cells = tuple(replace(cell, sphere=False) for cell in many)

    def judged(law: spike.Law) -> set[str]:
        return refuting(spike.limits(law), spike.threshold(law), spike.measured(law, cells, many))

    assert not judged(spike.LAW)
    for label, law in spike.MUTANTS.items():
        wanted = {"threshold"} if law.threshold != spike.LAW.threshold else {"limits", "measured"}
        assert judged(law) == wanted, label


@pytest.mark.parametrize("name", EXPECTED)
def test_every_check_says_what_it_means(name: str) -> None:
    claim = module(name).CLAIM
    assert claim.id == name
    assert claim.meaning.count(".") >= 2
    assert claim.assumptions
    assert len(module(name).MUTANTS) >= 3


# ---------------------------------------------------------------- the proofs


def data_sets() -> st.SearchStrategy[Array]:
    """Any inputs other than 0, more of them than dimensions plus one."""
    sizes = st.integers(1, 4).flatmap(lambda dim: st.tuples(st.integers(dim + 2, 9), st.just(dim)))
    return sizes.flatmap(
        lambda shape: arrays(np.float64, shape, elements=st.integers(-40, 40).map(lambda x: x / 8))
    ).filter(lambda X: bool(np.all(np.abs(X).sum(axis=1) > 0)))


@given(data_sets(), st.sampled_from([0, 1, 3, 50]))
def test_the_bounds_of_every_data_set(X: Array, width: int) -> None:
    size, dim = X.shape
    ratio = dim / width if width else 0.0
    weights = np.sum(X**2, axis=1) / dim
    plain, gated = (np.linalg.eigvalsh(K)[::-1] for K in kernels(X, width))
    linear = np.linalg.eigvalsh(X @ X.T / dim)[::-1]
    H = np.linalg.eigvalsh(np.sqrt(np.outer(weights, weights)) * (X @ X.T) / dim)[::-1]
    values = {
        relu_expansion.n: size,
        relu_expansion.d: dim,
        relu_expansion.delta: ratio,
        spectral_orders.tau: float(weights.sum()),
        spectral_orders.tau2: float((weights**2).sum()),
    }
    top, gated_top, low, gated_low = (
        float(sp.sympify(bound).subs(values))
        for bound in (
            spectral_orders.TOP,
            spectral_orders.GATED_TOP,
            spectral_orders.LOW,
            spectral_orders.GATED_LOW,
        )
    )
    rounding = 1e-12 * max(plain[0], gated[0], 1.0)
    rest = 0.5 - 1 / (2 * math.pi) + ratio / 2
    assert top - rounding <= plain[0] <= top + rest * linear[0] + rounding
    assert plain[1] <= rest * linear[0] + rounding
    assert np.all(plain >= (1 + ratio) / 4 * linear - rounding)
    assert np.all(gated >= (1 + ratio) / (2 * math.pi) * H - rounding)
    assert gated_top - rounding <= gated[0] <= (0.5 + ratio) * H[0] + rounding
    assert plain[-1] <= min(low, (1 + ratio) / 2 * weights.mean()) + rounding
    assert gated[-1] <= min(gated_low, (0.5 + ratio) * (weights**2).mean()) + rounding


def test_exact_means_by_sampling() -> None:
    """In dimension 3, 100,000 pairs; each mean within 5 standard errors."""
    rng = np.random.default_rng(11)
    x, y = rng.standard_normal((2, 100_000, 3))
    a, b, g = np.sum(x * x, axis=1), np.sum(y * y, axis=1), np.sum(x * y, axis=1)
    rho = g / np.sqrt(a * b)
    s, T = relu(rho)
    S = np.sqrt(a * b) / 3 * s
    expected = [
        (S, 1 / (2 * math.pi)),
        (g / 3 * S, 1 / 12),
        (g**2 * T / 3, 1 / 4),
        (g * T, 1 / (2 * math.pi)),
        (rho**2, 1 / 3),
        (rho**4, 1 / 5),
        (s, float(LEVEL0.subs(d, 3))),
        (rho * s, 1 / 12),
    ]
    for values, mean in expected:
        assert abs(values.mean() - mean) < 5 * values.std() / math.sqrt(len(values))


def test_the_series_is_that_of_the_kernel() -> None:
    rho = np.linspace(-0.6, 0.6, 7)
    total = sum(float(coefficient(j)) * rho**j for j in range(60))
    assert total == pytest.approx(relu(rho)[0], abs=1e-14)


#: (module, name in it, wrong value, step that must notice).
MISTAKES: list[tuple[ModuleType, str, Any, str]] = [
    (relu_expansion, "KAPPA", relu_expansion.KAPPA * 2, "the kernel as a function of ρ"),
    (relu_expansion, "coefficient", lambda j: coefficient(j) * (1 + (j == 4)), "power series"),
    (relu_expansion, "SUM", sp.Rational(1, 3), "signs and sums"),
    (relu_expansion, "FLOOR", relu_expansion.FLOOR / 2, "the approximation and its floors"),
    (relu_expansion, "plain_weight", coefficient, "finite width"),
    (relu_expansion, "LEVEL0", LEVEL0 * 2, "β in every dimension"),
    (spectral_orders, "TOP", spectral_orders.TOP * 2, "the largest eigenvalues of K"),
    (spectral_orders, "GATED_TOP", spectral_orders.GATED_TOP * 2, "the largest eigenvalues of K̃"),
    (spectral_orders, "PLAIN_FLOOR", relu_expansion.GATED_FLOOR, "the smallest eigenvalues"),
    (spectral_orders, "CONDITION", n, "condition numbers on every data set"),
    (spectral_orders, "edge", lambda scale, sign: scale * (2 + sign), "the bulk on Gaussian data"),
    (spectral_orders, "THRESHOLD", sp.Integer(3), "the spikes"),
    (spectral_orders, "GAIN", sp.Integer(2), "what gating gains"),
]


@pytest.mark.parametrize(("script", "attribute", "wrong", "step"), MISTAKES)
def test_a_mistake_in_a_script_is_found(
    script: ModuleType, attribute: str, wrong: Any, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, attribute, wrong)
    found = run_proof(script.proof())
    assert found.failure is not None
    assert found.failure.step.name == step


def test_orders_that_hold_are_not_refuted_by_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a bound of the claimed order nothing is unbounded, and the step of the orders says so."""
    monkeypatch.setattr(spectral_orders, "GATED_CONDITION", n / d**2)
    found = run_proof(spectral_orders.proof())
    assert found.failure is not None
    assert found.failure.step.name == "condition numbers on every data set"
    assert not spectral_orders._orders().passed


# ---------------------------------------------------------------- end to end


@lru_cache(maxsize=8)
def outcome(name: str) -> Outcome:
    found: Outcome = module(name).run(QUICK)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_every_spectral_check_end_to_end(name: str) -> None:
    found = outcome(name)
    assert all(control.caught for control in found.controls), [c for c in found.controls if not c.caught]
    assert all(item.holds for item in found.assumptions), found.assumptions
    assert found.verdict is EXPECTED[name]
    assert len(found.key_figure) <= 60
    assert found.key_figure.isascii()
    assert found.charts
    assert all(chart.note for chart in found.charts)
    assert all(len(series.x) <= 200 for chart in found.charts for series in chart.series)
    json.dumps(runner.document([found], QUICK), allow_nan=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_wrong_laws_change_the_verdict(name: str) -> None:
    for label, law in module(name).MUTANTS.items():
        assert module(name).run(QUICK, law).verdict is not EXPECTED[name], label
