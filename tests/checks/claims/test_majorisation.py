"""The check of majorisation: its matrices, what refutes wrong statements, and the whole of it (slow)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from checks import runner
from checks.claims.majorisation import statement
from checks.claims.majorisation.correlated_matrices import Matrices, correlation, data_cases, kernel_cases, random_cases
from checks.claims.majorisation.figure import charts
from checks.claims.majorisation.hadamard_spectra import certified, sharpness
from checks.claims.majorisation.statement import MUTANTS, SAID, adversary, search
from checks.settings import Settings
from derivations.proofs import majorisation as proof
from derivations.proofs import smallest_eigenvalue
from derivations.tools.runs import run
from glutheory.claims import Finding, Verdict

QUICK = Settings()
FEW = random_cases(0, 1, (3, 6))


def test_the_matrices_are_what_they_are_said_to_be() -> None:
    for case in FEW:
        assert (np.diag(case.C) == 1).all()
        assert (case.C == case.C.T).all()
        assert (case.K == case.K.T).all()
        assert np.linalg.eigvalsh(case.C)[0] > -1e-14 * len(case.C)
        least, most = np.linalg.eigvalsh(case.K)[[0, -1]]
        assert (least > -1e-14 * len(case.K) * most) == case.definite
        assert np.diag(case.gram) == pytest.approx(case.g)
    assert len({case.kind for case in FEW}) == 30


def test_kernels_of_networks_and_of_digits() -> None:
    for case in (*kernel_cases(0, ("relu",), ((4, 3),)), *data_cases(("silu",), 6)):
        assert case.definite
        assert case.gram / np.sqrt(np.outer(case.g, case.g)) == pytest.approx(case.C)
        assert np.linalg.eigvalsh(case.K)[0] > 0


def test_cosines_against_the_definition() -> None:
    rows = np.array([[3.0, 4.0], [-4.0, 3.0], [6.0, 8.0]])
    assert correlation(rows) == pytest.approx(np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]]))


def test_the_theorem_is_supported() -> None:
    assert search(FEW, SAID).finding is Finding.SUPPORTS
    found = adversary(0, SAID, 2)
    assert found.finding is Finding.SUPPORTS
    # the optimiser comes up to the bound: it does try
    lowest = found.figures["lowest slack"]
    assert isinstance(lowest, dict)
    assert abs(lowest["sums"]) < 1e-3
    assert certified().finding is Finding.SUPPORTS
    assert sharpness().finding is Finding.SUPPORTS


@pytest.mark.long
@pytest.mark.parametrize("label", MUTANTS)
def test_a_wrong_statement_is_refuted(label: str) -> None:
    assert search(FEW, MUTANTS[label]).finding is Finding.REFUTES
    assert adversary(0, MUTANTS[label], 2).finding is Finding.REFUTES


def test_a_wrong_sum_stops_the_proofs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "unit", lambda value, *_: value)  # Σ_r v_ir² = 1 forgotten
    failure = run(proof.proof()).failure
    assert failure is not None
    assert failure.step.name == "the product is a sum of congruences"


def test_a_gated_kernel_without_a_block_stops_the_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = smallest_eigenvalue.engine

    def wrong(name: str, parametrization: str) -> Any:
        found = engine(name, parametrization)
        return found / 2 if name == "geglu" else found

    monkeypatch.setattr(smallest_eigenvalue, "engine", wrong)
    failure = run(smallest_eigenvalue.proof()).failure
    assert failure is not None
    assert failure.step.name == "the gated kernel as one Hadamard product"


def test_the_figures_show_the_statement() -> None:
    cases = [*FEW, *data_cases(("silu",), 6)]
    lorenz, scatter = charts(cases)
    plain, gated, flat = (np.array(series.y) for series in lorenz.series)
    assert (plain >= gated - 1e-12).all()
    assert (gated >= flat - 1e-12).all()
    points = scatter.series[1]
    assert all(after <= before * (1 + 1e-9) for before, after in zip(points.x, points.y, strict=True))


@pytest.mark.long
def test_an_assumption_that_fails_leaves_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    loose = Matrices("digits, silu", np.eye(2), np.array([[1.0, 2.0], [2.0, 1.0]]), np.ones(2))
    monkeypatch.setattr(statement, "cases", lambda seed, thorough: (*FEW, loose))  # noqa: ARG005 (its signature)
    label = "the order reversed: K is majorised by K⊙C"
    monkeypatch.setattr(statement, "MUTANTS", {label: MUTANTS[label]})
    found = statement.run(QUICK)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert [item.name for item in found.assumptions if not item.holds] == ["semidefinite"]


@pytest.mark.slow
def test_end_to_end() -> None:
    found = statement.run(QUICK)
    assert all(control.caught for control in found.controls), found.controls
    assert all(assumption.holds for assumption in found.assumptions), found.assumptions
    assert found.verdict is Verdict.HOLDS
    assert found.charts
    json.dumps(runner.document([found], QUICK), allow_nan=False)


@pytest.mark.slow
@pytest.mark.parametrize("label", MUTANTS)
def test_a_wrong_statement_changes_the_verdict(label: str) -> None:
    assert statement.run(QUICK, MUTANTS[label]).verdict is Verdict.FAILS
