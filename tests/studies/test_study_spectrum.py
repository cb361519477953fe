"""`glutheory.studies.spectrum` against matrices built entry by entry in many digits, and what it says of them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

import glutheory as glu
from glutheory.commands.data import draw_rows
from glutheory.errors import DomainError
from glutheory.figures.chart import Chart, Role
from glutheory.networks import GATES, network
from glutheory.spectra import ConditionNumber, equivalent
from glutheory.studies.spectrum import charts, predictions
from glutheory.studies.spectrum import study as module
from glutheory.studies.spectrum.findings import NetworkSpectrum, Pair, Setting
from glutheory.studies.spectrum.predictions import Prediction, predict
from glutheory.studies.spectrum.study import SpectrumStudy, check_size, spectrum_study
from glutheory.studies.spectrum.text import compare, text
from glutheory.terminal import Terminal, columns, number, wide
from tests.zoo import DEGREES

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


def rows(kind: str) -> np.ndarray:
    """Rows whose kernel matrices are singular, or nearly."""
    X = draw_rows("gaussian", 12, 4, 0).X
    if kind == "duplicate":
        X[7] = X[3]
    elif kind == "zero row":
        X[5] = 0
    elif kind == "all zero":
        X[:] = 0
    elif kind == "line":
        X[:, 1:] = 0
    return X


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


def test_too_many_rows_name_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    check_size(1000)
    with pytest.raises(DomainError, match=r"n is 20001: .* at most 20,000 rows; .*glutheory.integrations.extremes"):
        check_size(20_001)
    monkeypatch.setattr(module, "_memory", lambda: 1e9)
    with pytest.raises(
        DomainError, match=r"n is 6000: .* take 1.4 GB and this machine has 1 GB; .*integrations.extremes"
    ):
        check_size(6000)


# --- the prediction -------------------------------------------------------------------------------------------------


def test_the_prediction_has_the_units_of_the_matrix() -> None:
    """And it predicts: its errors are of order d^(−1/2) = 0.16 and n^(−2/3) = 0.02."""
    X = draw_rows("gaussian", 400, 40, 3).X
    norms = np.linalg.norm(X, axis=1)
    for kind, parametrization, width, unit in (
        ("ntk", "standard", 4096, 4096),
        ("nngp", "standard", 4096, 1),
        ("nngp", "ntk", None, 1),
    ):
        study = spectrum_study(["relu", "reglu"], X, kind=kind, parametrization=parametrization, width=width)
        for item in study.networks:
            found = equivalent(item.network, 400, 40, degree=None, norms=norms)
            assert item.theory is not None
            # the edges' root finder stops at 1e-13
            assert item.theory.largest == pytest.approx(unit * found.largest, rel=1e-12)
            assert item.theory.condition == pytest.approx(found.condition, rel=1e-12)
            assert item.theory.bulk_condition == pytest.approx(found.bulk_condition, rel=1e-12)
            assert not item.theory.approximate
            measured = item.values[[0, 1, -1]]
            predicted = [item.theory.largest, item.theory.second, item.theory.smallest]
            np.testing.assert_allclose(predicted, measured, rtol=0.16 + 0.02)


@pytest.mark.parametrize(
    ("name", "n", "d", "options", "change", "part"),
    [
        ("relu", 60, 10, ("ntk", "ntk", None), None, "standard parametrisation"),
        ("relu", 60, 9, ("ntk", "standard", 4096), None, "at least 10 features"),
        ("relu", 49, 10, ("nngp", "ntk", None), None, "50 rows"),
        ("relu", 60, 10, ("ntk", "standard", 99), None, "wide networks"),
        ("relu", 60, 10, ("ntk", "standard", 4096), 0.0, "a row is zero"),
        ("relu", 60, 10, ("nngp", "standard", 4096), 1e-4, "differ by more than a factor of 1000"),
        ("gelu", 60, 40, ("ntk", "standard", 4096), 3.0, "norms near √d"),
        ("erf", 60, 40, ("nngp", "standard", 4096), 2.0**600, "differ by more than a factor of 1000"),
    ],
)
def test_where_it_does_not_apply_it_says_why(
    name: str, n: int, d: int, options: tuple[str, str, int | None], change: float | None, part: str
) -> None:
    X = draw_rows("normalised", n, d, 0).X
    if change is not None:
        X[:10] *= change
    found = predict(network(name), X, *options)
    assert isinstance(found, str)
    assert part in found


def test_rows_of_any_size_are_judged() -> None:
    X = draw_rows("normalised", 60, 12, 0).X
    for size in (2.0**1000, 2.0**-1000):
        assert "norms near √d" in str(predict(network("erf"), size * X, "nngp", "ntk", None))


def test_activations_that_are_not_homogeneous_are_approximate() -> None:
    found = predict(network("gelu"), draw_rows("normalised", 60, 12, 0).X, "nngp", "ntk", None)
    assert isinstance(found, Prediction)
    assert found.approximate
    degrees = {name: predictions._degree(network(name)) for name in glu.network_names()}
    assert {name: degree for name, degree in degrees.items() if degree is not None} == DEGREES


@pytest.mark.parametrize("name", ["relu", "reglu", "step"])
def test_the_prediction_scales_as_the_matrix_does(name: str) -> None:
    X = draw_rows("gaussian", 60, 12, 0).X
    K = [glu.gram(name, 2.0**k * X, kind="nngp")[0, 0] for k in (0, -220, 200)]
    found = [predict(network(name), 2.0**k * X, "nngp", "ntk", None) for k in (0, -220, 200)]
    for own, entry in zip(found, K, strict=True):
        assert isinstance(own, Prediction)
        assert isinstance(found[0], Prediction)
        assert own.largest / found[0].largest == pytest.approx(entry / K[0], rel=1e-12)
        assert own.condition == pytest.approx(found[0].condition, rel=1e-12)


def test_a_floor_of_zero_gives_an_infinite_prediction() -> None:
    found = Prediction(3.0, 2.0, 0.0, True, False)
    assert math.isinf(found.condition)
    assert math.isinf(found.bulk_condition)


# --- pairs ----------------------------------------------------------------------------------------------------------


def known(value: float) -> ConditionNumber:
    return ConditionNumber(value, 0.9 * value, 1.1 * value)


def bound(value: float) -> ConditionNumber:
    return ConditionNumber(value, value, math.inf, True, "λ_n is below its error")


SINGULAR = ConditionNumber(math.inf, 1e13, math.inf, reason="rows 0 and 1 are equal up to sign")
SETTING = Setting("rows", 4, 2, "ntk", "standard", 4096)


@pytest.mark.parametrize(
    ("plain", "gated", "limits", "part"),
    [
        (known(100.0), known(20.0), (90 / 22, 110 / 18), "= 5.000: with the gate the condition number is 5.000 times"),
        (known(20.0), known(20.0), (18 / 22, 22 / 18), "the condition number is the same"),
        (known(10.0), known(20.0), (9 / 22, 11 / 18), "the condition number is 2.000 times larger"),
        (bound(1e13), known(20.0), (1e13 / 22, math.inf), "cond(K)/cond(K̃) is at least 4.5e11."),
        (known(20.0), bound(1e13), (0.0, 22 / 1e13), "cond(K)/cond(K̃) is at most 2.2e-12."),
        (SINGULAR, known(20.0), (1e13 / 22, math.inf), "is at least 4.5e11"),
        (bound(1e13), bound(1e13), (0.0, math.inf), "is not known"),
        (SINGULAR, SINGULAR, (0.0, math.inf), "is not known"),
    ],
    ids=["better", "same", "worse", "plain bound", "gated bound", "plain singular", "bounds", "singular"],
)
def test_a_pair_in_a_sentence(
    plain: ConditionNumber, gated: ConditionNumber, limits: tuple[float, float], part: str
) -> None:
    first, second = made([4.0, 2.0, 1.0, 1.0], condition=plain), made([2.0, 1.0, 1.0, 1.0], "reglu", condition=gated)
    pair = Pair.of(first, second)
    assert (pair.low, pair.high) == pytest.approx(limits)
    assert pair.bulk_ratio == 2
    study = SpectrumStudy(SETTING, (first, second), (pair,))
    assert part in compare(pair, study)
    assert ("without λ_1 (λ_2/λ_n), 2.000 times smaller" in compare(pair, study)) is not math.isnan(pair.ratio)


def test_pairs_are_found_in_any_order() -> None:
    study = spectrum_study(["reglu", "silu", "relu", "swiglu", "geglu", "relu"], rows("fresh"))
    assert [(pair.plain, pair.gated) for pair in study.pairs] == [("relu", "reglu"), ("silu", "swiglu")]
    assert [item.network for item in study.networks] == ["reglu", "silu", "relu", "swiglu", "geglu"]


# --- what is shown --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def study() -> SpectrumStudy:
    X = draw_rows("gaussian", 60, 12, 0).X
    return spectrum_study(["relu", "reglu", "silu", "swiglu", "tanh"], X, data="60 rows")


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("columns", [60, 80, 100])
def test_the_page_fits_and_shows_the_numbers(study: SpectrumStudy, unicode: bool, columns: int) -> None:
    page = text(study, Terminal(width=columns, unicode=unicode))
    assert page.isascii() is not unicode
    assert max(map(wide, page.splitlines())) <= columns
    lines = [line.split() for line in page.splitlines()]
    name = "λ" if unicode else "lambda"
    for rank in (1, 2, 3, 6, 15, 30, 45, 54, 58, 59, 60):
        (*tables,) = (line for line in lines if line[:1] == [f"{name}_{rank}"])
        cells = [
            cell for line in tables for cell in line[1:] if cell not in ("of", "the", "ranks)") and "%" not in cell
        ]
        own = [item.values[rank - 1] for item in study.networks]
        with_theory = rank in (1, 2, 60)
        # relu and reglu have a prediction in the next column
        shown = [cells[i] for i in (0, 2, 4, 5, 6)] if with_theory else cells
        assert [float(cell) for cell in shown] == pytest.approx(own, rel=5e-4)
    conditions = [cell for line in lines if line[:3] == ["cond", "=", f"{name}_1/{name}_n"] for cell in line[3:]]
    assert float(conditions[0]) == pytest.approx(study.networks[0].condition.value, rel=5e-4)
    assert study.networks[0].theory is not None
    assert float(conditions[1]) == pytest.approx(study.networks[0].theory.condition, rel=5e-3)


def test_few_rows_are_all_shown() -> None:
    page = text(spectrum_study(["relu"], rows("fresh")[:2]), Terminal())
    assert [line.split()[0] for line in page.splitlines() if line.startswith("λ_")] == ["λ_1", "λ_2"]
    eleven = text(spectrum_study(["relu"], rows("fresh")[:11]), Terminal())
    assert sum(line.startswith("λ_") for line in eleven.splitlines()) == 11


def test_json_holds_everything(study: SpectrumStudy) -> None:
    content = json.loads(json.dumps(study.as_json(charts(study)), allow_nan=False))
    assert list(content) == [
        "schema", "schema_version", "package_version", "setting", "networks", "pairs", "charts",
    ]  # fmt: skip
    assert (content["schema"], content["schema_version"]) == ("glutheory.spectrum", 1)
    assert content["setting"] == {
        "data": "60 rows", "n": 60, "d": 12, "kind": "ntk", "parametrization": "standard", "width": 4096,
    }  # fmt: skip
    first, third = content["networks"][0], content["networks"][2]
    assert set(first) == {
        "network", "gated", "plain", "condition", "second_over_last", "outliers", "bulk_condition", "effective_rank",
        "participation_ratio", "log_spread", "resolved", "error", "theory", "no_theory", "eigenvalues",
    }  # fmt: skip
    assert first["eigenvalues"] == study.networks[0].values.tolist()
    assert set(first["condition"]) == {"value", "low", "high", "is_bound", "reason"}
    assert (first["no_theory"], third["theory"]) == (None, None)
    assert third["no_theory"] == "activations that are not homogeneous need rows of norms near √d"
    assert set(content["pairs"][0]) == {"plain", "gated", "ratio", "low", "high", "bulk_ratio"}
    assert [Chart.from_json(row) for row in content["charts"]] == list(charts(study))


def test_the_figure(study: SpectrumStudy) -> None:
    ranked, relative = charts(study)
    roles = [series.role for series in ranked.series]
    assert roles == [Role.PLAIN, Role.GATED, Role.PLAIN, Role.GATED, Role.PLAIN, Role.THEORY, Role.THEORY]
    relu = study.networks[0]
    assert ranked.series[0].y[0] == relu.values[0]
    assert ranked.series[0].y[-1] == relu.values[-1]
    assert relu.theory is not None
    assert ranked.series[5].y == (relu.theory.largest, relu.theory.second, relu.theory.smallest)
    assert relative.series[0].y[0] == pytest.approx(relu.condition.value)
    assert relative.series[0].y[-1] == 1
    assert (ranked.yscale, relative.yscale) == ("log", "log")


def test_a_figure_of_what_is_not_resolved() -> None:
    zero = charts(spectrum_study(["relu"], rows("all zero")))
    assert len(zero) == 1
    assert zero[0].series[0].label == "no eigenvalue is resolved"
    line = charts(spectrum_study(["relu"], rows("line")))
    assert len(line) == 1
    assert "Not shown: up to 10 eigenvalues below their error." in line[0].note


def test_progress_is_told() -> None:
    steps: list[tuple[int, str]] = []
    spectrum_study(["relu", "reglu"], rows("fresh"), advance=lambda count, name: steps.append((count, name)))
    assert steps == [(0, "relu"), (1, ""), (0, "reglu"), (1, "")]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.25, "0.2500"),
        (45.0, "45.00"),
        (2520.4, "2520"),
        (43256.0, "4.326e4"),
        (1.5e-15, "1.500e-15"),
        (-0.0, "0"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "–"),
    ],
)
def test_numbers_are_short(value: float, shown: str) -> None:
    assert number(value) == shown


def test_columns_are_aligned_by_what_is_seen() -> None:
    lines = columns([["a", "K̃"], [], ["bb", "10"]], Terminal())
    assert lines == ["a     K̃", "", "bb   10"]
    assert [wide(line) for line in lines] == [7, 0, 7]


def test_the_setting_names_its_matrices() -> None:
    assert [SETTING.symbol(gated) for gated in (False, True)] == ["K", "K̃"]
    assert [replace(SETTING, kind="nngp").symbol(gated) for gated in (False, True)] == ["Σ", "Σ̃"]
