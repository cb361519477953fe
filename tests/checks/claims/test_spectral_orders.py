"""The checks of Theorem 3.1: claimed orders, those refuted, and what is concluded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checks.claims import lambda_min
from checks.claims.condition import outside
from checks.tools import far_orders
from checks.tools.far_orders import asymptotic, bounded, exceeded
from checks.tools.far_spectrum import far
from checks.tools.measured_orders import finite_size, measured, on_data
from checks.tools.mutants import refuted
from checks.tools.orders import Order
from checks.tools.spectral_grid import Cell
from derivations.proofs.relu_expansion import d, n
from glutheory.claims import Evidence, Finding, Grade
from tests.checks.claims.spectral_cases import QUICK, SPHERE, module

pytest.importorskip("statsmodels", reason="the orders of spectra are fitted by statsmodels")

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


@pytest.mark.long
def test_measured_spectra_against_the_equivalent() -> None:
    law = {"K": Order("plain", "second", 0.25, 1, -1), "gated": Order("gated", "largest", 0.25, 1, -1)}
    found = measured(law, {"normalised": SPHERE})
    assert found.finding is Finding.SUPPORTS
    row = found.figures["K, all sizes"]
    assert isinstance(row, dict)
    assert row["points"] == 27
    # with the spike left in, the bulk is of another order
    assert measured(law, {"normalised": SPHERE}, outliers=0).finding is Finding.REFUTES
    # no claimed number enters: what tells a wrong one from the right one is below
    wrong = {"K": Order("plain", "second", 9.0, 3, 2), "gated": law["gated"]}
    assert measured(wrong, {"normalised": SPHERE}).finding is Finding.SUPPORTS


NEAR = tuple(Cell(n, d, (1, 2), True) for n in (200, 320, 520) for d in (round((8 * n) ** 0.5), n // 4))
ON_DATA = {"lambda-max": "orders", "condition": "orders", "lambda-min": "floors"}


@pytest.mark.parametrize("name", LAWS)
def test_the_claimed_law_is_tested_on_data(name: str) -> None:
    """The very numbers that are claimed: `measured` above cannot tell a wrong one from the right one."""
    law = module(name).LAW
    assert on_data(getattr(law, ON_DATA[name]), NEAR).finding is Finding.SUPPORTS


@pytest.mark.parametrize(("name", "label"), ORDER_MUTANTS)
def test_a_wrong_law_is_refuted_by_data(name: str, label: str) -> None:
    law = module(name).MUTANTS[label]
    assert on_data(getattr(law, ON_DATA[name]), NEAR).finding is Finding.REFUTES


def test_a_wrong_order_goes_uncaught_without_data() -> None:
    good = Evidence(Grade.NUMERICAL, "", Finding.SUPPORTS, part="data")
    bad = Evidence(Grade.NUMERICAL, "", Finding.REFUTES, part="orders")
    found = refuted({"a": 1}, lambda _: (good, bad), lambda _: "data")
    assert [item.caught for item in found] == [False]


@pytest.mark.parametrize("d", [10**4, 10**6])
def test_the_corrections_are_those_of_the_equivalent(d: int) -> None:
    """At n = d^1.5 what they leave is of second order in √(d/n) and √(2n)/d, and of order 1/d in the levels."""
    n = round(d**1.5)
    left = max(d / n, 2 * n / d**2)
    orders_of = {**module("condition").LAW.orders, **module("lambda-max").LAW.orders, **module("lambda-min").LAW.floors}
    for name, order in orders_of.items():
        ratio = order.of(*far(n, d)) / (order.at(n, d) * order.of(*finite_size(n, d)))
        assert abs(ratio - 1) < 8 * left, name


@pytest.mark.long
def test_a_slope_at_small_n_and_the_released_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "_GROWING", ((40, 20), (160, 4)))
    found, probe = outside.slope(QUICK, outside.Small()), outside.released(QUICK, outside.Small())
    assert (found.finding, probe.finding) == (Finding.SUPPORTS, Finding.SUPPORTS)
    rows: Any = found.figures
    assert rows["exponents in d"]["condition"] == pytest.approx(-0.96, abs=0.1)
    assert rows["lambda_max/m at the ends"] == pytest.approx([6.9, 6.9], abs=0.3)
    assert rows["lambda_min/m at the ends"] == pytest.approx([0.040, 0.119], rel=0.1)
    for wrong in (outside.Small(largest=-1.0), outside.Small(fades=0.0)):
        assert outside.slope(QUICK, wrong).finding is Finding.REFUTES
    for gains in ((0.5, 2.0), (240.0, 960.0)):
        assert outside.released(QUICK, outside.Small(gains=gains)).finding is Finding.REFUTES


def test_bounds_over_orders() -> None:
    assert exceeded(n, n / d, "", "").finding is Finding.REFUTES
    assert bounded(n / d, n / d, "", "").finding is Finding.SUPPORTS
    # a lower bound below an upper order, and an upper bound beyond it, leave the order open
    assert exceeded(n / d, n / d, "", "").finding is Finding.UNDECIDED
    assert bounded(n, n / d, "", "").finding is Finding.UNDECIDED


def test_nothing_is_concluded_from_a_proof_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Evidence(Grade.PROOF, "", Finding.REFUTES)
    monkeypatch.setattr(far_orders, "proof", lambda _: broken)
    assert exceeded(n, n / d, "", "").finding is Finding.UNDECIDED
    assert bounded(n / d, n / d, "", "").finding is Finding.UNDECIDED


def test_an_uncaught_mutant_is_said_to_be_uncaught() -> None:
    good = Evidence(Grade.PROOF, "", Finding.SUPPORTS, part="x")
    bad = replace(good, finding=Finding.REFUTES)
    caught, missed = refuted({"a": 1, "b": 2}, lambda law: (good, bad) if law == 1 else (good,))
    assert (caught.caught, caught.by) == (True, "refuted by: x")
    assert (missed.caught, missed.by) == (False, "refuted by: nothing")
