"""`glutheory.studies.spectrum` against matrices built entry by entry in many digits; singular ones; pairs."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

import glutheory as glu
from glutheory.commands.data import draw_rows
from glutheory.errors import DomainError
from glutheory.networks import GATES
from glutheory.spectra import ConditionNumber
from glutheory.studies.spectrum import charts
from glutheory.studies.spectrum import study as module
from glutheory.studies.spectrum.findings import NetworkSpectrum, Pair
from glutheory.studies.spectrum.study import SpectrumStudy, check_size, spectrum_study
from glutheory.studies.spectrum.text import compare, text
from glutheory.terminal import Terminal
from tests.studies.spectra import SETTING, rows

WIDTH = 512


def exact_matrix(name: str, X: np.ndarray, kind: str, parametrization: str) -> mpmath.matrix:
    """The kernel matrix by the formulas of the paper's two-layer networks, 30 digits, LeCun's variances."""
    gated, act = name in GATES, GATES.get(name, name)
    n, d = X.shape
    m = WIDTH
    with mpmath.workdps(30):
        K = mpmath.matrix(n, n)
        for i in range(n):
            for j in range(n):
                g, a, b = (
                    sum(Fraction(float(x)) * Fraction(float(y)) for x, y in zip(X[k], X[q], strict=True))
                    for k, q in ((i, j), (i, i), (j, j))
                )
                # σ_w² = 1/d in both; in the ntk parametrisation the 1/√d stands in the forward pass
                S, T = glu.evaluate(act, a / d, b / d, g / d, digits=25)
                inner = mpmath.mpf(g.numerator) / g.denominator
                # of the readout and the value branch
                v, p = (mpmath.mpf(1) / m, mpmath.mpf(1) / d)
                if kind == "nngp":
                    K[i, j] = S * (inner * p if gated else 1)
                elif parametrization == "ntk":
                    c = inner * p
                    K[i, j] = 2 * c * S + c**2 * T if gated else S + c * T
                elif gated:
                    K[i, j] = m * ((p + v) * inner * S + v * p * inner**2 * T)
                else:
                    K[i, j] = m * (S + v * inner * T)
        return K


@pytest.mark.parametrize(
    ("name", "kind", "parametrization"),
    [
        ("relu", "ntk", "standard"),
        ("reglu", "ntk", "standard"),
        ("geglu", "ntk", "ntk"),
        ("gelu", "ntk", "ntk"),
        ("reglu", "nngp", "ntk"),
        ("erf", "nngp", "standard"),
    ],
)
def test_eigenvalues_within_their_error(name: str, kind: str, parametrization: str) -> None:
    X = draw_rows("gaussian", 7, 3, 1).X
    width = WIDTH if parametrization == "standard" else None
    study = spectrum_study([name], X, kind=kind, parametrization=parametrization, width=width)
    (item,) = study.networks
    with mpmath.workdps(30):
        K = exact_matrix(name, X, kind, parametrization)
        exact = sorted(map(float, mpmath.eigsy(K, eigvals_only=True)), reverse=True)
    assert np.max(np.abs(item.values - exact)) <= item.error < 1e-11 * exact[0]
    assert item.condition.low <= exact[0] / exact[-1] <= item.condition.high
    assert item.resolved == 7


def made(values: list[float], name: str = "relu", **changes: Any) -> NetworkSpectrum:
    """A record with these eigenvalues."""
    ratio = values[0] / values[-1] if values[-1] else math.inf
    condition = ConditionNumber(ratio, ratio, ratio)
    fields: dict[str, Any] = {"error": 1e-12, "condition": condition, "outliers": 0, "theory": None, "no_theory": "x"}
    plain = GATES.get(name, "")
    return NetworkSpectrum(name, bool(plain), plain, np.array(values), **{**fields, **changes})


def test_measures_of_a_spectrum() -> None:
    item = made([8.0, 2.0, 1.0, 1.0], outliers=1)
    p = [8 / 12, 2 / 12, 1 / 12, 1 / 12]
    assert item.effective_rank == pytest.approx(math.prod(x**-x for x in p), rel=1e-14)
    assert item.participation_ratio == pytest.approx(1 / sum(x * x for x in p), rel=1e-14)
    logs = [math.log(x) for x in (8, 2, 1, 1)]
    mean = sum(logs) / 4
    assert item.log_spread == pytest.approx(math.sqrt(sum((x - mean) ** 2 for x in logs) / 4), rel=1e-14)
    assert (item.over_last(1), item.over_last(2), item.bulk_condition) == (8, 2, 2)


def test_what_is_not_resolved_is_not_a_figure() -> None:
    item = made([2.0, 1.0, 1e-13, -1e-13])
    assert item.resolved == 2
    assert math.isnan(item.over_last(1))
    assert item.log_spread == pytest.approx(math.log(2) / 2)
    zero = made([0.0, 0.0])
    assert all(math.isnan(x) for x in (zero.effective_rank, zero.participation_ratio, zero.log_spread))


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("duplicate", "relu: K is singular: rows 3 and 7 are equal up to sign (rows counted from 0)."),
        ("zero row", "reglu: K̃ is singular: row 5 is zero (rows counted from 0)."),
        ("all zero", "reglu: K̃ is singular: row 0 is zero"),
        # on a line a relu kernel has rank 2
        ("line", "relu: only a lower bound of cond(K) is known"),
    ],
)
def test_singular_matrices_say_so(kind: str, part: str) -> None:
    study = spectrum_study(["relu", "reglu"], rows(kind))
    page = " ".join(text(study, Terminal()).split())
    assert part in page
    assert "cond(K)/cond(K̃) is not known" in page
    for item in study.networks:
        assert item.condition.is_bound is (kind == "line")
        assert item.resolved < 12
    json.dumps(study.as_json(charts(study)), allow_nan=False)
    assert charts(study)[0].series


def test_a_kernel_that_is_not_finite_is_refused() -> None:
    X = rows("fresh")
    with pytest.raises(DomainError, match="NTK of 'step' is infinite, since an activation jumps: use --kind nngp"):
        spectrum_study(["relu", "step"], X)
    with pytest.raises(DomainError, match="NNGP of 'exp' is beyond float64 on these rows: scale them down"):
        spectrum_study(["exp"], 100 * X, kind="nngp")
    assert spectrum_study(["step"], X, kind="nngp").networks[0].resolved == 12
    with pytest.raises(DomainError, match="NTK of 'reglu' is below what float64 can hold on these rows: scale them up"):
        spectrum_study(["reglu"], 1e-90 * X)
    # on rows that are only beside the others nothing is said
    for scale in (1e-90, 1e90):
        assert spectrum_study(["reglu"], X, other=(scale * X, "as given")).otherwise is None
    assert spectrum_study(["reglu"], X, other=(1e-9 * X, "as given")).otherwise is not None


def test_too_many_rows_name_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    check_size(1000)
    with pytest.raises(DomainError, match=r"n is 20001: .* at most 20,000 rows; .*glutheory.integrations.extremes"):
        check_size(20_001)
    monkeypatch.setattr(module, "_memory", lambda: 1e9)
    with pytest.raises(
        DomainError, match=r"n is 6000: .* take 1.4 GB and this machine has 1 GB; .*integrations.extremes"
    ):
        check_size(6000)


# --- pairs ----------------------------------------------------------------------------------------------------------


def known(value: float, error: float = 1e-9) -> ConditionNumber:
    return ConditionNumber(value, (1 - error) * value, (1 + error) * value)


def bound(value: float) -> ConditionNumber:
    return ConditionNumber(value, value, math.inf, True, "λ_n is below its error")


SINGULAR = ConditionNumber(math.inf, 1e13, math.inf, reason="rows 0 and 1 are equal up to sign")


@pytest.mark.parametrize(
    ("plain", "gated", "limits", "part"),
    [
        (known(100.0), known(20.0), (5, 5), "= 5.000: with the gate the condition number is 5.000 times smaller"),
        (known(20.0), known(20.0), (1, 1), "the condition number is the same"),
        (known(10.0), known(20.0), (0.5, 0.5), "the condition number is 2.000 times larger"),
        (known(100.0), known(20.0, 0.002), (5 / 1.002, 5 / 0.998), "= 5.00: with the gate"),
        (known(100.0, 0.03), known(20.0), (4.85, 5.15), "= 5.0: with the gate"),
        (known(100.0, 0.1), known(20.0, 0.1), (90 / 22, 110 / 18), "is between 4.0 and 6.2, which the errors"),
        (bound(1e13), known(20.0, 0.1), (1e13 / 22, math.inf), "cond(K)/cond(K̃) is at least 4.5e11."),
        (known(20.0, 0.1), bound(1e13), (0.0, 22 / 1e13), "cond(K)/cond(K̃) is at most 2.2e-12."),
        (SINGULAR, known(20.0, 0.1), (1e13 / 22, math.inf), "is at least 4.5e11"),
        (bound(1e13), bound(1e13), (0.0, math.inf), "is not known"),
        (SINGULAR, SINGULAR, (0.0, math.inf), "is not known"),
    ],
    ids=["better", "same", "worse", "three digits", "two digits", "vague", "plain bound", "gated bound",
         "plain singular", "bounds", "singular"],
)  # fmt: skip
def test_a_pair_in_a_sentence(
    plain: ConditionNumber, gated: ConditionNumber, limits: tuple[float, float], part: str
) -> None:
    first, second = made([4.0, 2.0, 1.0, 1.0], condition=plain), made([2.0, 1.0, 1.0, 1.0], "reglu", condition=gated)
    pair = Pair.of(first, second)
    assert (pair.low, pair.high) == pytest.approx(limits)
    assert pair.bulk_ratio == 2
    study = SpectrumStudy(SETTING, (first, second), (pair,))
    said = compare(pair, study)
    assert part in said
    assert ("without λ_1 (λ_2/λ_n), 2.0" in said) is ("with the gate" in said)


def test_pairs_are_found_in_any_order() -> None:
    study = spectrum_study(["reglu", "silu", "relu", "swiglu", "geglu", "relu"], rows("fresh"))
    assert [(pair.plain, pair.gated) for pair in study.pairs] == [("relu", "reglu"), ("silu", "swiglu")]
    assert [item.network for item in study.networks] == ["reglu", "silu", "relu", "swiglu", "geglu"]
