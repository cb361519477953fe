"""The phase diagram: its theory against other roads, its evidence on cells made by hand, and the check end to end."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import sympy as sp
from scipy.stats import binomtest, chi2

from checks import runner
from checks.claims.phase_diagram import evidence as ev
from checks.claims.phase_diagram import statement
from checks.claims.phase_diagram.evidence import Theory
from checks.claims.phase_diagram.figure import charts, shares
from checks.claims.phase_diagram.law import FACTOR, Sample, law, level
from checks.claims.phase_diagram.statement import MUTANTS
from checks.settings import FALSE_ALARM, Settings
from derivations.tools import phase_levels as derived
from derivations.tools.zero import is_zero
from glutheory.claims import About, Finding, Grade, Outcome, Verdict
from glutheory.datasets.tabular import SETS
from glutheory.networks import GATES
from glutheory.spectra import ConditionNumber, funk_hecke
from glutheory.studies.phase import boundary
from glutheory.studies.phase.boundary import certified_dimension, crossing, predicted, reach, sphere_limit, threshold
from glutheory.studies.phase.cells import NORMALISED, Cell, Task, evaluate

QUICK = Settings()
THEORY = Theory()


@lru_cache(maxsize=1)
def outcome() -> Outcome:
    return statement.run(QUICK)


# ---------------------------------------------------------------- the theory


@pytest.mark.parametrize("d", [2, 3, 4, 7, 10, 50])
def test_the_formulas_are_those_of_the_derivation(d: int) -> None:
    known = {derived.d: d}
    assert math.isclose(threshold(d), float(derived.THRESHOLD.subs(known)), rel_tol=1e-12)
    assert math.isclose(sphere_limit(d, "wide"), float(derived.WIDE_LIMIT.subs(known)), rel_tol=1e-12)
    assert math.isclose(sphere_limit(d, "ntk"), float(derived.FULL_LIMIT.subs(known)), rel_tol=1e-12)
    assert math.isclose(reach(d), 1 / chi2.cdf(threshold(d), d), rel_tol=1e-9)
    assert threshold(10**6) == pytest.approx(math.pi / 2, rel=1e-5)


@pytest.mark.parametrize("d", [2, 3, 5, 9])
@pytest.mark.parametrize(("setting", "kind"), [("wide", "nngp"), ("ntk", "ntk")])
def test_level_0_is_the_largest_and_gives_the_limit(d: int, setting: str, kind: str) -> None:
    plain, gated = (funk_hecke(net, d, 7, kind=kind) for net in ("relu", "reglu"))
    for levels in (plain, gated):
        assert max(level.value for level in levels) == levels[0].value
    assert math.isclose(plain[0].value / gated[0].value, sphere_limit(d, setting), rel_tol=1e-12)


def test_the_threshold_is_that_of_large_gaussian_samples() -> None:
    d, n = 3, 700
    cell = evaluate(Task("gaussian", "reglu", "wide", n, d, 11))
    assert d / cell.tops == pytest.approx(threshold(d), rel=0.1)


@pytest.mark.parametrize("wrong", [derived.THRESHOLD * 2, derived.PLAIN * derived.d, derived.FULL_LIMIT + 1])
def test_altered_formulas_are_not_shown_equal(wrong: sp.Expr) -> None:
    right = {derived.THRESHOLD, derived.PLAIN, derived.FULL_LIMIT}
    assert not any(is_zero(sp.gammasimp(wrong - one)) for one in right)


@pytest.mark.slow
def test_the_crossing_is_where_the_prediction_changes_sign() -> None:
    n = crossing(6)
    for factor, sign in ((0.8, 1), (1.25, -1)):
        size = round(factor * n)
        norms = boundary.typical_norms(size, 6)
        assert math.copysign(1, predicted(size, 6, norms)) == sign
    assert math.isnan(crossing(4))
    assert crossing(5) < n < 6 * reach(6)
    # the quantiles are those of a χ distribution, and the smallest has its median
    norms = boundary.typical_norms(1001, 6)
    assert norms[500] ** 2 == pytest.approx(chi2.ppf(0.5, 6))
    assert chi2.sf(norms[0] ** 2, 6) ** 1001 == pytest.approx(0.5)


def test_an_endless_search_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundary, "_typical", lambda *_: 1.0)
    uncached = crossing.__wrapped__
    assert uncached(5) == math.inf


@pytest.mark.parametrize(("gate", "low", "high"), [("reglu", 8, 13), ("bilinear", 35, 60)])
def test_the_certified_dimension(gate: str, low: int, high: int) -> None:
    d = certified_dimension(100, gate, 128)
    assert low <= d <= high
    assert math.isnan(certified_dimension(100, gate, 4))
    # as many of these draws are certified as the line says
    shares = [
        np.mean(
            [evaluate(Task("gaussian", gate, "wide", 100, round(factor * d), 5, k)).certificate > 1 for k in range(8)]
        )
        for factor in (0.6, 1.7)
    ]
    assert shares[0] < 0.5 < shares[1]


# ---------------------------------------------------------------- shares


@pytest.mark.parametrize(("helps", "hurts"), [(0, 60), (60, 0), (30, 30), (52, 8), (5, 50)])
def test_shares_against_the_binomial_tests_of_scipy(helps: int, hurts: int) -> None:
    found = Sample(6, 20, 60, helps, hurts)
    for alpha in (1e-2, 1e-9):
        up = binomtest(helps, 60, 0.5, alternative="greater").pvalue <= alpha
        down = binomtest(hurts, 60, 0.5, alternative="greater").pvalue <= alpha
        assert found.verdict(alpha) == (1 if up else -1 if down else 0)
        known = binomtest(helps, 60).proportion_ci(1 - 2 * alpha, "exact")
        assert found.interval(alpha) == pytest.approx((known.low, known.high), abs=1e-9)
    least = next(k for k in range(61) if binomtest(k, 60, 0.5, alternative="greater").pvalue <= 1e-3)
    assert found.power(1e-3) == pytest.approx(
        sum(math.comb(60, k) * 0.8**k * 0.2 ** (60 - k) for k in range(least, 61))
    )


def sampled(shares_: dict[int, float], d: int = 6, draws: int = 300) -> list[Sample]:
    return [Sample(d, n, draws, round(p * draws), draws - round(p * draws)) for n, p in shares_.items()]


#: As measured, rounded.
MEASURED = sampled({22: 0.8, 35: 0.82, 75: 0.5, 165: 0.1}) + sampled({42: 0.93, 76: 0.9, 310: 0.18}, 7)
MEASURED += sampled({40: 0.06}, 4)


@pytest.mark.parametrize(
    ("n", "finding"),
    [
        (60.0, Finding.SUPPORTS),
        (14.0, Finding.REFUTES),
        (500.0, Finding.REFUTES),
        (math.inf, Finding.REFUTES),
        (100.0, Finding.UNDECIDED),  # nothing was drawn beyond 250
    ],
)
def test_a_boundary_is_judged_by_the_nearest_samples(n: float, finding: Finding) -> None:
    row = MEASURED[:4]
    assert law(row, lambda _: n, About.CORRECTED).finding is finding


def test_weak_samples_conclude_nothing() -> None:
    row = sampled({22: 0.8, 165: 0.1}, draws=20)
    assert law(row, lambda _: 60.0, About.CORRECTED).finding is Finding.UNDECIDED


@pytest.mark.parametrize(
    ("share", "finding"), [(0.1, Finding.SUPPORTS), (0.45, Finding.UNDECIDED), (0.9, Finding.REFUTES)]
)
def test_without_a_boundary_gating_hurts(share: float, finding: Finding) -> None:
    found = law(sampled({40: share}, 3), lambda _: math.nan, About.CORRECTED)
    assert found.finding is finding
    assert "d = 3" in found.what


@pytest.mark.long
@pytest.mark.parametrize("label", [label for label, theory in MUTANTS.items() if theory.boundary is not crossing])
def test_wrong_boundaries_are_refuted_by_the_measured_shares(label: str) -> None:
    found = law(MEASURED, MUTANTS[label].boundary, About.CORRECTED)
    assert found.finding is Finding.REFUTES
    right = law(MEASURED, crossing, About.CORRECTED)
    assert (right.finding, right.grade) == (Finding.SUPPORTS, Grade.STATISTICAL)
    assert right.figures["false_alarm"] == FALSE_ALARM
    assert 2 * len(MEASURED) * level(MEASURED) == pytest.approx(FALSE_ALARM)
    row = right.figures["d=6"]
    assert isinstance(row, dict)
    assert row["crosses 1/2 at"] == pytest.approx(75)
    assert law(MEASURED, reach, About.LITERAL).finding is Finding.REFUTES


# ---------------------------------------------------------------- evidence on cells made by hand


def cell(gain: float = 0.3, *, tops: float = 1.0, least: float = 1.0, most: float = 1.0, **task: object) -> Cell:
    """A cell with this log10 ratio."""
    base = Task("gaussian", "reglu", "wide", 100, 20)
    plain, gated = 1e3 * 10**gain, 1e3
    first, second = (ConditionNumber(x, x * (1 - 1e-9), x * (1 + 1e-9)) for x in (plain, gated))
    return Cell(replace(base, **task), first, second, tops, least, 1.0, most)  # type: ignore[arg-type] # by name


REAL = [cell(-0.5, data=name, least=0.1) for name in ("digits", "diabetes", "breast-cancer")]
#: λ_1(K)/λ_1(K̃) at its limit; hurting in d = 2, 3 only.
CRITICAL = [
    cell(gain, data="sphere", setting="ntk", d=d, n=200, tops=sphere_limit(d, "ntk"))
    for d, gain in ((2, -0.05), (3, -0.01), (4, 0.1), (5, 0.2))
]


@pytest.mark.parametrize(
    ("judge", "good", "bad"),
    [
        (ev.on_the_sphere, cell(0.3, data="sphere"), cell(-0.001, data="sphere")),
        (ev.on_the_sphere, cell(0.3, data="sphere"), cell(-0.1, data="digits" + NORMALISED)),
        (ev.certificate, cell(0.3, tops=3.0, least=0.5), cell(-0.01, tops=3.0, least=0.5)),
        (ev.certificate, cell(-0.3, tops=1.5, least=0.5), cell(-0.31, least=0.5)),
        (ev.certificate, cell(-0.6, least=0.5, setting="ntk"), cell(-0.61, least=0.5, setting="ntk")),
        (ev.every_gate, cell(0.1), cell(-0.1)),
        (ev.every_gate, cell(-0.1, d=9), cell(-0.1, d=16)),
        (ev.every_gate, cell(-0.1, n=401), cell(-0.1, n=400)),
    ],
)
def test_one_wrong_cell_refutes(judge: object, good: Cell, bad: Cell) -> None:
    others = [cell(0.2), cell(0.2, data="sphere"), cell(0.2, tops=3.0, least=0.5)]
    assert judge([*others, good], THEORY).finding is Finding.SUPPORTS  # type: ignore[operator] # one of several
    assert judge([*others, good, bad], THEORY).finding is Finding.REFUTES  # type: ignore[operator] # one of several


def test_an_open_cell_leaves_a_gate_undecided() -> None:
    open_ = cell(0.0, gate="gtu")
    assert ev.every_gate([cell(), open_], THEORY).finding is Finding.UNDECIDED
    # on the sphere the theorem needs no decision
    still = replace(open_, task=replace(open_.task, data="sphere"))
    assert ev.on_the_sphere([cell(data="sphere"), still], THEORY).finding is Finding.SUPPORTS


def test_every_real_set_must_hurt_somewhere() -> None:
    assert ev.real(REAL, THEORY).finding is Finding.SUPPORTS
    assert ev.real([*REAL[:2], cell(0.5, data="breast-cancer")], THEORY).finding is Finding.REFUTES


def test_the_critical_dimension() -> None:
    assert ev.critical(CRITICAL, THEORY).finding is Finding.SUPPORTS
    off = replace(CRITICAL[1], tops=CRITICAL[1].tops * 1.5)
    hurting = cell(-0.01, data="sphere", setting="ntk", d=4, n=200, tops=sphere_limit(4, "ntk"))
    for wrong in ([*CRITICAL, off], [*CRITICAL, hurting], CRITICAL[1:]):
        assert ev.critical(wrong, THEORY).finding is Finding.REFUTES


def test_the_limiting_spectra_predict_the_sign() -> None:
    task = Task("gaussian", "reglu", "wide", 60, 16, 2)
    right = evaluate(task)
    wrong = cell(-right.gain, n=60, d=16, seed=2)
    few = cell(-1.0, n=60, d=4, seed=2)  # too few dimensions for the prediction to count
    assert right.gain > 0.3
    assert ev.signs([right, few], THEORY).finding is Finding.SUPPORTS
    assert ev.signs([right, wrong], THEORY).finding is Finding.REFUTES


@pytest.mark.parametrize(
    ("label", "judge", "cells"),
    [
        (
            "the mean norm certifies",
            ev.certificate,
            [cell(tops=3.0, least=0.5), cell(-0.2, tops=1.5, least=0.3, most=2.0)],
        ),
        ("the ratio inverted", ev.on_the_sphere, [cell(data="sphere")]),
        ("a limit on the sphere 1.5 times too large", ev.critical, CRITICAL),
        ("every gate helps up to n = d^4", ev.every_gate, [cell(), cell(-0.3, d=4, n=200)]),
    ],
)
def test_wrong_statements_are_refuted_by_the_cells_that_support_the_right_one(
    label: str, judge: object, cells: list[Cell]
) -> None:
    assert judge(cells, THEORY).finding is Finding.SUPPORTS  # type: ignore[operator] # one of several
    assert judge(cells, MUTANTS[label]).finding is Finding.REFUTES  # type: ignore[operator] # one of several


def test_the_table_counts_every_cell() -> None:
    found = ev.table([cell(0.2), cell(-0.2), cell(0.1, gate="gtu"), *REAL])
    row = found["gaussian, wide, reglu"]
    assert isinstance(row, dict)
    assert (row["helps"], row["hurts"], row["largest"]) == (1, 1, pytest.approx(0.2))
    assert set(found) >= {"gaussian, wide, gtu", "digits, wide, reglu"}


# ---------------------------------------------------------------- plan and figures


def test_the_plan_covers_every_gate_and_kind_of_data() -> None:
    quick = set(statement.tasks(QUICK))
    full = set(statement.tasks(Settings(replace(QUICK.profile, thorough=True))))
    assert {task.gate for task in quick if task.data == "gaussian"} == set(GATES)
    kinds = {"gaussian", "sphere", *SETS, *(name + NORMALISED for name in SETS)}
    for tasks in (quick, full):
        assert {task.data for task in tasks} == kinds
        assert {task.setting for task in tasks} == {"wide", "ntk"}
    assert max(task.n for task in quick) <= 400
    assert (max(task.n for task in full), max(task.d for task in full)) == (3200, 256)
    # what is drawn lies on both sides of the prediction, with room
    for d, row in statement._QUICK.items():
        if math.isnan(crossing(d)):
            continue  # claimed to hurt wherever it is drawn
        assert min(row) < 0.95 * crossing(d) / FACTOR
        assert max(row) > 1.05 * crossing(d) * FACTOR
        assert any(FACTOR * reach(d) <= n < 1.1 * FACTOR * reach(d) for n in row)


def test_the_shares_are_drawn_with_their_intervals() -> None:
    chart = shares(MEASURED)
    curve = chart.series[0]
    assert list(curve.y) == pytest.approx([0.8, 0.82, 0.5, 0.1], abs=0.01)
    assert all(low < y < high for low, y, high in zip(curve.low, curve.y, curve.high, strict=True))
    assert chart.note


# ---------------------------------------------------------------- end to end


@pytest.mark.slow
def test_the_check_end_to_end() -> None:
    found = outcome()
    assert all(control.caught for control in found.controls), [c for c in found.controls if not c.caught]
    assert len(found.controls) >= 3
    assert all(assumption.holds for assumption in found.assumptions), found.assumptions
    assert (found.verdict, found.grade) == (Verdict.WEAKER, Grade.STATISTICAL)
    assert found.false_alarm <= 1e-7
    assert len(found.key_figure) <= 60
    assert found.claim.meaning
    text = json.dumps(runner.document([found], QUICK), allow_nan=False)
    assert len(text) < 100_000
    maps = [chart for chart in found.charts if chart.map is not None]
    assert len(maps) >= 10
    assert all(chart.note for chart in found.charts)
    cells, samples, _ = statement.computed(QUICK)
    assert len(charts(cells, samples)) == len(found.charts)


@pytest.mark.slow
@pytest.mark.parametrize("label", MUTANTS)
def test_a_wrong_statement_changes_the_verdict(label: str) -> None:
    assert statement.run(QUICK, MUTANTS[label]).verdict is Verdict.FAILS


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_verdict_does_not_hang_on_the_seed(seed: int) -> None:
    assert statement.run(Settings(seed=seed)).verdict is outcome().verdict
