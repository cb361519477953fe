"""The checks of Theorem 3.1: claimed orders, those refuted, and what is concluded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checks.claims import lambda_min
from checks.tools import orders
from checks.tools.orders import Order, asymptotic, bounded, exceeded, measured, refuted
from derivations.proofs.relu_expansion import d, n
from glutheory.claims import Evidence, Finding, Grade
from tests.checks.claims.spectral_cases import SPHERE, module

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
